"""System checks with ids: what a setting's type cannot say. They run before every command."""

from collections.abc import Sequence
from typing import Any

from celery import current_app
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.utils.module_loading import autodiscover_modules

from stores import secrets


@register()
def encryption_keys(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Every key can be used, and none doubles as SECRET_KEY."""
    found: list[CheckMessage] = []
    for place, key in enumerate(settings.FIELD_ENCRYPTION_KEYS, start=1):
        try:
            secrets.read_key(key)
        except ValueError as error:
            found.append(
                Error(
                    f"FIELD_ENCRYPTION_KEYS: key {place} {error}.",
                    hint="Make one with `python -c 'import secrets; print(secrets.token_hex(32))'`.",
                    id="connector.E001",
                )
            )
        if key == settings.SECRET_KEY:
            found.append(
                Error(
                    "FIELD_ENCRYPTION_KEYS repeats SECRET_KEY.",
                    hint="One leaked value must not open everything: give each its own.",
                    id="connector.E002",
                )
            )
    return found


@register()
def secret_key(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """No default or short secret in production."""
    if settings.LOCAL or (
        len(settings.SECRET_KEY) >= 32 and not settings.SECRET_KEY.startswith("django-insecure")
    ):
        return []
    return [
        Error(
            "SECRET_KEY is too short or a default.",
            hint="Give it 50 random characters.",
            id="connector.E003",
        )
    ]


@register()
def public_address(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Shops deliver over https only, and hosts are named."""
    if settings.LOCAL:
        return []
    found: list[CheckMessage] = []
    if not settings.HTTPS:
        found.append(
            Warning(
                f"APP_URL ({settings.APP_URL}) is not https: Shopify delivers to https only.",
                hint="Set APP_URL to the https address that the shops reach.",
                id="connector.W001",
            )
        )
    if "*" in settings.ALLOWED_HOSTS:
        found.append(
            Error(
                "ALLOWED_HOSTS allows every host.",
                hint="Name the hosts that the site answers to.",
                id="connector.E004",
            )
        )
    return found


@register()
def shopify_app(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """The app's secret leaves for its shop's admin, and for nowhere else."""
    found: list[CheckMessage] = []
    address = settings.SHOPIFY_ADMIN_URL
    if "{shop}" not in address or not (settings.LOCAL or address.startswith("https://")):
        found.append(
            Error(
                "SHOPIFY_ADMIN_URL must be an https address with {shop} in it.",
                hint="Leave it unset: it is for the sandbox.",
                id="connector.E006",
            )
        )
    if bool(settings.SHOPIFY_API_KEY) and not settings.SHOPIFY_API_SECRET:
        found.append(
            Error(
                "SHOPIFY_API_KEY is set, and SHOPIFY_API_SECRET is not.",
                hint="Give both, from the app's page in Shopify's Dev Dashboard.",
                id="connector.E007",
            )
        )
    return found


@register()
def named_tasks(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Every task that the settings spell as text exists."""
    autodiscover_modules("tasks")
    spelt = [
        *settings.SWEEPS,
        *(entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()),
    ]
    return [
        Error(
            f"The settings name a task {name!r} that does not exist.",
            id="connector.E005",
        )
        for name in spelt
        if name not in current_app.tasks
    ]


@register()
def no_failpoints(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """A production must not be told to kill itself; nor does it obey."""
    if settings.LOCAL or not settings.FAILPOINTS:
        return []
    return [
        Error(
            "FAILPOINTS is set in production.",
            hint="Take it out: it is for `make chaos`.",
            id="connector.E006",
        )
    ]
