"""One line per unit of work: a fixed event name and fields. Never a body, a token or a person.

`LOG_FORMAT=json` is for machines, `console` for people. As a last wall, anything that looks like a
secret or an e-mail address is scrubbed from every line, from libraries too.
"""

import logging
import re
from collections.abc import MutableMapping
from typing import Any

import structlog
from django.http import HttpRequest

MAX_FIELD = 2_000
SECRET = re.compile(
    r"""(?ix) (access_token|appsecret_proof|client_secret|consumer_(?:key|secret)|hmac|id_token|password)
        (["']?\s*[=:]\s*["']?) [^\s"'&,}]+
      | \b (?: EAA[A-Za-z0-9]{20,} | shp(?:at|rt|ss|ca)_\w+ | c[ks]_[0-9a-f]{40} ) \b
      | Bearer \s+ [^\s"']+
      | (?<=/webhooks/woocommerce/) [\w-]+
      | ://[^/\s:@]*:[^/\s@]+@
      | [\w.+-]{1,64}@[\w-]+\.[\w.-]+"""
)


def logging_config(log_format: str) -> dict[str, Any]:
    """Django's LOGGING for `json` or `console`; configures structlog on the way."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        scrub,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: Any = structlog.processors.JSONRenderer()
    if log_format == "console":
        renderer = structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": shared,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            renderer,
        ],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": formatter},
        "filters": {"route": {"()": RouteForPath}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["route"]}
        },
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
            "celery": {"level": "WARNING"},
            "kombu": {"level": "WARNING"},
            "urllib3": {"level": "ERROR"},
            "fontTools": {"level": "WARNING"},
        },
    }


class RouteForPath(logging.Filter):
    """Django's lines about a request name its route, and not its path: that may hold a link's secret,
    or what somebody has typed."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the line; keep it."""
        request = getattr(record, "request", None)
        if isinstance(request, HttpRequest):
            route = _route(request)
            if isinstance(record.args, tuple) and record.args:
                record.args = (*record.args[:-1], route)  # the path, escaped
            record.request = f"{request.method} {route}"
        return True


def _route(request: HttpRequest) -> str:
    if request.resolver_match:
        return f"/{request.resolver_match.route}"
    # The door calls its views itself (decision 0055); `scrub` takes the token out.
    if request.path.startswith("/webhooks/"):
        return request.path
    return "(an address that leads nowhere)"


def scrub(_: object, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take secrets and addresses out of every field of a line, and bound its length."""
    for key, value in line.items():
        if not (value is None or isinstance(value, int | float) or key.startswith("_")):
            text = value if isinstance(value, str) else repr(value)
            # The end of a traceback says the most.
            text = text[-MAX_FIELD:] if key == "exception" else text[: 2 * MAX_FIELD]
            line[key] = SECRET.sub(_redacted, text)[:MAX_FIELD]
    return line


def _redacted(match: re.Match[str]) -> str:
    name, equals = match[1], match[2]
    return f"{name}{equals}[redacted]" if name else "[redacted]"
