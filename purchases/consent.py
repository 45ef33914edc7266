"""Whether the buyer lets Meta be told: what the order says, and what the store asks for where.

A shop's webhook knows no consent. What a consent plug-in, a snippet or our browser half has written to
the order does: order meta, or note attributes. A store without a policy has not asked us to look.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Literal

import msgspec
from msgspec import Struct

from purchases.countries import EEA, alpha_2
from purchases.order import Order
from purchases.regions import ROWS, region_code

Policy = Literal["required", "unless_refused", "limited"]

LONGEST_EVIDENCE = 500
ADVERTISEMENT = re.compile(r"advertisement:\w+")
REGION = re.compile(r"[A-Z]{2}(?:-[A-Z0-9]{1,3})?")


class Permission(StrEnum):
    """What may be done with an order."""

    FULL = "full"
    LIMITED = "limited"  # told, and marked so that Meta's use of it is limited
    AWAITED = "awaited"  # not before the buyer has said yes
    REFUSED = "refused"


class Said(StrEnum):
    """What an order says of its buyer's consent."""

    YES = "yes"
    NO = "no"
    NOT_GIVEN = "not_given"  # the shop's banner has no yes: not asked yet, or not answered
    NOTHING = "nothing"


class Answer(StrEnum):
    """What a buyer had answered where a policy asks, for the account that a store gives of it."""

    GIVEN = "given"
    REFUSED = "refused"
    MISSING = "missing"  # no answer stands on the order
    NOT_NEEDED = "not_needed"  # the policy does not ask where they are


class ConsentError(ValueError):
    """A policy that cannot be meant: `key` names the setting, the message says what is allowed."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(f"{key}: {message}")
        self.key = key
        self.message = message


class Consent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a store asks for. `regions` are where: EEA, countries (GB), states (US-CA); empty for
    everywhere. Elsewhere only a refusal counts. `evidence` is where the answer stands."""

    policy: Policy
    regions: tuple[str, ...] = ()
    evidence: Literal["order_meta"] = "order_meta"


def read_consent(settings: Mapping[str, object]) -> Consent:
    """Settings as a policy. Raises ConsentError naming the key that is wrong."""
    try:
        consent = msgspec.convert(settings, Consent)
    except msgspec.ValidationError as error:
        key = re.search(r"`\$\.(\w+)|field `(\w+)`", str(error))
        named = (key[1] or key[2]) if key else "policy"
        raise ConsentError(named, str(error).partition(" - at ")[0]) from None
    for region in consent.regions:
        if region != "EEA" and not REGION.fullmatch(region):
            raise ConsentError(
                "regions", f"{region!r} is not EEA, a country (GB) or a state (US-CA)"
            )
    return consent


def permission_of(order: Order, consent: Consent | None) -> Permission:
    """What the store's policy and the order's own words make of it."""
    if consent is None:
        return Permission.FULL
    said = marketing(order)
    if not _applies(order, consent.regions):
        permission = Permission.FULL if said in (Said.YES, Said.NOTHING) else Permission.REFUSED
    elif said is Said.YES:
        permission = Permission.FULL
    elif consent.policy == "limited":
        permission = Permission.LIMITED
    elif said is Said.NO:
        permission = Permission.REFUSED
    elif consent.policy == "required":
        permission = Permission.AWAITED
    else:
        permission = Permission.FULL if said is Said.NOTHING else Permission.REFUSED
    if permission is Permission.FULL and sale_of_data(order) is Said.NO:
        return Permission.LIMITED
    return permission


def answer_of(order: Order, consent: Consent) -> Answer:
    """What the buyer had answered, where the store's policy asks."""
    said = marketing(order)
    if said is Said.NO:
        return Answer.REFUSED
    if not _applies(order, consent.regions):
        return Answer.NOT_NEEDED
    return Answer.GIVEN if said is Said.YES else Answer.MISSING


