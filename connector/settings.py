"""Every environment variable is read here, once. Each has a row in docs/configuration.md.

Three ways to run: *embedded* (no DATABASE_URL: `make run` and `make demo` start the servers and leave
their addresses in `DATA_DIR/stack.json`), *development* (DEBUG=1), and *production* (neither: every
secret must be given).
"""

import json
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from connector.account_settings import account_settings
from connector.logs import logging_config
from connector.schedule import BEAT, SWEPT

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
if env_file := os.environ.get("CONNECTOR_ENV_FILE", ".env"):  # "" reads none: the tests' choice
    env.read_env(BASE_DIR / env_file)

DEBUG = env.bool("DEBUG", default=False)
DATA_DIR = BASE_DIR / env.str("DATA_DIR", default=".data")
EMBEDDED = not env.str("DATABASE_URL", default="")
LOCAL = DEBUG or EMBEDDED


def _kept(name: str) -> dict[str, str]:
    """A JSON file of DATA_DIR, or {} where there is none."""
    path = DATA_DIR / name
    return json.loads(path.read_text()) if path.is_file() else {}


def _local_keys() -> dict[str, str]:
    """The secrets of a local installation: made once, kept in DATA_DIR, readable by the owner alone."""
    if not (keys := _kept("keys.json")):
        keys = {
            "SECRET_KEY": get_random_secret_key(),
            "FIELD_ENCRYPTION_KEYS": secrets.token_hex(32),
        }
        DATA_DIR.mkdir(parents=True, exist_ok=True)
        path = DATA_DIR / f"keys.{os.getpid()}.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(keys))
        # Not `rename`, which would replace the keys of a process that was a moment faster.
        with suppress(FileExistsError):
            (DATA_DIR / "keys.json").hardlink_to(path)
        path.unlink()
        keys = _kept("keys.json")
    return keys


def _required(name: str, *, local: str, hint: str) -> str:
    """The variable `name`; in production it must be given."""
    if value := env.str(name, default=""):
        return str(value)
    if LOCAL:
        return local
    raise ImproperlyConfigured(f"{name} is not set: {hint}")


def _number(name: str, *, default: float, least: float) -> float:
    """The variable `name`, a number that is not below `least`."""
    text = env.str(name, default="") or str(default)
    try:
        number = float(text)
    except ValueError:
        number = least - 1
    if not least <= number < float("inf"):
        raise ImproperlyConfigured(f"{name} is {text!r}: it must be a number of {least:g} or more.")
    return number


def _address(name: str, *schemes: str) -> str:
    """The variable `name`, an address of one of `schemes`, or "". It is not repeated: it may hold a
    password."""
    text = str(env.str(name, default=""))
    if text and urlsplit(text).scheme not in schemes:
        raise ImproperlyConfigured(f"{name} must begin with {' or '.join(schemes)}://.")
    return text


stack = _kept("stack.json")  # the addresses of what make run has started
keys = _local_keys() if LOCAL else {}

# --- The site ---------------------------------------------------------------------------------

SECRET_KEY = _required(
    "SECRET_KEY", local=keys.get("SECRET_KEY", ""), hint="give it 50 random characters."
)
APP_URL = _required(
    "APP_URL",
    local=stack.get("app_url", f"http://127.0.0.1:{_number('PORT', default=8000, least=1):.0f}"),
    hint="give the public address, such as https://connector.example.",
).rstrip("/")
ALLOWED_HOSTS = (
    _required(
        "ALLOWED_HOSTS",
        local="localhost,127.0.0.1,[::1]",
        hint="give the host names that the site answers to, separated by commas.",
    )
    .replace(" ", "")
    .split(",")
)
FIELD_ENCRYPTION_KEYS = _required(
    "FIELD_ENCRYPTION_KEYS",
    local=keys.get("FIELD_ENCRYPTION_KEYS", ""),
    hint="make one with `python -c 'import secrets; print(secrets.token_hex(32))'` and keep it safe.",
).split(",")

