from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('stores', '0021_accounts'),
    ]

    operations = [
        migrations.AddField(
            model_name='pixelmapping',
            name='paused_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
