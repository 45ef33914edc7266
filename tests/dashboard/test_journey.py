from datetime import UTC, datetime, timedelta

import pytest

from conversions.models import ConversionEvent
from dashboard.journey import verdict
from stores.models import Pixel

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
UNTIL = "27 Nov 2026, 09:00:00 (UTC)"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"state": "accepted", "accepted_at": NOW + timedelta(minutes=5)},
            "#1042 reached Meta dataset Main 5\N{NO-BREAK SPACE}min after the shop told us.",
        ),
        (
            {"state": "waiting", "reason": "payment"},
            f"#1042 waits for payment; it can be sent to Main until {UNTIL}.",
        ),
        (
            {"state": "waiting", "reason": "consent"},
            f"#1042 waits for the buyer's consent; it can be sent to Main until {UNTIL}.",
        ),
        (
            {"state": "waiting", "reason": "hold"},
            f"#1042 is held back; it can be sent to Main until {UNTIL}."
            " It is held back for a while, in case it is cancelled.",
        ),
        ({"state": "pending"}, "#1042 is on its way to Meta dataset Main."),
        (
            {"state": "pending", "attempts": 2, "reason": "throttled_app"},
            "#1042 has not reached Meta dataset Main yet."
            " Meta asks for a pause: too many calls of this app."
            f" We keep trying until {UNTIL}.",
        ),
        (
            {"state": "in_doubt", "reason": "worker_lost"},
            "#1042 was sent to Meta dataset Main, and we don't know whether it arrived."
            " We were interrupted while we sent it, and heard no answer."
            f" We send it again with the same event ID, which Meta counts once, until {UNTIL}.",
        ),
        (
            {"state": "in_doubt", "reason": "worker_lost", "held": True},
            "#1042 was sent to Meta dataset Main, and we don't know whether it arrived."
            " We were interrupted while we sent it, and heard no answer."
            f" It is not sent again unless you say so, until {UNTIL}.",
        ),
        (
            {"state": "accepted", "reason": "seen_by_a_person"},
            "#1042 counts as accepted by Meta dataset Main."
            " No answer came; somebody has seen it at Meta.",
        ),
        (
            {"state": "expired", "reason": "given_up_by_a_person"},
            "#1042 may have reached Meta dataset Main. No answer came; somebody has let it go.",
        ),
        (
            {"state": "skipped", "reason": "test_order"},
            "#1042 was not sent to Meta dataset Main. It is a test order.",
        ),
        (
            {"state": "rejected", "reason": "meta_100_2804009"},
            "#1042 was rejected for Meta dataset Main. It has no value (Meta's error 100/2804009).",
        ),
        (
            {"state": "expired", "reason": "too_old", "event_id": "1042"},
            f"#1042 did not reach Meta dataset Main in time: it could be sent until {UNTIL},"
            " and Meta takes no older sales.",
        ),
        (
            {"state": "expired", "reason": "too_old", "event_id": ""},
            "#1042 was not sent to Meta dataset Main: what it waited for had not come"
            f" by {UNTIL}, and Meta takes no older sales.",
        ),
        (
            {"state": "expired", "reason": "too_old", "event_id": "1", "first_unknown_at": NOW},
            f"#1042 may have reached Meta dataset Main: we got no answer until {UNTIL},"
            " and sending it again later could count it twice.",
        ),
    ],
)
def test_each_state_has_a_verdict(fields: dict[str, object], sentence: str) -> None:
    event = an_event(Pixel(name="Main"), **fields)

    assert verdict(event, told_at=NOW) == sentence


def test_a_pending_event_of_a_paused_pixel_is_held() -> None:
    event = an_event(Pixel(name="Main", broken_reason="token_expired"), state="pending")

    assert verdict(event, told_at=NOW) == (
        "#1042 is held, because dataset Main is paused. The access token has expired."
        f" It can be sent until {UNTIL}."
    )


def test_a_pixel_without_a_name_is_called_by_its_id() -> None:
    event = an_event(Pixel(pixel_id="1234567890"), state="pending")

    assert verdict(event, told_at=NOW) == "#1042 is on its way to Meta dataset 1234567890."


def an_event(pixel: Pixel, **fields: object) -> ConversionEvent:
    cut_off = NOW + timedelta(days=7, hours=-1)
    given = {"pixel": pixel, "order_name": "#1042", "cut_off": cut_off, "reason": "", "attempts": 0}
    return ConversionEvent(**(given | fields))
