"""Check 11: the endpoints one reads."""

from typing import Any

import pytest
from graph_client import DAY, GONE, HOUR, NOW, PIXEL, TOKEN, get, numbers, post, purchase, sha256

from sandbox.graph_api import GraphApi


def test_a_dataset_shows_the_fields_that_are_asked_for(graph: GraphApi) -> None:
    post(graph, purchase())

    default = get(graph, f"/v26.0/{PIXEL}").json()
    chosen = get(graph, f"/v26.0/{PIXEL}", fields="name,is_unavailable,last_fired_time").json()

    assert default == {"id": PIXEL, "name": f"Dataset {PIXEL}"}
    assert chosen == {
        "id": PIXEL,
        "name": f"Dataset {PIXEL}",
        "is_unavailable": False,
        "last_fired_time": "2026-11-18T11:06:40+0000",
    }


def test_a_field_that_does_not_exist_is_refused(graph: GraphApi) -> None:
    response = get(graph, f"/v26.0/{PIXEL}", fields="id,secret")

    assert numbers(response) == (400, 100, None)


def test_a_dataset_needs_its_token(graph: GraphApi) -> None:
    assert numbers(get(graph, "/v26.0/555")) == (400, 100, 33)
    assert numbers(get(graph, f"/v26.0/{PIXEL}", token="nobody")) == (401, 190, None)


@pytest.mark.parametrize(
    ("changes", "valid", "subcode"),
    [({}, True, None), ({"state": "revoked"}, False, 458), ({"expires_at": NOW}, False, 463)],
)
def test_debug_token_tells_whether_a_token_lives(
    graph: GraphApi, changes: dict[str, Any], valid: bool, subcode: int | None
) -> None:
    graph.dataset(PIXEL, token="EAA-asked")
    graph.token("EAA-asked", **changes)

    data = get(graph, "/v26.0/debug_token", input_token="EAA-asked").json()["data"]

    assert data["is_valid"] is valid
    assert data.get("error", {}).get("subcode") == subcode
    assert data["expires_at"] == changes.get("expires_at", 0)


def test_debug_token_knows_nothing_of_a_strange_token(graph: GraphApi) -> None:
    data = get(graph, "/debug_token", input_token="nobody").json()["data"]

    assert data["is_valid"] is False
    assert data["error"]["code"] == 190


def test_stats_count_what_was_received_per_hour(graph: GraphApi) -> None:
    post(graph, purchase(), purchase())
    graph.browser_event(PIXEL, event_id="1001")
    graph.set_clock(NOW + HOUR)
    post(graph, purchase(event_name="Subscribe"))

    both = get(graph, f"/v26.0/{PIXEL}/stats", aggregation="event_total_counts").json()["data"]
    server = get(graph, f"/v26.0/{PIXEL}/stats", event="Purchase", event_source="SERVER").json()[
        "data"
    ]
    later = get(graph, f"/v26.0/{PIXEL}/stats", start_time=str(NOW + HOUR)).json()["data"]

    assert [(bucket["start_time"], bucket["data"]) for bucket in both] == [
        ("2026-11-18T11:00:00+0000", [{"value": "Purchase", "count": 3}]),
        ("2026-11-18T12:00:00+0000", [{"value": "Subscribe", "count": 1}]),
    ]
    assert server[0]["data"] == [{"value": "Purchase", "count": 2}]
    assert len(later) == 1


@pytest.mark.parametrize("query", [{"aggregation": "match_keys"}, {"start_time": "noon"}])
def test_stats_the_sandbox_does_not_have_are_refused(
    graph: GraphApi, query: dict[str, str]
) -> None:
    assert numbers(get(graph, f"/v26.0/{PIXEL}/stats", **query)) == (400, 100, None)


def test_quality_is_worked_out_from_the_books(graph: GraphApi) -> None:
    graph.browser_event(PIXEL, event_id="1001", fbp="fb.1.1.1")
    graph.browser_event(PIXEL, event_id="1003")
    post(graph, purchase(), partner_agent="Connector-1.0")
    post(graph, purchase({"event_id": "1002", "user_data": {"em": sha256("x")}}))

    entry = get(graph, "/v26.0/dataset_quality", dataset_id=PIXEL).json()["web"][0]

    assert entry["event_name"] == "Purchase"
    assert 5.5 <= entry["event_match_quality"]["composite_score"] <= 10
    coverage = {
        feedback["identifier"]: feedback["coverage"]["percentage"]
        for feedback in entry["event_match_quality"]["match_key_feedback"]
    }
    assert (coverage["email"], coverage["phone"]) == (100.0, 50.0)
    assert entry["event_coverage"]["percentage"] == 50.0
    assert entry["dedupe_key_feedback"][0] == {
        "dedupe_key": "event_id",
        "browser_events_with_dedupe_key": {"percentage": 100.0},
        "server_events_with_dedupe_key": {"percentage": 100.0},
    }
    assert entry["data_freshness"]["upload_frequency"] == "real_time"


@pytest.mark.parametrize(
    ("age", "frequency"), [(60, "real_time"), (HOUR, "hourly"), (DAY, "daily")]
)
def test_freshness_is_the_way_from_event_to_receipt(
    graph: GraphApi, age: int, frequency: str
) -> None:
    post(graph, purchase(event_time=NOW - age))

    entry = get(graph, "/v26.0/dataset_quality", dataset_id=PIXEL).json()["web"][0]

    assert entry["data_freshness"]["upload_frequency"] == frequency


def test_quality_can_be_cut_down_to_fields_and_an_agent(graph: GraphApi) -> None:
    post(graph, purchase(), partner_agent="Connector-1.0")
    fields = "web{event_name,event_coverage{goal_percentage}}"

    ours = get(
        graph,
        "/v26.0/dataset_quality",
        dataset_id=PIXEL,
        fields=fields,
        agent_name="connector-1.0",
    )
    others = get(graph, "/v26.0/dataset_quality", dataset_id=PIXEL, agent_name="others")

    assert ours.json() == {
        "web": [{"event_name": "Purchase", "event_coverage": {"goal_percentage": 75}}]
    }
    assert others.json() == {"web": []}


def test_quality_is_about_the_web_and_about_a_week(graph: GraphApi) -> None:
    post(graph, purchase(action_source="physical_store", user_data={"em": sha256("x")}))
    post(graph, purchase({"event_name": "Old", "custom_data": GONE}))
    graph.set_clock(NOW + 7 * DAY + 1)

    assert get(graph, "/v26.0/dataset_quality", dataset_id=PIXEL).json() == {"web": []}


def test_quality_without_a_dataset_is_not_there(graph: GraphApi) -> None:
    assert numbers(get(graph, "/v26.0/dataset_quality", token=TOKEN)) == (400, 100, 33)
