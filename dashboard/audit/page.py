"""The page of changes: who set what, when, with the difference."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from msgspec import Struct

from dashboard.queries import PAGE, Page
from stores.acting import ACCESS, LOGIN
from stores.members import changeable_workspaces
from stores.models import ConfigChange, Store, User

KINDS: Mapping[str, str | Promise] = {
    "stores_store": gettext_lazy("Store"),
    "stores_pixel": gettext_lazy("Dataset (Pixel)"),
    "stores_pixelmapping": gettext_lazy("Mapping"),
    "stores_mappingtemplate": gettext_lazy("Template"),
    "stores_membership": gettext_lazy("Role"),
    "stores_colleague": gettext_lazy("Invitation"),
    ACCESS: gettext_lazy("Personal data of"),
    LOGIN: gettext_lazy("Login"),
    "stores_apitoken": gettext_lazy("Token"),
    "dashboard_alertchannel": gettext_lazy("Where alerts go"),
}
# Columns that hold a fingerprint: what they were is nobody's business, also not the fingerprint.
SECRET = frozenset(
    (
        "webhook_secret",
        "webhook_secret_previous",
        "access_token",
        "consumer_key",
        "consumer_secret",
        "webhook_token",
        "collect_key",
        "target",
        "secret",
    )
)
# Rows of which nobody asks.
DULL = frozenset(("id", "workspace_id"))
LONGEST = 300


class Change(Struct, frozen=True, kw_only=True):
    """One change, in words."""

    at: datetime
    who: str
    what: str
    how: str
    fields: tuple[tuple[str, str, str], ...]  # name, before, after


def read_changes(*, user: User, before: int) -> Page:
    """The changes in the workspaces that `user` may change, the latest first; three queries."""
    visible: QuerySet[ConfigChange] = ConfigChange.objects.visible_to(user).filter(
        workspace__in=changeable_workspaces(user)
    )
    if before:
        visible = visible.filter(pk__lt=before)
    found = list(visible.order_by("-pk")[: PAGE + 1])
    people = _people(found)
    stores = dict(
        Store.objects.visible_to(user)
        .filter(pk__in={change.store_id for change in found})
        .values_list("pk", "name")
    )
    rows = [
        Change(
            at=change.at,
            who=_who(change.actor, people),
            what=_what(change, stores),
            how=_how(change),
            fields=tuple(_fields(change)),
        )
        for change in found[:PAGE]
    ]
    return Page(rows=rows, older=found[PAGE - 1].pk if len(found) > PAGE else 0)


def _people(changes: list[ConfigChange]) -> dict[str, str]:
    numbers = {
        each.actor.removeprefix("user ") for each in changes if each.actor.startswith("user ")
    }
    found = User.objects.filter(pk__in=numbers).values_list("pk", "email")
    return {f"user {pk}": email for pk, email in found}


def _who(actor: str, people: Mapping[str, str]) -> str:
    if actor.startswith("command "):
        return _("the command %(name)s") % {"name": actor.removeprefix("command ")}
    return people.get(actor, actor) or _("Connector by itself")


def _what(change: ConfigChange, stores: Mapping[int, str]) -> str:
    kind = str(KINDS.get(change.kind, change.kind))
    row = change.after or change.before or {}
    name = stores.get(change.store_id or 0) or row.get("name") or row.get("pixel_id") or ""
    return f"{kind} {name}".strip()


def _how(change: ConfigChange) -> str:
    if change.kind == ACCESS:
        return _("shown")
    if change.kind == LOGIN:
        return _("refused") if (change.after or {}).get("outcome") == "refused" else _("let in")
    if change.before is None:
        return _("made")
    return _("removed") if change.after is None else _("changed")


def _fields(change: ConfigChange) -> Iterator[tuple[str, str, str]]:
    before, after = change.before or {}, change.after or {}
    if change.kind == LOGIN:
        return  # it has been said
    for name in sorted({*before, *after} - DULL):
        if name in SECRET:
            if change.before and change.after:
                yield name, "", _("written anew")
        elif before.get(name) or after.get(name):
            yield name, _shown(before.get(name)), _shown(after.get(name))


def _shown(value: Any) -> str:
    if value is None or value in ("", {}, []):
        return ""
    text = (
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    )
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
