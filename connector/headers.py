"""What no page of ours needs of a browser is said to it: then what gets into a page has none of it."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest

NOTHING = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer",
        "microphone", "midi", "payment", "usb",
    )
)  # fmt: skip


def permissions_policy(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Middleware: https://www.w3.org/TR/permissions-policy/."""

    def answer(request: HttpRequest) -> Any:
        response = get_response(request)
        response.headers["Permissions-Policy"] = NOTHING
        return response

    return answer
