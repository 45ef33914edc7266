from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('stores', '0009_invitation'),
    ]

    operations = [
        migrations.AddField(
            model_name='store',
            name='pinged_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]
