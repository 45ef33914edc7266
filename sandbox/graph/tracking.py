"""Where Meta's Pixel tells of what happened in a browser: an address without a token, that says nothing.

https://developers.facebook.com/docs/meta-pixel/implementation/conversion-tracking
"""

from base64 import b64decode

from sandbox.graph.control import BrowserEventWish, browser_event
from sandbox.graph.endpoints import Call
from sandbox.graph.misbehaviour import Answer
from sandbox.graph.world import World

PIXEL = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


def answer_tracking(world: World, call: Call) -> Answer:
    """Take in what `/tr/?id=…&ev=…&eid=…` tells; the answer is a picture, whatever it was."""
    told = call.query
    if told.get("id", "").isdecimal() and told.get("ev"):
        wish = BrowserEventWish(
            pixel=told["id"],
            event_name=told["ev"],
            event_id=told.get("eid"),
            event_time=int(world.clock.now()),
            fbp=told.get("fbp") or None,
            value=told.get("cd[value]"),
            currency=told.get("cd[currency]"),
        )
        world.store_browser_event(browser_event(wish), pixel=wish.pixel)
    return Answer(status=200, body=PIXEL, headers={"Content-Type": "image/gif"})
