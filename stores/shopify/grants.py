"""What the token endpoint's answer means, as a decision. Pure.

https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/offline-access-tokens
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from stores.secrets import Secret

# Ends that no answer should name: what is beyond them was not meant in seconds.
LONGEST_SECONDS = 10 * 365 * 86_400


class Granted(Struct, frozen=True, kw_only=True):
    """A pair of tokens, and when each ends."""

    access_token: Secret
    access_token_until: datetime
    refresh_token: Secret
    refresh_token_until: datetime
    scopes: str


class StaleSession(Struct, frozen=True):
    """The session token is too old: the browser must bring a fresh one."""


class NeedsMerchant(Struct, frozen=True):
    """No token will come until somebody opens the app in the shop's admin."""

    reason: str


class TryLater(Struct, frozen=True):
    """Nothing is decided; what we hold stays."""

    reason: str


Outcome = Granted | StaleSession | NeedsMerchant | TryLater

REFUSALS: dict[str, Outcome] = {
    "invalid_subject_token": StaleSession(),
    "invalid_grant": NeedsMerchant("refresh_token_refused"),
    "invalid_request": NeedsMerchant("refresh_token_refused"),
    "invalid_client": NeedsMerchant("app_removed_or_secret_wrong"),
}


def read_grant(*, status: int, document: object, now: datetime) -> Outcome:
    """What the answer to a request for an expiring pair means.

    `now` is when it was asked for. An answer without an end, or without its second half, would be
    stored as one that lasts for ever: it is none.
    """
    said = document if isinstance(document, dict) else {}
    if status == 200:
        return _granted(said, now=now) or TryLater("incomplete_answer")
    if status in (400, 401) and (refusal := REFUSALS.get(str(said.get("error")))):
        return refusal
    return TryLater(f"http_{status}")


def _granted(said: dict[object, object], *, now: datetime) -> Granted | None:
    access, refresh = said.get("access_token"), said.get("refresh_token")
    ends = _end(said.get("expires_in"), now), _end(said.get("refresh_token_expires_in"), now)
    if not (isinstance(access, str) and access and isinstance(refresh, str) and refresh):
        return None
    if ends[0] is None or ends[1] is None:
        return None
    return Granted(
        access_token=Secret(access),
        access_token_until=ends[0],
        refresh_token=Secret(refresh),
        refresh_token_until=ends[1],
        scopes=scopes_of(said.get("scope")),
    )


def scopes_of(said: object) -> str:
    """The scopes in their one form: sorted, by commas, each once."""
    names = said if isinstance(said, list) else str(said or "").split(",")
    return ",".join(sorted({str(name).strip() for name in names} - {""}))


def missing_scopes(*, granted: str, wanted: str) -> list[str]:
    """The scopes of `wanted` that were not granted; who may write may also read."""
    have = set(granted.split(","))
    have |= {f"read_{name.removeprefix('write_')}" for name in have if name.startswith("write_")}
    return sorted(set(wanted.split(",")) - have - {""})


def _end(seconds: object, now: datetime) -> datetime | None:
    """Some answers spell numbers as text."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float | str):
        return None
    try:
        number = float(seconds)
    except ValueError:
        return None
    return now + timedelta(seconds=number) if 0 < number <= LONGEST_SECONDS else None
