"""Tokens come and go in the same trail as what else is set (0017); that one was used is no change."""

from django.db import migrations

FORWARDS = """
CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE ON stores_apitoken
    FOR EACH ROW EXECUTE FUNCTION stores_note_change('own', 'created_at,used_at', 'digest');
"""


class Migration(migrations.Migration):
    """One trigger more."""

    dependencies = [("stores", "0018_api_token")]

    operations = [migrations.RunSQL(FORWARDS, "DROP TRIGGER note_change ON stores_apitoken;")]
