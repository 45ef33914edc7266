"""What Meta's answer means for us: a pure reading of status, headers and body into an outcome.

It is decided by code and subcode, then `is_transient`, then the HTTP status, never by texts: they
change with the token owner's language. Whatever is neither a definite yes nor a definite no is
`Unknown`, for the events may have been counted.
https://developers.facebook.com/docs/graph-api/guides/error-handling
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct

SHORTEST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(hours=1)
LONGEST_BODY = 64 * 1024  # an honest answer has a few hundred bytes
LONGEST_MESSAGE = 500


class Accepted(Struct, frozen=True, kw_only=True):
    """Meta took all events."""

    fbtrace_id: str
    received: int


class TryLater(Struct, frozen=True, kw_only=True):
    """Meta took none, for a reason that passes. `retry_after` is what Meta asked for, if it did."""

    reason: str
    retry_after: timedelta | None = None


class TooMuch(Struct, frozen=True, kw_only=True):
    """Meta took none: the request is too big. Halve it; a single event is refused for good."""

    reason: str


class PixelBroken(Struct, frozen=True, kw_only=True):
    """Meta took none and will not until somebody mends the pixel, its token or our settings."""

    reason: str


class Rejected(Struct, frozen=True, kw_only=True):
    """Meta took none because of one event: the one at `index`, where Meta said which."""

    reason: str
    index: int | None = None


class Unknown(Struct, frozen=True, kw_only=True):
    """Meta may have taken them all, or none. Only the same event ids may go again."""

    reason: str
    retry_after: timedelta | None = None


Outcome = Accepted | TryLater | TooMuch | PixelBroken | Rejected | Unknown


class Answer(Struct, frozen=True, kw_only=True):
    """What the ledger keeps of an answer: Meta's numbers, and its words without anything secret.

    Without arguments it is the answer that never came.
    """

    http_status: int | None = None
    code: int | None = None
    subcode: int | None = None
    fbtrace_id: str = ""
    message: str = ""
    said: str = ""  # all of it, as it came; for a person who has just asked


def read(
    *, status: int, headers: Mapping[str, str], body: bytes, sent: int
) -> tuple[Outcome, Answer]:
    """What the answer to a request of `sent` events means, and what to keep of it. Never raises."""
    answer = _json_object(body)
    error = answer.get("error")
    if not isinstance(error, dict):
        error = {}
    if 200 <= status < 300:
        outcome = _taken(answer, sent=sent)
    elif error and status >= 400 and status != 413:
        outcome = _refused(error, status=status, headers=headers, sent=sent)
    else:
        outcome = _without_words(status, headers=headers)
    return outcome, _worth_keeping(answer, error, status=status, body=body)


def read_object(
    *, status: int, headers: Mapping[str, str], body: bytes
) -> tuple[dict[str, Any], str]:
    """The object that a question was answered with; or {} and the reason why it was not."""
    answer = _json_object(body)
    if 200 <= status < 300:
        return (answer, "") if answer else ({}, "unreadable_answer")
    error = answer.get("error")
    if isinstance(error, dict) and status >= 400:
        outcome = _refused(error, status=status, headers=headers, sent=0)
    else:
        outcome = _without_words(status, headers=headers)
    return {}, "" if isinstance(outcome, Accepted) else outcome.reason


def redacted(text: str) -> str:
    """`text` without what may be a token, an address or a phone number; one line, 500 characters."""
    plain = "".join(character if character.isprintable() else " " for character in text[:5_000])
    return SECRET.sub("[…]", plain)[:LONGEST_MESSAGE]


def _worth_keeping(
    answer: dict[str, Any], error: dict[str, Any], *, status: int, body: bytes
) -> Answer:
    texts = (error.get(key) for key in ("message", "error_user_title", "error_user_msg"))
    return Answer(
        http_status=status,
        code=_number(error.get("code")),
        subcode=_number(error.get("error_subcode")),
        fbtrace_id=_trace_id(error.get("fbtrace_id") or answer.get("fbtrace_id")),
        message=redacted(" · ".join(text for text in texts if isinstance(text, str) and text)),
        said=redacted(body.decode(errors="replace")),
    )


def _refused(
    error: dict[str, Any], *, status: int, headers: Mapping[str, str], sent: int
) -> Outcome:
    code, subcode = _number(error.get("code")), _number(error.get("error_subcode"))
    if code is None:
        return _without_words(status, headers=headers)
    meaning, reason = _meaning(code, subcode, error=error, status=status)
    if meaning == "broken":
        return PixelBroken(reason=reason)
    wait = LONGEST_WAIT if meaning == "much later" else _wait(headers)
    if status >= 500 and meaning != "throttled":
        # Meta stumbled on the way: the events may have been counted before it did.
        return Unknown(reason=reason, retry_after=wait)
    match meaning:
        case "split":
            return TooMuch(reason=reason)
        case "rejected":
            return Rejected(reason=reason, index=_index(error, sent=sent))
        case "throttled" | "later" | "much later":
            return TryLater(reason=reason, retry_after=wait)


def _meaning(
    code: int, subcode: int | None, *, error: dict[str, Any], status: int
) -> tuple[Meaning, str]:
    if known := CATALOGUE.get((code, subcode)) or CATALOGUE.get(code):
        return known
    reason = f"meta_{code}" if subcode is None else f"meta_{code}_{subcode}"
    if code == 100 and subcode in PAYLOAD_SUBCODES:
        return "rejected", reason
    # Of an error of Meta's own servers that nobody knows it is not known that they took none.
    if error.get("is_transient") is True or status == 429 or status >= 500:
        return "later", reason
    # GraphMethodException: the call is wrong, not an event in it. A bad appsecret_proof is told so.
    if status in (401, 403) or (code == 100 and error.get("type") == "GraphMethodException"):
        return "broken", reason
    # 100 is about a parameter, in one event at least; what is unknown must not cost events.
    return ("rejected" if code == 100 else "broken"), reason


def _taken(answer: dict[str, Any], *, sent: int) -> Outcome:
    """A 200 is no proof: Meta has answered it with `events_received: 0` for what it discarded."""
    received = _number(answer.get("events_received"))
    if received is None:
        return Unknown(reason="unreadable_answer")
    if received != sent or "error" in answer:
        return Unknown(reason="received_mismatch")
    return Accepted(fbtrace_id=_trace_id(answer.get("fbtrace_id")), received=received)


def _without_words(status: int, *, headers: Mapping[str, str]) -> Outcome:
    """An answer that is not Meta's own: a proxy's page, a redirect, half a document."""
    reason = f"http_{status}"
    if status == 413:
        return TooMuch(reason=reason)
    if status == 429:
        return TryLater(reason=reason, retry_after=_wait(headers))
    return Unknown(reason=reason, retry_after=_wait(headers))


def _index(error: dict[str, Any], *, sent: int) -> int | None:
    """The event that a message blames, as in "$['data'][3]['event_time']".

    The one thing read from a text, for it stands nowhere else; it is a path, in no language.
    """
    for key in ("message", "error_user_msg", "error_user_title", "error_data"):
        if found := BLAMED.search(str(error.get(key))):
            index = int(found[1])
            return index if index < sent else None
    return None


def _wait(headers: Mapping[str, str]) -> timedelta | None:
    """The longest wait that the headers ask for, between a second and an hour; None for none."""
    lower = {name.lower(): value for name, value in headers.items()}
    seconds = [*_retry_after(lower), *_regain_access(lower)]
    if not seconds:
        return None
    # Bounded as a number: a header may ask for more, or less, than a timedelta can hold.
    longest = min(max(seconds), LONGEST_WAIT.total_seconds())
    return timedelta(seconds=max(longest, SHORTEST_WAIT.total_seconds()))


def _retry_after(headers: Mapping[str, str]) -> Iterator[float]:
    """Seconds of a Retry-After in either of its forms; a date is measured from the answer's own."""
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"-?[0-9]{1,300}", text):
        yield int(text)
    elif (until := _moment(text)) and (date := _moment(headers.get("date", ""))):
        yield (until - date).total_seconds()


