import django.db.models.deletion
import stores.secrets
from django.db import migrations, models


CHANNELS = """
CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE ON dashboard_alertchannel
    FOR EACH ROW EXECUTE FUNCTION stores_note_change('own', 'created_at,sent_at,reason', 'target,secret');
"""


class Migration(migrations.Migration):

    dependencies = [
        ('dashboard', '0003_alerts'),
        ('stores', '0017_changes_are_written_down'),
    ]

    operations = [
        migrations.RunSQL(CHANNELS, 'DROP TRIGGER note_change ON dashboard_alertchannel'),
        migrations.CreateModel(
            name='AuditChain',
            fields=[
                ('workspace', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, primary_key=True, serialize=False, to='stores.workspace')),
                ('length', models.BigIntegerField(db_default=0)),
                ('head', models.CharField(db_default='', max_length=64)),
                ('signed_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='AuditCursor',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('changes_up_to', models.BigIntegerField(db_default=0)),
                ('steps_up_to', models.BigIntegerField(db_default=0)),
            ],
        ),
        migrations.CreateModel(
            name='AuditKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('private', stores.secrets.SecretField(blank=True, default='', editable=False)),
                ('public', models.CharField(max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name='AuditSignature',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.BigIntegerField()),
                ('hash', models.CharField(max_length=64)),
                ('signed_at', models.DateTimeField()),
                ('signature', models.CharField(max_length=128)),
                ('chain', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='dashboard.auditchain')),
            ],
        ),
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.BigIntegerField()),
                ('text', models.TextField()),
                ('hash', models.CharField(max_length=64)),
                ('chain', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to='dashboard.auditchain')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('chain', 'number'), name='entry_once_in_chain')],
            },
        ),
    ]
