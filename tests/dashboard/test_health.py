import pytest

from dashboard.health import StoreFacts, store_health

CALM = StoreFacts(
    connected=True,
    heard_of=True,
    days=30,
    orders=128,
    by_state={},
    unpaid=0,
    unconsented=0,
    held=0,
    lost=0,
    unreadable_deliveries=0,
)


@pytest.mark.parametrize(
    ("changed", "level", "sentence"),
    [
        ({}, "good", "All 128 orders of the last 30 days are accounted for."),
        (
            {"orders": 12800},
            "good",
            "All 12,800 orders of the last 30 days are accounted for.",
        ),
        ({"orders": 1}, "good", "The only order of the last 30 days is accounted for."),
        (
            {"by_state": {"waiting": 3}, "unpaid": 3},
            "good",
            "All 128 orders of the last 30 days are accounted for; 3 wait for payment.",
        ),
        (
            {"by_state": {"waiting": 5}, "unpaid": 1, "unconsented": 3},
            "good",
            "All 128 orders of the last 30 days are accounted for; 1 waits for payment,"
            " 3 wait for the buyers' consent, 1 is held back.",
        ),
        (
            {"by_state": {"waiting": 3, "pending": 1, "in_doubt": 2}, "unpaid": 1},
            "good",
            "All 128 orders of the last 30 days are accounted for; 1 waits for payment,"
            " 2 are held back, 1 is on its way, 2 are in doubt.",
        ),
        ({"orders": 0}, "idle", "No order in the last 30 days."),
        (
            {"orders": 0, "heard_of": False},
            "idle",
            "The shop has not sent anything yet. The store's page says how to connect it.",
        ),
        ({"connected": False}, "idle", "Disconnected: none of its deliveries is kept."),
        ({"lost": 1}, "bad", "1 needs you: 1 not sent in time."),
        (
            {"held": 9, "by_state": {"rejected": 1}, "unreadable_deliveries": 2},
            "bad",
            "12 need you: 9 held by a paused dataset, 1 rejected by Meta,"
            " 2 deliveries that cannot be read.",
        ),
    ],
)
def test_a_store_is_told_in_one_sentence(
    changed: dict[str, object], level: str, sentence: str
) -> None:
    health = store_health(StoreFacts(**{name: getattr(CALM, name) for name in FIELDS} | changed))

    assert (health.level, health.sentence) == (level, sentence)


FIELDS = StoreFacts.__struct_fields__
