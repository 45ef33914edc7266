from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('stores', '0022_paused_at'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='morning_mail',
            field=models.BooleanField(db_default=True, default=True),
        ),
    ]
