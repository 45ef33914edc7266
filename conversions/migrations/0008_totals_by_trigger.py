"""The ledger's totals follow each of its statements, whoever makes it.

Days are the store's own. PostgreSQL may not know a time zone that Python knows: no order may fail for
that, so such a store's days are those of UTC. When a store's zone changes, its totals are made anew.
"""

from django.db import migrations

COLUMNS = "store_id, pixel_id, day, event_name, state, currency, events, orders, value, merged"
DAY = "(each.event_time AT TIME ZONE {zone})::date"
KEY = f"each.store_id, each.pixel_id, {DAY}, each.event_name, each.state, each.currency"

KNOWN = "store.time_zone"
# Slow: it reads the names from files.
UNKNOWN = """CASE WHEN EXISTS (SELECT 1 FROM pg_timezone_names AS known
                               WHERE known.name = store.time_zone)
                  THEN store.time_zone ELSE 'UTC' END"""

NEW = f"""
INSERT INTO conversions_ledgertotal ({COLUMNS})
SELECT {KEY}, count(*),
       count(*) FILTER (WHERE NOT EXISTS (
           SELECT 1 FROM conversions_conversionevent AS other
           WHERE (other.store_id, other.order_id) = (each.store_id, each.order_id)
             AND other.id < each.id)),
       COALESCE(sum(each.value), 0), FALSE
FROM {{events}} AS each JOIN stores_store AS store ON store.id = each.store_id
GROUP BY 1, 2, 3, 4, 5, 6;
"""

MOVED = f"""
INSERT INTO conversions_ledgertotal ({COLUMNS})
SELECT {KEY}, sum(each.sign), 0, COALESCE(sum(each.sign * each.value), 0), FALSE
FROM (SELECT 1 AS sign, * FROM moved_events UNION ALL SELECT -1, * FROM events_before) AS each
JOIN stores_store AS store ON store.id = each.store_id
GROUP BY 1, 2, 3, 4, 5, 6
HAVING sum(each.sign) <> 0 OR sum(each.sign * each.value) <> 0;
"""


def carefully(statement: str) -> str:
    """The statement by the stores' zones; again, more slowly, where one of them is unknown here."""
    return f"""
    BEGIN {statement.replace("{zone}", KNOWN)}
    EXCEPTION WHEN invalid_parameter_value THEN {statement.replace("{zone}", UNKNOWN)}
    END;"""


FORWARDS = f"""
CREATE FUNCTION conversions_total_new_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN {carefully(NEW.replace("{events}", "new_events"))}
    RETURN NULL;
END $$;

CREATE FUNCTION conversions_total_moved_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN {carefully(MOVED)}
    RETURN NULL;
END $$;

CREATE FUNCTION conversions_total_anew() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('conversions_ledgertotal'));
    DELETE FROM conversions_ledgertotal WHERE store_id = NEW.id;
    {carefully(NEW.replace("{events}", "conversions_conversionevent").replace(
        "GROUP BY", "WHERE each.store_id = NEW.id GROUP BY"))}
    RETURN NULL;
END $$;

CREATE TRIGGER total_new_events AFTER INSERT ON conversions_conversionevent
    REFERENCING NEW TABLE AS new_events
    FOR EACH STATEMENT EXECUTE FUNCTION conversions_total_new_events();

CREATE TRIGGER total_moved_events AFTER UPDATE ON conversions_conversionevent
    REFERENCING OLD TABLE AS events_before NEW TABLE AS moved_events
    FOR EACH STATEMENT EXECUTE FUNCTION conversions_total_moved_events();

CREATE TRIGGER total_anew AFTER UPDATE ON stores_store
    FOR EACH ROW WHEN (OLD.time_zone IS DISTINCT FROM NEW.time_zone)
    EXECUTE FUNCTION conversions_total_anew();

{NEW.replace("{events}", "conversions_conversionevent").replace("{zone}", UNKNOWN)}
"""

BACKWARDS = """
DROP TRIGGER total_anew ON stores_store;
DROP TRIGGER total_moved_events ON conversions_conversionevent;
DROP TRIGGER total_new_events ON conversions_conversionevent;
DROP FUNCTION conversions_total_anew();
DROP FUNCTION conversions_total_moved_events();
DROP FUNCTION conversions_total_new_events();
DELETE FROM conversions_ledgertotal;
"""


class Migration(migrations.Migration):
    """The triggers, and the totals of what is there already."""

    dependencies = [("conversions", "0007_ledger_totals")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
