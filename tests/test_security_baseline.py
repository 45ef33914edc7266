"""docs/security-baseline.md names a test or a command for each statement; and those that are short."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django import forms
from django.apps import apps
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.urls import get_resolver

from connector.account_settings import account_settings
from tests import factories
from tests.test_architecture import addresses

ROOT = Path(__file__).parent.parent
CODE = ("connector", "conversions", "dashboard", "purchases", "shop_webhooks", "stores")
BASELINE = (ROOT / "docs/security-baseline.md").read_text()
STATEMENTS = {
    f"SB-{number:02}"
    for first, last in ((1, 12), (20, 30), (40, 45), (50, 56), (60, 66), (70, 84))
    for number in range(first, last + 1)
}


def texts(*patterns: str, folders: tuple[str, ...] = CODE) -> Iterator[tuple[str, str]]:
    for folder in folders:
        for pattern in patterns:
            for path in (ROOT / folder).rglob(pattern):
                yield str(path.relative_to(ROOT)), path.read_text()


def test_every_statement_is_there_once_and_says_what_shows_it() -> None:
    rows = re.findall(r"^\| (SB-\d\d) \| (.+?) \| (.+) \|$", BASELINE, re.MULTILINE)

    assert [number for number, _said, _shown in rows] == sorted(STATEMENTS)
    assert [number for number, _said, shown in rows if not re.search(r"[`\[*]", shown)] == []


def test_every_test_and_command_that_is_named_is_there() -> None:
    found = {
        name
        for _path, text in texts("test_*.py", folders=("tests",))
        for name in re.findall(r"def (test_\w+)\(", text)
    }
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert set(re.findall(r"`(test_\w+)`", BASELINE)) - found == set()
    assert set(re.findall(r"`make (\w+)`", BASELINE)) - targets == set()


def test_every_page_tells_the_browser_what_it_may_not(acme: SimpleNamespace, settings: Any) -> None:
    settings.SECURE_HSTS_SECONDS = 31_536_000
    client = Client()
    client.force_login(factories.a_member(acme.workspace))
    plain = [
        f"/{path}"
        for path, view in addresses(get_resolver().url_patterns)
        if not re.search(r"[<^(]", path) and not path.startswith(("webhooks", "shopify/"))
    ]

    for path in (*plain, f"/stores/{acme.lyon.pk}/", "/nowhere/"):
        answer = client.get(path, secure=True)
        told = answer.headers
        assert answer.status_code != 500, path
        assert told["Strict-Transport-Security"].startswith("max-age=31536000"), path
        assert told["X-Content-Type-Options"] == "nosniff", path
        assert told["Referrer-Policy"] == "same-origin", path
        assert told["Cross-Origin-Opener-Policy"] == "same-origin", path
        assert "camera=()" in told["Permissions-Policy"], path
        assert "frame-ancestors 'none'" in told["Content-Security-Policy"], path
        assert "unsafe" not in told["Content-Security-Policy"], path
        assert not answer.has_header("Access-Control-Allow-Origin"), path
        if told.get("Content-Type", "").startswith("text/"):
            assert "charset=utf-8" in told["Content-Type"], path
    assert len(plain) > 25


def test_cookies_belong_to_this_host_alone(settings: Any) -> None:
    given = account_settings(login_url="/login/", mail=True, https=True)

    names = (given["SESSION_COOKIE_NAME"], given["CSRF_COOKIE_NAME"])
    assert names == ("__Host-sessionid", "__Host-csrftoken")
    assert given["SESSION_COOKIE_SECURE"]
    assert given["CSRF_COOKIE_SECURE"]
    assert settings.SESSION_COOKIE_HTTPONLY
    assert (settings.SESSION_COOKIE_SAMESITE, settings.SESSION_COOKIE_DOMAIN) == ("Lax", None)


@pytest.mark.parametrize("password", ["short-1-a-b", "password1234", "zoe-the-shopkeeper"])
def test_a_password_is_long_uncommon_and_not_ones_name(db: None, password: str) -> None:
    user = factories.a_user("zoe-the-shopkeeper")

    with pytest.raises(ValidationError):
        validate_password(password, user)
    validate_password("x" * 128 + "y", user)


def test_no_certificate_is_taken_on_trust() -> None:
    trust = re.compile(r"verify=False|CERT_NONE|_create_unverified|check_hostname = False")

    assert [path for path, text in texts("*.py") if trust.search(text)] == []


def test_what_an_address_says_of_a_shop_finds_no_row() -> None:
    """It is read where a shop's own consent is asked for, and for the frame's error page: no further."""
    said = re.compile(r"""(GET|POST)(\.get\(|\[)["'](shop|workspace|tenant|store|user)["']""")

    assert {path for path, text in texts("*.py") if said.search(text)} == {
        "stores/shopify/embedded.py",
        "stores/shopify/views.py",
    }


def test_the_repository_holds_no_secret() -> None:
    secret = re.compile(
        r"shp(at|ss|rt|ca)_[0-9a-f]{32}|EAA[A-Za-z0-9]{80,}|c[ks]_[0-9a-f]{40}"
        r"|-----BEGIN [A-Z ]*PRIVATE KEY|AKIA[0-9A-Z]{16}"
    )
    everywhere = (*CODE, "sandbox", "launch", "docs", "deploy", "templates", "bench", "chaos")
    files = texts("*.py", "*.md", "*.yaml", "*.toml", "*.html", "*.js", folders=everywhere)

    assert [path for path, text in files if secret.search(text)] == []


def test_no_template_trusts_a_text() -> None:
    trust = re.compile(r"\|\s*safe\b|autoescape off|mark_safe|SafeString\(")
    files = texts("*.html", "*.txt", "*.py", folders=(*CODE, "templates"))

    # The tags that write HTML themselves escape what goes into it.
    assert [path for path, text in files if trust.search(text)] == [
        "dashboard/templatetags/dashboard.py"
    ]


def test_no_form_takes_every_field_of_a_model() -> None:
    for config in apps.get_app_configs():
        if config.name in CODE:
            __import__(
                f"{config.name}.urls" if config.name in ("stores", "dashboard") else config.name
            )

    def forms_of(kind: Any) -> Iterator[Any]:
        for each in kind.__subclasses__():
            yield each
            yield from forms_of(each)

    ours = [each for each in forms_of(forms.ModelForm) if each.__module__.startswith(CODE)]

    assert [each for each in ours if each._meta.fields in (None, "__all__")] == []


def test_the_database_ends_what_takes_too_long(db: None) -> None:
    with connection.cursor() as cursor:
        for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            cursor.execute(f"SHOW {name}")
            assert cursor.fetchone()[0] in ("10s", "30s"), name


def test_dependencies_are_few_and_pinned_by_hash() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = (ROOT / "requirements.txt").read_text().replace("\\\n", " ")
    wanted = [line for line in locked.splitlines() if line and not line.startswith((" ", "#"))]

    assert len(project["dependencies"]) <= 25
    assert [line for line in wanted if "--hash=sha256:" not in line] == []
