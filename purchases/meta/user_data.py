"""Who bought, as Meta may be told: every value looked at, what became of it and where it stood.

A `Finding` says of one value either what is sent (a hash, or plain where Meta wants it plain) or why
nothing is. What the shop wrote is in neither.
https://developers.facebook.com/documentation/ads-commerce/conversions-api/parameters/customer-information-parameters
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import IPv4Network
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

from msgspec import Struct
from msgspec.structs import astuple

from purchases.meta.normal import hashed, normalise
from purchases.order import Address, Order, Quote, Visit

LONGEST_USER_AGENT = 512
LONGEST_BROWSER_ID = 500
MOST_ADDRESSES = 20  # of a machine, in one X-Forwarded-For

# Meta's parameter builder appends eight characters (once two) that say which version made the value.
# https://developers.facebook.com/documentation/ads-commerce/conversions-api/parameters/fbp-and-fbc
APPENDIX = r"(?:\.(?:[A-Za-z0-9_-]{8}|AQ|Ag|Aw|BA|BQ|Bg))?"
FBC = re.compile(rf"fb\.[0-2]\.([0-9]{{10,13}})\.[A-Za-z0-9_-]+{APPENDIX}")
IN_SECONDS = re.compile(r"(fb\.[0-2]\.[0-9]{10})\.")
FBP = re.compile(rf"fb\.[0-2]\.([0-9]{{10,13}})\.[0-9]{{1,20}}{APPENDIX}")
ANY_HASH = re.compile(r"[0-9A-Fa-f]{32}|[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}")
FBCLID = re.compile(r"[A-Za-z0-9_-]{1,400}")
BEFORE_ANY_PIXEL = datetime(2010, 1, 1, tzinfo=UTC).timestamp() * 1000

# Any subset of one of these says too little about a person, and takes the whole request down.
# https://developers.facebook.com/documentation/ads-commerce/conversions-api/best-practices
TOO_BROAD = (
    frozenset({"ct", "country", "st", "zp", "ge", "client_user_agent"}),
    frozenset({"db", "client_user_agent"}),
    frozenset({"fn", "ge"}),
    frozenset({"ln", "ge"}),
)

# Programs that talk to shops: payment services, importers, the shop itself.
SERVER = re.compile(
    r"(?:WordPress|WooCommerce|WP-|PHP|GuzzleHttp|curl|Wget|python|Java/|Apache-HttpClient|okhttp|"
    r"Go-http-client|axios|node|Ruby|Faraday|Postman|insomnia|PayPal|Stripe|Mollie|Adyen|Klarna|"
    r"Shopify|Zapier|Make/)",
    re.IGNORECASE,
)
# Meta's terms forbid data of children (https://www.facebook.com/legal/terms/businesstools); who is
# one differs by country, and this is the latest age.
GROWN_UP = 18
# Addresses no shopper comes from, by IANA's special-purpose registry (version 4); of version 6 only
# global unicast is anybody's. Those of documentation are let through: like example.com, nobody uses
# them but demos and tests.
# https://www.iana.org/assignments/iana-ipv4-special-registry/
NOBODYS_IPV4 = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",  # behind a carrier's NAT
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/3",  # multicast, reserved, broadcast
    # What stands between a shopper and a shop, and is noted instead of them: Shopify's own servers,
    # and Cloudflare's towards shops (https://www.cloudflare.com/ips/).
    "23.227.32.0/19",
    "185.146.172.0/22",
    "104.16.0.0/13",
    "162.158.0.0/15",
    "172.64.0.0/13",
    "173.245.48.0/20",
)
IPV4_BYTES = 4
IPV4_MAPPED = b"\0" * 10 + b"\xff\xff"
GLOBAL_IPV6 = 0b001  # the first three bits: 2000::/3

# Of each hashed key: what is done to a value, and the reason when nothing is left of it.
HASHED = {
    "em": ("trimmed, lower case, sha256", "not_an_email"),
    "ph": ("country code and digits, sha256", "not_a_phone_number"),
    "fn": ("lower case, no punctuation or spaces, sha256", "not_a_name"),
    "ln": ("lower case, no punctuation or spaces, sha256", "not_a_name"),
    "ct": ("lower case, letters only, sha256", "not_a_city"),
    "st": ("region as code or name, lower case, sha256", "unknown_region"),
    "zp": ("lower case, no spaces, up to the dash, sha256", "not_a_postcode"),
    "country": ("two-letter code, lower case, sha256", "unknown_country"),
    "db": ("YYYYMMDD, sha256", "not_a_birth_date"),
    "ge": ("m or f, sha256", "not_a_gender"),
    "external_id": ("lower case, no spaces, sha256", "not_an_id"),
}
PLACES = frozenset({"ct", "st", "zp", "country"})


class Finding(Struct, frozen=True, kw_only=True):
    """One value looked at: sent as `value` under Meta's `key`, or `dropped` for that reason."""

    key: str
    origin: str  # where the shop had it: "billing.email"
    value: str = ""
    steps: str = ""  # what was done to it: "trimmed, lower case, sha256"
    dropped: str = ""  # a slug of the closed list in docs/glossary.md