ROOT_URLCONF = "connector.urls"
WSGI_APPLICATION = "connector.wsgi.application"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "csp",
    "dashboard",
    "shop_webhooks",
    "conversions",
    "stores",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "connector.apps.ConnectorConfig",
]
MIDDLEWARE = [
    "connector.headers.permissions_policy",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "stores.shopify.embedded.EmbeddedMiddleware",
    "stores.accounts.presence.PresenceMiddleware",
    "stores.accounts.demand.DemandMiddleware",
    "stores.language.LanguageMiddleware",
    "stores.acting.ActingMiddleware",
    "stores.wall.WallMiddleware",  # the last: it calls the view
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Accounts (django-allauth; what is ours of it is stores/accounts) ---------------------------

AUTH_USER_MODEL = "stores.User"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "dashboard:stores"
# Whether strangers may make an account, and with it a workspace of their own.
SIGN_UP = env.bool("SIGN_UP", default=LOCAL)
# Whether owners, operators and staff must have a second factor.
SECOND_FACTOR_REQUIRED = env.bool("SECOND_FACTOR_REQUIRED", default=False)

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("fr", "Français")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / env.str("STATIC_ROOT", default="staticfiles")
# Counts of failed logins and the like, which all web processes share.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "stores_cache",
        "KEY_FUNCTION": "stores.accounts.limits.cache_key",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if LOCAL
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = LOCAL

# --- Transport: the site is behind a proxy that ends TLS, unless it is local --------------------

HTTPS = urlsplit(APP_URL).scheme == "https"
CSRF_TRUSTED_ORIGINS = [APP_URL]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_SSL_REDIRECT = HTTPS
# A shop counts a redirect as delivered (WooCommerce) or as failed (Shopify): either loses the order,
# and a key that is handed over with one is taken back.
SECURE_REDIRECT_EXEMPT = [
    r"^webhooks/",
    r"^collect/",
    r"^api/",  # its own door refuses: a token that was sent in clear must not seem to work
    r"^woocommerce/connect/callback",
    r"^healthz$",
    r"^readyz$",
    r"^metrics$",
]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

# --- The database holds the truth ---------------------------------------------------------------

DATABASES: dict[str, Any] = {
    "default": env.db_url_config(
        _address("DATABASE_URL", "postgres", "postgresql")
        or stack.get("database_url", "postgres://embedded-postgresql.invalid/not-started")
    )
    | {
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": True,
    }
}
DATABASES["default"].setdefault("OPTIONS", {}).update(
    connect_timeout=2,
    # Values travel beside the statement, in binary: a body need not be spelt out, and parsed again.
    server_side_binding=True,
    prepare_threshold=2,
    # Nothing here needs half a minute, and no value is logged beside a statement that failed.
    options="-c statement_timeout=30s -c lock_timeout=10s -c idle_in_transaction_session_timeout=30s"
    " -c log_parameter_max_length_on_error=0",
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- The broker carries doorbells only ------------------------------------------------------------

CELERY_BROKER_URL = (
    _address("CELERY_BROKER_URL", "redis", "rediss", "redis+socket", "amqp", "amqps")
    or stack.get("broker_url", "")
    or "redis://broker-is-not-started.invalid:6379/0"
)
CELERY_TIMEZONE = "UTC"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_DEFAULT_QUEUE = "doorbells"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # for ever: the sweep works meanwhile
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {}
    if CELERY_BROKER_URL.startswith("amqp")
    else {
        # A message lost with its worker comes back in seconds; the sweep has found its rows by then.
        "visibility_timeout": 120,
        "unacked_restore_interval": 2,
        "unacked_restore_throttle": 1,
        # Without these a broker that accepts and never answers would hold its caller for ever.
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
    }
)
CELERY_BEAT_SCHEDULE, SWEEPS = BEAT, SWEPT  # connector/schedule.py
SWEEP_EVERY_SECONDS = _number("SWEEP_EVERY_SECONDS", default=5, least=0.1)
# Threads of a worker that may wait for Meta.
SEND_SLOTS = int(_number("SEND_SLOTS", default=12, least=1))
# How long the ledger is kept: a sale in a store may be told for 62 days, and reports look back a year.
LEDGER_DAYS = int(_number("LEDGER_DAYS", default=400, least=70))

# --- Meta and the shops -----------------------------------------------------------------------------

META_GRAPH_URL = (
    _address("META_GRAPH_URL", "https", "http") or "https://graph.facebook.com"
).rstrip("/")
META_PIXEL_URL = _address("META_PIXEL_URL", "https", "http") or "https://www.facebook.com/tr/"
META_GRAPH_VERSION = env.str("META_GRAPH_VERSION", default="v26.0")
META_APP_SECRET = env.str("META_APP_SECRET", default="")
SHOPIFY_API_KEY = env.str("SHOPIFY_API_KEY", default="")
SHOPIFY_API_SECRET = env.str("SHOPIFY_API_SECRET", default="")
SHOPIFY_API_SECRET_PREVIOUS = env.str("SHOPIFY_API_SECRET_PREVIOUS", default="")
SHOPIFY_SCOPES = env.str("SHOPIFY_SCOPES", default="read_orders").replace(" ", "")
SHOPIFY_API_VERSION = env.str("SHOPIFY_API_VERSION", default="2026-10")
# Where a shop's admin answers. With {shop} for its name; another one than Shopify's is a stand-in.
SHOPIFY_ADMIN_URL = (_address("SHOPIFY_ADMIN_URL", "https", "http") or "https://{shop}").rstrip("/")
SHOPIFY_APP_BRIDGE_URL = (
    _address("SHOPIFY_APP_BRIDGE_URL", "https", "http")
    or "https://cdn.shopify.com/shopifycloud/app-bridge.js"
)
WOOCOMMERCE_ALLOW_PRIVATE = env.bool("WOOCOMMERCE_ALLOW_PRIVATE", default=False)
# Whose certificates a shop may show.
SHOPS_CA_FILE = env.str("SHOPS_CA_FILE", default="") or DEFAULT_CA_BUNDLE_PATH

# --- Chaos runs: never armed in production (connector.E006) ------------------------------------------

FAILPOINTS = env.str("FAILPOINTS", default="")

# --- What is said ------------------------------------------------------------------------------------

LOG_FORMAT = env.str("LOG_FORMAT", default="console" if LOCAL else "json")
LOGGING = logging_config(LOG_FORMAT)
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
# Where no mail goes out (printed ones are for the eyes of whoever runs it), no address can be proved.
SENDS_MAIL = LOCAL or EMAIL_CONFIG["EMAIL_BACKEND"].split(".")[-2] not in ("console", "dummy")
vars().update(account_settings(login_url=LOGIN_URL, mail=SENDS_MAIL, https=HTTPS))
EMAIL_TIMEOUT = 15
ALERT_FROM = env.str("ALERT_FROM", default="connector@localhost")
ALERT_PING_URL = _address("ALERT_PING_URL", "https", "http")
