"""The page of the half that runs in the shop: switched on, taken to the shop, heard of."""

import io
import json
import re
import zipfile
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from conversions.models import BrowserVisit
from purchases.meta.match_quality import BITS
from stores.models import Membership, Pixel, Store
from tests import factories
from tests.dashboard.reading import texts


def address(store: Store) -> str:
    return f"/stores/{store.pk}/browser/"


def switch_on(page: Client, store: Store, **fields: object) -> Store:
    answer = page.post(address(store), {"use": "on", "wait": "60"} | fields)
    assert answer.status_code == 302
    store.refresh_from_db()
    return store


def settings_in(script: str) -> dict[str, object]:
    """What the script is told, at its end."""
    said: dict[str, object] = json.loads(re.findall(r"settings: (\{.*\}),\n\}\);", script, re.S)[0])
    return said


def test_it_is_off_until_somebody_switches_it_on(page: Client, store: Store) -> None:
    answer = page.get(address(store))

    assert "script" not in answer.context
    assert store.collect_key is None


def test_switched_on_it_gives_the_code_with_the_stores_own_address(
    page: Client, store: Store, settings: Any
) -> None:
    settings.APP_URL = "https://connector.example"
    switch_on(page, store, wait="30")

    said = settings_in(page.get(address(store)).context["script"])

    assert store.browser == {"wait": 30, "purchase": False}
    assert said["collect"] == f"https://connector.example/collect/{store.collect_key}/"
    assert said["pixels"] == []


def test_switched_off_and_on_again_the_code_in_the_shop_is_still_right(
    page: Client, store: Store
) -> None:
    key = switch_on(page, store).collect_key

    page.post(address(store), {"wait": "60"})
    store.refresh_from_db()

    assert store.browser == {}
    assert switch_on(page, store).collect_key == key


def test_with_the_purchase_it_says_which_pixels_the_browser_tells_and_why_not_others(
    page: Client, store: Store, pixel: Pixel
) -> None:
    other = factories.a_pixel(store.workspace, pixel_id="2222222222222")
    factories.a_mapping(store, pixel)
    factories.a_mapping(store, other, settings={"when": {"country": ["FR"]}})

    switch_on(page, store, purchase="on")

    answer = page.get(address(store))
    said = settings_in(answer.context["script"])
    assert said["pixels"] == [{"event_id": "{order_id}", "pixel": pixel.pixel_id}]
    items = texts(answer, "li")
    assert f"{pixel.pixel_id}: the browser tells it too, under the event ID of the server." in items
    assert (
        "2222222222222: only the server tells it, because its mappings choose among orders,"
        " which a browser cannot." in items
    )


@pytest.mark.parametrize("wait", ["-1", "181", "soon"])
def test_a_wait_that_makes_no_sense_is_named_and_not_saved(
    page: Client, store: Store, wait: str
) -> None:
    answer = page.post(address(store), {"use": "on", "wait": wait})

    store.refresh_from_db()
    assert answer.status_code == 422
    assert len(texts(answer, "p", "error")) == 1
    assert store.browser == {}


def test_a_woocommerce_shop_gets_a_plug_in(page: Client, pixel: Pixel) -> None:
    kitchen = factories.a_store(pixel.workspace, platform="woocommerce")
    factories.a_mapping(kitchen, pixel)
    switch_on(page, kitchen, purchase="on")

    answer = page.get(address(kitchen) + "?format=zip")

    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == [
            "connector-helper/connector-helper.php",
            "connector-helper/connector-settings.php",
        ]
        settings = archive.read("connector-helper/connector-settings.php").decode()
    assert pixel.pixel_id in settings
    assert str(kitchen.collect_key) not in settings
    assert answer["Content-Disposition"] == 'attachment; filename="connector-helper.zip"'


def test_who_switches_it_on_is_offered_to_ask_where_the_law_wants_it(
    page: Client, store: Store
) -> None:
    offered = page.get(address(store)).context["form"]
    switch_on(page, store, ask="on")

    assert offered.initial["ask"] is True
    assert store.consent == {
        "policy": "required",
        "regions": ["EEA", "GB"],
        "evidence": "order_meta",
    }
    assert "ask" not in page.get(address(store)).context["form"].fields


def test_a_policy_that_is_there_stays_as_it_is(page: Client, store: Store) -> None:
    store.consent = {"policy": "limited"}
    store.save()

    assert switch_on(page, store, ask="on").consent == {"policy": "limited"}


def test_who_does_not_want_it_is_warned(page: Client, store: Store) -> None:
    switch_on(page, store)

    assert store.consent == {}
    assert "This store asks nobody for consent" in page.get(address(store)).content.decode()


def test_there_is_no_plug_in_for_a_shopify_shop_nor_before_it_is_switched_on(
    page: Client, store: Store
) -> None:
    kitchen = factories.a_store(store.workspace, platform="woocommerce")

    assert page.get(address(store) + "?format=zip").status_code == 404
    assert page.get(address(kitchen) + "?format=zip").status_code == 404


def test_it_tells_what_is_heard(page: Client, store: Store, pixel: Pixel) -> None:
    switch_on(page, store)
    for order_id, mask in (("1", BITS["em"]), ("2", BITS["em"] | BITS["fbp"])):
        factories.an_event(store, pixel, order_id=order_id, identifiers=mask)
    BrowserVisit.objects.create(
        store=store, checkout=b"1" * 16, body=b"sealed", told_at=datetime.now(UTC)
    )

    assert texts(page.get(address(store)), "dd") == ["1 of the last 2", "just now"]


def test_whoever_only_reads_sees_it_and_cannot_change_it(
    page: Client, store: Store, pixel: Pixel
) -> None:
    Membership.objects.update(role="analyst")

    assert page.get(address(store)).status_code == 200
    assert page.post(address(store), {"use": "on"}).status_code == 404
    assert "Save" not in texts(page.get(address(store)), "button")
