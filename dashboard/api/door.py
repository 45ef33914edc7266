"""The API's door: a token in the Authorization header, JSON in and out, and a code for each refusal."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, TypeVar

import msgspec
import structlog
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from shop_webhooks.answers import Refusal, answer, read_body
from stores import api_tokens
from stores.buckets import Buckets
from stores.models import ApiToken
from stores.secrets import CannotOpen
from stores.wall import behind_the_wall

log = structlog.get_logger(__name__)

MOST_BYTES = 5_000_000
NAMED = re.compile(r"(?:field `|`\$\.)(\w+)")
# Of one workspace and web process.
buckets = Buckets(per_second=10, at_once=50)
Asked = TypeVar("Asked")


class Invalid(Refusal):
    """What was asked cannot be meant: each field with what is wrong with it."""

    def __init__(self, **fields: str | Iterable[str]) -> None:
        super().__init__(422, "validation_failed")
        self.fields = {
            name: [said] if isinstance(said, str) else list(said) for name, said in fields.items()
        }


def door(method: str) -> Callable[[Callable[..., Any]], Any]:
    """For views of (request, token) that return a document."""

    def decorate(view: Callable[[HttpRequest, ApiToken], Any]) -> Callable[..., HttpResponse]:
        @csrf_exempt
        @login_not_required
        @wraps(view)
        def api(request: HttpRequest) -> HttpResponse:
            try:
                if request.method != method:
                    raise Refusal(405, "method_not_allowed")
                return answer(200, _ask(view, request, _let_in(request)))
            except Refusal as refusal:
                return _refuse(refusal, method)
            except (Error, CannotOpen) as error:  # the database, or a wrong FIELD_ENCRYPTION_KEYS
                log.error("api.failed", error=type(error).__name__)
                return _refuse(Refusal(503, "try_again"), method)

        return api

    return decorate


def _ask(view: Callable[..., Any], request: HttpRequest, token: ApiToken) -> Any:
    """What only reads reads behind the wall between tenants."""
    if request.method != "GET":
        return view(request, token)
    with behind_the_wall(token.user):
        return view(request, token)


def query(request: HttpRequest, what: type[Asked]) -> Asked:
    """The query of an address as `what` has it. Raises Invalid, for a parameter it lacks too."""
    return _convert(lambda: msgspec.convert(request.GET.dict(), what, strict=False))


def body(request: HttpRequest, what: type[Asked]) -> Asked:
    """The JSON body of a request as `what` has it. Raises Refusal."""
    content = read_body(request, most=MOST_BYTES)
    return _convert(lambda: msgspec.json.decode(content, type=what))


def _convert(read: Callable[[], Asked]) -> Asked:
    try:
        return read()
    except msgspec.ValidationError as error:
        said = str(error)
        names = NAMED.findall(said)
        wrong = next((word for word in ("missing", "unknown") if word in said), "invalid")
        raise Invalid(**{names[-1] if names else "body": wrong}) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(400, "not_json") from error


def _let_in(request: HttpRequest) -> ApiToken:
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        raise Refusal(403, "https_required")
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    token = api_tokens.find(given.strip(), now=timezone.now()) if scheme == "Bearer" else None
    if token is None:
        raise Refusal(401, "invalid_token")
    if not buckets.take(token.workspace_id):
        raise Refusal(429, "too_many_requests")
    return token


def _refuse(refusal: Refusal, method: str) -> HttpResponse:
    log.warning("api.refused", status=refusal.status, code=refusal.code)
    error: dict[str, Any] = {"code": refusal.code, "request_id": str(uuid.uuid4())}
    if isinstance(refusal, Invalid):
        error["fields"] = refusal.fields
    refused = answer(refusal.status, {"error": error})
    if refusal.status == 401:
        refused["WWW-Authenticate"] = "Bearer"
    if refusal.status == 405:
        refused["Allow"] = method
    if refusal.status in (429, 503):
        refused["Retry-After"] = "1" if refusal.status == 429 else "30"
    return refused
