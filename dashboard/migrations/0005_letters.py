import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversions', '0011_order_consent'),
        ('dashboard', '0004_audit'),
        ('stores', '0023_morning_mail'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='FirstOrder',
            fields=[
                ('store', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='first_order', serialize=False, to='stores.store')),
                ('told_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='DailyMail',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('sent_at', models.DateTimeField(null=True)),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('user', 'day'), name='one_mail_for_a_day')],
            },
        ),
        # Stores that had orders at Meta before need no mail of the first one.
        migrations.RunSQL(
            """
            INSERT INTO dashboard_firstorder (store_id, told_at)
            SELECT id, now() FROM stores_store
            WHERE EXISTS (
                SELECT FROM conversions_conversionevent
                WHERE store_id = stores_store.id AND state = 'accepted'
            )
            """,
            migrations.RunSQL.noop,
        ),
    ]
