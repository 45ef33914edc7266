"""What one event must be (check 8). The first fault found refuses it, and its whole batch.

https://developers.facebook.com/documentation/ads-commerce/conversions-api/parameters/server-event
"""

from urllib.parse import urlsplit

from sandbox.graph.custom_data import check_custom_data
from sandbox.graph.inspection import Inspection, Json, is_one_of
from sandbox.graph.messaging import check_app, check_messaging
from sandbox.graph.privacy import check_data_processing, check_leaks
from sandbox.graph.user_data import check_user_data

DAY = 86_400
OLDEST = 7 * DAY
OLDEST_IN_STORE = 62 * DAY
CLOCK_SKEW = 60
FIRST_MILLISECONDS = 10**12  # 13 digits: the year 33658 in seconds, 2001 in milliseconds
LONGEST_EVENT_ID = 200

ACTION_SOURCES = frozenset({
    "email", "website", "app", "phone_call", "chat", "physical_store", "system_generated",
    "business_messaging", "other",
})  # fmt: skip
EVENT_KEYS = frozenset({
    "event_name", "event_time", "user_data", "action_source", "event_source_url", "event_id",
    "custom_data", "opt_out", "data_processing_options", "data_processing_options_country",
    "data_processing_options_state", "referrer_url", "original_event_data", "attribution_data",
    "app_data", "messaging_channel", "customer_segmentation", "advanced_measurement_table",
})  # fmt: skip
NOT_A_SHOP = ("hooks.", "webhook.", "webhooks.", "api.")


def check_event(raw: object, *, look: Inspection) -> Json:
    """Give back the event as a dict, its warnings in `look`. Raises Refusal."""
    if not isinstance(raw, dict):
        raise look.refusal("parameter", text="must be an object")
    event: Json = raw
    look.order = look.knowledge.order_of(event)
    _check_name(event, look=look)
    _check_time(event, look=look)
    _check_action_source(event, look=look)
    check_user_data(event, look=look)
    _check_website(event, look=look)
    check_custom_data(event, look=look)
    check_data_processing(event, look=look)
    _check_identity(event, look=look)
    check_messaging(event, look=look)
    check_app(event, look=look)
    check_leaks(event, look=look)
    return event


def _check_name(event: Json, *, look: Inspection) -> None:
    name = event.get("event_name")
    if not isinstance(name, str) or not name.strip():
        raise look.refusal("parameter", "event_name", text="is required: a non-empty string")
    if event.get("event_time") is None:
        raise look.refusal("parameter", "event_time", text="is required")
    # Seen live: `Unexpected key "advertiser_tracking_enabled" on param "$['data'][0]"`
    # (facebook/facebook-nodejs-business-sdk issue 258).
    if strangers := [key for key in event if key not in EVENT_KEYS]:
        raise look.refusal("parameter", text=f'has an unexpected key "{strangers[0]}"')


def _check_time(event: Json, *, look: Inspection) -> None:
    time = event["event_time"]
    if isinstance(time, str) and time.isdecimal() and not look.settings.strict:
        look.warn("event_time", text="is a string")
        time = event["event_time"] = int(time)
    if not isinstance(time, int) or isinstance(time, bool):
        raise look.refusal("parameter", "event_time", text="must be Unix seconds, an integer")
    if time >= FIRST_MILLISECONDS:
        raise look.refusal(
            "parameter", "event_time", text="looks like milliseconds; it must be Unix seconds"
        )
    in_store = event.get("action_source") == "physical_store"
    if look.now - time > (OLDEST_IN_STORE if in_store else OLDEST):
        raise look.refusal("too_old", "event_time")
    if time - look.now > CLOCK_SKEW:
        raise look.refusal("invalid", "event_time", text="is in the future", simulated=True)


def _check_action_source(event: Json, *, look: Inspection) -> None:
    if not is_one_of(event.get("action_source"), ACTION_SOURCES):
        allowed = ", ".join(sorted(ACTION_SOURCES))
        raise look.refusal("parameter", "action_source", text=f"must be one of {allowed}")


def _check_website(event: Json, *, look: Inspection) -> None:
    if (url := event.get("event_source_url")) is not None:
        _check_url(url, look=look)
    if event["action_source"] != "website":
        return
    if url is None:
        look.warn("event_source_url", text="is documented as required for website events")
    if not event["user_data"].get("client_user_agent"):
        text = "is documented as required for website events"
        if look.settings.website_needs_user_agent:
            raise look.refusal("parameter", "user_data", "client_user_agent", text=text)
        look.warn("user_data", "client_user_agent", text=text)


def _check_url(url: object, *, look: Inspection) -> None:
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
    except ValueError:
        parts = None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        look.object_to("event_source_url", text="must be an absolute http(s) URL")
    elif parts.hostname.startswith(NOT_A_SHOP) or "/webhooks/" in parts.path:
        look.warn("event_source_url", text="is a webhook or an API, not a page of the shop")


def _check_identity(event: Json, *, look: Inspection) -> None:
    event_id = event.get("event_id")
    if event_id in (None, ""):
        look.warn("event_id", text="is missing: this event cannot be deduplicated")
    elif not isinstance(event_id, str) or len(event_id) > LONGEST_EVENT_ID:
        look.object_to("event_id", text=f"must be a string of at most {LONGEST_EVENT_ID}")
    if not isinstance(event.get("opt_out", False), bool):
        look.object_to("opt_out", text="must be true or false")
