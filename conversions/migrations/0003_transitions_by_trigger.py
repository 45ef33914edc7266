"""Every move of an event appends a transition, in the same statement, whoever makes it.

One trigger for new rows and one for changed ones, each once for a statement: a batch of a thousand
events costs one INSERT … SELECT. Who acted comes from `connector.actor`, which a person's request sets
for its transaction; an answer of Meta's is told by `last_attempt`.
"""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION conversions_note_new_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO conversions_eventtransition
        (event_id, at, state, reason, attempt_id, config_version, actor)
    SELECT id, clock_timestamp(), state, reason, last_attempt, config_version,
           COALESCE(current_setting('connector.actor', true), '')
    FROM new_events;
    RETURN NULL;
END $$;

CREATE FUNCTION conversions_note_moved_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO conversions_eventtransition
        (event_id, at, state, reason, attempt_id, config_version, actor)
    SELECT moved.id, clock_timestamp(), moved.state, moved.reason,
           CASE WHEN moved.last_attempt IS DISTINCT FROM before.last_attempt
                THEN moved.last_attempt END,
           moved.config_version, COALESCE(current_setting('connector.actor', true), '')
    FROM moved_events AS moved JOIN events_before AS before USING (id)
    WHERE (moved.state, moved.reason) IS DISTINCT FROM (before.state, before.reason);
    RETURN NULL;
END $$;

CREATE TRIGGER note_new_events AFTER INSERT ON conversions_conversionevent
    REFERENCING NEW TABLE AS new_events
    FOR EACH STATEMENT EXECUTE FUNCTION conversions_note_new_events();

CREATE TRIGGER note_moved_events AFTER UPDATE ON conversions_conversionevent
    REFERENCING OLD TABLE AS events_before NEW TABLE AS moved_events
    FOR EACH STATEMENT EXECUTE FUNCTION conversions_note_moved_events();

INSERT INTO conversions_eventtransition
    (event_id, at, state, reason, attempt_id, config_version, actor)
SELECT id, clock_timestamp(), state, reason, NULL, '', '' FROM conversions_conversionevent;
"""

BACKWARDS = """
DROP TRIGGER note_moved_events ON conversions_conversionevent;
DROP TRIGGER note_new_events ON conversions_conversionevent;
DROP FUNCTION conversions_note_moved_events();
DROP FUNCTION conversions_note_new_events();
"""


class Migration(migrations.Migration):
    """The triggers, and a first transition for what is there already."""

    dependencies = [("conversions", "0002_ledger_trail")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
