"""Every change of what is set is written down, in the statement that makes it, whoever makes it.

The trigger's arguments: how the row's workspace is found, columns that are no settings, and secrets, of
which only a fingerprint of the sealed form is kept. Who acted comes from `connector.actor`.
"""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION stores_note_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    becomes jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    one jsonb := COALESCE(becomes, was);
    whose bigint;
    of_store bigint := CASE WHEN TG_TABLE_NAME = 'stores_store' THEN (one ->> 'id')::bigint
                            ELSE (one ->> 'store_id')::bigint END;
    name text;
BEGIN
    IF TG_ARGV[0] = 'store' THEN
        SELECT workspace_id INTO whose FROM stores_store WHERE id = of_store;
        IF whose IS NULL THEN RETURN NULL; END IF;  -- it goes with its store
    ELSE
        whose := (one ->> 'workspace_id')::bigint;
    END IF;
    FOREACH name IN ARRAY string_to_array(TG_ARGV[1], ',') LOOP
        was := was - name;
        becomes := becomes - name;
    END LOOP;
    FOREACH name IN ARRAY string_to_array(TG_ARGV[2], ',') LOOP
        IF was ->> name IS NOT NULL THEN
            was := jsonb_set(was, ARRAY[name], to_jsonb(left(md5(was ->> name), 8)));
        END IF;
        IF becomes ->> name IS NOT NULL THEN
            becomes := jsonb_set(becomes, ARRAY[name], to_jsonb(left(md5(becomes ->> name), 8)));
        END IF;
    END LOOP;
    IF TG_OP = 'UPDATE' THEN  -- only what differs
        SELECT jsonb_object_agg(earlier.key, earlier.value), jsonb_object_agg(later.key, later.value)
        INTO was, becomes
        FROM jsonb_each(was) AS earlier JOIN jsonb_each(becomes) AS later USING (key)
        WHERE earlier.value IS DISTINCT FROM later.value;
        IF was IS NULL THEN RETURN NULL; END IF;
    END IF;
    INSERT INTO stores_configchange (workspace_id, at, actor, kind, "row", store_id, before, after)
    VALUES (whose, clock_timestamp(), left(COALESCE(current_setting('connector.actor', true), ''), 60),
            TG_TABLE_NAME, (one ->> 'id')::bigint, of_store, was, becomes);
    RETURN NULL;
END $$;

CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE ON stores_store
    FOR EACH ROW EXECUTE FUNCTION stores_note_change('own', 'created_at,pinged_at,rest_auth,sealed_key',
        'webhook_secret,webhook_secret_previous,access_token,consumer_key,consumer_secret,webhook_token,'
        'collect_key');
CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE ON stores_pixel
    FOR EACH ROW EXECUTE FUNCTION stores_note_change('own', 'created_at,checked_at', 'access_token');
CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE ON stores_pixelmapping
    FOR EACH ROW EXECUTE FUNCTION stores_note_change('store', '', '');
CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE ON stores_mappingtemplate
    FOR EACH ROW EXECUTE FUNCTION stores_note_change('own', '', '');
CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE ON stores_membership
    FOR EACH ROW EXECUTE FUNCTION stores_note_change('own', '', '');
"""

BACKWARDS = """
DROP TRIGGER note_change ON stores_membership;
DROP TRIGGER note_change ON stores_mappingtemplate;
DROP TRIGGER note_change ON stores_pixelmapping;
DROP TRIGGER note_change ON stores_pixel;
DROP TRIGGER note_change ON stores_store;
DROP FUNCTION stores_note_change();
"""


class Migration(migrations.Migration):
    """The function and its triggers; the channels' is in dashboard 0004."""

    dependencies = [("stores", "0016_config_change")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
