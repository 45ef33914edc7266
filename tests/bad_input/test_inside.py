"""A, X, O: what one tenant, one message or one mistake could reach inside of us, and does not."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from celery import current_app
from django.db import connection
from django.test import Client
from django.urls import get_resolver

from conversions.models import ConversionEvent
from stores.models import Store
from tests import factories
from tests.pipeline import a_kept_order, an_order
from tests.test_architecture import addresses

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("connector", "stores", "shop_webhooks", "conversions", "dashboard")
# What a process remembers, and why no tenant can be given what is another's.
REMEMBERED = {
    "connector/wsgi.py:_address": "an address of the site, and the view behind it",
    "conversions/tasks.py:graph_client": "connections to Meta; the token goes with each request",
    "stores/browser/script.py:_source": "a file of ours",
    "stores/outbound.py:_tls": "how certificates of shops are checked",
    "stores/secrets.py:store_ring": "by the sealed key, which is one store's",
    "stores/secrets.py:_master": "the keys of the installation",
    "stores/wall.py:_is_up": "whether the database has the role",
}


def remembered(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            names = {ast.unparse(one).partition("(")[0] for one in node.decorator_list}
            if names & {"cache", "lru_cache"}:
                yield f"{path.relative_to(ROOT)}:{node.name}"


@pytest.mark.case("A13")
def test_what_a_process_remembers_is_known_and_is_no_tenants() -> None:
    files = [path for name in PACKAGES for path in (ROOT / name).rglob("*.py")]

    assert {place for path in files for place in remembered(path)} == set(REMEMBERED)
    assert [str(path) for path in files if "django.core.cache import" in path.read_text()] == []


@pytest.mark.case("A13")
def test_the_shared_cache_has_names_that_only_we_can_make(db: None) -> None:
    Client().post("/login/", {"login": "zoe@example.com", "password": "wrong"})

    with connection.cursor() as cursor:
        cursor.execute("SELECT cache_key FROM stores_cache")
        names = [name for (name,) in cursor.fetchall()]
    assert names
    assert [name for name in names if not re.fullmatch("[0-9a-f]{64}", name)] == []


@pytest.mark.case("A14")
def test_a_message_names_no_tenant_and_no_object() -> None:
    """A doorbell says that there is something to do; the rows say what."""
    ours = [task for name, task in current_app.tasks.items() if name.startswith(PACKAGES)]
    parameters = {task.name: list(inspect.signature(task.run).parameters.values()) for task in ours}

    assert len(parameters) > 10
    for name, (only,) in parameters.items():
        assert only.kind is inspect.Parameter.VAR_KEYWORD, name


@pytest.mark.case("A14")
def test_what_a_forged_message_names_is_not_looked_at(acme: SimpleNamespace) -> None:
    other = factories.a_store(factories.a_workspace("elsewhere"), key="paris")
    a_kept_order(acme.lyon, an_order(1001))

    current_app.tasks["shop_webhooks.read_due"].apply(
        kwargs={"store_id": other.pk, "order_id": "1001", "workspace_id": other.workspace_id}
    )

    assert list(ConversionEvent.objects.values_list("store__key", "order_id")) == [("lyon", "1001")]


@pytest.mark.case("A15")
@pytest.mark.parametrize("how", ["query", "header", "cookie"])
def test_nobody_acts_as_somebody_else(acme: SimpleNamespace, how: str) -> None:
    """Also not the staff of an installation: there is no way to look through a user's eyes."""
    alice, staff = factories.a_member(acme.workspace), factories.a_user("staff")
    staff.is_staff = staff.is_superuser = True
    staff.save()
    client = Client()
    client.force_login(staff)
    as_alice = {
        name: str(alice.pk) for name in ("__impersonate", "impersonate", "hijack", "as_user", "su")
    }
    if how == "cookie":
        client.cookies.load(as_alice)
    address = f"/stores/{acme.lyon.pk}/"

    answer = client.get(
        address,
        as_alice if how == "query" else {},
        headers={f"X-{name.strip('_')}": pk for name, pk in as_alice.items()}
        if how == "header"
        else {},
    )

    assert answer.status_code == 404


@pytest.mark.case("A15", "O18")
def test_no_door_leads_into_another_account_or_out_of_facebook() -> None:
    """Nobody is impersonated; tokens of Meta are pasted or come by a fleet file, and by no login."""

    every = [address for address, _view in addresses(get_resolver().url_patterns)]

    assert len(every) > 60
    assert [
        one for one in every if re.search("impersonat|hijack|login.as|facebook|oauth", one)
    ] == []


@pytest.mark.case("X12")
def test_the_database_is_told_values_beside_its_statements(db: None) -> None:
    """So neither its log of errors nor its list of activity holds one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::text, query FROM pg_stat_activity WHERE pid = pg_backend_pid()",
                       ["kanarie@example.com"])  # fmt: skip
        value, statement = cursor.fetchone()
        cursor.execute("SHOW log_parameter_max_length_on_error")
        (logged,) = cursor.fetchone()

    assert value == "kanarie@example.com"
    assert "kanarie" not in statement
    assert logged == "0"


@pytest.mark.case("X13")
def test_a_file_is_called_by_words_of_ours_and_the_stores_key(acme: SimpleNamespace) -> None:
    """Not by what a shop calls itself or an order: a key holds letters, digits and hyphens alone."""
    nasty = '../../zoe@example.com"\r\nX-Evil: 1; .pdf'
    Store.objects.update(name=nasty)
    a_kept_order(acme.lyon, an_order(1001, name=nasty))
    client = Client()
    client.force_login(factories.a_member(acme.workspace))
    here = f"/stores/{acme.lyon.pk}"

    files = [client.get(f"{here}/{path}") for path in ("report/?format=pdf", "?format=csv")]

    names = [file.headers["Content-Disposition"] for file in files]
    for name in names:
        assert re.fullmatch(r'attachment; filename="lyon-[a-z0-9-]+\.(pdf|csv)"', name), name
