from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('stores', '0011_consent'),
    ]

    operations = [
        migrations.AddField(
            model_name='store',
            name='browser',
            field=models.JSONField(blank=True, db_default={}, default=dict),
        ),
        migrations.AddField(
            model_name='store',
            name='collect_key',
            field=models.CharField(editable=False, max_length=22, null=True, unique=True),
        ),
    ]