def identify(order: Order, *, now: datetime, own_domain: str = "") -> tuple[Finding, ...]:
    """Every value that may identify the buyer, in a fixed order, each key's best first.

    Equal values are found once. `now` (aware) judges the times inside fbc and fbp; addresses at
    `own_domain`, the shop's, are not the buyer's.
    """
    visit = order.visit
    by_program = any(
        not quote.text.startswith("Mozilla/") and SERVER.match(quote.text)
        for quote in visit.user_agents
    )
    return (
        *_hashed(order, now=now, own_domain=own_domain),
        *(_not_the_shoppers(visit) if by_program else _machine(visit.ips)),
        *(() if by_program else _user_agent(visit.user_agents)),
        *_fbc(order, now=now),
        *_fbp(order.visit.fbps, now=now),
    )


def is_matchable(findings: Iterable[Finding]) -> bool:
    """Whether Meta will take what is sent as enough to look for a person."""
    keys = {finding.key for finding in findings if not finding.dropped}
    return not any(map(keys.issubset, TOO_BROAD))


def _not_the_shoppers(visit: Visit) -> Iterator[Finding]:
    """A program sent the order: its address is as little the shopper's as its name."""
    for key, quotes in (("client_ip_address", visit.ips), ("client_user_agent", visit.user_agents)):
        for quote in quotes:
            yield Finding(key=key, origin=quote.origin, dropped="not_the_shoppers")


def _hashed(order: Order, *, now: datetime, own_domain: str) -> Iterator[Finding]:
    own_mailbox = f"@{own_domain}" if own_domain else ""
    seen: set[tuple[str, ...]] = set()  # what was looked at, and what is sent
    for key, text, country, origin in _texts(order):
        if (looked_at := (key, text, country)) in seen:
            continue
        seen.add(looked_at)
        if own_mailbox and key == "em" and text.lower().endswith(own_mailbox):
            yield Finding(key=key, origin=origin, dropped="the_shops_own")
            continue
        if key == "db" and _is_a_childs(text, country, now):
            yield Finding(key=key, origin=origin, dropped="under_age")
            continue
        value = _place(key, text, country) if key in PLACES else _hash(key, text, country)
        steps, unusable = HASHED[key]
        if not value:
            yield Finding(key=key, origin=origin, dropped=unusable)
        elif (sent := (key, value)) not in seen:
            seen.add(sent)
            if len(text) >= len(value) and text.strip().lower() == value:
                steps = "hashed by the shop"
            yield Finding(key=key, origin=origin, value=value, steps=steps)


def _texts(order: Order) -> Iterator[tuple[str, str, str, str]]:
    """(key, text, country of the text, origin) of all that is hashed."""
    buyer = order.buyer
    home = _home(buyer.addresses)
    for quote in buyer.emails:
        yield "em", quote.text, "", quote.origin
    for quote in buyer.phones:
        yield "ph", quote.text, home, quote.origin
    for quote in buyer.first_names:
        yield "fn", quote.text, "", quote.origin
    for quote in buyer.last_names:
        yield "ln", quote.text, "", quote.origin
    for quote in buyer.birth_dates:
        yield "db", quote.text, home, quote.origin
    for quote in buyer.genders:
        yield "ge", quote.text, "", quote.origin
    told = set()
    for address in buyer.addresses:
        if (same := astuple(address)[1:]) in told:  # most orders go where they are billed
            continue
        told.add(same)
        country = address.country or home
        for key, text, where, field in (
            ("ph", address.phone, country, "phone"),
            ("fn", address.first_name, "", "first_name"),
            ("ln", address.last_name, "", "last_name"),
            ("ct", address.city, "", "city"),
            ("st", address.region, country, "region"),
            ("zp", address.postcode, country, "postcode"),
            ("country", address.country, "", "country"),
        ):
            if text:
                yield key, text, where, f"{address.origin}.{field}"
    if buyer.customer_id:
        yield "external_id", buyer.customer_id, "", "customer.id"


def _is_a_childs(text: str, country: str, now: datetime) -> bool:
    born = normalise("db", text, country=country) or ""
    return (
        born.isdecimal() and len(born) == 8 and int(f"{now:%Y%m%d}") - int(born) < GROWN_UP * 10_000
    )


def _home(addresses: Iterable[Address]) -> str:
    """The country of what stands outside an address: who pays lives where the bill goes."""
    found = ""
    for address in addresses:
        if address.origin == "billing" and address.country:
            return address.country
        if address.country and (address.origin == "customer" or not found):
            found = address.country
    return found


def _hash(key: str, text: str, country: str) -> str:
    normal = normalise(key, text, country=country)
    return "" if normal is None else hashed(normal)


