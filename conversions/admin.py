"""The ledger in the admin: to look at, without the payloads."""

from django.contrib import admin

from conversions.models import ConversionEvent, PixelQueue, SendAttempt
from stores.admin import ReadOnlyAdmin


@admin.register(ConversionEvent)
class ConversionEventAdmin(ReadOnlyAdmin):
    """What Meta is owed, and what became of it."""

    fields = (
        "store",
        "pixel",
        "mapping",
        "order_id",
        "order_name",
        "event_name",
        "event_id",
        "state",
        "reason",
        "value",
        "currency",
        "event_time",
        "order_updated_at",
        "received_at",
        "not_before",
        "cut_off",
        "attempts",
        "first_unknown_at",
        "accepted_at",
        "fbtrace_id",
    )
    list_display = ("id", "store", "order_name", "pixel", "state", "reason", "value", "currency")
    list_select_related = ("store", "pixel")
    list_filter = ("state",)
    search_fields = ("order_id", "order_name", "event_id")
    ordering = ("-id",)


@admin.register(SendAttempt)
class SendAttemptAdmin(ReadOnlyAdmin):
    """Requests to Meta."""

    fields = (
        "pixel",
        "started_at",
        "finished_at",
        "event_count",
        "test_event_code",
        "outcome",
        "reason",
        "http_status",
        "fbtrace_id",
        "message",
    )
    list_display = ("id", "pixel", "started_at", "event_count", "outcome", "reason", "http_status")
    list_select_related = ("pixel",)
    list_filter = ("outcome",)
    ordering = ("-id",)


@admin.register(PixelQueue)
class PixelQueueAdmin(ReadOnlyAdmin):
    """Whose turn it is."""

    fields = ("pixel", "served_at", "not_before", "probe_at", "failures")
    list_display = ("pixel", "served_at", "not_before", "probe_at", "failures")
    list_select_related = ("pixel",)
