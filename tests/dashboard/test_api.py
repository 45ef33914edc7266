"""The API: a token opens one workspace, says what the commands say, and refuses by a code."""

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from conversions.models import ConversionEvent
from dashboard.api import door
from dashboard.api.openapi import document
from dashboard.api.urls import urlpatterns
from stores import api_tokens
from stores.models import ApiToken, Membership, Pixel, Store, User, Workspace
from tests import factories

pytestmark = pytest.mark.django_db
API = "/api/v1"
FLEET = """
version: 1
workspace: {slug: SLUG, name: Acme}
pixels:
  - {id: "1234567890123", name: Main, access_token: "${ACME_TOKEN}"}
"""


@pytest.fixture(autouse=True)
def full_buckets() -> Iterator[None]:
    door.buckets.clear()
    yield
    door.buckets.clear()


class Program:
    """A program that holds a token."""

    def __init__(self, workspace: Workspace, user: User, *, may_send: bool = False) -> None:
        self.token = api_tokens.issue(
            workspace=workspace, user=user, name="Reports", may_send=may_send, now=timezone.now()
        )
        self._client = Client(headers={"Authorization": f"Bearer {self.token}"})

    def get(self, path: str, **query: Any) -> tuple[int, Any]:
        answer = self._client.get(f"{API}/{path}", query)
        return answer.status_code, answer.json()

    def post(self, path: str, content: Any) -> tuple[int, Any]:
        answer = self._client.post(f"{API}/{path}", content, content_type="application/json")
        return answer.status_code, answer.json()


@pytest.fixture
def program(workspace: Workspace, alice: User) -> Program:
    return Program(workspace, alice, may_send=True)


def code(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["error"]["code"]


def fields(answer: tuple[int, Any]) -> Any:
    assert code(answer) == (422, "validation_failed")
    return answer[1]["error"]["fields"]


def test_the_ledger_says_what_the_command_says(
    program: Program, store: Store, pixel: Pixel
) -> None:
    for number in ("1041", "1042", "1043"):
        factories.an_event(store, pixel, order_id=number)
    printed = StringIO()
    call_command("ledger", "--json", stdout=printed)

    status, told = program.get("ledger")

    assert status == 200
    assert told == json.loads(printed.getvalue()) | {"next": None}


def test_the_ledger_comes_in_pages(program: Program, store: Store, pixel: Pixel) -> None:
    for number in range(1, 6):
        factories.an_event(store, pixel, order_id=str(number))
    read: list[str] = []
    following: dict[str, int] = {}
    while True:
        _, told = program.get("ledger", limit=2, **following)
        read += [row["order_id"] for row in told["rows"]]
        if told["next"] is None:
            break
        following = {"before": told["next"]}

    assert read == ["5", "4", "3", "2", "1"]


def test_of_another_workspace_it_says_nothing(program: Program) -> None:
    elsewhere = factories.a_workspace("elsewhere")
    theirs = factories.a_store(elsewhere, key="theirs")
    factories.an_event(theirs, factories.a_pixel(elsewhere, pixel_id="777"), order_id="9")
    span = {"since": "1d", "until": "0m"}

    assert program.get("ledger")[1]["rows"] == []
    assert code(program.get("ledger", store="theirs")) == (404, "no_such_store")
    assert code(program.get("balance", store="theirs", **span)) == (404, "no_such_store")
    assert code(program.post("replay", span | {"plan": True, "store": "theirs"})) == (
        404,
        "no_such_store",
    )
    assert code(program.post("replay", span | {"plan": True, "pixel": "777"})) == (
        404,
        "no_such_pixel",
    )


def test_a_user_of_two_workspaces_is_in_the_tokens_own_alone(program: Program, alice: User) -> None:
    other = factories.a_workspace("other")
    Membership.objects.create(workspace=other, user=alice, role="owner")
    factories.an_event(factories.a_store(other, key="paris"), factories.a_pixel(other))

    assert program.get("ledger")[1]["rows"] == []
    assert code(program.get("ledger", store="paris")) == (404, "no_such_store")


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer cnt_wrong", "Basic cnt_wrong", "Bearer \x00", "Bearer é"],
)
def test_without_a_token_nothing_is_said(client: Client, header: str) -> None:
    answer = client.get(f"{API}/ledger", headers={"Authorization": header})

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_token")
    assert answer["WWW-Authenticate"] == "Bearer"


def test_a_session_is_no_token(page: Client) -> None:
    assert page.get(f"{API}/ledger").status_code == 401


def test_a_token_ends_with_its_membership_its_user_and_its_row(
    program: Program, alice: User
) -> None:
    User.objects.update(is_active=False)
    assert code(program.get("ledger")) == (401, "invalid_token")
    User.objects.update(is_active=True)
    assert program.get("ledger")[0] == 200

    role = alice.membership_set.get()
    Membership.objects.all().delete()
    assert code(program.get("ledger")) == (401, "invalid_token")
    role.save(force_insert=True)
    assert program.get("ledger")[0] == 200

    ApiToken.objects.all().delete()
    assert code(program.get("ledger")) == (401, "invalid_token")


def test_any_token_plans_a_replay_and_one_that_may_send_carries_it_out(
    program: Program, workspace: Workspace, alice: User
) -> None:
    asked = {"since": "1d", "until": "0m", "plan": False}

    assert program.post("replay", asked)[0] == 200
    assert Program(workspace, alice).post("replay", asked | {"plan": True})[0] == 200
    assert code(Program(workspace, alice).post("replay", asked)) == (403, "may_not_send")
    Membership.objects.update(role="analyst")
    assert code(program.post("replay", asked)) == (403, "may_not_send")


