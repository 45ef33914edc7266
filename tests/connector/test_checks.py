"""System checks: what keeps the product from starting, by id."""

from typing import Any

import pytest
from django.core.checks import run_checks

KEY = "ab" * 32


@pytest.fixture
def production(settings: Any) -> Any:
    settings.LOCAL = False
    settings.HTTPS = True
    settings.APP_URL = "https://connector.example"
    settings.ALLOWED_HOSTS = ["connector.example"]
    settings.SECRET_KEY = "s" * 50
    settings.FIELD_ENCRYPTION_KEYS = [KEY]
    return settings


def found() -> list[str]:
    return [
        message.id or "" for message in run_checks() if str(message.id).startswith("connector.")
    ]


def test_a_good_production_has_nothing_to_mend(production: Any) -> None:
    assert found() == []


@pytest.mark.parametrize("key", ["", "short", "zz" * 32, "ab" * 31, "é" * 64])
def test_a_key_that_cannot_be_used_is_an_error(production: Any, key: str) -> None:
    production.FIELD_ENCRYPTION_KEYS = [KEY, key]

    assert found() == ["connector.E001"]


def test_the_message_does_not_repeat_the_key(production: Any) -> None:
    production.FIELD_ENCRYPTION_KEYS = ["a-secret-that-is-too-short"]

    assert [m for m in run_checks() if "a-secret" in f"{m.msg}{m.hint}"] == []


def test_a_key_that_is_the_secret_key_too_is_an_error(production: Any) -> None:
    production.SECRET_KEY = KEY

    assert found() == ["connector.E002"]


@pytest.mark.parametrize("secret", ["short", "django-insecure-" + "x" * 50])
def test_a_default_or_short_secret_key_is_an_error(production: Any, secret: str) -> None:
    production.SECRET_KEY = secret

    assert found() == ["connector.E003"]


def test_every_host_is_too_many(production: Any) -> None:
    production.ALLOWED_HOSTS = ["*"]

    assert found() == ["connector.E004"]


def test_a_task_that_the_settings_misspell_is_an_error(production: Any) -> None:
    production.SWEEPS = ("shop_webhooks.process_dew",)

    assert found() == ["connector.E005"]


def test_failpoints_are_an_error(production: Any) -> None:
    production.FAILPOINTS = "K13=kill9*1"

    assert found() == ["connector.E006"]


def test_plain_http_is_a_warning(production: Any) -> None:
    production.HTTPS = False

    assert found() == ["connector.W001"]


def test_on_a_developers_machine_anything_goes(production: Any) -> None:
    production.LOCAL, production.HTTPS, production.SECRET_KEY = True, False, "short"

    assert found() == []


@pytest.mark.parametrize("address", ["https://admin.example", "http://{shop}"])
def test_an_address_that_would_take_the_apps_secret_elsewhere_is_an_error(
    production: Any, address: str
) -> None:
    production.SHOPIFY_ADMIN_URL = address

    assert found() == ["connector.E006"]


def test_half_of_the_shopify_apps_credentials_is_an_error(production: Any) -> None:
    production.SHOPIFY_API_KEY, production.SHOPIFY_API_SECRET = "a-client-id", ""

    assert found() == ["connector.E007"]
