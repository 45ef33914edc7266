"""How a shop is asked, and what each way of not answering is called."""

import dataclasses
from typing import Any

import pytest

from sandbox.woocommerce.shop import Key
from sandbox.woocommerce_store import WooCommerceShop
from stores.models import Store
from stores.shops import ShopError
from stores.woocommerce.client import Rest
from stores.woocommerce.probe import find_way, read_index

BASIC, QUERY, OAUTH = Store.RestAuth.BASIC, Store.RestAuth.QUERY, Store.RestAuth.OAUTH


def way_to(shop: WooCommerceShop, key: Key) -> Store.RestAuth:
    return find_way(
        url=shop.url, consumer_key=key.consumer_key, consumer_secret=key.consumer_secret
    )


def reason_of(shop: WooCommerceShop, key: Key) -> str:
    with pytest.raises(ShopError) as failure:
        way_to(shop, key)
    return failure.value.reason


def test_the_index_tells_the_shops_name_and_zone(shop: WooCommerceShop) -> None:
    shop.change(name="Küche & Co", time_zone="Europe/Lisbon")

    found = read_index(shop.url)

    assert (found.name, found.time_zone) == ("Küche & Co", "Europe/Lisbon")


@pytest.mark.parametrize(
    ("offset", "zone"), [(-3, "Etc/GMT+3"), (0, "UTC"), (2, "Etc/GMT-2"), (5.5, "UTC")]
)
def test_a_shop_that_knows_its_offset_only_has_a_zone_of_that_offset(
    shop: WooCommerceShop, offset: float, zone: str
) -> None:
    shop.change(utc_offset=offset)

    assert read_index(shop.url).time_zone == zone


@pytest.mark.parametrize(
    ("traits", "way"),
    [
        ({}, BASIC),
        ({"notices": True}, BASIC),
        ({"strips_authorization": True}, QUERY),
        ({"sees_tls": False}, OAUTH),
        ({"sees_tls": False, "strips_authorization": True}, OAUTH),
    ],
)
def test_the_first_way_that_the_shop_takes_is_found(
    shop: WooCommerceShop, traits: dict[str, Any], way: Store.RestAuth
) -> None:
    shop.change(**traits)

    assert way_to(shop, shop.key()) == way


def test_a_secret_is_never_shown_over_plain_http(settings: Any) -> None:
    settings.WOOCOMMERCE_ALLOW_PRIVATE = True
    with WooCommerceShop() as shop:
        assert way_to(shop, shop.key()) == OAUTH
        assert shop.asked("/wp-json/wc/v3/orders") == 1


def test_a_key_that_the_shop_does_not_know(shop: WooCommerceShop) -> None:
    key = dataclasses.replace(shop.key(), consumer_key="ck_" + "0" * 40)

    assert reason_of(shop, key) == "key_unknown"


def test_a_wrong_secret(shop: WooCommerceShop) -> None:
    key = dataclasses.replace(shop.key(), consumer_secret="cs_" + "0" * 40)

    assert reason_of(shop, key) == "secret_wrong"


def test_a_key_that_may_not_read(shop: WooCommerceShop) -> None:
    assert reason_of(shop, shop.key("write")) == "key_without_rights"


def test_a_key_whose_owner_has_lost_the_right(shop: WooCommerceShop) -> None:
    key = shop.key()
    key.owner_may = False

    assert reason_of(shop, key) == "key_owner_lost_rights"


@pytest.mark.parametrize(
    ("traits", "reason"),
    [
        ({"plain_permalinks": True}, "plain_permalinks"),
        ({"wall": "challenge"}, "shop_firewall"),
        ({"wall": "forbidden"}, "shop_firewall"),
        ({"wall": "maintenance"}, "shop_unavailable"),
        ({"wall": "login"}, "web_page_for_answer"),
        ({"woocommerce": False}, "no_woocommerce"),
        ({"redirects_to": "https://www.kitchen.example"}, "shop_moved"),
    ],
)
def test_what_stands_before_the_shop_has_a_name(
    shop: WooCommerceShop, traits: dict[str, Any], reason: str
) -> None:
    shop.change(**traits)

    with pytest.raises(ShopError) as failure:
        read_index(shop.url)

    assert failure.value.reason == reason


def test_a_shop_that_moved_says_where_to(shop: WooCommerceShop) -> None:
    shop.change(redirects_to="https://www.kitchen.example")

    with pytest.raises(ShopError) as failure:
        read_index(shop.url)

    assert failure.value.location.startswith("https://www.kitchen.example/wp-json/")


def test_a_busy_shop_says_how_long_to_wait(shop: WooCommerceShop) -> None:
    shop.fail(status=429, headers={"Retry-After": "30"})

    with pytest.raises(ShopError) as failure:
        read_index(shop.url)

    assert (failure.value.reason, failure.value.retry_after) == ("shop_busy", 30)


def test_a_shop_that_hangs_up_is_silent(shop: WooCommerceShop) -> None:
    shop.fail(hangs_up=True)

    with pytest.raises(ShopError, match="shop_silent"):
        read_index(shop.url)


@pytest.mark.parametrize("way", [BASIC, QUERY, OAUTH])
def test_writing_takes_the_key_in_each_way(shop: WooCommerceShop, way: Store.RestAuth) -> None:
    shop.change(sees_tls=way != OAUTH)
    key, reader = shop.key(), shop.key("read")
    topic = {"topic": "order.created", "delivery_url": "https://connector.invalid/a b?c=d&e"}
    shop.change(delivers=False)

    def ask(given: Key) -> int:
        rest = Rest(
            url=shop.url,
            consumer_key=given.consumer_key,
            consumer_secret=given.consumer_secret,
            way=way,
        )
        return rest.ask("POST", "/wc/v3/webhooks", {"x": "a b&c=d/é"}, topic).status

    assert ask(key) == 201
    with pytest.raises(ShopError, match="key_without_rights"):
        ask(reader)


def test_a_key_does_not_show_itself() -> None:
    rest = Rest(url="https://shop.example", consumer_key="ck_1", consumer_secret="cs_1", way=BASIC)

    assert "cs_1" not in repr(rest)