def test_a_replay_says_what_it_would_do_and_does_it_when_told(program: Program) -> None:
    status, told = program.post("replay", {"since": "1d", "until": "0m", "plan": False})

    assert status == 200
    assert (told["carried_out"], told["orders"], told["counts"]["send"]) == (True, 0, 0)
    assert not ConversionEvent.objects.exists()


def test_a_token_of_staff_of_one_shop_opens_nothing(program: Program, store: Store) -> None:
    User.objects.update(only_store=store)

    assert code(program.get("ledger")) == (401, "invalid_token")


def test_a_fault_of_the_database_is_a_503_in_json(program: Program, store: Store) -> None:
    def fails(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "conversions_conversionevent" in sql:
            return execute("SELECT 1 / 0", None, many, context)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fails):
        said = code(program.get("ledger"))

    assert said == (503, "try_again")


def test_a_plan_changes_nothing_and_reads_no_variable_of_the_server(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME_TOKEN", "of-the-server")
    file = FLEET.replace("SLUG", "acme")

    missing = program.post("plan", {"file": file})
    status, told = program.post("plan", {"file": file, "variables": {"ACME_TOKEN": "given-token"}})

    assert "ACME_TOKEN" in str(fields(missing)["file"])
    assert (status, told["applied"], len(told["changes"]) > 0) == (200, False, True)
    assert "given-token" not in json.dumps(told)
    assert not Pixel.objects.filter(pixel_id="1234567890123").exists()


def test_a_plan_of_another_workspace_is_refused(program: Program) -> None:
    factories.a_workspace("elsewhere")
    asked = {"file": FLEET.replace("SLUG", "elsewhere"), "variables": {"ACME_TOKEN": "x"}}

    assert fields(program.post("plan", asked)) == {"file": ["another_workspace"]}


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ({"limit": 10**9}, {"limit": ["invalid"]}),
        ({"limit": 0}, {"limit": ["invalid"]}),
        ({"before": 10**30}, {"before": ["invalid"]}),
        ({"page_size": 5}, {"page_size": ["unknown"]}),
        ({"since": "yesterday"}, {"since": ["not_a_time"]}),
        ({"since": "9999-12-31T23:59:59-14:00"}, {"since": ["not_a_time"]}),
        ({"store": "x" * 501}, {"store": ["invalid"]}),
        ({"since": "999999d"}, {"since": ["not_a_time"]}),
    ],
)
def test_what_cannot_be_meant_is_named(
    program: Program, query: dict[str, Any], wrong: dict[str, Any]
) -> None:
    assert fields(program.get("ledger", **query)) == wrong


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ({"since": "1d", "until": "0m"}, {"plan": ["missing"]}),
        ({"since": "0m", "until": "1d", "plan": True}, {"since": ["not_before_until"]}),
        ({"since": "90d", "until": "0m", "plan": True}, {"since": ["longer_than_31_days"]}),
        ({"since": 5, "until": "0m", "plan": True}, {"since": ["invalid"]}),
        ({"since": "1d", "until": "0m", "plan": True, "role": "owner"}, {"role": ["unknown"]}),
        ([], {"body": ["invalid"]}),
    ],
)
def test_a_body_that_cannot_be_meant_is_named(
    program: Program, content: Any, wrong: dict[str, Any]
) -> None:
    assert fields(program.post("replay", content)) == wrong


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000])
def test_bytes_that_are_no_json_are_refused(program: Program, content: bytes) -> None:
    status, said = program.post("replay", content)

    assert (status, said["error"]["code"]) in ((400, "not_json"), (422, "validation_failed"))


def test_a_nul_is_refused_before_the_database_sees_it(program: Program) -> None:
    assert fields(program.get("ledger", order="\x00")) == {"order": ["invalid"]}
    assert fields(program.get("ledger", store="\x00")) == {"store": ["invalid"]}


def test_who_asks_too_often_is_told_to_wait_and_nobody_else_is(
    program: Program, workspace: Workspace
) -> None:
    other = factories.a_workspace("other")
    neighbour = Program(other, factories.a_member(other, "bob"))
    door.buckets[workspace.pk] = (0.0, float("inf"))

    assert code(program.get("ledger")) == (429, "too_many_requests")
    assert neighbour.get("ledger")[0] == 200


def test_a_wrong_method_is_told_the_right_one(client: Client) -> None:
    answer = client.post(f"{API}/ledger")

    assert (answer.status_code, answer["Allow"]) == (405, "GET")


def test_over_plain_http_a_token_opens_nothing(program: Program, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True

    assert code(program.get("ledger")) == (403, "https_required")


def test_the_description_names_every_address_and_what_it_answers(
    client: Client, program: Program, store: Store, pixel: Pixel
) -> None:
    factories.an_event(store, pixel)
    told = client.get(f"{API}/openapi.json").json()
    row = program.get("ledger")[1]["rows"][0]

    assert told == json.loads(json.dumps(document()))
    assert set(told["paths"]) == {
        f"/{path.pattern}" for path in urlpatterns if str(path.pattern) != "openapi.json"
    }
    assert set(told["components"]["schemas"]["Row"]["properties"]) == set(row)
    for path, methods in told["paths"].items():
        for method, said in methods.items():
            answered = client.generic(method.upper(), f"{API}{path}").status_code
            assert answered == 401
            assert str(answered) in said["responses"]
