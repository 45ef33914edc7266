"""The page that Meta is told: the shop's own, without a query, a fragment or a log-in."""

import pytest

from purchases.meta.page import own_domain, page_of

HOME = "https://boutique.example"


@pytest.mark.parametrize(
    ("landing", "told"),
    [
        ("/scarf", "/scarf"),
        ("/scarf?q=1", "/scarf"),
        ("/scarf#red", "/scarf"),
        ("/scarf?q=1#red", "/scarf"),
        ("  /scarf ", "/scarf"),
        ("/", "/"),
        ("", "/"),
        ("scarf", "/"),
        ("//elsewhere.example/scarf", "/"),
        ("/sc\u200barf", "/sc%E2%80%8Barf"),
        ("/écharpe", "/%C3%A9charpe"),
        ("/a%20b/c,d;e=f:g~h(i)*!$&'+", "/a%20b/c,d;e=f:g~h(i)*!$&'+"),
        ("https://boutique.example/scarf", "/scarf"),
        ("http://boutique.example/scarf", "/scarf"),
        ("https://www.boutique.example/scarf", "/scarf"),
        ("https://zoe:secret@boutique.example/scarf", "/scarf"),
        ("https://boutique.example", "/"),
        ("https://elsewhere.example/scarf", "/"),
        ("ftp://boutique.example/scarf", "/"),
        ("mailto:zoe@boutique.example", "/"),
        ("https:///scarf", "/"),
        ("http://[::1/scarf", "/"),
        ("/wp-admin/orders", "/"),
        ("/admin", "/"),
        ("/admins", "/admins"),
        ("/zoe@example.com", "/"),
        ("/zoe%40example.com", "/"),
        ("/call/06-12-34-56-78", "/"),
        ("/" + "a-" * 249 + "b", "/" + "a-" * 249 + "b"),
        ("/" + "a-" * 250, "/"),
    ],
)
def test_a_landing_page_is_told_without_what_is_private(landing: str, told: str) -> None:
    assert page_of(landing, home_page=HOME) == HOME + told


@pytest.mark.parametrize(
    ("home", "told"),
    [
        ("https://boutique.example/fr", "https://boutique.example/fr"),
        ("http://boutique.example:8080/", "http://boutique.example:8080/"),
        ("boutique.example", ""),
        ("ftp://boutique.example", ""),
        ("", ""),
    ],
)
def test_without_a_landing_page_it_is_the_home_page(home: str, told: str) -> None:
    assert page_of("", home_page=home) == told


@pytest.mark.parametrize(
    ("home", "domain"),
    [
        ("https://www.Shop.example/fr", "shop.example"),
        ("http://shop.example:8080", "shop.example"),
        ("shop.example", ""),
    ],
)
def test_the_shops_own_domain_is_that_of_its_mailboxes(home: str, domain: str) -> None:
    assert own_domain(home) == domain
