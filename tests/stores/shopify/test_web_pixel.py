"""Our app's own pixel in a shop: placed, kept as the settings say, and taken away."""

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from sandbox.shopify_admin import ShopifyAdmin
from stores.browser.extension import write_extension
from stores.browser.switch import COLUMNS, set_browser_half
from stores.models import ShopifyInstallation, Store
from stores.shopify import web_pixel
from stores.shops import ShopError
from tests import factories
from tests.dashboard.reading import texts

LYON = "lyon.myshopify.com"


@pytest.fixture
def listening(shopify: ShopifyAdmin, lyon: Store, settings: Any) -> Store:
    """The store, whose browsers may tell; the shop has granted what a pixel needs."""
    settings.APP_URL = "https://connector.example"
    ShopifyInstallation.objects.update(scopes="read_orders,write_pixels,read_customer_events")
    set_browser_half(lyon, {"wait": 60, "purchase": False})
    lyon.save(update_fields=COLUMNS)
    return lyon


def place(store: Store) -> None:
    web_pixel.place(store, now=timezone.now)


def placed(shopify: ShopifyAdmin) -> dict[str, Any] | None:
    """What the shop's pixel of our app is told."""
    pixel = shopify.world.shops[LYON].pixel
    said: dict[str, Any] | None = json.loads(pixel["settings"]["connector"]) if pixel else None
    return said


def test_it_is_placed_with_the_stores_settings(shopify: ShopifyAdmin, listening: Store) -> None:
    place(listening)

    said = placed(shopify)
    assert said
    assert said["collect"] == f"https://connector.example/collect/{listening.collect_key}/"
    assert ShopifyInstallation.objects.get().pixel_placed_at is not None


def test_one_that_is_there_is_brought_up_to_date(shopify: ShopifyAdmin, listening: Store) -> None:
    place(listening)
    Store.objects.update(url="https://new.example")
    listening.refresh_from_db()

    place(listening)

    said = placed(shopify)
    assert said
    assert said["shop_url"] == "https://new.example"


def test_switched_off_it_is_taken_away_and_twice_is_no_error(
    shopify: ShopifyAdmin, listening: Store
) -> None:
    place(listening)
    set_browser_half(listening, {})

    place(listening)
    place(listening)

    assert placed(shopify) is None
    assert ShopifyInstallation.objects.get().pixel_placed_at is None


@pytest.mark.parametrize("reason", ["pixel_not_deployed", "pixel_not_allowed"])
def test_where_it_cannot_be_the_reason_is_named(
    shopify: ShopifyAdmin, listening: Store, reason: str
) -> None:
    shop = shopify.world.shops[LYON]
    if reason == "pixel_not_deployed":
        shop.has_extension = False
    else:
        shop.scopes = ["read_orders"]

    with pytest.raises(ShopError) as error:
        place(listening)

    assert error.value.reason == reason
    assert ShopifyInstallation.objects.get().pixel_placed_at is None


@pytest.mark.parametrize(
    ("scopes", "state", "may"),
    [
        ("read_orders,write_pixels,read_customer_events", "active", True),
        ("read_orders,write_pixels", "active", False),
        ("read_orders,write_pixels,read_customer_events", "needs_merchant", False),
    ],
)
def test_it_needs_two_scopes_and_an_app_that_is_there(scopes: str, state: str, may: bool) -> None:
    installation = ShopifyInstallation(scopes=scopes, state=state)

    assert web_pixel.may_have_pixel(installation) is may
    assert web_pixel.may_have_pixel(None) is False


def test_saving_the_page_places_it_and_asks_for_nothing_to_be_pasted(
    shopify: ShopifyAdmin, listening: Store
) -> None:
    client = Client()
    client.force_login(factories.a_member(listening.workspace))
    page = f"/stores/{listening.pk}/browser/"

    answer = client.post(page, {"use": "on", "wait": "5"}, follow=True)

    assert placed(shopify) is not None
    assert "It runs in the shop" in texts(answer, "h2")
    assert "Copy" not in texts(answer, "button")


def test_a_shop_that_will_not_have_it_is_told_what_to_do_and_given_the_code(
    shopify: ShopifyAdmin, listening: Store
) -> None:
    shopify.world.shops[LYON].has_extension = False
    client = Client()
    client.force_login(factories.a_member(listening.workspace))

    answer = client.post(
        f"/stores/{listening.pk}/browser/", {"use": "on", "wait": "5"}, follow=True
    )

    assert "The app at Shopify has no pixel to place." in answer.content.decode()
    assert "Copy" in texts(answer, "button")


def test_the_extension_is_what_shopify_deploys(tmp_path: Any) -> None:
    write_extension(tmp_path)

    script = (tmp_path / "src" / "index.js").read_text()
    assert script.startswith("import { register } from '@shopify/web-pixels-extension';")
    assert "async function connector(" in script
    assert 'type = "web_pixel_extension"' in (tmp_path / "shopify.extension.toml").read_text()
