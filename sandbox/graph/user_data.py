"""Who the buyer is: hashed where Meta wants hashes, raw where it does not, and enough of it.

https://developers.facebook.com/documentation/ads-commerce/conversions-api/parameters/customer-information-parameters
"""

import ipaddress
import re
from typing import Any

from sandbox.graph.inspection import Inspection, Json, KnownOrder, sha256

HASHED = frozenset({
    "em", "ph", "fn", "ln", "ge", "db", "ct", "st", "zp", "country", "external_id", "f5first",
    "f5last", "fi", "dobd", "dobm", "doby",
})  # fmt: skip
NEVER_HASHED = frozenset({
    "client_ip_address", "client_user_agent", "fbc", "fbp", "subscription_id", "fb_login_id",
    "lead_id", "anon_id", "page_id", "page_scoped_user_id", "ctwa_clid", "ig_account_id",
    "ig_sid", "instagram_business_account_id", "whatsapp_business_account_id",
})  # fmt: skip
KNOWN = HASHED | NEVER_HASHED | {"madid"}  # Meta's pages disagree on whether madid is hashed

# Any subset of one of these says too little about a person (since v13):
# https://developers.facebook.com/documentation/ads-commerce/conversions-api/best-practices
TOO_BROAD = (
    frozenset({"ct", "country", "st", "zp", "ge", "client_user_agent"}),
    frozenset({"db", "client_user_agent"}),
    frozenset({"fn", "ge"}),
    frozenset({"ln", "ge"}),
)

# Meta's parameter builder appends what made a value; the parameter pages call that normal.
APPENDIX = r"(?:\.(?:[A-Za-z0-9_-]{8}|AQ|Ag|Aw|BA|BQ|Bg))?"
HASH = re.compile(rf"([a-f0-9]{{64}}){APPENDIX}")
ANY_HASH = re.compile(r"[A-Fa-f0-9]{32}|[A-Fa-f0-9]{40}|[A-Fa-f0-9]{64}")
FBC = re.compile(rf"fb\.[0-2]\.(\d{{10,13}})\.([A-Za-z0-9_-]+?){APPENDIX}")
FBP = re.compile(rf"fb\.[0-2]\.(\d{{10,13}})\.\d{{1,20}}{APPENDIX}")
TRAILING_APPENDIX = re.compile(r"\.(?:[A-Za-z0-9_-]{8}|AQ|Ag|Aw|BA|BQ|Bg)$")
LEAD_ID = re.compile(r"\d{15,16}")

HASHES_OF_NOTHING = {
    sha256(word): word
    for word in ("", " ", "null", "NULL", "undefined", "none", "None", "nan", "nil")
}
YEAR_2010_MS = 1_262_304_000_000

# Where webhooks come from, never a shopper: Shopify's own ranges and Cloudflare's, in part.
PROXIES = tuple(
    ipaddress.ip_network(network)
    for network in (
        "23.227.32.0/19",
        "185.146.172.0/22",
        "104.16.0.0/13",
        "172.64.0.0/13",
        "162.158.0.0/15",
        "173.245.48.0/20",
    )
)


def check_user_data(event: Json, *, look: Inspection) -> None:
    """Checks 8d to 8f and 8h. Raises Refusal."""
    user_data = event.get("user_data")
    if not isinstance(user_data, dict):
        raise look.refusal("parameter", "user_data", text="is required: an object")
    present = {key for key, value in user_data.items() if key in KNOWN and _says_something(value)}
    if any(present <= broad for broad in TOO_BROAD):
        raise look.refusal("customer_unknown", "user_data")
    for key, value in user_data.items():
        if value is None:
            look.warn("user_data", key, text="is null")
        elif key in HASHED:
            _check_hashed(key, value, look=look)
        elif key in NEVER_HASHED:
            _check_raw(key, value, look=look)
        elif key not in KNOWN:
            look.warn("user_data", key, text="is no key Meta knows")


def hashes_in(user_data: Json) -> list[str]:
    """Every hash of a checked `user_data`, without appendices."""
    return [
        match[1]
        for key, value in user_data.items()
        if key in HASHED
        for text in (value if isinstance(value, list) else [value])
        if isinstance(text, str) and (match := HASH.fullmatch(text))
    ]


def click_in(user_data: Json) -> str | None:
    """The fbclid inside a checked `fbc`."""
    match = FBC.fullmatch(str(user_data.get("fbc")))
    return match[2] if match else None


