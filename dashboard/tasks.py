"""What the screens have done in the background."""

import time

from celery import shared_task
from django.utils import timezone

from conversions import sentinel
from conversions.stopping import may_go_on
from conversions.tasks import graph_client, send_due
from dashboard import letters
from dashboard.alerts import deadman, raising, sending
from dashboard.audit import sealing
from dashboard.balancing import balance_next

# The next beat takes over: were every store due at once, each beat would otherwise take a worker more
# for as long as that lasts, until none was left for orders.
BUDGET_SECONDS = 50.0


@shared_task(name="dashboard.look_out")
def look_out(**_later: object) -> None:
    """See whether anything is wrong, and send what is to be told of it."""
    if raising.look_out(now=timezone.now()):
        deadman.ping()
    end = time.monotonic() + BUDGET_SECONDS
    while may_go_on() and time.monotonic() < end and sending.send_next(now=timezone.now()):
        pass


@shared_task(name="dashboard.write_letters")
def write_letters(**_later: object) -> None:
    """Mail what became of yesterday's orders, and of each store's first one."""
    letters.send_mornings(now=timezone.now())
    letters.tell_first_orders(now=timezone.now())


@shared_task(name="dashboard.look_at_datasets")
def look_at_datasets(**_later: object) -> None:
    """Ask Meta for the datasets that were not asked for a day."""
    end = time.monotonic() + BUDGET_SECONDS
    while may_go_on() and time.monotonic() < end:
        if not sentinel.look_at_next(graph=graph_client(), now=timezone.now()):
            return


@shared_task(name="dashboard.seal_audit")
def seal_audit(**_later: object) -> None:
    """Append what has happened to the audit chains, and sign what was not signed for a day."""
    end = time.monotonic() + BUDGET_SECONDS
    while may_go_on() and time.monotonic() < end and sealing.seal(now=timezone.now()):
        pass
    sealing.sign_heads(now=timezone.now())


@shared_task(name="dashboard.balance_shops")
def balance_shops(**_later: object) -> None:
    """Draw up the balances that are due, and send what they found missing."""
    end = time.monotonic() + BUDGET_SECONDS
    while may_go_on() and time.monotonic() < end and balance_next(now=timezone.now()):
        send_due.ring_now()
