"""A fleet file as a `Fleet`, or every problem in it at once, each with its line.

The format is also written down in stores/fleet.schema.json; a test keeps the two equal. Nothing here
reads the database.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from purchases.browser import BrowserError, read_browser_half
from purchases.consent import ConsentError, read_consent
from purchases.shops.shopify import shop_domain
from stores.fleet.address import AddressError, shop_url
from stores.fleet.document import Place, open_document
from stores.fleet.entries import STORE_SECRETS, Fleet, PixelEntry, SecretEntry, StoreEntry
from stores.fleet.mappings import read_mapping, read_template
from stores.secrets import Secret

FILE_KEYS = ("version", "workspace", "pixels", "templates", "stores")
WORKSPACE_KEYS = ("slug", "name")
PIXEL_KEYS = ("id", "name", "access_token", "test_event_code", "ambiguous_sends")
AMBIGUOUS_SENDS = ("resend", "hold")
ADDRESS_KEYS = {"shopify": "domain", "woocommerce": "url"}
STORE_RULES = ("consent", "browser")  # that are the store's, not a mapping's
STORE_KEYS = {
    platform: (
        "key",
        "name",
        "platform",
        ADDRESS_KEYS[platform],
        *secrets,
        *STORE_RULES,
        "mappings",
    )
    for platform, secrets in STORE_SECRETS.items()
}
ANY_STORE_KEYS = tuple(dict.fromkeys(key for keys in STORE_KEYS.values() for key in keys))
CONSENT_KEYS = ("policy", "regions", "evidence")
BROWSER_KEYS = ("wait", "purchase")

SLUG = re.compile(r"[a-z0-9][a-z0-9_-]*")
SLUG_RULE = "must be lower-case letters, digits, - and _, and not too long"
LONGEST_KEY, LONGEST_NAME = 60, 200
PIXEL_ID = re.compile(r"[0-9]{5,20}")
TEST_EVENT_CODE = re.compile(r"[A-Za-z0-9_-]{1,40}")
NOTHING = SecretEntry(value=Secret(""))


def read_fleet(content: bytes, *, environ: Mapping[str, str], allow_private: bool) -> Fleet:
    """The fleet that `content` describes; `${NAME}` is taken from `environ`.

    `allow_private` lets WooCommerce stores have plain http or private addresses. Raises FleetError.
    """
    top, problems = open_document(content, environ=environ)
    keys = top.keys(known=FILE_KEYS)
    if _text(top, keys, "version") not in ("", "1"):
        keys["version"].wrong("must be 1")
    slug, name = _read_workspace(top, keys)
    taken: Taken = {}
    pixels = [_read_pixel(place, taken) for place in _items(keys, "pixels")]
    templates = _read_templates(keys)
    stores = [
        _read_store(place, taken, templates=templates, allow_private=allow_private)
        for place in _items(keys, "stores")
    ]
    problems.raise_if_any()
    return Fleet(
        slug=slug,
        name=name,
        pixels={pixel.id: pixel for pixel in pixels},
        templates=templates,
        stores={store.key: store for store in stores},
    )


# By kind and value: the place that has it already.
Taken = dict[tuple[str, str], str]


def _read_workspace(top: Place, keys: Mapping[str, Place]) -> tuple[str, str]:
    if "workspace" not in keys:
        top.lacks("workspace")
        return "", ""
    place = keys["workspace"]
    said = place.keys(known=WORKSPACE_KEYS)
    slug = _slug(place, said, "slug", longest=50)
    return slug, _name(said) or slug


def _read_pixel(place: Place, taken: Taken) -> PixelEntry:
    keys = place.keys(known=PIXEL_KEYS)
    pixel_id = _text(place, keys, "id")
    if pixel_id and not PIXEL_ID.fullmatch(pixel_id):
        keys["id"].wrong("must be the Dataset (Pixel) ID: 5 to 20 digits")
    _claim("pixel", pixel_id, keys.get("id"), taken)
    code = keys["test_event_code"].text() if "test_event_code" in keys else ""
    if code and not TEST_EVENT_CODE.fullmatch(code):
        keys["test_event_code"].wrong("must be a code such as TEST12345")
    policy = keys["ambiguous_sends"].text() if "ambiguous_sends" in keys else ""
    if policy and policy not in AMBIGUOUS_SENDS:
        keys["ambiguous_sends"].wrong(f"{policy!r} is not one of {', '.join(AMBIGUOUS_SENDS)}")
    return PixelEntry(
        id=pixel_id,
        name=_name(keys),
        access_token=_secret(place, keys, "access_token", required=True),
        test_event_code=code,
        ambiguous_sends=policy or AMBIGUOUS_SENDS[0],
    )


def _read_templates(keys: Mapping[str, Place]) -> dict[str, Mapping[str, Any]]:
    templates: dict[str, Mapping[str, Any]] = {}
    for name, place in keys["templates"].entries().items() if "templates" in keys else ():
        if len(name) > LONGEST_KEY or not SLUG.fullmatch(name):
            place.wrong(f"a template's name {SLUG_RULE}")
        templates[name] = read_template(place)
    return templates


def _read_store(
    place: Place,
    taken: Taken,
    *,
    templates: Mapping[str, Mapping[str, Any]],
    allow_private: bool,
) -> StoreEntry:
    keys = place.keys(known=ANY_STORE_KEYS)
    platform = _text(place, keys, "platform")
    if platform and platform not in STORE_KEYS:
        keys["platform"].wrong(f"{platform!r} is not one of {', '.join(STORE_KEYS)}")
    for key, said in keys.items():
        if key not in STORE_KEYS.get(platform, ANY_STORE_KEYS):
            said.wrong(f"a {platform} store has none")
    key = _slug(place, keys, "key", longest=LONGEST_KEY)
    _claim("store", key, keys.get("key"), taken)
    pixels = [name for kind, name in taken if kind == "pixel"]
    return StoreEntry(
        key=key,
        name=_name(keys) or key,
        platform=platform,
        address=_address(place, keys, platform, taken, allow_private=allow_private),
        secrets={
            name: secret
            for name in STORE_SECRETS.get(platform, ())
            if (secret := _secret(place, keys, name, required=name == "webhook_secret")).value
        },
        consent=_consent(keys["consent"]) if "consent" in keys else {},
        browser=_browser(keys["browser"]) if "browser" in keys else {},
        mappings=tuple(
            read_mapping(mapping, pixels=pixels, templates=templates)
            for mapping in _items(keys, "mappings")
        ),
        line=place.line,
    )


def _consent(place: Place) -> dict[str, Any]:
    """What is asked for where, in one form; what is wrong with it is purchases.consent's to say."""
    keys = place.keys(known=CONSENT_KEYS)
    if "policy" not in keys:
        place.lacks("policy")
        return {}
    consent: dict[str, Any] = {"policy": keys["policy"].text()}
    if "regions" in keys:
        consent["regions"] = [each.text() for each in keys["regions"].items()]
    if "evidence" in keys:
        consent["evidence"] = keys["evidence"].text()
    try:
        read_consent(consent)
    except ConsentError as error:
        keys.get(error.key, place).wrong(error.message)
    return consent


