"""The inbox in the admin: to look at, without the bodies."""

from django.contrib import admin

from shop_webhooks.models import WebhookDelivery
from stores.admin import ReadOnlyAdmin


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    """What shops have sent."""

    fields = (
        "store",
        "source",
        "topic",
        "delivery_id",
        "received_at",
        "repeats",
        "state",
        "reason",
        "detail",
        "order_id",
        "claims",
        "not_before",
        "processed_at",
    )
    list_display = ("id", "store", "topic", "received_at", "state", "reason", "order_id")
    list_select_related = ("store",)
    list_filter = ("state",)
    ordering = ("-id",)
