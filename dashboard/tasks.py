"""What the screens have done in the background."""

from celery import shared_task
from django.utils import timezone

from conversions.stopping import may_go_on
from conversions.tasks import send_due
from dashboard.balancing import balance_next


@shared_task(name="dashboard.balance_shops")
def balance_shops(**_later: object) -> None:
    """Draw up the balances that are due, and send what they found missing."""
    while may_go_on() and balance_next(now=timezone.now()):
        send_due.ring_now()
