"""How well Meta may match a sale to a person, by what it is told of the buyer: an estimate.

Meta publishes no weights, and its own score is a dataset's, of the last days, and of the web only. These
are ours: an identifier finds the person with some likelihood, each on its own. So one more never lowers
the estimate, and what is not plausible counts nothing, for it is not sent.
https://developers.facebook.com/docs/marketing-api/conversions-api/dataset-quality-api
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from purchases.meta.user_data import Finding

# What is kept of an event is a number with a bit for each of these: their places never change.
IDENTIFIERS = (
    "em",
    "ph",
    "fn",
    "ln",
    "db",
    "ge",
    "ct",
    "st",
    "zp",
    "country",
    "external_id",
    "fbc",
    "fbp",
    "client_ip_address",
    "client_user_agent",
    "ctwa_clid",
    "ipv6",  # that the address is one of version 6, which seldom has a household behind it
)
BITS: Mapping[str, int] = {name: 1 << place for place, name in enumerate(IDENTIFIERS)}
BEST = 10.0

ALONE = {
    "em": 0.55,
    "fbc": 0.45,
    "ctwa_clid": 0.45,
    "ph": 0.40,
    "fbp": 0.30,
    "db": 0.15,
    "zp": 0.08,
    "client_user_agent": 0.05,
    "ct": 0.05,
    "external_id": 0.05,  # more where a browser sends the same one, which a server cannot know
    "st": 0.03,
    "country": 0.03,
    "ge": 0.02,
}
# Together only: a name needs a place or a birthday beside it, an address the browser it was used by.
FULL_NAME, NEEDS_ONE_OF = 0.20, ("zp", "ct", "db")
IPV4, IPV6 = 0.20, 0.25


def identifiers_of(findings: Iterable[Finding]) -> int:
    """The bits of what is sent of the buyer; 0 for nothing."""
    mask = 0
    for finding in findings:
        if not finding.dropped:
            mask |= BITS.get(finding.key, 0)
            if finding.key == "client_ip_address" and ":" in finding.value:
                mask |= BITS["ipv6"]
    return mask


@lru_cache(maxsize=4096)
def estimate(mask: int) -> float:
    """From 0 to 10, for the bits of `identifiers_of`."""
    unfound = 1.0
    for name, likelihood in ALONE.items():
        if mask & BITS[name]:
            unfound *= 1 - likelihood
    if _all(mask, "fn", "ln") and any(mask & BITS[name] for name in NEEDS_ONE_OF):
        unfound *= 1 - FULL_NAME
    if _all(mask, "client_ip_address", "client_user_agent"):
        unfound *= 1 - (IPV6 if mask & BITS["ipv6"] else IPV4)
    return BEST * (1 - unfound)


def with_bits(mask: int, *names: str) -> int:
    """The mask, had these been sent too."""
    for name in names:
        mask |= BITS[name]
    return mask


def _all(mask: int, *names: str) -> bool:
    return all(mask & BITS[name] for name in names)