def _browser(place: Place) -> dict[str, Any]:
    """How the script in shoppers' browsers is used, with what is meant where nothing is said."""
    keys = place.keys(known=BROWSER_KEYS)
    said: dict[str, Any] = {}
    if "wait" in keys:
        wait = keys["wait"].text()
        said["wait"] = int(wait) if re.fullmatch(r"[0-9]{1,4}", wait) else wait
    if "purchase" in keys:
        said["purchase"] = keys["purchase"].flag() is True
    try:
        plain: dict[str, Any] = msgspec.to_builtins(read_browser_half(said))
    except BrowserError as error:
        keys.get(error.key, place).wrong(error.message)
        return {}
    return plain


def _address(
    place: Place, keys: Mapping[str, Place], platform: str, taken: Taken, *, allow_private: bool
) -> str:
    if not (key := ADDRESS_KEYS.get(platform)) or not (said := _text(place, keys, key)):
        return ""
    address = ""
    if platform == "shopify":
        if (address := shop_domain(said) or "") == "":
            keys[key].wrong("must be the shop's permanent domain, such as name.myshopify.com")
    else:
        try:
            address = shop_url(said, allow_private=allow_private)
        except AddressError as error:
            keys[key].wrong(str(error))
    _claim("address", address, keys[key], taken)
    return address


def _claim(kind: str, value: str, place: Place | None, taken: Taken) -> None:
    """Complain if another place has the value; only one may."""
    if value and place:
        if (kind, value) in taken:
            place.wrong(f"{value!r} is that of {taken[kind, value]} already")
        taken.setdefault((kind, value), place.path)


def _items(keys: Mapping[str, Place], key: str) -> list[Place]:
    return keys[key].items() if key in keys else []


def _slug(place: Place, keys: Mapping[str, Place], key: str, *, longest: int) -> str:
    slug = _text(place, keys, key)
    if slug and (len(slug) > longest or not SLUG.fullmatch(slug)):
        keys[key].wrong(SLUG_RULE)
    return slug


def _name(keys: Mapping[str, Place]) -> str:
    name = keys["name"].text() if "name" in keys else ""
    if len(name) > LONGEST_NAME or not name.isprintable():
        keys["name"].wrong(f"must be one line of at most {LONGEST_NAME} characters")
    return name


def _text(place: Place, keys: Mapping[str, Place], key: str) -> str:
    """A text that must be there."""
    if key not in keys:
        place.lacks(key)
        return ""
    return keys[key].text()


def _secret(place: Place, keys: Mapping[str, Place], key: str, *, required: bool) -> SecretEntry:
    if key not in keys:
        if required:
            place.lacks(key)
        return NOTHING
    return keys[key].secret() or NOTHING
