"""Rows 22 to 34: Meta, and the way to it."""

from collections import defaultdict
from itertools import pairwise

from chaos.fleet import ALL_PIXELS, SHOPS
from chaos.history import ANY
from chaos.proxy import Toxic
from chaos.trial import BACKLOG, IDLE, Row, Trial

HOUR = 3600.0
DAY = 24 * HOUR
RETRY_AFTER = 600
PROBE_EVERY = 900
HANGING = "1000000000012"
DEAD_TOKENS = ("1000000000011", "1000000000031")


def _always(trial: Trial, **fault: object) -> None:
    trial.meta.misbehave({"times": None, **fault})


def _for_a_while(trial: Trial) -> None:
    trial.sell_on()
    trial.keeper.wait(4.0)
    trial.meta.behave()


def _five_hundred(trial: Trial) -> None:
    _always(trial, kind="error", error="unknown")


def _for_six_hours(trial: Trial) -> None:
    trial.wait_until_sold()
    trial.skip(6 * HOUR, step=HOUR / 4)
    trial.remark(f"{len(trial.meta.posts())} requests in 6 h to {len(ALL_PIXELS)} datasets")
    trial.meta.behave()


def _throttled(trial: Trial) -> None:
    headers = {"Retry-After": str(RETRY_AFTER)}
    _always(trial, kind="error", error="throttled_app", status=429, headers=headers)


def _for_an_hour_of_throttling(trial: Trial) -> None:
    trial.wait_until_sold()
    trial.skip(HOUR, step=RETRY_AFTER / 4)
    early = _gaps_below(trial, RETRY_AFTER - 1)
    trial.insist(not early, f"{early} calls inside the pause that Meta asked for")
    trial.meta.behave()


def _every_second_answer_is_lost(trial: Trial) -> None:
    trial.meta.misbehave(*({"kind": "reset_after", "number": n} for n in range(2, 1_000, 2)))


def _black_hole(trial: Trial) -> None:
    trial.to_meta.add(Toxic(kind="timeout", stream="upstream"))
    trial.sell_on()
    trial.keeper.wait(8.0)
    trial.to_meta.clear()


def _all_toxics_in_turn(trial: Trial) -> None:
    for toxic in (
        Toxic(kind="latency", seconds=2.0, jitter=2.0),
        Toxic(kind="bandwidth", stream="upstream", rate=20_000.0),
        Toxic(kind="slicer", size=20, seconds=0.02),
        Toxic(kind="limit_data", size=100),
        Toxic(kind="limit_data", stream="upstream", size=2_000),
        Toxic(kind="reset_peer", seconds=0.1, toxicity=0.5),
        Toxic(kind="timeout", seconds=1.0, toxicity=0.5),
        Toxic(kind="slow_close", seconds=2.0),
    ):
        trial.to_meta.clear()
        trial.to_meta.add(toxic)
        trial.keeper.wait(2.0)
    trial.to_meta.down()
    trial.keeper.wait(2.0)
    trial.to_meta.clear()


def _one_hangs(trial: Trial) -> None:
    _always(trial, kind="hang", pixel=HANGING, seconds=HOUR)


def _the_others_go_on(trial: Trial) -> None:
    trial.wait_until_sold()
    owed = """
        SELECT count(*) FROM conversions_conversionevent AS event
        JOIN stores_pixel AS pixel ON pixel.id = event.pixel_id
        WHERE event.state IN ('pending', 'in_doubt') AND pixel.pixel_id <> %s
    """
    trial.keeper.wait_until(
        lambda: trial.installation.sql(owed, [HANGING]) == [(0,)],
        within=60,
        what="The sending of what the healthy datasets are owed",
    )
    trial.meta.behave()


def _refuses(trial: Trial, *, share: float) -> None:
    """Some events are bad, whoever carries them; all wait until Meta can be reached."""
    trial.to_meta.down()
    orders = [
        order for of in trial.orders.values() for order in of if order.story.expect == "purchase"
    ]
    for order in trial.luck.sample(orders, max(1, round(len(orders) * share))):
        event_id = f"{order.shop.key}-{order.story.order_id}"
        trial.refused.add(event_id)
        _always(trial, kind="error", error="parameter", event_id=event_id)


def _then_meta_is_back(trial: Trial) -> None:
    trial.wait_until_sold()
    trial.keeper.wait_until(
        lambda: _unread(trial) == 0, within=60, what="The reading of all deliveries"
    )
    trial.to_meta.clear()
    trial.mend()
    trial.settle()
    posts = [post for post in trial.meta.posts() if post.outcome != "accepted"]
    trial.remark(f"{len(trial.refused)} bad events, {len(posts)} requests refused for them")


def _all_are_refused(trial: Trial) -> None:
    trial.to_meta.down()
    _always(trial, kind="error", error="parameter", pixel=HANGING)


def _until_somebody_mends_it(trial: Trial) -> None:
    trial.wait_until_sold()
    trial.keeper.wait_until(
        lambda: _unread(trial) == 0, within=60, what="The reading of all deliveries"
    )
    trial.to_meta.clear()
    trial.skip(HOUR, step=HOUR / 12)
    calls = sum(post.pixel == HANGING for post in trial.meta.posts())
    trial.remark(f"{calls} calls in 1 h to the dataset that refuses all")
    trial.insist(calls <= 12 + 5, f"{calls} calls to a dataset that refuses all")
    rejected = """
        SELECT DISTINCT pixel.pixel_id FROM conversions_conversionevent AS event
        JOIN stores_pixel AS pixel ON pixel.id = event.pixel_id WHERE event.state = 'rejected'
    """
    trial.insist(
        set(trial.installation.sql(rejected)) <= {(HANGING,)}, "a healthy dataset was blamed"
    )
    trial.meta.behave()