# Orders share their places, and a place is nobody's secret; nothing else is kept between orders.
_place = lru_cache(maxsize=10_000)(_hash)


def _machine(quotes: Iterable[Quote]) -> Iterator[Finding]:
    """The shopper's own address: of a list the first public one, for proxies add themselves behind it.

    Of two places that name one, IPv6 comes before IPv4, as Meta asks.
    """
    best, origin = b"", ""
    for quote in quotes:
        for text in quote.text.split(",")[:MOST_ADDRESSES]:
            number = _number(text.strip())
            if number is None or not _is_public(number):
                reason = "not_an_ip_address" if number is None else "not_a_public_address"
                yield Finding(key="client_ip_address", origin=quote.origin, dropped=reason)
                continue
            if len(number) > len(best):
                best, origin = number, quote.origin
            break
    if best:
        value = inet_ntop(AF_INET if len(best) == IPV4_BYTES else AF_INET6, best)
        yield Finding(key="client_ip_address", origin=origin, value=value, steps="as it is")


def _number(text: str) -> bytes | None:
    """The bytes of an address of either version; of version 4 also where it is mapped into 6.

    By the C library's reader, which asks no network: `ipaddress` takes ten times as long.
    """
    try:
        number = inet_pton(AF_INET6 if ":" in text else AF_INET, text)
    except (OSError, ValueError):
        return None
    return number.removeprefix(IPV4_MAPPED)


def _is_public(number: bytes) -> bool:
    if len(number) > IPV4_BYTES:
        return number[0] >> 5 == GLOBAL_IPV6
    return not any(first <= number <= last for first, last in NOBODYS_BY_FIRST_BYTE[number[0]])


def _by_first_byte(networks: Iterable[str]) -> list[list[tuple[bytes, bytes]]]:
    """The first and last address of each network, found by the first byte of an address."""
    table: list[list[tuple[bytes, bytes]]] = [[] for _ in range(256)]
    for network in map(IPv4Network, networks):
        first, last = network[0].packed, network[-1].packed
        for byte in range(first[0], last[0] + 1):
            table[byte].append((first, last))
    return table


NOBODYS_BY_FIRST_BYTE = _by_first_byte(NOBODYS_IPV4)


def _user_agent(quotes: Iterable[Quote]) -> Iterator[Finding]:
    for quote in quotes:
        text = quote.text
        if not text.isprintable():
            text = "".join(filter(str.isprintable, text))
        plain = text.strip()[:LONGEST_USER_AGENT].rstrip()
        if ANY_HASH.fullmatch(plain):
            yield Finding(key="client_user_agent", origin=quote.origin, dropped="malformed")
        elif plain:
            yield Finding(
                key="client_user_agent", origin=quote.origin, value=plain, steps="as it is"
            )
            return


def _fbc(order: Order, *, now: datetime) -> Iterator[Finding]:
    """The click: the browser's own fbc, else one built of the landing page's fbclid."""
    for quote in order.visit.fbcs:
        fbc = _milliseconds(quote.text)
        if _is_browser_id(fbc, FBC, now=now):
            yield Finding(key="fbc", origin=quote.origin, value=fbc, steps="as it is")
            return
        yield Finding(key="fbc", origin=quote.origin, dropped="malformed")
    for click in order.visit.clicks:
        if FBCLID.fullmatch(click.fbclid):
            at = min(click.at or order.placed_at, now)
            # Index 1 is for an fbc built on a server; the case of an fbclid is part of it.
            fbc = f"fb.1.{int(at.timestamp() * 1000)}.{click.fbclid}"
            yield Finding(key="fbc", origin=click.origin, value=fbc, steps="fb.1.time.fbclid")
            return
        yield Finding(key="fbc", origin=click.origin, dropped="malformed")


def _fbp(quotes: Iterable[Quote], *, now: datetime) -> Iterator[Finding]:
    """The browser. Never made up where it is missing: a false browser matches nobody, or another."""
    for quote in quotes:
        fbp = _milliseconds(quote.text)
        if _is_browser_id(fbp, FBP, now=now):
            yield Finding(key="fbp", origin=quote.origin, value=fbp, steps="as it is")
            return
        yield Finding(key="fbp", origin=quote.origin, dropped="malformed")


def _milliseconds(text: str) -> str:
    """An fbc or fbp whose time is in seconds, as some plugins write it, in the unit Meta reads."""
    text = text.strip()[: LONGEST_BROWSER_ID + 1]
    seconds = IN_SECONDS.match(text)
    return f"{seconds[1]}000{text[seconds.end(1) :]}" if seconds else text


def _is_browser_id(text: str, form: re.Pattern[str], *, now: datetime) -> bool:
    match = form.fullmatch(text) if len(text) <= LONGEST_BROWSER_ID else None
    if match is None:
        return False
    return BEFORE_ANY_PIXEL <= int(match[1]) <= now.timestamp() * 1000
