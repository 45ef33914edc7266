"""Every refusal Meta is known to answer, by a name of ours, and how it looks on the wire.

Codes and subcodes: https://developers.facebook.com/docs/graph-api/guides/error-handling and
https://developers.facebook.com/docs/marketing-api/error-reference; the 2804xxx ones were seen in
live answers. A client must decide by `(code, error_subcode)`: the texts change with the locale.
"""

from typing import NamedTuple

from sandbox.graph.texts import USER_TEXTS

OAUTH = "OAuthException"
INVALID = "Invalid parameter"
NOT_THERE = (
    "Unsupported {method} request. Object with ID '{object}' does not exist, cannot be loaded due "
    "to missing permissions, or does not support this operation. Please read the Graph API "
    "documentation at https://developers.facebook.com/docs/graph-api"
)
SESSION = "Error validating access token: "


class Kind(NamedTuple):
    """One row of the table: HTTP status, Meta's numbers, type, `is_transient`, English message."""

    status: int
    code: int
    subcode: int | None
    message: str
    transient: bool = False
    type: str = OAUTH


KINDS: dict[str, Kind] = {
    # The way in.
    "version_unknown": Kind(400, 2635, None, "(#2635) You are calling a deprecated version."),
    "token_unknown": Kind(401, 190, None, "Invalid OAuth access token - Cannot parse access token"),
    "token_expired": Kind(401, 190, 463, SESSION + "Session has expired."),
    "token_revoked": Kind(401, 190, 458, SESSION + "The user has not authorized the application."),
    "token_checkpointed": Kind(401, 190, 459, SESSION + "The user must log in at facebook.com."),
    "token_password": Kind(401, 190, 460, SESSION + "The session has been invalidated."),
    "token_unconfirmed": Kind(401, 190, 464, SESSION + "The user is not a confirmed user."),
    "token_wrong_business": Kind(401, 190, 465, SESSION + "The system user was deleted."),
    "token_session": Kind(401, 102, None, "Session key invalid or no longer valid"),
    "no_permission": Kind(403, 200, None, "(#200) Permissions error"),
    "app_not_allowed": Kind(
        403, 10, None, "(#10) Application does not have permission for this action"
    ),
    "proof_invalid": Kind(
        400,
        100,
        None,
        "Invalid appsecret_proof provided in the API argument",
        type="GraphMethodException",
    ),
    "not_there": Kind(400, 100, 33, NOT_THERE, type="GraphMethodException"),
    "object_not_found": Kind(404, 100, 34, NOT_THERE, type="GraphMethodException"),
    # The body.
    "invalid": Kind(400, 100, None, "(#100) {detail}"),
    "too_large": Kind(
        413, 1, None, "Please reduce the amount of data you're asking for, then retry your request"
    ),
    # One event, which takes its whole batch down.
    "parameter": Kind(400, 100, 2804019, INVALID),
    "too_old": Kind(400, 100, 2804003, INVALID),
    "value_missing": Kind(400, 100, 2804009, INVALID),
    "currency_missing": Kind(400, 100, 2804010, INVALID),
    "customer_unknown": Kind(400, 100, 2804050, INVALID),
    "lead_id": Kind(400, 100, 2804036, INVALID),
    "extinfo": Kind(400, 100, 2804043, INVALID),
    "messaging_channel": Kind(400, 100, 2804063, INVALID),
    "messaging_event": Kind(400, 100, 2804066, INVALID),
    "ctwa_clid": Kind(400, 100, 2804087, INVALID),
    "page_id": Kind(400, 100, 2804116, INVALID),
    "waba_mismatch": Kind(400, 100, 2804118, INVALID),
    "waba_unlinked": Kind(400, 100, 2804132, INVALID),
    # Throttles, and Meta's own bad days: only ever scripted.
    "throttled_app": Kind(400, 4, None, "(#4) Application request limit reached", True),
    "throttled_account": Kind(400, 17, 2446079, "(#17) User request limit reached", True),
    "throttled_page": Kind(400, 32, None, "(#32) Page request limit reached", True),
    "throttled_burst": Kind(400, 613, 1487742, "(#613) Calls have exceeded the rate limit.", True),
    "throttled_abuse": Kind(400, 613, None, "(#613) Calls to this api have exceeded the limit."),
    "throttled_business": Kind(
        400, 80004, 2446079, "(#80004) There have been too many calls to this ad-account.", True
    ),
    "unknown": Kind(500, 1, 99, "An unknown error occurred", True),
    "unavailable": Kind(503, 2, None, "Service temporarily unavailable", True),
    "application_limit": Kind(400, 341, None, "(#341) Feed action request limit reached", True),
    "policy_block": Kind(400, 368, None, "The action attempted has been deemed abusive"),
    "not_ready": Kind(400, 21009, None, "(#21009) The dataset is not ready for upload"),
    "too_many_parameters": Kind(400, 105, None, "The number of parameters exceeded the maximum"),
}


class Refusal(Exception):
    """A request is refused: nothing of it is stored.

    `kind` is a key of KINDS; `detail` fills the message; `simulated` says that no real answer to
    this input is known, and the sandbox chose one.
    """

    def __init__(
        self, kind: str, *, detail: str = "", simulated: bool = False, **names: str
    ) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail
        self.simulated = simulated
        self.names = names

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
        return KINDS[self.kind].status


def envelope(refusal: Refusal, *, locale: str, trace_id: str) -> dict[str, object]:
    """The JSON body of a refusal; the two user texts in `locale`, the rest always English."""
    kind = KINDS[refusal.kind]
    names = {"detail": refusal.detail, "method": "post", "object": ""} | refusal.names
    error: dict[str, object] = {
        "message": kind.message.format_map(names),
        "type": kind.type,
        "code": kind.code,
    }
    if kind.subcode is not None:
        error["error_subcode"] = kind.subcode
    error["is_transient"] = kind.transient
    if (texts := USER_TEXTS.get(refusal.kind)) is not None:
        title, text = texts.get(locale, texts["en_US"])
        error["error_user_title"] = title
        error["error_user_msg"] = text.format_map(names)
    error["fbtrace_id"] = trace_id
    return {"error": error}
