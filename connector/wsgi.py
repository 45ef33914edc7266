"""The site as WSGI: Django for the pages, and for webhooks their views without what Django puts around.

No middleware stands before a webhook, nor before what a shopper's browser tells: nothing can redirect
it (WooCommerce counts a redirect as delivered), read its body, set a cookie or open a session. Nor do
Django's signals and its walk over the site's addresses, which took longer than signature and INSERT
together.

Django reads no body without a Content-Length, so a chunked one is given its length here (gunicorn ends
the input where the chunks end).
"""

import io
import os
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, cast

from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIRequest
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch, resolve

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "connector.settings")

MAX_CHUNKED_BODY = 10 * 1024 * 1024 + 1  # one more than the door's limit: it answers 413

site = get_wsgi_application()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Send a request to the door or to the site."""
    if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
        body = environ["wsgi.input"].read(MAX_CHUNKED_BODY)
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = (
            io.BytesIO(body),
            str(len(body)),
        )
    handler = door if environ["PATH_INFO"].startswith(("/webhooks/", "/collect/")) else site
    return handler(environ, start_response)


def door(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer a webhook or a browser. What the signals would have done, the doors do themselves."""
    answer = cast("HttpResponse", _answer(WSGIRequest(environ)))
    start_response(f"{answer.status_code} {answer.reason_phrase}", list(answer.items()))
    return [answer.content]


@convert_exception_to_response  # if the view raises: the site's 500, logged
def _answer(request: HttpRequest) -> HttpResponseBase:
    address = _address(request.path_info)
    answer: HttpResponseBase = address.func(request, **address.kwargs)
    return answer


@lru_cache(maxsize=1_000)
def _address(path: str) -> ResolverMatch:
    return resolve(path)
