from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversions', '0011_order_consent'),
    ]

    operations = [
        migrations.AddField(
            model_name='conversionevent',
            name='order_mark',
            field=models.IntegerField(null=True),
        ),
    ]
