from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('stores', '0010_pinged_at'),
    ]

    operations = [
        migrations.AddField(
            model_name='store',
            name='consent',
            field=models.JSONField(blank=True, db_default={}, default=dict),
        ),
    ]