def country_of(order: Order) -> str:
    """Where the buyer is: ISO 3166-1 alpha-2, or "" where the order names no country."""
    return next((country for country, _state in _places(order)), "")


def marketing(order: Order) -> Said:
    """What the order says of marketing. Of several plug-ins that disagree, the refusal counts."""
    return _heard(order, MARKETING)


def sale_of_data(order: Order) -> Said:
    """What the order says of the sale or sharing of the buyer's data, as laws in the USA call it."""
    return _heard(order, SALE_OF_DATA)


def evidence(order: Order) -> str:
    """What the order says of consent, in the words of those who asked: `cmplz_marketing: allow`.

    "" for nothing. Without what may tell who the buyer is, such as the number of a banner's cookie.
    """
    latest = {key: text for key, text in order.attributes if key in EVIDENCE}
    said = [f"{key}: {word}" for key, text in sorted(latest.items()) if (word := _plain(text))]
    return "; ".join(said)[:LONGEST_EVIDENCE]


def _plain(text: str) -> str:
    found = ADVERTISEMENT.search(text)
    return found[0] if found else " ".join(re.findall(r"[\w:.+-]+", text))[:100]


def _word(text: str) -> Said:
    word = text.strip().lower()
    if word in ("allow", "allowed", "granted", "accepted", "yes", "true", "1"):
        return Said.YES
    if word in ("deny", "denied", "refused", "declined", "no", "false", "0"):
        return Said.NO
    return Said.NOT_GIVEN if word == "not_given" else Said.NOTHING


def _cookieyes(text: str) -> Said:
    """`consentid:…,consent:yes,action:yes,advertisement:no`: nothing until the buyer has acted."""
    parts = dict(part.partition(":")[::2] for part in text.replace("%2C", ",").split(","))
    return _word(parts.get("advertisement", "")) if parts.get("action") == "yes" else Said.NOTHING


# Each plug-in's answer, under the name of its cookie, or the same name hidden in WordPress' way.
# https://github.com/WordPress/wp-consent-level-api
MARKETING: Mapping[str, Callable[[str], Said]] = {
    "_capi_consent_marketing": _word,  # ours
    "wp_consent_marketing": _word,
    "_wp_consent_marketing": _word,
    "cmplz_marketing": _word,
    "_cmplz_marketing": _word,
    "cookieyes-consent": _cookieyes,
    "_cookieyes-consent": _cookieyes,
}
SALE_OF_DATA: Mapping[str, Callable[[str], Said]] = {"_capi_consent_sale_of_data": _word}


# Our helper says by whom and when.
EVIDENCE = {*MARKETING, *SALE_OF_DATA, "_capi_consent_said"}


def _heard(order: Order, places: Mapping[str, Callable[[str], Said]]) -> Said:
    latest = {key: text for key, text in order.attributes if key in places}
    said = {places[key](text) for key, text in latest.items()}
    return next(
        (word for word in (Said.NO, Said.YES, Said.NOT_GIVEN) if word in said), Said.NOTHING
    )


def _applies(order: Order, regions: Iterable[str]) -> bool:
    """Whether the buyer may be in one of the regions: also where nobody says where they are."""
    wanted = {code for region in regions for code in (EEA if region == "EEA" else (region,))}
    places = set(_places(order))
    return not wanted or not places or any(_may_be(place, wanted) for place in places)


def _places(order: Order) -> Iterator[tuple[str, str]]:
    """Country and state ("" where none is known) of each of the buyer's addresses."""
    for address in order.buyer.addresses:
        if country := alpha_2(address.country):
            has_states = country in ROWS
            state = region_code(address.region, country=country) if has_states else ""
            yield country, state.upper()


def _may_be(place: tuple[str, str], wanted: set[str]) -> bool:
    country, state = place
    if country in wanted or f"{country}-{state}" in wanted:
        return True
    return not state and any(region.startswith(f"{country}-") for region in wanted)
