"""One text about a buyer in the form Meta hashes, field by field, with Meta's rule beside each.

A field's function gives the normal form, or None where nothing true can be sent. All rules are those
of https://developers.facebook.com/documentation/ads-commerce/conversions-api/parameters/customer-information-parameters
read with what Meta's own libraries do where the page is silent.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date
from hashlib import sha256

from purchases.countries import alpha_2
from purchases.meta.phones import international
from purchases.regions import region_code

SHA_256 = re.compile(r"[0-9a-f]{64}")
OTHER_HASH = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{96}|[0-9a-f]{128}")
# What software writes for nothing. Their hashes are what badly built senders send.
NOTHING = frozenset({"", "null", "none", "undefined", "nan", "nil"})

LOCAL_PART = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*")
DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}(?<!-)")
LONGEST_EMAIL = 254  # RFC 5321 section 4.5.3.1.3
NOBODYS_MAILBOX = frozenset(
    [
        *("guest", "noemail", "no-email", "no_email", "noreply", "no-reply", "no_reply"),
        *("donotreply", "none", "null", "undefined", "anonymous", "walkin", "walk-in", "nomail"),
    ]
)
# Marketplaces make one address per order; .invalid is by definition nobody's (RFC 2606).
MARKETPLACES = ("marketplace.amazon.", "members.ebay.")

POSTCODE_COUNTRY = re.compile(r"^[a-z]{1,3}-(?=\d)")  # SE-111 22, D-10115
DASHES = re.compile(r"[‐-―−－]")

GENDERS = {
    "m": "m male man mr mister sir boy he him masculin männlich herr hombre uomo homme",
    "f": "f female woman mrs ms miss madam lady girl she her feminin weiblich frau mujer donna femme",
}
GENDER_OF = {word: gender for gender, words in GENDERS.items() for word in words.split()}

EARLIEST_BIRTH = 1900
LATEST_BIRTH = 2026  # the core has no clock; whoever is born later buys nothing for years


class Kept(dict[int, int | None]):
    """A table for `str.translate` that keeps letters and marks (and digits, if asked to).

    It fills itself: each character is judged once, and dropped where it is None.
    """

    def __init__(self, *, digits: bool) -> None:
        super().__init__(dict.fromkeys(range(0xFE00, 0xFE10)))  # what makes emoji of symbols
        self.dropped = {"Me"} if digits else {"Me", "Nd", "No"}

    def __missing__(self, code: int) -> int | None:
        category = unicodedata.category(chr(code))
        drops = category[0] in "PSZC" or category in self.dropped
        self[code] = None if drops else code
        return self[code]


NAME, CITY = Kept(digits=True), Kept(digits=False)


def hashed(text: str) -> str:
    """The SHA-256 of a normal form in lower-case hex; a value that is one already stays as it is."""
    return text if _is_sha_256(text) else sha256(text.encode()).hexdigest()


def normalise(field: str, raw: str, *, country: str | None) -> str | None:
    """`raw` in the form Meta hashes for `field`, its hash where it is hashed already, or None.

    `field` is one of Meta's keys in FIELDS; `country` is that of the buyer's address, as a code or a
    name, and may be "" or None.
    """
    if len(raw) >= 64 and _is_sha_256(digest := raw.strip().lower()):
        return None if digest in HASHES_OF_NOTHING else digest
    normal = FIELDS[field](raw, alpha_2(country) if country else "")
    return None if normal is None or normal in NOTHING else normal


def normalise_email(text: str) -> str | None:
    """Trimmed and in lower case; Gmail's dots and plus tags stay. An IDN domain in its ASCII form."""
    text = _without_format(text).strip().lower()
    local, at, domain = text.rpartition("@")
    if not at or len(text) > LONGEST_EMAIL:
        return None
    if not text.isascii():
        local, domain = unicodedata.normalize("NFC", local), _ascii_domain(domain)
    if not LOCAL_PART.fullmatch(_without_marks(local)) or not DOMAIN.fullmatch(domain):
        return None
    if local in NOBODYS_MAILBOX or domain.startswith(MARKETPLACES) or domain.endswith(".invalid"):
        return None
    return f"{local}@{domain}"


def normalise_phone(text: str, *, country: str) -> str | None:
    """Digits only, with the country code. See phones.py."""
    if OTHER_HASH.fullmatch(text.strip().lower()):
        return None
    return international(_without_format(text), country=country)


def normalise_name(text: str) -> str | None:
    """Lower case without punctuation, spaces or symbols, in its own script: josémaría, 山田太郎."""
    return _plain(text.lower(), NAME) or None


