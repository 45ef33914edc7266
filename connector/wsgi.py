"""The site as WSGI: the webhook door without middleware, all else with it.

No middleware stands before a webhook: nothing can redirect it (WooCommerce counts a redirect as
delivered), read its body or open a session. Django reads no body without a Content-Length, so a
chunked one is given its length here (gunicorn ends the input where the chunks end).
"""

import io
import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "connector.settings")

MAX_CHUNKED_BODY = 10 * 1024 * 1024 + 1  # one more than the door's limit: it answers 413


class DoorHandler(WSGIHandler):
    """Django without middleware."""

    def load_middleware(self, is_async: bool = False) -> None:
        """Wire the URL resolver alone."""
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        self._middleware_chain = convert_exception_to_response(
            self._get_response  # type: ignore[attr-defined]  # BaseHandler has it
        )


site = get_wsgi_application()
door = DoorHandler()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Send a request to the door or to the site."""
    if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
        body = environ["wsgi.input"].read(MAX_CHUNKED_BODY)
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = (
            io.BytesIO(body),
            str(len(body)),
        )
    handler = door if environ["PATH_INFO"].startswith("/webhooks/") else site
    return handler(environ, start_response)
