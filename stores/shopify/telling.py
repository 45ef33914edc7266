"""Mail to a workspace's owners when a shop's tokens are dead and only they can help."""

from __future__ import annotations

from datetime import datetime
from smtplib import SMTPException

import structlog
from django.conf import settings
from django.core.mail import send_mail

from stores.models import Membership, ShopifyInstallation, Store, User

log = structlog.get_logger(__name__)

SUBJECT = "{store} needs you: we cannot ask its shop for orders"
BODY = """\
Shopify no longer lets us read the orders of {store} ({domain}).

Orders that the shop delivers still reach Meta. What a delivery misses cannot be read back until
somebody opens the app once in the shop's admin; nothing else has to be done:

{address}
"""


def tell_owners(*, now: datetime) -> int:
    """Tell each shop's owners once; returns how many shops. A mail that fails is tried again."""
    told = 0
    waiting = ShopifyInstallation.objects.filter(
        state=ShopifyInstallation.State.NEEDS_MERCHANT, told_at=None
    )
    for row in waiting.select_related("store"):
        if not (people := _owners(row.store)):
            continue
        store = row.store
        words = {"store": store.name, "domain": store.domain, "address": admin_address(store)}
        try:
            send_mail(SUBJECT.format(**words), BODY.format(**words), None, people)
        except (OSError, SMTPException) as error:
            log.warning("shopify.not_told", store=store.pk, error=type(error).__name__)
            continue
        told += ShopifyInstallation.objects.filter(pk=row.pk, told_at=None).update(told_at=now)
    return told


def admin_address(store: Store) -> str:
    """Where the app is opened in the shop's admin."""
    return f"https://{store.domain}/admin/apps/{settings.SHOPIFY_API_KEY}"


def _owners(store: Store) -> list[str]:
    """The addresses of the owners; staff who come from the shop's admin have none."""
    owners = User.objects.filter(
        membership__workspace=store.workspace_id,
        membership__role=Membership.Role.OWNER,
        only_store=None,
        is_active=True,
    )
    return list(owners.order_by("pk").values_list("email", flat=True))