def _regain_access(headers: Mapping[str, str]) -> Iterator[float]:
    """Seconds until a throttle ends: minutes in one header, keyed by account, seconds in another.

    https://developers.facebook.com/docs/graph-api/overview/rate-limiting
    """
    for usages in _json_object(headers.get("x-business-use-case-usage", "").encode()).values():
        for usage in usages if isinstance(usages, list) else [usages]:
            regained = (
                usage.get("estimated_time_to_regain_access") if isinstance(usage, dict) else 0
            )
            if minutes := _number(regained):
                yield minutes * 60
    account = _json_object(headers.get("x-ad-account-usage", "").encode())
    if seconds := _number(account.get("reset_time_duration")):
        yield seconds


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _json_object(body: bytes) -> dict[str, Any]:
    if len(body) > LONGEST_BODY:
        return {}
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _number(value: object) -> int | None:
    """A whole number of a sane size; what else stands there says nothing."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**9:
        return value
    return None


def _trace_id(value: object) -> str:
    return value if isinstance(value, str) and TRACE_ID.fullmatch(value) else ""


Meaning = Literal["broken", "throttled", "later", "much later", "split", "rejected"]

# Meta's errors by (code, subcode), and by code alone for every other subcode.
# https://developers.facebook.com/docs/marketing-api/error-reference
CATALOGUE: dict[tuple[int, int | None] | int, tuple[Meaning, str]] = {
    # The token.
    (190, 452): ("broken", "token_session_mismatch"),
    (190, 458): ("broken", "token_app_removed"),
    (190, 459): ("broken", "token_user_checkpointed"),
    (190, 460): ("broken", "token_password_changed"),
    (190, 463): ("broken", "token_expired"),
    (190, 464): ("broken", "token_user_unconfirmed"),
    (190, 465): ("broken", "token_wrong_business"),
    190: ("broken", "token_invalid"),
    102: ("broken", "token_invalid"),
    # What the token may do, with what.
    **dict.fromkeys((3, 10, *range(200, 300)), ("broken", "permission_denied")),
    (100, 33): ("broken", "pixel_not_found"),
    (100, 34): ("broken", "pixel_not_found"),
    (100, 2804118): ("broken", "pixel_of_other_business"),
    (100, 2804132): ("broken", "pixel_of_other_business"),
    2635: ("broken", "api_version_ended"),
    # Too many calls.
    4: ("throttled", "throttled_app"),
    17: ("throttled", "throttled_account"),
    32: ("throttled", "throttled_page"),
    (613, None): ("much later", "throttled_abuse"),
    613: ("throttled", "throttled_account"),
    **dict.fromkeys((*range(80000, 80010), 80014), ("throttled", "throttled_business")),
    # Meta's own bad days.
    1: ("later", "meta_unknown_error"),
    2: ("later", "meta_unavailable"),
    341: ("later", "application_limit"),
    368: ("much later", "policy_block"),
    21009: ("later", "pixel_not_ready"),
    # The request.
    105: ("split", "too_many_parameters"),
}
# One event is at fault, whatever `is_transient` says: the range of the Conversions API.
PAYLOAD_SUBCODES = range(2804000, 2805000)

BLAMED = re.compile(r"\$\['data'\]\[([0-9]{1,4})\]")
TRACE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
SECRET = re.compile(
    r"(?:access_token=|Bearer )\S+"
    r"|EAA[A-Za-z0-9]{5,}"
    r"|(?<![A-Za-z0-9_-])(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{20,}"
    r"|[^\s@]{1,64}@[^\s@]+"
    r"|\+?[0-9](?:[ ().-]?[0-9]){7,}"
)