def _says_something(value: Any) -> bool:
    if isinstance(value, list):
        return any(_says_something(part) for part in value)
    return bool(value.strip()) if isinstance(value, str) else value is not None


def _check_hashed(key: str, value: Any, *, look: Inspection) -> None:
    values: list[Any] = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in values):
        look.object_to("user_data", key, text="must be a string or a list of strings")
        return
    for text in values:
        if key == "external_id" and _is_a_plain_id(text):
            look.warn("user_data", key, text="is not hashed, which Meta recommends")
        elif (flaw := _flaw_of_hash(key, text, look=look)) is not None:
            look.object_to("user_data", key, text=flaw)


def _is_a_plain_id(text: str) -> bool:
    return not ("@" in text or HASH.fullmatch(text) or ANY_HASH.fullmatch(text.strip()))


def _flaw_of_hash(key: str, text: str, *, look: Inspection) -> str | None:
    match = HASH.fullmatch(text)
    if match is None:
        return _how_it_is_not_hashed(text)
    if (word := HASHES_OF_NOTHING.get(match[1])) is not None:
        return f"is the hash of {word!r}"
    if look.knowledge.is_hash_of_a_hash(match[1]):
        return "is hashed twice"
    if look.order is not None:
        return _mis_normalised(key, match[1], order=look.order)
    return None


def _how_it_is_not_hashed(text: str) -> str:
    if not text.strip():
        return "is empty"
    if not ANY_HASH.fullmatch(text.strip()):
        return "is not hashed: it must be the SHA-256 in lower-case hex"
    if len(text.strip()) == 64:
        return "is a SHA-256 in upper case or with spaces around it"
    return "is hashed with something else than SHA-256"


def _mis_normalised(key: str, digest: str, *, order: KnownOrder) -> str | None:
    """Judge a hash by the order it stands for; None where the sandbox cannot know better."""
    raw = order.user_data.get(key, [])
    normal: list[str | None] = [*order.normalised.get(key, [])]
    normal = normal or [_by_heart(key, text) for text in raw]
    expected = {text if HASH.fullmatch(text) else sha256(text) for text in normal if text}
    if not expected or None in normal or digest in expected:
        return None
    if digest in {sha256(text) for text in raw}:
        return "is the hash of the order's value without normalisation"
    return "is not the hash of the order's value"


def _by_heart(key: str, raw: str) -> str | None:
    """The normal form of the easy cases, where every reading of Meta's rules agrees."""
    plain = raw.strip().lower()
    is_easy = (key == "em" and "@" in plain) or (key in ("fn", "ln", "ct") and plain.isalpha())
    return plain if is_easy and plain.isascii() else None


def _check_raw(key: str, value: object, *, look: Inspection) -> None:
    if isinstance(value, str) and re.fullmatch(r"[A-Fa-f0-9]{64}", value):
        look.object_to("user_data", key, text="must not be hashed")
    elif key == "lead_id":
        if not LEAD_ID.fullmatch(str(value)):
            raise look.refusal("lead_id", "user_data", key)
    elif key == "client_ip_address":
        _check_ip_address(value, look=look)
    elif key in ("fbc", "fbp"):
        _check_browser_id(key, value, look=look)
    elif not _says_something(value):
        look.object_to("user_data", key, text="is empty")


def _check_ip_address(value: object, *, look: Inspection) -> None:
    try:
        address = ipaddress.ip_address(TRAILING_APPENDIX.sub("", str(value)))
    except ValueError:
        look.object_to("user_data", "client_ip_address", text="must be one IPv4 or IPv6 address")
        return
    if not address.is_global:
        look.warn("user_data", "client_ip_address", text="is not a public address")
    elif any(address in network for network in PROXIES):
        look.warn("user_data", "client_ip_address", text="belongs to a proxy, not to a shopper")


def _check_browser_id(key: str, value: object, *, look: Inspection) -> None:
    match = (FBC if key == "fbc" else FBP).fullmatch(str(value))
    if match is None:
        look.object_to("user_data", key, text="must look like fb.1.<milliseconds>.<id>")
        return
    if not YEAR_2010_MS <= int(match[1]) <= (look.now + 60) * 1000:
        look.object_to("user_data", key, text="was made at no credible time, in milliseconds")
    if key == "fbc" and look.knowledge.is_a_click_in_the_wrong_case(match[2]):
        look.object_to("user_data", key, text="holds a click id whose case was changed")
