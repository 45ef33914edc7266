"""Accounts by django-allauth: the counts that its limits need, the trail of invitations, and the
addresses of who was here before, whom an operator or an owner had vouched for."""

from django.db import migrations

CACHE = """
CREATE TABLE stores_cache (
    cache_key varchar(255) PRIMARY KEY,
    value text NOT NULL,
    expires timestamp with time zone NOT NULL
);
CREATE INDEX stores_cache_expires ON stores_cache (expires);
"""
TRAIL = """
CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE ON stores_colleague
    FOR EACH ROW EXECUTE FUNCTION stores_note_change('own', 'created_at', 'token_digest');
"""
PEOPLE = """
INSERT INTO account_emailaddress (user_id, email, verified, "primary")
SELECT id, lower(email), TRUE, TRUE FROM stores_user WHERE only_store_id IS NULL;
"""


class Migration(migrations.Migration):
    """One table, one trigger, and a row for each person."""

    dependencies = [
        ("stores", "0020_colleague"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]

    operations = [
        migrations.RunSQL(CACHE, "DROP TABLE stores_cache;"),
        migrations.RunSQL(TRAIL, "DROP TRIGGER note_change ON stores_colleague;"),
        migrations.RunSQL(PEOPLE, migrations.RunSQL.noop),
    ]
