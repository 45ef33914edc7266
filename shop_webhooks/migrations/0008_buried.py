"""The look at the stones in one round trip: each statement of a volatile function sees what was committed
before it, so that the second sees the stone for which the first has waited."""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION shop_webhooks_buried(lock_key bigint, stores bigint[], orders text[])
RETURNS TABLE (store_id bigint, order_id varchar) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(lock_key);
    RETURN QUERY
        SELECT stone.store_id, stone.order_id FROM shop_webhooks_tombstone AS stone
        JOIN unnest(stores, orders) AS asked (store_id, order_id)
          ON stone.store_id = asked.store_id AND stone.order_id = asked.order_id;
END $$;
"""


class Migration(migrations.Migration):
    """One function."""

    dependencies = [("shop_webhooks", "0007_erasures")]

    operations = [
        migrations.RunSQL(
            FORWARDS, "DROP FUNCTION shop_webhooks_buried(bigint, bigint[], text[]);"
        )
    ]
