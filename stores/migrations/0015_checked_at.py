from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('stores', '0014_language'),
    ]

    operations = [
        migrations.AddField(
            model_name='pixel',
            name='checked_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