def _tokens_die(trial: Trial) -> None:
    for pixel in DEAD_TOKENS:
        trial.meta.token_is(pixel, "expired")


def _and_are_mended(trial: Trial) -> None:
    trial.wait_until_sold()
    trial.skip(DAY if trial.full else 6 * HOUR, step=PROBE_EVERY / 3)
    early = _gaps_below(trial, PROBE_EVERY - 1, only=DEAD_TOKENS)
    trial.insist(not early, f"{early} calls with a dead token within {PROBE_EVERY} s of another")
    calls = sum(post.pixel in DEAD_TOKENS for post in trial.meta.posts())
    trial.remark(f"{calls} calls with {len(DEAD_TOKENS)} dead tokens")
    for pixel in DEAD_TOKENS:
        trial.meta.token_is(pixel, "valid")


def _cannot_be_reached(trial: Trial) -> None:
    trial.to_meta.down()


def _for_five_days(trial: Trial) -> None:
    trial.wait_until_sold()
    trial.skip(5 * DAY, step=DAY / 2)
    trial.to_meta.clear()


def _hangs_up(trial: Trial, *, stores: bool) -> None:
    _always(trial, kind="reset_after", stores=stores)


def _for_sixty_hours(trial: Trial) -> None:
    trial.wait_until_sold()
    trial.skip(60 * HOUR, step=4 * HOUR)
    trial.meta.behave()
    trial.mend()
    trial.settle()
    ((listed,),) = trial.installation.sql(
        "SELECT count(*) FROM conversions_conversionevent WHERE state = 'expired'"
    )
    trial.remark(f"{listed} listed as expired, none sent late")
    trial.insist(listed > 0, "nothing has expired: the outage was none")


def _gaps_below(trial: Trial, seconds: float, *, only: tuple[str, ...] = ALL_PIXELS) -> int:
    """How many requests came sooner than so many seconds after the one before, per dataset."""
    at: dict[str, list[float]] = defaultdict(list)
    for post in trial.meta.posts():
        if post.pixel in only:
            at[post.pixel].append(post.at)
    return sum(
        later - earlier < seconds for moments in at.values() for earlier, later in pairwise(moments)
    )


def _unread(trial: Trial) -> int:
    ((number,),) = trial.installation.sql(
        "SELECT count(*) FROM shop_webhooks_webhookdelivery WHERE state = 'received'"
    )
    return int(number)


assert any(HANGING in shop.pixels for shop in SHOPS)  # or rows 30 and 31 would show nothing

ROWS = (
    Row(number="22", fault="Meta answers 500", before=_five_hundred, harm=_for_a_while),
    Row(number="23", fault="Meta answers 500 for 6 h", before=_five_hundred, harm=_for_six_hours,
        load=IDLE),
    Row(number="24", fault="429, code 4, Retry-After 600, for 1 h", before=_throttled,
        harm=_for_an_hour_of_throttling, load=IDLE),
    Row(number="25", fault="every second answer is lost, its events stored",
        before=_every_second_answer_is_lost, harm=_for_a_while, ci=True),
    Row(number="26", fault="Meta takes everything and answers nothing", harm=_black_hole),
    Row(number="27", fault="answers drip, 1 byte each 0.5 s",
        before=lambda trial: _always(trial, kind="drip", chunk=1, seconds=0.5), harm=_for_a_while),
    Row(number="28", fault="garbage with a 200",
        before=lambda trial: _always(trial, kind="garbage"), harm=_for_a_while),
    Row(number="29", fault="latency, bandwidth, slicer, limits, resets, down",
        harm=_all_toxics_in_turn),
    Row(number="30", fault="one dataset hangs, 6 are healthy", before=_one_hangs,
        harm=_the_others_go_on),
    Row(number="31a", fault="one bad event", load=BACKLOG,
        before=lambda trial: _refuses(trial, share=0.0), harm=_then_meta_is_back),
    Row(number="31b", fault="1 bad event in 100", load=BACKLOG,
        before=lambda trial: _refuses(trial, share=0.01), harm=_then_meta_is_back),
    Row(number="31c", fault="one dataset refuses all events", before=_all_are_refused,
        harm=_until_somebody_mends_it, may_also_end=frozenset({("rejected", ANY)})),
    Row(number="32", fault="2 of 7 tokens dead for 6 h, then mended", before=_tokens_die,
        harm=_and_are_mended, load=IDLE),
    Row(number="33", fault="Meta cannot be reached for 5 days", before=_cannot_be_reached,
        harm=_for_five_days, load=IDLE, kinds=("card",)),
    Row(number="34a", fault="60 h of lost answers, nothing stored",
        before=lambda trial: _hangs_up(trial, stores=False), harm=_for_sixty_hours, load=IDLE,
        may_also_end=frozenset({("expired", ANY)})),
    Row(number="34b", fault="60 h of lost answers, everything stored",
        before=lambda trial: _hangs_up(trial, stores=True), harm=_for_sixty_hours, load=IDLE,
        may_also_end=frozenset({("expired", ANY)})),
)  # fmt: skip
