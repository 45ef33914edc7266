"""The doors under `/_sandbox/`: what another process can set up and read."""

from typing import Any

import pytest
from graph_client import DAY, NOW, PIXEL, TOKEN, control, numbers, post, purchase

from sandbox.graph_api import GraphApi


def test_a_whole_story_can_be_told_over_http() -> None:
    with GraphApi() as graph:
        control(graph, "POST", "clock", {"now": NOW})
        control(graph, "POST", "datasets", {"id": "42", "name": "Main", "tokens": ["EAA-1"]})
        control(graph, "POST", "faults", {"kind": "error", "error": "unavailable"})

        refused = post(graph, purchase(), pixel="42", token="EAA-1")
        accepted = post(graph, purchase(), pixel="42", token="EAA-1")
        control(graph, "POST", "tokens", {"token": "EAA-1", "state": "expired"})
        expired = post(graph, purchase(), pixel="42", token="EAA-1")

        assert numbers(refused) == (503, 2, None)
        assert accepted.status_code == 200
        assert numbers(expired) == (401, 190, 463)
        assert control(graph, "GET", "books").json() == {
            "pixels": {
                "42": {
                    "received": 1,
                    "counted": 1,
                    "duplicates": 0,
                    "double_count_risks": 0,
                    "browser": 0,
                    "refused": 1,
                    "refused_requests": 1,
                    "disturbed_requests": 1,
                    "value": {"EUR": "25.5"},
                }
            }
        }


def test_the_first_page_documents_every_door(graph: GraphApi) -> None:
    page = control(graph, "GET", "").json()

    assert "POST /_sandbox/faults" in page["doors"]
    assert "reset_after" in page["faults"]
    assert page["errors"]["token_expired"] == {"status": 401, "code": 190, "error_subcode": 463}
    assert page["settings"]["strict"] is True


@pytest.mark.parametrize(("method", "path"), [("GET", "nowhere"), ("DELETE", "books"), ("PUT", "")])
def test_an_unknown_door_lists_the_doors_there_are(graph: GraphApi, method: str, path: str) -> None:
    response = control(graph, method, path)

    assert response.status_code == 404
    assert "GET /_sandbox/books" in response.json()["doors"]


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("datasets", {"name": "no id"}, "`id`"),
        ("datasets", {"id": "1", "colour": "blue"}, "`colour`"),
        ("tokens", {"token": "x", "state": "tired"}, "token state 'tired'"),
        ("faults", {"kind": "explode"}, "use one of"),
        ("clock", {"now": "noon"}, "$.now"),
        ("settings", {"strict": "yes"}, "$.strict"),
        ("pixel", {}, "`pixel`"),
        ("orders", {"surprise": 1}, "`surprise`"),
    ],
)
def test_a_wish_that_makes_no_sense_is_answered_with_the_reason(
    graph: GraphApi, path: str, body: dict[str, Any], says: str
) -> None:
    response = control(graph, "POST", path, body)

    assert response.status_code == 400
    assert says in response.json()["error"]


def test_the_events_can_be_asked_for_by_pixel_id_and_number(graph: GraphApi) -> None:
    post(graph, purchase(), purchase(event_id="2"), test_event_code="TEST1")

    everything = control(graph, "GET", "events").json()["events"]
    by_id = control(graph, "GET", f"events?pixel={PIXEL}&event_id=2").json()["events"]
    news = control(graph, "GET", "events?after=1").json()["events"]

    assert [event["number"] for event in everything] == [1, 2]
    assert by_id == news == everything[1:]
    assert everything[0] == {
        "number": 1,
        "pixel": PIXEL,
        "source": "server",
        "event_name": "Purchase",
        "event_id": "1001",
        "event_time": NOW - 60,
        "action_source": "website",
        "value": "25.5",
        "currency": "EUR",
        "received_at": NOW,
        "request": 1,
        "verdict": "counted",
        "because": "",
        "duplicate_of": None,
        "double_count_risk": False,
        "warnings": [],
        "test_event_code": "TEST1",
        "partner_agent": None,
        "event": purchase(),
    }


def test_every_request_is_in_the_books_and_no_token_is(graph: GraphApi) -> None:
    post(graph, purchase(), access_token=TOKEN)
    post(graph, purchase(event_time=NOW - 30 * DAY), token="EAA-secret-stranger")

    response = control(graph, "GET", "requests")

    first, second = response.json()["requests"]
    assert (first["outcome"], first["status"], first["event_ids"]) == ("accepted", 200, ["1001"])
    assert (second["outcome"], second["status"], second["events"]) == ("token_unknown", 401, 1)
    assert TOKEN not in response.text
    assert "stranger" not in response.text


def test_browser_copies_orders_and_settings_come_in_over_http(graph: GraphApi) -> None:
    copy = {"pixel": PIXEL, "event_id": "1001", "value": "25.5", "currency": "EUR"}

    stored = control(graph, "POST", "pixel", copy).json()
    learnt = control(graph, "POST", "orders", [{"order_id": "1001", "value": "20"}]).json()
    changed = control(graph, "POST", "settings", {"locale": "fr_FR"}).json()
    post(graph, purchase())

    assert stored["source"] == "browser"
    assert learnt == {"learnt": 1}
    assert changed["locale"] == "fr_FR"
    assert graph.events()[1].verdict == "dropped"
    assert graph.events()[1].warnings == ["custom_data.value: differs from the order's 20"]


def test_faults_can_be_looked_at_and_taken_back(graph: GraphApi) -> None:
    control(graph, "POST", "faults", [{"kind": "html", "times": None}, {"kind": "hang"}])

    pending = control(graph, "GET", "faults").json()["pending"]
    control(graph, "DELETE", "faults")

    assert [(entry["fault"]["kind"], entry["left"]) for entry in pending] == [
        ("html", None),
        ("hang", 1),
    ]
    assert post(graph, purchase()).status_code == 200


def test_the_clock_can_be_shifted_stopped_and_set_right(graph: GraphApi) -> None:
    stopped = control(graph, "POST", "clock", {"now": NOW}).json()["now"]
    right = control(graph, "POST", "clock", {}).json()["now"]
    shifted = control(graph, "POST", "clock", {"offset": DAY}).json()["now"]

    assert stopped == NOW
    assert DAY <= shifted - right < DAY + 60


def test_a_reset_forgets_everything(graph: GraphApi) -> None:
    post(graph, purchase())
    graph.settings(strict=False)

    control(graph, "POST", "reset")

    assert graph.events() == []
    assert graph.requests == []
    assert graph.world.settings.strict is True
    assert numbers(post(graph, purchase())) == (401, 190, None)
