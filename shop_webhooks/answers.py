"""How a door answers: always, in JSON, and with no more than a code.

It stands outside of Django's middleware: connector/wsgi.py.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps

import msgspec
import structlog
from django.core.exceptions import DisallowedHost
from django.db import Error
from django.http import HttpRequest, HttpResponse, UnreadablePostError

from stores.secrets import CannotOpen

log = structlog.get_logger(__name__)


class Refusal(Exception):
    """The request goes no further. Says to the shop what the code says, and nothing else."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


def answers_always(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A refusal is an answer, and so is our own misfortune: 503, for the shop to send it again."""

    @wraps(view)
    def door(request: HttpRequest, **where: str) -> HttpResponse:
        try:
            return view(request, **where)
        except Refusal as refusal:
            return refuse(refusal)
        except (Error, CannotOpen) as error:  # the database, or a wrong FIELD_ENCRYPTION_KEYS
            log.error("delivery.not_kept", error=type(error).__name__)
            return refuse(Refusal(503, "try_again"))

    return door


def read_body(request: HttpRequest, *, most: int) -> bytes:
    """The whole body of a POST, of `most` bytes. Raises Refusal."""
    if request.method != "POST":
        raise Refusal(405, "method_not_allowed")
    try:
        request.get_host()
        announced = int(request.META.get("CONTENT_LENGTH") or 0)
        if announced > most:
            raise Refusal(413, "body_too_large")
        body = request.read(most + 1)
    except DisallowedHost as error:
        raise Refusal(400, "bad_host") from error
    except ValueError as error:
        raise Refusal(400, "bad_content_length") from error
    except UnreadablePostError as error:  # the shop hung up
        raise Refusal(400, "truncated_body") from error
    if len(body) < announced:
        raise Refusal(400, "truncated_body")
    return body


def refuse(refusal: Refusal) -> HttpResponse:
    """The answer to a request that goes no further."""
    log.warning("delivery.refused", status=refusal.status, code=refusal.code)
    error = {"code": refusal.code, "request_id": str(uuid.uuid4())}
    refused = answer(refusal.status, {"error": error})
    if refusal.status == 405:
        refused["Allow"] = "POST"
    if refusal.status in (429, 503):
        refused["Retry-After"] = "30"
    return refused


def answer(status: int, content: dict[str, object]) -> HttpResponse:
    """`content` as JSON that nobody keeps."""
    body = msgspec.json.encode(content) if content else b""
    made = HttpResponse(body, status=status, content_type="application/json; charset=utf-8")
    made["Cache-Control"] = "no-store"
    made["X-Content-Type-Options"] = "nosniff"
    made["Content-Length"] = str(len(body))  # there is no middleware to say it
    made._has_been_logged = True  # type: ignore[attr-defined]  # ours says it, without the address
    return made
