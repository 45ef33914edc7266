"""`run_alone`: one statement on a kept connection, and what it does when that is dead or none is had."""

import pytest
from django.db import OperationalError, connection

from stores.sql import rows, run_alone

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_kept_connection_that_has_died_is_renewed() -> None:
    ((dead,),) = rows("SELECT pg_backend_pid()")
    with pytest.raises(OperationalError):
        rows("SELECT pg_terminate_backend(pg_backend_pid())")

    (alive,) = run_alone("SELECT pg_backend_pid()", [])

    assert alive != dead


def test_a_connection_that_cannot_be_made_is_said_to_be_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")

    with pytest.raises(OperationalError):
        run_alone("SELECT 1", [])


def test_a_statement_that_fails_is_not_run_again() -> None:
    run_alone("SELECT set_config('statement_timeout', '1', false)", [])

    with pytest.raises(OperationalError, match="statement timeout"):
        run_alone("SELECT pg_sleep(5)", [])

    connection.close()
