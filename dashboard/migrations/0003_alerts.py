import django.db.models.deletion
import django.db.models.functions.datetime
import stores.secrets
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('dashboard', '0002_saved_filter'),
        ('stores', '0015_checked_at'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Lookout',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('looked_at', models.DateTimeField(null=True)),
                ('looked_slowly_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Alert',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('cause', models.CharField(max_length=20)),
                ('level', models.CharField(max_length=4)),
                ('reason', models.CharField(db_default='', max_length=64)),
                ('orders', models.PositiveIntegerField(db_default=0)),
                ('money', models.JSONField(default=list)),
                ('until', models.DateTimeField(null=True)),
                ('opened_at', models.DateTimeField()),
                ('seen_at', models.DateTimeField()),
                ('resolved_at', models.DateTimeField(null=True)),
                ('stage', models.PositiveSmallIntegerField(db_default=0, default=0)),
                ('told_at', models.DateTimeField(null=True)),
                ('acknowledged_at', models.DateTimeField(null=True)),
                ('acknowledged_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('pixel', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, to='stores.pixel')),
                ('store', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, to='stores.store')),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='alerts', to='stores.workspace')),
            ],
        ),
        migrations.CreateModel(
            name='AlertChannel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('members', 'Members'), ('email', 'Email'), ('slack', 'Slack'), ('webhook', 'Webhook')], max_length=7)),
                ('target', stores.secrets.SecretField(blank=True, default='', editable=False)),
                ('secret', stores.secrets.SecretField(blank=True, default='', editable=False)),
                ('language', models.CharField(db_default='en', max_length=5)),
                ('enabled', models.BooleanField(db_default=True, default=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('reason', models.CharField(db_default='', max_length=64)),
                ('sent_at', models.DateTimeField(null=True)),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='channels', to='stores.workspace')),
            ],
        ),
        migrations.CreateModel(
            name='AlertMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('opened', 'Opened'), ('resolved', 'Resolved'), ('test', 'Test')], max_length=8)),
                ('key', models.UUIDField(unique=True)),
                ('written_at', models.DateTimeField()),
                ('not_before', models.DateTimeField()),
                ('tries', models.PositiveSmallIntegerField(db_default=0)),
                ('done_at', models.DateTimeField(null=True)),
                ('reason', models.CharField(db_default='', max_length=64)),
                ('alerts', models.ManyToManyField(to='dashboard.alert')),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='dashboard.alertchannel')),
            ],
        ),
        migrations.AddIndex(
            model_name='alert',
            index=models.Index(fields=['workspace', '-opened_at'], name='alert_of_workspace'),
        ),
        migrations.AddConstraint(
            model_name='alert',
            constraint=models.UniqueConstraint(condition=models.Q(('resolved_at', None)), fields=('workspace', 'cause', 'store', 'pixel'), name='alert_once_while_open', nulls_distinct=False),
        ),
        migrations.AddIndex(
            model_name='alertmessage',
            index=models.Index(condition=models.Q(('done_at', None)), fields=['not_before'], name='message_to_send'),
        ),
    ]
