"""The screens speak the reader's language: the one they chose, else the browser's."""

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from dashboard.navigation import TABS
from dashboard.words import exact, money
from stores.language import hear
from stores.models import Store, User
from tests.dashboard.reading import texts

FRENCH = {"Accept-Language": "fr-CA,fr;q=0.9,en;q=0.1"}


def spoken(client: Client, page: str, **headers: str) -> str:
    """The language that a page says it is in."""
    shown = client.get(page, headers=headers).content.decode()
    return re.findall(r'<html lang="(\w+)">', shown)[0]


@pytest.mark.parametrize("tab", [tab.page for tab in TABS])
def test_every_page_of_a_store_is_there_in_french(
    client: Client, alice: User, store: Store, tab: str
) -> None:
    client.force_login(alice)
    page = reverse(f"dashboard:{tab}", args=[store.pk])

    labels = texts(client.get(page, headers=FRENCH), "a")

    assert spoken(client, page, **FRENCH) == "fr"
    assert "Commandes" in labels
    assert "Orders" not in labels


def test_a_browser_of_another_language_gets_english(client: Client) -> None:
    assert spoken(client, reverse("account_login"), **{"Accept-Language": "de"}) == "en"


def test_a_language_that_was_chosen_outlives_the_browsers(client: Client, alice: User) -> None:
    client.force_login(alice)

    answer = client.post(reverse("language"), {"language": "fr", "next": "/in-doubt/"})

    assert answer.headers["Location"] == "/in-doubt/"
    assert spoken(client, "/in-doubt/", **{"Accept-Language": "en"}) == "fr"
    assert texts(client.get("/in-doubt/"), "button") == ["English", "Se déconnecter", "Copier"]


@pytest.mark.parametrize(
    ("said", "leads_to"),
    [
        ({"language": "xx", "next": "/in-doubt/"}, "/in-doubt/"),
        ({}, "/"),
        ({"language": "fr", "next": "https://evil.example/"}, "/"),
        ({"language": "fr", "next": "//evil.example/"}, "/"),
    ],
)
def test_a_choice_leads_back_to_a_page_of_this_site_alone(
    client: Client, alice: User, said: dict[str, str], leads_to: str
) -> None:
    client.force_login(alice)

    assert client.post(reverse("language"), said).headers["Location"] == leads_to
    alice.refresh_from_db()
    assert alice.language == (said.get("language") if said.get("language") == "fr" else "")


@pytest.mark.parametrize(
    ("locale", "language"), [("fr", "fr"), ("fr-CA", "fr"), ("FR", "fr"), ("de", ""), ("", "")]
)
def test_the_language_of_shopifys_admin_is_remembered(
    alice: User, locale: str, language: str
) -> None:
    hear(alice, locale)

    assert User.objects.get(pk=alice.pk).language == language


def test_money_and_moments_are_written_as_the_french_do() -> None:
    with translation.override("fr"):
        assert money(Decimal("12345.5"), currency="EUR") == "12\xa0345,50\xa0EUR"
        assert exact(datetime(2026, 11, 21, 14, 3, tzinfo=UTC)) == "21 nov 2026, 14:03:00 (UTC)"
