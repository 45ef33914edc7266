"""Limited Data Use: what Meta is told where the law of a state of the USA limits the use of an event.

https://developers.facebook.com/docs/marketing-apis/data-processing-options
"""

from __future__ import annotations

from msgspec import Struct

from purchases.countries import alpha_2
from purchases.order import Order
from purchases.regions import region_code

UNITED_STATES = 1
IN_METAS_ORDER = "ca co ct fl or tx mt de ne nh nj mn md ri"
STATES = {state: 1000 + place for place, state in enumerate(IN_METAS_ORDER.split())}


class Limit(Struct, frozen=True, kw_only=True):
    """By whose law; 0 has Meta find it out from the IP address."""

    country: int = 0
    state: int = 0


def limit_of(order: Order) -> Limit:
    """The law of the buyer's first address, if it is one of those that Meta knows.

    A country without a state would have Meta look for the state by itself, so both are always told.
    """
    for address in order.buyer.addresses:
        if alpha_2(address.country) == "US":
            state = STATES.get(region_code(address.region, country="US"), 0)
            return Limit(country=UNITED_STATES, state=state)
    return Limit()
