import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversions', '0009_identifiers'),
        ('stores', '0012_browser_half'),
    ]

    operations = [
        migrations.CreateModel(
            name='BrowserVisit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('checkout', models.BinaryField(max_length=16)),
                ('order_id', models.CharField(db_default='', max_length=64)),
                ('body', models.BinaryField(null=True)),
                ('marketing', models.CharField(db_default='', max_length=9)),
                ('sale_of_data', models.CharField(db_default='', max_length=9)),
                ('said_at', models.DateTimeField(null=True)),
                ('told_at', models.DateTimeField(null=True)),
                ('met_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('store', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to='stores.store')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('body__isnull', False)), fields=['store', '-told_at'], name='visit_of_store'), models.Index(condition=models.Q(('body__isnull', False)), fields=['told_at'], name='visit_with_body'), models.Index(condition=models.Q(('order_id', '')), fields=['met_at'], name='visit_without_order')],
                'constraints': [models.UniqueConstraint(fields=('store', 'checkout'), name='visit_once_per_checkout')],
            },
        ),
        migrations.CreateModel(
            name='ConsentEvidence',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('order_id', models.CharField(max_length=64)),
                ('said', models.CharField(max_length=500)),
                ('first_seen_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('last_seen_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('store', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to='stores.store')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('store', 'order_id', 'said'), name='evidence_once_per_word')],
            },
        ),
    ]
