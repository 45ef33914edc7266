"""The GraphQL Admin API of a store's shop: one document in, its data out, and a name for each refusal.

https://shopify.dev/docs/api/usage/limits
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import structlog
from django.conf import settings
from msgspec import Struct

from stores.models import Store
from stores.secrets import Secret
from stores.shopify import tokens
from stores.shopify.wire import Answer, ShopSilent, Wire
from stores.shops import ShopError

log = structlog.get_logger(__name__)

# How long one call may wait for points, all its pauses together.
PATIENCE_SECONDS = 20.0


class AccessDenied(Exception):
    """The shop's admin does not let us see what we asked for: a scope or an approval is missing."""


class TooExpensive(Exception):
    """The document costs more points than a single one may: ask for less at a time."""


class Refused(Exception):
    """The shop's admin does not understand or allow the document. A fault of ours."""


class Reply(Struct, frozen=True, kw_only=True):
    """The data, and the points that it cost; `denied` if parts of it were held back."""

    data: dict[str, Any]
    cost: int
    denied: bool


@contextmanager
def failures_shared() -> Iterator[None]:
    """Whatever `AdminApi.ask` raises inside, as the ShopError that all platforms share."""
    try:
        yield
    except tokens.NoToken:
        raise ShopError("app_needs_merchant") from None
    except AccessDenied:
        raise ShopError("orders_not_visible") from None
    except (Refused, TooExpensive):
        raise ShopError("shop_refused") from None
    except ShopSilent as silent:
        busy = str(silent) == "throttled"
        raise ShopError("shop_busy" if busy else "shop_silent") from None


class AdminApi:
    """Asks the admin of a store's shop; for one thread, and in a `with`."""

    def __init__(
        self,
        store: Store,
        *,
        now: Callable[[], datetime],
        token: Secret | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """With the store's own token, or with `token`, which is being tried."""
        self._store, self._now, self._sleep = store, now, sleep
        self._tried = token
        self._wire = Wire(store.domain)
        self._path = f"/admin/api/{settings.SHOPIFY_API_VERSION}/graphql.json"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._wire.__exit__(kind, error, trace)

    def ask(self, document: str, variables: dict[str, Any] | None = None) -> Reply:
        """What the document shows. Waits for points as long as `PATIENCE_SECONDS`.

        Raises tokens.NoToken, AccessDenied, TooExpensive, Refused and wire.ShopSilent.
        """
        waited = 0.0
        while True:
            reply = self._ask_once(document, variables or {})
            if isinstance(reply, Reply):
                return reply
            pause = reply
            if (waited := waited + pause) > PATIENCE_SECONDS:
                raise ShopSilent("throttled")
            self._sleep(pause)

    def _ask_once(self, document: str, variables: dict[str, Any]) -> Reply | float:
        """The reply, or how long to wait for the points that it costs."""
        answer = self._post(document, variables)
        if answer.status == 429:
            return _seconds(answer.headers.get("retry-after"), default=2.0)
        if answer.status != 200:
            raise ShopSilent(f"http_{answer.status}")
        said = answer.json()
        if not isinstance(said, dict):
            raise ShopSilent("unreadable_answer")
        cost = _part(said, "extensions", "cost")
        codes = _codes(said.get("errors"))
        if "THROTTLED" in codes:
            return _until_restored(cost)
        if "MAX_COST_EXCEEDED" in codes:
            raise TooExpensive
        data, denied = said.get("data"), "ACCESS_DENIED" in codes
        if not isinstance(data, dict):
            if denied:
                raise AccessDenied
            raise Refused(", ".join(sorted(codes)) or "no data")
        if codes - {"ACCESS_DENIED"}:
            raise Refused(", ".join(sorted(codes)))
        return Reply(data=data, cost=int(cost.get("actualQueryCost") or 0), denied=denied)

    def _post(self, document: str, variables: dict[str, Any]) -> Answer:
        """Post with a token that serves. One that is refused before its end is renewed, once."""
        if self._tried:
            answer = self._post_with(self._tried, document, variables)
            if answer.status in (401, 403):
                raise tokens.NoToken("token_refused")
            return answer
        token = tokens.access_token(self._store, now=self._now())
        answer = self._post_with(token, document, variables)
        if answer.status not in (401, 403):
            return answer
        token = tokens.access_token(self._store, now=self._now(), refused=token)
        answer = self._post_with(token, document, variables)
        if answer.status in (401, 403):
            tokens.blame(self._store, now=self._now(), reason="token_refused")
            raise tokens.NoToken("token_refused")
        return answer

    def _post_with(self, token: Secret, document: str, variables: dict[str, Any]) -> Answer:
        asked = {"query": document, "variables": variables}
        return self._wire.post(self._path, asked, headers={"X-Shopify-Access-Token": token})


def _until_restored(cost: dict[str, Any]) -> float:
    """How long the bucket needs until it holds what the document costs."""
    bucket = _part(cost, "throttleStatus")
    lacking = float(cost.get("requestedQueryCost") or 0) - float(
        bucket.get("currentlyAvailable") or 0
    )
    return max(lacking, 1.0) / max(float(bucket.get("restoreRate") or 0), 50.0)


def _codes(errors: object) -> set[str]:
    """The codes of GraphQL's errors; one without a code counts as `error`."""
    if not isinstance(errors, list):
        return {"error"} if errors else set()
    return {str(_part(error, "extensions").get("code") or "error") for error in errors}


def _part(owner: object, *names: str) -> dict[str, Any]:
    for name in names:
        owner = owner.get(name) if isinstance(owner, dict) else None
    return owner if isinstance(owner, dict) else {}


def _seconds(said: str | None, *, default: float) -> float:
    try:
        return min(max(float(said or default), 0.1), PATIENCE_SECONDS)
    except ValueError:
        return default
