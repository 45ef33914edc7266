import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('shop_webhooks', '0006_tombstone'),
        ('stores', '0023_morning_mail'),
    ]

    operations = [
        migrations.AddField(
            model_name='shopnotice',
            name='orders',
            field=models.JSONField(db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.AddField(
            model_name='shopnotice',
            name='store',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, to='stores.store'),
        ),
    ]
