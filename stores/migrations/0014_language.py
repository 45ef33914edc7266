from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('stores', '0013_pixel_placed_at'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='language',
            field=models.CharField(blank=True, db_default='', max_length=5),
        ),
    ]
