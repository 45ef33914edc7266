"""Events from chats and from apps: which of them Meta takes, and the ids they need.

https://developers.facebook.com/documentation/ads-commerce/conversions-api/business-messaging
"""

from sandbox.graph.inspection import Inspection, Json, is_one_of

CHANNELS = frozenset({"whatsapp", "messenger", "instagram"})
MESSAGING_EVENTS = frozenset({
    "Purchase", "LeadSubmitted", "InitiateCheckout", "AddToCart", "ViewContent", "OrderCreated",
    "OrderShipped", "OrderDelivered", "OrderCanceled", "OrderReturned", "CartAbandoned",
    "QualifiedLead", "RatingProvided", "ReviewProvided",
})  # fmt: skip
NEEDED_IDS = {
    "messenger": (("page_id",), ("page_scoped_user_id",)),
    "instagram": (("instagram_business_account_id", "ig_account_id"), ("ig_sid",)),
}
EXTINFO_VERSIONS = ("a2", "i2")
EXTINFO_LENGTH = 16
OS_VERSION = 4


def check_messaging(event: Json, *, look: Inspection) -> None:
    """Check 8m. Raises Refusal."""
    if event["action_source"] != "business_messaging":
        return
    channel = event.get("messaging_channel")
    if not is_one_of(channel, CHANNELS):
        raise look.refusal("messaging_channel", "messaging_channel")
    if event["event_name"] not in MESSAGING_EVENTS:
        raise look.refusal("messaging_event", "event_name")
    if channel == "whatsapp":
        _check_whatsapp(event["user_data"], look=look)
    for alternatives in NEEDED_IDS.get(str(channel), ()):
        if not any(event["user_data"].get(key) for key in alternatives):
            raise look.refusal("parameter", "user_data", alternatives[0], text="is required")


def _check_whatsapp(user_data: Json, *, look: Inspection) -> None:
    if not user_data.get("ctwa_clid"):
        raise look.refusal("ctwa_clid", "user_data", "ctwa_clid")
    account = user_data.get("whatsapp_business_account_id")
    if not account:
        if not user_data.get("page_id"):
            raise look.refusal("page_id", "user_data", "page_id")
        return
    if not look.dataset.whatsapp_accounts:
        raise look.refusal("waba_unlinked", "user_data", "whatsapp_business_account_id")
    if str(account) not in look.dataset.whatsapp_accounts:
        raise look.refusal("waba_mismatch", "user_data", "whatsapp_business_account_id")


def check_app(event: Json, *, look: Inspection) -> None:
    """An app event needs `extinfo`: 16 slots, a version first, the OS version in the fifth."""
    if event["action_source"] != "app":
        return
    app_data = event.get("app_data")
    extinfo = app_data.get("extinfo") if isinstance(app_data, dict) else None
    if not isinstance(extinfo, list):
        raise look.refusal("parameter", "app_data", "extinfo", text="is required: a list")
    if (
        len(extinfo) != EXTINFO_LENGTH
        or extinfo[0] not in EXTINFO_VERSIONS
        or not str(extinfo[OS_VERSION]).strip()
    ):
        raise look.refusal("extinfo", "app_data", "extinfo")
