"""What the house promises of itself, and no single test could see."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.urls import URLPattern, URLResolver, get_resolver

from dashboard.reasons import FAMILIES, SENTENCES
from tests.dashboard.test_reasons import MODULES, reasons_in

ROOT = Path(__file__).parent.parent

# The doors that have no login: webhooks have a signature, what an invited merchant opens has the link
# or the browser session that began, the others tell nothing of anybody.
OPEN = {
    # A token of its own opens these; the description tells of nobody (dashboard/api).
    "api/v1/openapi.json",
    "api/v1/ledger",
    "api/v1/balance",
    "api/v1/plan",
    "api/v1/replay",
    "webhooks/^shopify/?$",
    r"webhooks/^woocommerce/(?P<token>[\w-]{1,100})/?$",
    "webhooks/",
    r"collect/^(?P<key>[\w-]{1,50})/?$",
    "healthz",
    "readyz",
    "metrics",
    # Accounts: before one is logged in.
    "login/",
    "login/code/confirm/",
    "logout/",
    "signup/",
    "inactive/",
    "confirm-email/",
    "^confirm-email/(?P<key>[-:\\w]+)/$",
    "password/reset/",
    "password/reset/done/",
    "^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
    "password/reset/key/done/",
    "second-factor/authenticate/",
    "invited/<str:token>/",
    "woocommerce/connect/^callback/?$",
    "shopify/bounce",
    "join/<str:token>/",
    "shopify/callback",
    "woocommerce/connect/<int:handover_id>/",
}


def test_imports_run_one_way() -> None:
    """In a process of its own, since it switches every logger off that it does not know."""
    lint = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    said = subprocess.run(lint, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)

    assert said.returncode == 0, said.stdout + said.stderr


def test_every_address_needs_a_login_but_the_named_few() -> None:
    found = {
        route
        for route, pattern in addresses(get_resolver().url_patterns)
        if not getattr(pattern.callback, "login_required", True) and not route.startswith("admin/")
    }

    assert found == OPEN


def test_every_setting_that_is_read_is_documented() -> None:
    settings = (ROOT / "connector/settings.py").read_text()
    read = set(re.findall(r"""(?:env\.\w+|environ\.get|_required)\(\s*"([A-Z_]+)\"""", settings))

    assert read - documented() == set()
    assert len(read) > 15  # the pattern still finds them


def test_the_settings_are_read_in_one_place() -> None:
    """`os.environ` is for settings.py; celery.py and wsgi.py name the settings' module with it."""
    readers = {
        str(path.relative_to(ROOT))
        for package in ("connector", "dashboard", "shop_webhooks", "conversions", "purchases")
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"os\.(environ\b(?!\.setdefault)|getenv)", path.read_text())
    }

    assert readers == {"connector/settings.py"}


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    said = StringIO()

    call_command("makemigrations", "--check", "--dry-run", stdout=said)

    assert said.getvalue() == "No changes detected\n"


def test_the_glossary_lists_every_reason_that_the_code_can_give() -> None:
    written = {reason for path in MODULES for reason in reasons_in(ast.parse(path.read_text()))}

    missing = {reason for reason in written if reason.rstrip("_") not in glossary()}

    assert missing == set()


def test_the_glossary_lists_no_reason_that_nobody_gives() -> None:
    assert glossary() - SENTENCES.keys() - FAMILIES.keys() == set()


def documented() -> set[str]:
    rows = (ROOT / "docs/configuration.md").read_text()
    cells = re.findall(r"^\|([^|]*)\|", rows, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([A-Z_]+)`", cell)}


def glossary() -> set[str]:
    """The slugs of the table of reasons; of a family, its first word."""
    chapters = (ROOT / "docs/glossary.md").read_text().split("\n## ")
    (reasons,) = (chapter for chapter in chapters if chapter.startswith("Reasons"))
    return {slug.removesuffix("_") for slug in re.findall(r"^\| `([a-z0-9_]+)[<`]", reasons, re.M)}


def addresses(
    patterns: list[URLPattern | URLResolver], prefix: str = ""
) -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, route)
        else:
            yield route, pattern
