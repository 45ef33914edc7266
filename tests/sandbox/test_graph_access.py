"""Checks 1 to 4: version, token, proof, dataset."""

import hashlib
import hmac
from datetime import UTC, datetime

import pytest
import requests
from graph_client import NOW, PIXEL, TOKEN, get, numbers, post, purchase

from sandbox.graph_api import GraphApi

PROOF = hmac.new(b"app-secret", TOKEN.encode(), hashlib.sha256).hexdigest()


@pytest.mark.parametrize("version", ["v21.0", "v25.0", "v26.0"])
def test_a_living_version_is_served(graph: GraphApi, version: str) -> None:
    assert post(graph, purchase(), version=version).status_code == 200


@pytest.mark.parametrize("version", ["v20.0", "v19.0", "v27.0", "v26.1"])
def test_a_version_that_is_dead_or_unknown_is_refused(graph: GraphApi, version: str) -> None:
    assert numbers(post(graph, purchase(), version=version)) == (400, 2635, None)


def test_a_version_dies_by_the_simulated_clock(graph: GraphApi) -> None:
    last_day = datetime(2027, 1, 20, 23, 59, tzinfo=UTC).timestamp()

    graph.set_clock(last_day)
    alive = post(graph, purchase(event_time=int(last_day)), version="v21.0")
    graph.set_clock(last_day + 60)
    dead = post(graph, purchase(event_time=int(last_day)), version="v21.0")

    assert alive.status_code == 200
    assert numbers(dead) == (400, 2635, None)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("unknown", (401, 190, None)),
        ("expired", (401, 190, 463)),
        ("revoked", (401, 190, 458)),
        ("checkpointed", (401, 190, 459)),
        ("password", (401, 190, 460)),
        ("unconfirmed", (401, 190, 464)),
        ("wrong_business", (401, 190, 465)),
        ("session", (401, 102, None)),
        ("no_permission", (403, 200, None)),
        ("app_not_allowed", (403, 10, None)),
    ],
)
def test_a_token_is_answered_by_its_state(
    graph: GraphApi, state: str, expected: tuple[int, int, int | None]
) -> None:
    graph.token(TOKEN, state=state)

    response = post(graph, purchase())

    assert numbers(response) == expected
    assert graph.received == []


@pytest.mark.parametrize("token", [None, "EAA-never-seen"])
def test_a_missing_or_unknown_token_is_refused(graph: GraphApi, token: str | None) -> None:
    assert numbers(post(graph, purchase(), token=token)) == (401, 190, None)


def test_a_token_expires_by_the_simulated_clock(graph: GraphApi) -> None:
    graph.token(TOKEN, expires_at=NOW + 10)

    before = post(graph, purchase())
    graph.set_clock(NOW + 10)
    after = post(graph, purchase())

    assert before.status_code == 200
    assert numbers(after) == (401, 190, 463)


def test_a_token_state_that_is_none_is_an_error_of_the_test(graph: GraphApi) -> None:
    with pytest.raises(ValueError, match="token state 'tired'"):
        graph.token(TOKEN, state="tired")


@pytest.mark.parametrize("place", ["header", "query", "json", "form"])
def test_the_token_is_taken_from_every_place_meta_takes_it(graph: GraphApi, place: str) -> None:
    url = f"{graph.url}/v26.0/{PIXEL}/events"
    if place == "header":
        response = post(graph, purchase())
    elif place == "query":
        body = {"data": [purchase()]}
        response = requests.post(url, params={"access_token": TOKEN}, json=body, timeout=10)
    elif place == "json":
        response = post(graph, purchase(), token=None, access_token=TOKEN)
    else:
        form = {"access_token": TOKEN, "data": "[]"}
        response = requests.post(url, data=form, timeout=10)
        assert numbers(response) == (400, 100, None)  # past the token, stopped by the empty list
        return

    assert response.status_code == 200


@pytest.mark.parametrize(
    ("proof", "required", "accepted"),
    [
        (None, False, True),
        (None, True, False),
        (PROOF, True, True),
        (PROOF, False, True),
        ("0" * 64, True, False),
        ("0" * 64, False, False),
        ("é", False, False),
    ],
)
def test_the_app_secret_proof_must_match_where_it_is_given_or_required(
    graph: GraphApi, proof: str | None, required: bool, accepted: bool
) -> None:
    graph.token(TOKEN, app_secret="app-secret", proof_required=required)

    response = post(graph, purchase(), **({"appsecret_proof": proof} if proof else {}))

    if accepted:
        assert response.status_code == 200
    else:
        assert numbers(response) == (400, 100, None)
        assert "appsecret_proof" in response.json()["error"]["message"]


def test_a_dataset_that_is_unknown_or_not_granted_is_not_there(graph: GraphApi) -> None:
    graph.dataset("999", token="EAA-other")

    unknown = post(graph, purchase(), pixel="555")
    not_granted = post(graph, purchase(), pixel="999")

    assert numbers(unknown) == (400, 100, 33)
    assert numbers(not_granted) == (400, 100, 33)
    assert unknown.json()["error"]["type"] == "GraphMethodException"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/v26.0/{PIXEL}/events"),
        ("PUT", f"/v26.0/{PIXEL}/events"),
        ("POST", f"/{PIXEL}/events"),
        ("POST", f"/v26.0/{PIXEL}/audience"),
        ("POST", "/v26.0/not-a-number/events"),
        ("POST", "/"),
    ],
)
def test_any_other_path_or_method_is_unsupported(graph: GraphApi, method: str, path: str) -> None:
    response = requests.request(method, graph.url + path, json={}, timeout=10)

    assert numbers(response) == (400, 100, 33)
    assert response.json()["error"]["message"].startswith(f"Unsupported {method.lower()} request")


def test_the_version_is_checked_before_the_token_and_the_token_before_the_dataset(
    graph: GraphApi,
) -> None:
    everything_wrong = post(graph, "nonsense", version="v2.0", token="nobody", pixel="555")
    token_and_dataset_wrong = post(graph, "nonsense", token="nobody", pixel="555")
    dataset_wrong = post(graph, "nonsense", pixel="555")

    assert numbers(everything_wrong) == (400, 2635, None)
    assert numbers(token_and_dataset_wrong) == (401, 190, None)
    assert numbers(dataset_wrong) == (400, 100, 33)


def test_an_open_sandbox_welcomes_any_dataset_and_token_but_keeps_what_was_set_up() -> None:
    with GraphApi(open=True) as graph:
        graph.set_clock(NOW)
        graph.dataset("999", token="EAA-owner")
        graph.token("EAA-dead", state="expired")

        stranger = post(graph, purchase(), pixel="42", token="anything")
        not_granted = post(graph, purchase(), pixel="999", token="anything")
        dead = post(graph, purchase(), pixel="42", token="EAA-dead")

        assert stranger.status_code == 200
        assert numbers(not_granted) == (400, 100, 33)
        assert numbers(dead) == (401, 190, 463)
        assert get(graph, "/v26.0/42", token="anything").json()["id"] == "42"
