"""Session tokens: who is looking, from which shop's admin. Shopify signs one a minute.

PyJWT checks the signature; every claim is checked here, because libraries differ in what they let
through. No error repeats the token.
https://shopify.dev/docs/apps/build/authentication-authorization/session-tokens
"""

from __future__ import annotations

from collections.abc import Iterable

import jwt
import msgspec

from purchases.shops.shopify import shop_domain

LEEWAY_SECONDS = 10
# Shopify's own live for one; a longer one was made by somebody else.
LONGEST_LIFE_SECONDS = 120
LONGEST_TOKEN = 8_192
# PyJWT would compare with its own clock, and take lists for an audience.
SIGNATURE_ALONE: dict[str, bool | list[str]] = {
    f"verify_{claim}": False for claim in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")
}


class NotASessionToken(Exception):
    """Says what is wrong, in one word for the log."""


class SessionToken(msgspec.Struct, frozen=True, kw_only=True):
    """A verified token: a member of staff in the admin of `shop`."""

    shop: str
    staff_id: str
    session_id: str
    raw: str

    def __repr__(self) -> str:
        return f"<SessionToken of {self.shop}>"


class _Claims(msgspec.Struct):
    """What must be there. A token for the checkout has no `sid`, and an audience is no list."""

    iss: str
    dest: str
    aud: str
    sub: str
    exp: float
    nbf: float
    jti: str
    sid: str
    iat: float | None = None


def bearer(header: str) -> str:
    """The token of an Authorization header, or ""."""
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def verify(raw: str, *, client_id: str, secrets: Iterable[str], now: float) -> SessionToken:
    """The token that `raw` is, if one of `secrets` (current, then previous) has signed it for
    `client_id` and its time is now. Raises NotASessionToken."""
    claims = _signed_claims(raw, secrets=[secret for secret in secrets if secret])
    if not client_id or claims.aud != client_id:
        raise NotASessionToken("audience")
    if claims.exp <= now - LEEWAY_SECONDS:
        raise NotASessionToken("expired")
    if max(claims.nbf, claims.iat or claims.nbf) > now + LEEWAY_SECONDS:
        raise NotASessionToken("not_yet_valid")
    if not claims.exp - claims.nbf <= LONGEST_LIFE_SECONDS:
        raise NotASessionToken("lives_too_long")
    shop = claims.dest.removeprefix("https://")
    if claims.dest != f"https://{shop}" or shop_domain(shop) != shop:
        raise NotASessionToken("destination")
    if claims.iss != f"https://{shop}/admin":
        raise NotASessionToken("issuer")
    if not (claims.sub.isascii() and claims.sub.isdecimal() and len(claims.sub) <= 20):
        raise NotASessionToken("subject")
    return SessionToken(shop=shop, staff_id=claims.sub, session_id=claims.sid, raw=raw)


def _signed_claims(raw: str, *, secrets: list[str]) -> _Claims:
    if not raw or len(raw) > LONGEST_TOKEN:
        raise NotASessionToken("missing" if not raw else "too_long")
    for secret in secrets:
        try:
            said = jwt.decode(raw, secret, algorithms=["HS256"], options=SIGNATURE_ALONE)  # type: ignore[arg-type]  # a plain dict will do
            return msgspec.convert(said, _Claims)
        except jwt.InvalidSignatureError:
            continue
        except msgspec.ValidationError as error:
            raise NotASessionToken("claims") from error
        except (jwt.PyJWTError, ValueError) as error:
            raise NotASessionToken("malformed") from error
    raise NotASessionToken("signature")
