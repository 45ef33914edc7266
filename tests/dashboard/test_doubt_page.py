from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conversions.models import ConversionEvent, EventPayload, EventTransition, State
from stores.models import Membership, Pixel, Store, User
from tests import factories
from tests.dashboard.reading import asked, texts


def a_doubt(store: Store, pixel: Pixel, **fields: object) -> ConversionEvent:
    since = datetime.now(UTC) - timedelta(hours=2)
    given = {
        "state": State.IN_DOUBT,
        "reason": "worker_lost",
        "held": True,
        "first_unknown_at": since,
        "cut_off": since + timedelta(hours=47),
        "accepted_at": None,
    }
    return factories.an_event(store, pixel, **(given | fields))


def test_without_a_doubt_it_says_so(page: Client, store: Store) -> None:
    assert texts(page.get("/in-doubt/"), "h2") == ["No event is in doubt"]


def test_what_is_held_says_that_it_waits_and_for_how_long(
    page: Client, store: Store, pixel: Pixel
) -> None:
    a_doubt(store, pixel, order_id="1042")

    answer = page.get("/in-doubt/")

    assert texts(answer, "th")[4:] == ["#1042 Boutique Lyon · 46.08 EUR"]
    assert texts(answer, "td")[1] == (
        "We were interrupted while we sent it, and heard no answer. In doubt since 2 h ago."
        " It waits for you; undecided, it ends in 44 h."
    )


def test_what_runs_out_first_is_shown_first(page: Client, store: Store, pixel: Pixel) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    a_doubt(store, pixel, order_id="1")
    a_doubt(store, pixel, order_id="2", cut_off=soon)

    rows = page.get("/in-doubt/").context["found"].rows

    assert [event.order_id for event in rows] == ["2", "1"]


def test_the_stores_page_leads_there(page: Client, store: Store, pixel: Pixel) -> None:
    a_doubt(store, pixel)

    assert "1 event is in doubt" in texts(page.get("/"), "h2")


@pytest.mark.parametrize(
    ("verdict", "state"),
    [("accepted", "accepted"), ("resend", "in_doubt"), ("give_up", "expired")],
)
def test_a_persons_word_settles_it_and_the_trail_says_whose(
    page: Client, alice: User, pixel: Pixel, verdict: str, state: str
) -> None:
    event = a_doubt(factories.a_store(pixel.workspace), pixel)
    EventPayload.objects.create(event=event, body=b"sealed")

    answer = page.post(f"/events/{event.pk}/settlement", {"verdict": verdict})

    event.refresh_from_db()
    assert (answer.status_code, answer["Location"]) == (302, "/in-doubt/")
    assert (event.state, event.held) == (state, False)
    assert EventTransition.objects.latest("pk").actor == f"user {alice.pk}"


def test_what_its_buyer_has_refused_meanwhile_is_not_sent_again(
    page: Client, store: Store, pixel: Pixel
) -> None:
    event = a_doubt(factories.a_store(pixel.workspace), pixel, reason="consent_refused")

    shown = page.get("/in-doubt/")
    page.post(f"/events/{event.pk}/settlement", {"verdict": "resend"})

    event.refresh_from_db()
    assert texts(shown, "button")[-3:] == ["Meta has it", "Let it go", "Copy"]
    assert (event.state, event.held, event.reason) == ("in_doubt", True, "consent_refused")


def test_what_is_settled_already_is_left_alone(page: Client, store: Store, pixel: Pixel) -> None:
    event = factories.an_event(store, pixel, order_id="1042")

    answer = page.post(f"/events/{event.pk}/settlement", {"verdict": "give_up"}, follow=True)

    event.refresh_from_db()
    assert event.state == "accepted"
    assert texts(answer, "p", "banner") == ["#1042 is settled already."]


def test_a_verdict_that_is_none_is_refused(page: Client, store: Store, pixel: Pixel) -> None:
    event = a_doubt(store, pixel)

    answer = page.post(f"/events/{event.pk}/settlement", {"verdict": "perhaps"})

    event.refresh_from_db()
    assert (answer.status_code, event.state) == (400, "in_doubt")


@pytest.mark.parametrize("role", [Membership.Role.ANALYST, Membership.Role.CLIENT])
def test_who_may_only_look_sees_it_and_cannot_settle_it(
    client: Client, store: Store, pixel: Pixel, role: str
) -> None:
    event = a_doubt(store, pixel)
    client.force_login(factories.a_member(store.workspace, "bob", role=role))

    shown = client.get("/in-doubt/")
    answer = client.post(f"/events/{event.pk}/settlement", {"verdict": "accepted"})

    event.refresh_from_db()
    assert "An owner or operator of the workspace decides." in texts(shown, "td")
    assert (answer.status_code, event.state) == (404, "in_doubt")


def test_a_stranger_sees_nobodys_doubts(client: Client, store: Store, pixel: Pixel) -> None:
    a_doubt(store, pixel)
    client.force_login(factories.a_user("charlie"))

    assert texts(client.get("/in-doubt/"), "h2") == ["No event is in doubt"]


@pytest.mark.parametrize("doubts", [1, 3])
def test_the_number_of_queries_does_not_grow_with_the_doubts(
    page: Client, store: Store, pixel: Pixel, doubts: int
) -> None:
    for _number in range(doubts):
        a_doubt(store, pixel)

    with CaptureQueriesContext(connection) as queries:
        page.get("/in-doubt/")

    assert len(asked(queries)) == 3  # session, user; events
