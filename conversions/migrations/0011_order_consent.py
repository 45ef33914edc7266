import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversions', '0010_browser_visit'),
        ('stores', '0014_language'),
    ]

    operations = [
        migrations.CreateModel(
            name='OrderConsent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('order_id', models.CharField(max_length=64)),
                ('country', models.CharField(max_length=2)),
                ('answer', models.CharField(max_length=10)),
                ('waited', models.BooleanField()),
                ('placed_at', models.DateTimeField()),
                ('order_updated_at', models.DateTimeField()),
                ('store', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to='stores.store')),
            ],
            options={
                'indexes': [models.Index(fields=['store', 'placed_at'], name='consent_of_store')],
                'constraints': [models.UniqueConstraint(fields=('store', 'order_id'), name='consent_once_per_order')],
            },
        ),
    ]