def normalise_city(text: str) -> str | None:
    """As a name, and without digits: washingtondc, sãopaulo; Paris 15 is paris."""
    return _plain(text.lower(), CITY) or None


def normalise_region(text: str, *, country: str) -> str | None:
    """US and Canada: the two-letter code. Elsewhere: the whole name or code, as it stands."""
    if country in ("US", "CA"):
        return region_code(text, country=country) or None
    return normalise_name(text)


def normalise_postcode(text: str, *, country: str) -> str | None:
    """Lower case without spaces; what follows a dash goes. US: five digits; GB: the whole code."""
    folded = DASHES.sub("-", unicodedata.normalize("NFKC", text)).strip().lower()
    folded = POSTCODE_COUNTRY.sub("", folded, count=1)
    # Meta asks for the whole British code, and cuts all others at the dash.
    postcode = _plain(folded if country == "GB" else folded.partition("-")[0], NAME)
    if country == "US":
        five = re.match(r"[0-9]{5}", postcode)
        return five[0] if five else None
    return postcode if len(postcode) >= 2 else None


def normalise_country(text: str) -> str | None:
    """ISO 3166-1 alpha-2 in lower case. See countries.py."""
    return alpha_2(text.strip()).lower() or None


def normalise_birth_date(text: str, *, country: str) -> str | None:
    """YYYYMMDD. In 03/04/1990 the month comes first in the US and where the country is unknown."""
    if not (groups := re.match(r"\D*(\d+)\D+(\d+)\D+(\d+)", text)):
        eight = re.fullmatch(r"\D*(\d{4})(\d\d)(\d\d)\D*", text)
        return _birth_date(*map(int, eight.groups())) if eight else None
    first, second, third = map(int, groups.groups())
    if first > 31:
        return _birth_date(first, second, third)
    if country in ("", "US"):
        return _birth_date(third, first, second) or _birth_date(third, second, first)
    return _birth_date(third, second, first) or _birth_date(third, first, second)


def normalise_gender(text: str) -> str | None:
    """m or f; Meta knows no other."""
    return GENDER_OF.get(text.strip(" .\t\n").lower())


def normalise_external_id(text: str) -> str | None:
    """Any id that stays the same: lower case without spaces, as Meta's parameter builder has it."""
    normal = "".join(unicodedata.normalize("NFC", _without_format(text)).lower().split())
    return None if normal == "0" else normal or None


def _without_marks(text: str) -> str:
    """`text` without the marks that stand on letters, such as vowel signs: they are no letters."""
    if text.isascii():
        return text
    return "".join(c for c in text if unicodedata.category(c) not in ("Mn", "Mc"))


def _ascii_domain(domain: str) -> str:
    """A domain name as it travels: münchen.de is xn--mnchen-3ya.de (RFC 3492).

    Not `str.encode("idna")`: that is IDNA 2003, which turns ß into ss, another domain.
    """
    labels = re.split("[.。．｡]", unicodedata.normalize("NFKC", domain).lower())
    return ".".join(
        label if label.isascii() else "xn--" + label.encode("punycode").decode() for label in labels
    )


def _plain(text: str, kept: Kept) -> str:
    if text.isascii() and text.isalpha():
        return text
    plain = text.translate(kept)
    return plain if plain.isascii() else unicodedata.normalize("NFC", plain)


def _is_sha_256(text: str) -> bool:
    return len(text) == 64 and SHA_256.fullmatch(text) is not None


def _without_format(text: str) -> str:
    """`text` without zero-width characters and controls other than white space."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")


def _birth_date(year: int, month: int, day: int) -> str | None:
    if not EARLIEST_BIRTH <= year <= LATEST_BIRTH:
        return None
    try:
        return f"{date(year, month, day):%Y%m%d}"
    except ValueError:
        return None


HASHES_OF_NOTHING = frozenset(
    sha256(text.encode()).hexdigest()
    for word in NOTHING
    for text in (word, word.upper(), word.title(), "NaN", " ")
)

FIELDS: dict[str, Callable[[str, str], str | None]] = {
    "em": lambda text, country: normalise_email(text),
    "ph": lambda text, country: normalise_phone(text, country=country),
    "fn": lambda text, country: normalise_name(text),
    "ln": lambda text, country: normalise_name(text),
    "ct": lambda text, country: normalise_city(text),
    "st": lambda text, country: normalise_region(text, country=country),
    "zp": lambda text, country: normalise_postcode(text, country=country),
    "country": lambda text, country: normalise_country(text),
    "db": lambda text, country: normalise_birth_date(text, country=country),
    "ge": lambda text, country: normalise_gender(text),
    "external_id": lambda text, country: normalise_external_id(text),
}
