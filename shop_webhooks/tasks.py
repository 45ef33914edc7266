"""Doorbells of the inbox. The rows say what there is to do."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from conversions.stopping import may_go_on
from conversions.tasks import send_due
from shop_webhooks import heartbeat, inbox, notices, sweep
from stores.failpoints import failpoint
from stores.woocommerce.connect import forget_handovers


@shared_task(name="shop_webhooks.read_due")
def read_due(**_later: object) -> None:
    """Read the deliveries that are due, to the last: after a crash they come one by one."""
    while may_go_on() and (read := inbox.process_batch()):
        if read == inbox.BATCH:
            send_due.ring_now()  # a colleague sends while we go on reading


@shared_task(name="shop_webhooks.process_due")
def process_due(**_later: object) -> None:
    """Read what is due, then send what it owes without another message."""
    failpoint("K06")
    read_due.run()
    send_due.run()


@shared_task(name="shop_webhooks.forget_bodies")
def forget_bodies(**_later: object) -> None:
    """Erase the bodies whose time is over, and the keys of hand-overs that nobody finished."""
    inbox.forget_bodies()
    inbox.forget_rows(timedelta(days=settings.LEDGER_DAYS))
    forget_handovers(now=timezone.now())


@shared_task(name="shop_webhooks.watch_shops")
def watch_shops(**_later: object) -> None:
    """See after the webhooks of the stores that are due, and read their orders back."""
    while may_go_on():
        if not (heartbeat.check_next(now=timezone.now()) or sweep.sweep_next()):
            return
        read_due.ring_now()


@shared_task(name="shop_webhooks.carry_out_notices")
def carry_out_notices(**_later: object) -> None:
    """Do what shops have told us to."""
    notices.carry_out_all(now=timezone.now())
