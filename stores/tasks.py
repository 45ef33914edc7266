"""What is done for stores by the hour."""

from celery import shared_task
from django.utils import timezone

from stores.shopify import telling, tokens


@shared_task(name="stores.keep_shopify_tokens")
def keep_shopify_tokens(**_later: object) -> None:
    """Renew the tokens of idle shops, and tell the owners of those that need them."""
    tokens.keep_alive(now=timezone.now())
    telling.tell_owners(now=timezone.now())
