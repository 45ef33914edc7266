"""Environment variables: which ones are settings of ours, and what a `.env` file adds to them."""

import re
from collections.abc import Mapping, MutableMapping
from fnmatch import fnmatchcase
from pathlib import Path

LIBPQ = "PG[A-Z]*"
"""PGOPTIONS, PGSERVICE, PGPORT…: libpq obeys them in every connection."""
SETTINGS = (
    *("SECRET_KEY", "ALLOWED_HOSTS", "APP_URL", "DEBUG", "FIELD_ENCRYPTION_KEYS"),
    *("DATABASE_URL", "CELERY_*", "DATA_DIR", "PORT", "CONNECTOR_ENV_FILE", "DJANGO_*"),
    *("META_*", "SHOPIFY_*", "WOOCOMMERCE_*", "EMAIL_*", "ALERT_*", "SENTRY_*", "LOG_*"),
    *("SWEEP_*", "SEND_*", "FAILPOINTS", "WEB_*", "WORKER_*", "GUNICORN_CMD_ARGS", "TZ", LIBPQ),
    *("[Hh][Tt][Tt][Pp]*_[Pp][Rr][Oo][Xx][Yy]", "[Aa][Ll][Ll]_[Pp][Rr][Oo][Xx][Yy]"),
)
"""Names, and patterns of names, that change what the product does."""


def without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return a copy in which nothing of ours is set: the same world on every machine."""
    return {
        name: value
        for name, value in environment.items()
        if not any(fnmatchcase(name, pattern) for pattern in SETTINGS)
    }


def forget_libpq(environment: MutableMapping[str, str]) -> None:
    """Take the PG… variables away, so that they cannot bend a connection to the embedded server."""
    for name in [name for name in environment if fnmatchcase(name, LIBPQ)]:
        del environment[name]


def with_env_file(environment: Mapping[str, str], *, root: Path) -> dict[str, str]:
    """Return a copy with what `.env` adds. What is set already wins, even when it is empty.

    CONNECTOR_ENV_FILE names another file, or none when it is empty. The same rules as django-environ's,
    which reads the file again for the settings.
    """
    name = environment.get("CONNECTOR_ENV_FILE", ".env")
    file = root / name
    return (_read(file) if name and file.is_file() else {}) | dict(environment)


def _read(file: Path) -> dict[str, str]:
    lines = (
        re.fullmatch(r"(?:export )?([A-Za-z_0-9]+)=(.*)", line)
        for line in file.read_text(encoding="utf8").splitlines()
    )
    return {line[1]: _unquoted(line[2]) for line in lines if line}


def _unquoted(value: str) -> str:
    if match := re.fullmatch(r"'(.*)'", value):
        return match[1]
    if match := re.fullmatch(r'"(.*)"', value):
        return re.sub(r"\\([^rnt])", r"\1", match[1])
    return value
