from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('stores', '0012_browser_half'),
    ]

    operations = [
        migrations.AddField(
            model_name='shopifyinstallation',
            name='pixel_placed_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
