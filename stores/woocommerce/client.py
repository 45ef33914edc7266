"""Asks one shop's REST API, and says in one word what went wrong.

https://developer.woocommerce.com/docs/apis/rest-api/
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from stores import outbound
from stores.models import Store
from stores.outbound import Answer, OutboundError
from stores.shops import ShopError
from stores.woocommerce.keys import sign

LONGEST_PAUSE = 15 * 60
NOT_ASKED = Store.RestAuth.NONE


class Rest(Struct, frozen=True, kw_only=True):
    """The REST API at `url`, asked with a key in one `way`."""

    url: str
    consumer_key: str = ""
    consumer_secret: str = ""
    way: Store.RestAuth = NOT_ASKED

    def __repr__(self) -> str:
        return f"<Rest {self.url} {self.way}>"

    def get(self, route: str, **query: str) -> Any:
        """What the shop answers to GET, decoded. Raises ShopError."""
        return decode(self.ask("GET", route, query))

    def ask(
        self, method: str, route: str, query: Mapping[str, str], document: Any = None
    ) -> Answer:
        """A good answer (2xx, JSON). Raises ShopError for every other end."""
        url, headers = f"{self.url}/wp-json{route}", {}
        text = "&".join(f"{name}={value}" for name, value in query.items())
        if self.way != NOT_ASKED:
            signed = sign(
                method,
                url,
                query,
                way=self.way,
                consumer_key=self.consumer_key,
                consumer_secret=self.consumer_secret,
                now=time.time(),
            )
            text, headers = signed.query, signed.headers
        if document is not None:
            headers = headers | {"Content-Type": "application/json"}
        answer = fetch_shop(
            method,
            f"{url}?{text}" if text else url,
            headers,
            b"" if document is None else msgspec.json.encode(document),
        )
        if not is_json(answer) or not 200 <= answer.status < 300:
            raise _refusal(answer)
        return answer


def is_json(answer: Answer) -> bool:
    """Whether it claims to be: a challenge, a login or a maintenance page does not."""
    return "json" in answer.headers.get("content-type", "")


def decode(answer: Answer) -> Any:
    """The JSON of an answer. Raises ShopError."""
    try:
        return msgspec.json.decode(json_of(answer))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise ShopError("unreadable_answer_of_shop") from None


def json_of(answer: Answer) -> bytes:
    """The JSON in an answer, without what PHP may print before it (a notice, a byte-order mark)."""
    starts = [at for at in (answer.body.find(b"{"), answer.body.find(b"[")) if at >= 0]
    return answer.body[min(starts) :] if starts else b""


def fetch_shop(
    method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> Answer:
    """Whatever the shop answers. Raises ShopError where it does not."""
    try:
        return outbound.fetch(method, url, headers=headers, body=body)
    except OutboundError as error:
        raise ShopError(_OUTBOUND[error.reason], location=error.location) from None


_OUTBOUND = {
    "address_not_allowed": "address_not_allowed",
    "name_not_found": "name_not_found",
    "certificate_refused": "certificate_refused",
    "redirect_refused": "shop_moved",
    "answer_too_large": "unreadable_answer_of_shop",
    "deadline": "shop_silent",
    "no_connection": "shop_silent",
}
# WordPress answers 401 to nobody and 403 to somebody who may not.
_CANNOT = ("woocommerce_rest_cannot_", "rest_forbidden", "rest_cannot_")


def _refusal(answer: Answer) -> ShopError:
    """What an answer that is no good means."""
    if answer.status == 429 or answer.status >= 500:
        reason = "shop_busy" if answer.status == 429 else "shop_unavailable"
        return ShopError(reason, retry_after=_pause(answer.headers.get("retry-after", "")))
    if not is_json(answer):
        walled = answer.status in (401, 403, 406)
        return ShopError("shop_firewall" if walled else "web_page_for_answer")
    said = decode(answer)
    code, message = "", ""
    if isinstance(said, dict):
        code, message = str(said.get("code", "")), str(said.get("message", ""))
    if code == "woocommerce_rest_authentication_error":
        return ShopError(_key_refused(message))
    if code.startswith(_CANNOT):
        return ShopError("key_unknown" if answer.status == 401 else "key_owner_lost_rights")
    no_route = code == "rest_no_route"
    return ShopError("no_woocommerce" if no_route else "shop_refused")


def _key_refused(message: str) -> str:
    """By the message, for the code is one for all. It may be translated: then it is just refused."""
    text = message.lower()
    if "permission" in text:
        return "key_without_rights"
    if "secret" in text:
        return "secret_wrong"
    return "key_refused"


def _pause(text: str) -> float:
    return float(min(int(text), LONGEST_PAUSE)) if text.isdecimal() and len(text) < 9 else 0.0
