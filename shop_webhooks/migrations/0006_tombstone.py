import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('shop_webhooks', '0005_shop_notice'),
        ('stores', '0017_changes_are_written_down'),
    ]

    operations = [
        migrations.CreateModel(
            name='Tombstone',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('order_id', models.CharField(max_length=64)),
                ('buried_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('store', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to='stores.store')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('store', 'order_id'), name='tombstone_once_per_order')],
            },
        ),
    ]
