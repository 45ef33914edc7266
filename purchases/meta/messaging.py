"""Sales that began in a chat: a click on an advertisement that opens WhatsApp, and where it may be told.

https://developers.facebook.com/documentation/ads-commerce/conversions-api/business-messaging
"""

from __future__ import annotations

from purchases.countries import EEA
from purchases.mapping import Rules, Whatsapp
from purchases.meta.user_data import Finding
from purchases.order import Order

CHANNEL = "whatsapp"
# Under these names shops and chat tools note the click on an order.
CLICK_NAMES = ("ctwa_clid", "_ctwa_clid")
LONGEST_CLICK = 500


def chat_click(order: Order, rules: Rules) -> tuple[Finding, ...]:
    """The click and its page, or nothing: there is no click, no page for it, or a country without.

    An order that does not say where it goes might go anywhere: it is told without.
    """
    if rules.whatsapp is None or rules.event != "Purchase":
        return ()
    if not order.country or _is_left_out(order.country, rules.whatsapp):
        return ()
    for name in CLICK_NAMES:
        click = order.attribute(name)
        if click and len(click) <= LONGEST_CLICK and click.isprintable() and " " not in click:
            page = rules.whatsapp.page_id
            return (
                Finding(key="ctwa_clid", origin=f"attribute {name}", value=click, steps="as it is"),
                Finding(key="page_id", origin="whatsapp.page_id", value=page, steps="as it is"),
            )
    return ()


def _is_left_out(country: str, whatsapp: Whatsapp) -> bool:
    """Chats fall under ePrivacy rules in many countries."""
    return country in whatsapp.without or ("EEA" in whatsapp.without and country in EEA)
