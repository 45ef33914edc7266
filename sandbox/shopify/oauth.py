"""The token endpoint, `POST /admin/oauth/access_token`, as strict as Shopify's.

https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens
"""

import hmac
from typing import Any

import jwt

from sandbox.shopify.world import Shop, World

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"

Answer = tuple[int, dict[str, Any]]


def answer_token(world: World, shop: Shop, form: dict[str, Any]) -> Answer:
    """The answer to one request for tokens."""
    if not (
        form.get("client_id") == world.client_id
        and hmac.compare_digest(
            str(form.get("client_secret", "")).encode(), world.client_secret.encode()
        )
    ):
        return refusal(400, "invalid_client", "Client authentication failed")
    if not shop.installed:
        return refusal(400, "invalid_client", "The app is not installed on this shop")
    match form.get("grant_type"):
        case "refresh_token":
            answer = _refresh(world, shop, str(form.get("refresh_token", "")))
        case "client_credentials":
            answer = 200, world.give(shop, expiring=False).answer | {"expires_in": 86_399}
        case grant_type if grant_type == EXCHANGE:
            answer = _exchange(world, shop, form)
        case None if "code" in form:
            answer = _code(world, shop, form)
        case _:
            answer = refusal(400, "unsupported_grant_type", "The grant type is not supported")
    return answer


def refusal(status: int, error: str, description: str) -> Answer:
    """A refusal in OAuth's words."""
    return status, {"error": error, "error_description": description}


def _refresh(world: World, shop: Shop, refresh_token: str) -> Answer:
    if grant := world.refresh(shop, refresh_token):
        return 200, grant.answer
    return refusal(401, "invalid_request", "This request requires an active refresh_token")


def _exchange(world: World, shop: Shop, form: dict[str, Any]) -> Answer:
    if form.get("requested_token_type") != OFFLINE:
        return refusal(400, "invalid_request", "The sandbox gives offline tokens only")
    subject, kind = str(form.get("subject_token", "")), form.get("subject_token_type")
    if kind == OFFLINE:
        if world.grant_of(shop, subject) is None or str(form.get("expiring")) != "1":
            return refusal(400, "invalid_subject_token", "Subject token is invalid")
        grant = world.give(shop, expiring=True)
        shop.grants[:] = [each for each in shop.grants if each.access_token != subject]
        return 200, grant.answer
    if kind != ID_TOKEN or not _is_session_token(world, shop, subject):
        return refusal(400, "invalid_subject_token", "Subject token is invalid")
    return 200, world.give(shop, expiring=str(form.get("expiring", "0")) == "1").answer


def _is_session_token(world: World, shop: Shop, token: str) -> bool:
    try:
        claims = jwt.decode(
            token,
            world.client_secret,
            algorithms=["HS256"],
            audience=world.client_id,
            options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
        )
    except jwt.PyJWTError:
        return False
    now = world.now()
    lives = claims.get("nbf", now) - 10 <= now < claims.get("exp", 0) + 10
    return lives and claims.get("dest") == f"https://{shop.domain}"


def _code(world: World, shop: Shop, form: dict[str, Any]) -> Answer:
    """Each code is good once, and for its own shop."""
    if world.codes.pop(str(form["code"]), None) != shop.domain:
        return refusal(400, "invalid_request", "The authorization code was not found or was used")
    return 200, world.give(shop, expiring=str(form.get("expiring", "0")) == "1").answer
