"""What the screens have done in the background."""

import time

from celery import shared_task
from django.utils import timezone

from conversions.stopping import may_go_on
from conversions.tasks import send_due
from dashboard.balancing import balance_next

# The next beat takes over: were every store due at once, each beat would otherwise take a worker more
# for as long as that lasts, until none was left for orders.
BUDGET_SECONDS = 50.0


@shared_task(name="dashboard.balance_shops")
def balance_shops(**_later: object) -> None:
    """Draw up the balances that are due, and send what they found missing."""
    end = time.monotonic() + BUDGET_SECONDS
    while may_go_on() and time.monotonic() < end and balance_next(now=timezone.now()):
        send_due.ring_now()
