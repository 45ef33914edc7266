"""Who changes what is set: told to the database, whose triggers write each change down (trail.py).

It is told with the change, in its transaction, and not for a session: a pool before PostgreSQL may
give the session to somebody else in between.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now
from django.http import HttpRequest

from stores.models import ConfigChange, Store, User

LONGEST = 60
# The kinds of a change that changes nothing: somebody was shown personal data, or wanted to be let in.
ACCESS, LOGIN = "access", "login"
# What Django writes for the tables whose changes are kept.
CHANGES = re.compile(
    r'(INSERT INTO|UPDATE|DELETE FROM) "(dashboard_alertchannel'
    r'|stores_(store|pixel|pixelmapping|mappingtemplate|membership|apitoken|colleague))"'
)


@contextmanager
def acting_as(actor: str) -> Iterator[None]:
    """What is changed inside is written down as the doing of `actor`: `user 5`, `command apply`."""

    def tell(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not CHANGES.match(sql):
            return execute(sql, params, many, context)
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('connector.actor', %s, TRUE)", [actor[:LONGEST]])
            return execute(sql, params, many, context)

    with connection.execute_wrapper(tell):
        yield


class ActingMiddleware:
    """Whatever a request changes, its user has changed."""

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        """Answer one request."""
        if request.method != "POST" or not isinstance(request.user, User):
            return self._get_response(request)
        with acting_as(f"user {request.user.pk}"):
            return self._get_response(request)


def note_login(user: User, *, outcome: str) -> None:
    """Somebody has logged in as `user`, or was refused; each of the user's workspaces is told."""
    ConfigChange.objects.bulk_create(
        ConfigChange(
            workspace_id=workspace_id,
            at=Now(),
            actor=f"user {user.pk}",
            kind=LOGIN,
            row=user.pk,
            after={"outcome": outcome},
        )
        for workspace_id in user.membership_set.values_list("workspace_id", flat=True)
    )


def note_access(store: Store, *, actor: str, seen: str) -> None:
    """Somebody was shown what buyers of `store` said, unmasked: `seen` says what, and names nobody."""
    ConfigChange.objects.create(
        workspace_id=store.workspace_id,
        at=Now(),
        actor=actor[:LONGEST],
        kind=ACCESS,
        row=store.pk,
        store_id=store.pk,
        after={"seen": seen},
    )
