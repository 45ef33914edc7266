"""Every route × every kind of actor: nobody reads or changes what is not theirs to read or change.

`make sweep` prints how many there were.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from stores.models import Membership, Store, User, Workspace
from tests import factories
from tests.dashboard.routes import BUTTONS, WRITES, addresses, named, pages

__all__ = ["addresses"]

ROUTES = [named(pattern) for pattern in pages()]
FOREIGN = [named(pattern) for pattern in pages() if pattern.pattern.converters]
# What a page of Acme's shows, and nobody else may read.
THEIRS = ("Canary Cakes", "#1042", "dora@example.com", "erin@example.com", "kitchen.example")
# Of the kinds of actor, those for whom Acme is somebody else's.
OUTSIDE = (
    "nobody",
    "stranger",
    "a stranger's operator",
    "a stranger's analyst",
    "a stranger's client",
    "neighbour",
)
# What each may change who may only read: what is their own.
OWN = {
    "language",
    "new_workspace",
    "dashboard:team",  # a token, with which they may what they may
    "dashboard:revoke_token",
    "dashboard:morning_mail",
    "dashboard:save_filter",
    "dashboard:remove_filter",
}
# What needs an owner.
TEAM = {"dashboard:change_member", "dashboard:invite", "dashboard:uninvite"}
POSTED = {
    "do": "off",
    "role": "client",
    "verdict": "accepted",
    "name": "x",
    "stores": "1",
    "carry_out": "1",
    "shop": "lyon.myshopify.com",
    "access_token": "EAA-x",
    "pixel_id": "5555555555555",
}


@pytest.fixture
def actors(workspace: Workspace, store: Store) -> dict[str, Client]:
    """The browser of one of each kind. The neighbour comes from the admin of another of Acme's shops."""
    Store.objects.filter(pk=store.pk).update(name="Canary Cakes")
    elsewhere = factories.a_workspace("elsewhere")
    neighbour = factories.a_member(workspace, "nora")
    neighbour.only_store = factories.a_store(workspace, key="bakery", name="Bakery")
    neighbour.save()
    people = {
        "nobody": None,
        "stranger": factories.a_member(elsewhere, "charlie"),
        **{
            f"a stranger's {role}": factories.a_member(elsewhere, role, role=role)
            for role in ("operator", "analyst", "client")
        },
        "neighbour": neighbour,
        "client": factories.a_member(workspace, "rita", role="client"),
        "analyst": factories.a_member(workspace, "anna", role="analyst"),
        "operator": factories.a_member(workspace, "otto", role="operator"),
    }
    return {name: browser_of(user) for name, user in people.items()}


@contextmanager
def writes() -> Iterator[list[str]]:
    """What is written, but for the sessions of visitors."""
    written: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if WRITES.match(sql) and "django_session" not in sql:
            written.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield written


def browser_of(user: User | None) -> Client:
    client = Client()
    if user:
        client.force_login(user)
    return client


def ask(client: Client, method: str, address: str) -> Any:
    return client.get(address) if method == "get" else client.post(address, POSTED)


def test_no_route_with_somebody_elses_id_tells_or_changes_anything(
    actors: dict[str, Client], addresses: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    outside = {name: actors[name] for name in OUTSIDE}
    assert len(outside) == 6
    leaks, asked = [], 0
    for route in FOREIGN:
        for name, client in outside.items():
            for method in ("get", "post"):
                with writes() as written:
                    answer = ask(client, method, addresses[route])
                asked += 1
                shut = answer.status_code in (404, 405) or (
                    name == "nobody" and answer["Location"].startswith("/login/")
                )
                told = [word for word in THEIRS if word in answer.content.decode()]
                if not shut or told or written:
                    leaks.append((route, name, method, answer.status_code, told, written))

    with capsys.disabled():
        sys.stdout.write(
            f"\n{len(FOREIGN)} routes with an id × {len(outside)} actors × 2 methods"
            f" = {asked} requests: {len(leaks)} leaks\n"
        )
    assert leaks == []
    assert asked > 100


def test_no_page_of_ones_own_shows_what_is_somebody_elses(
    actors: dict[str, Client], addresses: dict[str, str]
) -> None:
    own = [route for route in ROUTES if route not in FOREIGN and route not in BUTTONS]
    told = {
        (route, name): found
        for route in own
        for name in OUTSIDE[1:]
        if (
            found := [
                word
                for word in THEIRS
                if word in ask(actors[name], "get", addresses[route]).content.decode()
            ]
        )
    }

    assert told == {}


def test_who_may_only_read_changes_nothing_but_what_is_their_own(
    actors: dict[str, Client], addresses: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    routes = [route for route in ROUTES if route not in OWN]
    wrong = []
    for route in routes:
        for name in ("client", "analyst"):
            with writes() as written:
                answer = ask(actors[name], "post", addresses[route])
            if written or answer.status_code >= 500:
                wrong.append((route, name, answer.status_code, written))

    with capsys.disabled():
        sys.stdout.write(f"\n{len(routes)} routes × 2 roles that read: {len(wrong)} changes\n")
    assert wrong == []


def test_an_operator_does_not_change_the_team(
    actors: dict[str, Client], addresses: dict[str, str]
) -> None:
    before = list(Membership.objects.order_by("pk").values())
    answers = {
        route: ask(actors["operator"], "post", addresses[route]).status_code for route in TEAM
    }

    assert set(answers.values()) == {404}
    assert list(Membership.objects.order_by("pk").values()) == before


def test_whoever_may_read_reads_every_page(
    actors: dict[str, Client], addresses: dict[str, str]
) -> None:
    """A wall that keeps everybody out would pass the tests above."""
    open_to = {
        route: [
            name
            for name in ("client", "analyst", "operator")
            if ask(actors[name], "get", addresses[route]).status_code == 200
        ]
        for route in ROUTES
        if route not in BUTTONS and route != "woocommerce_handover"
    }

    only_for_changers = {route for route, names in open_to.items() if names == ["operator"]}
    assert {route for route, names in open_to.items() if "operator" not in names} == set()
    assert only_for_changers <= CHANGING, only_for_changers - CHANGING


# Pages that are nothing but a form.
CHANGING = {
    "dashboard:certificate",
    "connect_shopify",
    "connect_woocommerce",
    "dashboard:changes",
    "dashboard:connection",
    "dashboard:consent",
    "dashboard:disconnect",
    "dashboard:invitations",
    "dashboard:mapping",
    "dashboard:new_mapping",
    "dashboard:set_up",
    "dashboard:test_events",
}
