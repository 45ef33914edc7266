"""Our app's own pixel in a shop: the browser half without anything to paste.

A shop has one for each app, and only once the app's extension is deployed and the shop has granted
`WANTED`. What it is told is public. After an uninstall it is gone.
https://shopify.dev/docs/api/admin-graphql/2026-10/mutations/webPixelCreate
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from stores.browser.script import settings_of
from stores.models import ShopifyInstallation, Store
from stores.shopify.admin_api import AccessDenied, AdminApi, Refused, Reply, TooExpensive
from stores.shopify.documents import PIXEL, PIXEL_CREATE, PIXEL_DELETE, PIXEL_UPDATE
from stores.shopify.grants import missing_scopes
from stores.shopify.tokens import NoToken
from stores.shopify.wire import ShopSilent
from stores.shops import ShopError

WANTED = "write_pixels,read_customer_events"
PROBLEMS = {"NO_EXTENSION": "pixel_not_deployed"}


def may_have_pixel(installation: ShopifyInstallation | None) -> bool:
    """Whether the app is in the shop and may place a pixel there."""
    return (
        installation is not None
        and installation.state == ShopifyInstallation.State.ACTIVE
        and not missing_scopes(granted=installation.scopes, wanted=WANTED)
    )


def place(store: Store, *, now: Callable[[], datetime]) -> None:
    """Have the app's pixel in the shop say what the store's settings say; without any, take it away.

    Raises ShopError.
    """
    with _failures_shared(), AdminApi(store, now=now) as shop:
        if store.browser:
            _put(shop, store)
        else:
            _take_away(shop)
    placed_at = now() if store.browser else None
    ShopifyInstallation.objects.filter(store=store).update(pixel_placed_at=placed_at)


@contextmanager
def _failures_shared() -> Iterator[None]:
    try:
        yield
    except NoToken:
        raise ShopError("app_needs_merchant") from None
    except AccessDenied:
        raise ShopError("pixel_not_allowed") from None
    except (Refused, TooExpensive):
        raise ShopError("shop_refused") from None
    except ShopSilent:
        raise ShopError("shop_silent") from None


def _put(shop: AdminApi, store: Store) -> None:
    wish = {"webPixel": {"settings": {"connector": json.dumps(settings_of(store))}}}
    problem = _problem(shop.ask(PIXEL_CREATE, wish))
    if problem == "TAKEN":
        problem = _problem(shop.ask(PIXEL_UPDATE, wish | {"id": _id(shop)}))
    if problem:
        raise ShopError(PROBLEMS.get(problem, "pixel_not_placed"))


def _take_away(shop: AdminApi) -> None:
    if (pixel := _id(shop)) and _problem(shop.ask(PIXEL_DELETE, {"id": pixel})):
        raise ShopError("pixel_not_placed")


def _id(shop: AdminApi) -> str:
    try:
        return str((shop.ask(PIXEL).data["webPixel"] or {}).get("id", ""))
    except Refused:  # the shop's way to say that there is none
        return ""


def _problem(reply: Reply) -> str:
    """The code of what went wrong, or "".

    https://shopify.dev/docs/api/admin-graphql/2026-10/enums/ErrorsWebPixelUserErrorCode
    """
    (answer,) = reply.data.values()
    errors = answer["userErrors"]
    return str(errors[0].get("code") or "unknown") if errors else ""
