"""Row K, and rows 6 and 7: crashes and freezes at the worst moment instead of any."""

import json
import signal
import time
from pathlib import Path

from celery import Celery

from chaos.fleet import SHOPS
from chaos.installation import WORKERS
from chaos.shops import PAID_AT_ONCE
from chaos.trial import Row, Trial
from sandbox.shops import ShopifyShop

DAY = 24 * 3600.0
PLACES = (
    *("K01", "K02", "K04", "K05", "K06", "K07", "K08", "K09", "K10", "K11"),
    *("K12", "K13", "K14", "K15", "K16", "K19"),
)
FREEZING = ("K10", "K11", "K12", "K13", "K14")
FROZEN_FOR = 65.0  # seconds: longer than the lease


def _arm_all(trial: Trial) -> None:
    for marker in _markers(trial).glob("*"):
        marker.unlink()
    armed = ",".join(f"{place}=kill9*1" for place in PLACES)
    for of in trial.orders.values():
        # One of each shop, and not its first: a dataset that fails is asked with that alone.
        sold = [order for order in of if order.story.expect == "purchase"]
        bad = sold[len(sold) // 2]
        trial.refused.add(f"{bad.shop.key}-{bad.story.order_id}")
    for event_id in trial.refused:  # or no batch would ever be halved
        trial.meta.misbehave(
            {"kind": "error", "error": "parameter", "event_id": event_id, "times": None}
        )
    trial.to_meta.down()
    trial.installation.start_application(FAILPOINTS=armed)


def _a_crash_at_each_place(trial: Trial) -> None:
    trial.sell_on()
    trial.to_meta.clear()
    trial.wait_until_sold()
    trial.mend()
    trial.settle()
    trial.installation.skip(9 * DAY)
    _ring(trial, "shop_webhooks.forget_bodies")
    trial.keeper.wait_until(
        lambda: "K19" in _struck(trial), within=60, what="The forgetting of bodies"
    )
    _ring(trial, "shop_webhooks.forget_bodies")
    trial.keeper.wait_until(
        lambda: _bodies(trial) == 0, within=60, what="The forgetting of the rest"
    )
    if missed := [place for place in PLACES if place not in _struck(trial)]:
        trial.insist(False, f"nobody came by at {', '.join(missed)}")
        trial.installation.start_application()  # they must not be struck in another row
    trial.remark(f"{len(PLACES)} places, a death at each")


def _freeze(trial: Trial) -> None:
    """A worker for each place, and one that never freezes."""
    for name in WORKERS:
        trial.keeper.drop(name)
    for marker in _markers(trial).glob("*"):
        marker.unlink()
    for place in FREEZING:
        trial.installation.start(f"worker-{place}", FAILPOINTS=f"{place}=stop*1")


def _frozen_and_thawed(trial: Trial) -> None:
    names = [f"worker-{place}" for place in FREEZING]
    trial.keeper.wait_until(
        lambda: all(_is_stopped(trial.keeper.pid(name)) for name in names),
        within=90,
        what=f"A worker frozen at each of {', '.join(FREEZING)}",
    )
    trial.installation.start(WORKERS[0])
    trial.keeper.wait(FROZEN_FOR)
    for name in names:
        trial.keeper.send_all(name, signal.SIGCONT)
    trial.keeper.wait(5.0)
    trial.mend()
    trial.settle()
    for name in names:
        trial.keeper.drop(name)
    trial.installation.start(WORKERS[1])


def _killed_by_one_body(trial: Trial) -> None:
    """A body of 9 MB; whoever reads it is killed, as by a kernel that is out of memory."""
    url = trial.installation.webhook_urls()[SHOPS[0].key]
    shop = ShopifyShop(SHOPS[0].domain, SHOPS[0].secret, url, timeout=30.0)
    kills, claims, state, reason = 0, 0, "received", ""
    with trial.installation.connect() as connection:
        trial.insist(shop.deliver("orders/paid", _big_body(trial)).status == 200, "not taken")
        while state == "received":
            ((now, state, reason),) = connection.execute(BIG_ONE).fetchall()
            if now > claims:
                for name in WORKERS:
                    trial.keeper.kill(name)
                claims, kills = now, kills + 1
            elif trial.market.is_closed() and now:
                trial.skip_a_pause()
            trial.keeper.tend()
            time.sleep(0.001)
    trial.insist(kills <= 6, f"{kills} workers died of one body")
    trial.remark(f"{kills} workers died of it, then it is {state} {reason}".strip())


def _big_body(trial: Trial) -> bytes:
    """An order that nobody has paid, so that it is no matter to Meta."""
    order = json.loads(trial.orders[SHOPS[0].key][0].story.steps[0].body)
    notes = [{"name": "x", "value": "y" * 90}] * 75_000
    unpaid = {"id": 42, "name": "#42", "financial_status": "pending", "note_attributes": notes}
    return json.dumps(order | unpaid).encode()


BIG_ONE = """
SELECT claims, state, reason FROM shop_webhooks_webhookdelivery
ORDER BY octet_length(body) DESC LIMIT 1
"""


def _ring(trial: Trial, task: str) -> None:
    """As beat does."""
    app = Celery(broker=f"redis+socket://{trial.installation.broker.socket}", set_as_current=False)
    app.send_task(task, queue="doorbells")
    app.close()


def _struck(trial: Trial) -> set[str]:
    return {marker.name.partition(".")[0] for marker in _markers(trial).glob("*")}


def _markers(trial: Trial) -> Path:
    return trial.installation.folder / "failpoints"


def _bodies(trial: Trial) -> int:
    ((number,),) = trial.installation.sql(
        "SELECT count(*) FROM shop_webhooks_webhookdelivery WHERE body IS NOT NULL"
    )
    return int(number)


def _is_stopped(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat").read_text()
    return stat.rsplit(")", 1)[1].lstrip().startswith("T")


ROWS = (
    Row(number="K", fault="kill -9 at each failpoint, K01 to K19", before=_arm_all,
        harm=_a_crash_at_each_place, kinds=tuple(sorted(PAID_AT_ONCE)), ci=True),
    Row(number="6", fault="frozen at K10 to K14 for 65 s, then thawed", before=_freeze,
        harm=_frozen_and_thawed),
    Row(number="7", fault="one body kills whoever reads it", harm=_killed_by_one_body),
)  # fmt: skip
