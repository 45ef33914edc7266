from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from purchases.meta.response import (
    Accepted,
    Answer,
    Outcome,
    PixelBroken,
    Rejected,
    TooMuch,
    TryLater,
    Unknown,
    read,
    read_object,
    redacted,
)

HOUR = timedelta(hours=1)


def outcome(status: int, body: Any, *, sent: int = 3, **headers: str) -> Outcome:
    if not isinstance(body, bytes):
        body = msgspec.json.encode(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return read(status=status, headers=named, body=body, sent=sent)[0]


def refusal(code: Any, subcode: Any = None, **more: Any) -> dict[str, Any]:
    return {"error": {"code": code, "error_subcode": subcode, "message": "", **more}}


def test_all_events_are_accepted_when_meta_counts_as_many_as_were_sent():
    body = {"events_received": 3, "messages": [], "fbtrace_id": "AbC-1_x"}

    assert outcome(200, body) == Accepted(fbtrace_id="AbC-1_x", received=3)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"events_received": 0}, "received_mismatch"),
        ({"events_received": 2}, "received_mismatch"),
        ({"events_received": 4}, "received_mismatch"),
        ({"events_received": 3, "error": {"code": 1}}, "received_mismatch"),
        ({"events_received": "3"}, "unreadable_answer"),
        ({"events_received": 3.0}, "unreadable_answer"),
        ({"events_received": True}, "unreadable_answer"),
        ({"events_received": None}, "unreadable_answer"),
        ({}, "unreadable_answer"),
        ([], "unreadable_answer"),
        (b"", "unreadable_answer"),
        (b'{"events_received":3', "unreadable_answer"),
        (b"<html>Service Unavailable</html>", "unreadable_answer"),
        (b"\x1f\x8b\x08" + b"\x00" * 50, "unreadable_answer"),
        (b'{"events_received":3,"x":"' + b"x" * 70_000 + b'"}', "unreadable_answer"),
        (b"[" * 60_000, "unreadable_answer"),
    ],
)
def test_a_200_that_does_not_say_all_is_in_doubt(body, reason):
    assert outcome(200, body) == Unknown(reason=reason)


CATALOGUE = [
    # The token, the permissions, the pixel, the version: nothing is wrong with the events.
    (401, 190, None, PixelBroken(reason="token_invalid")),
    (500, 190, None, PixelBroken(reason="token_invalid")),
    (400, 190, 452, PixelBroken(reason="token_session_mismatch")),
    (401, 190, 458, PixelBroken(reason="token_app_removed")),
    (400, 190, 459, PixelBroken(reason="token_user_checkpointed")),
    (401, 190, 460, PixelBroken(reason="token_password_changed")),
    (401, 190, 463, PixelBroken(reason="token_expired")),
    (400, 190, 464, PixelBroken(reason="token_user_unconfirmed")),
    (400, 190, 465, PixelBroken(reason="token_wrong_business")),
    (400, 190, 467, PixelBroken(reason="token_invalid")),
    (400, 190, 492, PixelBroken(reason="token_invalid")),
    (400, 102, None, PixelBroken(reason="token_invalid")),
    (403, 10, None, PixelBroken(reason="permission_denied")),
    (403, 200, None, PixelBroken(reason="permission_denied")),
    (400, 299, None, PixelBroken(reason="permission_denied")),
    (400, 3, None, PixelBroken(reason="permission_denied")),
    (400, 100, 33, PixelBroken(reason="pixel_not_found")),
    (404, 100, 34, PixelBroken(reason="pixel_not_found")),
    (400, 100, 2804118, PixelBroken(reason="pixel_of_other_business")),
    (400, 100, 2804132, PixelBroken(reason="pixel_of_other_business")),
    (400, 2635, None, PixelBroken(reason="api_version_ended")),
    (403, 4711, None, PixelBroken(reason="meta_4711")),
    # One event.
    *[
        (400, 100, subcode, Rejected(reason=f"meta_100_{subcode}"))
        for subcode in (2804001, 2804003, 2804007, 2804009, 2804010, 2804016, 2804017, 2804019)
    ],
    *[
        (400, 100, subcode, Rejected(reason=f"meta_100_{subcode}"))
        for subcode in (2804036, 2804043, 2804048, 2804050, 2804063, 2804066, 2804072, 2804087)
    ],
    (400, 100, 2804116, Rejected(reason="meta_100_2804116")),
    (400, 100, None, Rejected(reason="meta_100")),
    (400, 100, 7, Rejected(reason="meta_100_7")),
    (400, 4711, None, PixelBroken(reason="meta_4711")),  # unknown: it must not cost events
    # The request as a whole.
    (400, 105, None, TooMuch(reason="too_many_parameters")),
    (413, 1, None, TooMuch(reason="http_413")),
    # Too many calls.
    (400, 4, None, TryLater(reason="throttled_app")),
    (400, 4, 1504022, TryLater(reason="throttled_app")),
    (400, 17, 2446079, TryLater(reason="throttled_account")),
    (400, 32, None, TryLater(reason="throttled_page")),
    (400, 613, 1487742, TryLater(reason="throttled_account")),
    (400, 613, None, TryLater(reason="throttled_abuse", retry_after=HOUR)),
    (400, 80000, None, TryLater(reason="throttled_business")),
    (400, 80004, 2446079, TryLater(reason="throttled_business")),
    (400, 80014, None, TryLater(reason="throttled_business")),
    (503, 4, None, TryLater(reason="throttled_app")),
    (429, 4711, None, TryLater(reason="meta_4711")),
    # Meta's own bad days: a 4xx says that nothing was taken, a 5xx does not.
    (400, 1, None, TryLater(reason="meta_unknown_error")),
    (500, 1, 99, Unknown(reason="meta_unknown_error")),
    (400, 2, None, TryLater(reason="meta_unavailable")),
    (503, 2, None, Unknown(reason="meta_unavailable")),
    (400, 341, None, TryLater(reason="application_limit")),
    (400, 368, None, TryLater(reason="policy_block", retry_after=HOUR)),
    (400, 21009, None, TryLater(reason="pixel_not_ready")),
    (500, 100, 2804003, Unknown(reason="meta_100_2804003")),
]


@pytest.mark.parametrize(("status", "code", "subcode", "meaning"), CATALOGUE)
def test_an_error_means_what_its_code_says(status, code, subcode, meaning):
    assert outcome(status, refusal(code, subcode)) == meaning


@pytest.mark.parametrize(
    "locale", ["Invalid parameter", "Paramètre non valide", "Ugyldig parameter", None, 7]
)
def test_no_text_changes_the_meaning(locale):
    body = refusal(100, 2804003, message=locale, error_user_title=locale, error_user_msg=locale)

    assert outcome(400, body) == Rejected(reason="meta_100_2804003")


def test_an_unknown_error_that_calls_itself_transient_passes():
    assert outcome(400, refusal(4711, is_transient=True)) == TryLater(reason="meta_4711")
    assert outcome(400, refusal(100, 7, is_transient=True)) == TryLater(reason="meta_100_7")


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_transient_flag_counts_before_the_status(status):
    assert outcome(status, refusal(4711, is_transient=True)) == TryLater(reason="meta_4711")


def test_a_transient_flag_does_not_keep_a_dead_token_or_a_bad_event_alive():
    assert outcome(400, refusal(190, is_transient=True)) == PixelBroken(reason="token_invalid")
    assert outcome(400, refusal(100, 2804009, is_transient=True)) == Rejected(
        reason="meta_100_2804009"
    )


def test_a_bad_app_secret_breaks_the_pixel_not_its_events():
    body = refusal(100, type="GraphMethodException", message="Invalid appsecret_proof")

    assert outcome(400, body) == PixelBroken(reason="meta_100")


@pytest.mark.parametrize(
    ("more", "index"),
    [
        ({"message": "(#100) Param $['data'][2]['event_time'] is required"}, 2),
        ({"error_user_msg": "Le champ $['data'][1]['user_data']['em'] manque"}, 1),
        ({"error_data": {"blame": "$['data'][0]"}}, 0),
        ({"message": "$['data'][3]['event_time']"}, None),
        ({"message": "$['data'] is required"}, None),
    ],
)
def test_the_blamed_event_is_named_where_the_message_holds_its_path(more, index):
    assert outcome(400, refusal(100, 2804019, **more)) == Rejected(
        reason="meta_100_2804019", index=index
    )


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (413, TooMuch(reason="http_413")),
        (429, TryLater(reason="http_429")),
        *[
            (status, Unknown(reason=f"http_{status}"))
            for status in (
                100,
                301,
                302,
                307,
                400,
                401,
                403,
                404,
                408,
                425,
                500,
                502,
                503,
                504,
                599,
            )
        ],
    ],
)
@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{}", b"[]", b'{"error":"no"}', b'{"error":{"code":"190"}}']
)
def test_an_answer_that_is_not_metas_is_read_by_its_status(status, body, meaning):
    assert outcome(status, body) == meaning


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("120", timedelta(minutes=2)),
        ("0", timedelta(seconds=1)),
        ("-1", timedelta(seconds=1)),
        ("999999999", HOUR),
        ("9" * 200, HOUR),
        ("abc", None),
        ("1.5", None),
        ("", None),
        ("Sat, 21 Nov 2026 12:05:00 GMT", timedelta(minutes=5)),
        ("Sat, 21 Nov 2026 11:00:00 GMT", timedelta(seconds=1)),
        ("Sat, 21 Nov 2099 11:00:00 GMT", HOUR),
        ("Sat, 99 Nov 2026 11:00:00 GMT", None),
    ],
)
def test_retry_after_is_kept_between_a_second_and_an_hour(value, wait):
    date = "Sat, 21 Nov 2026 12:00:00 GMT"

    assert outcome(429, b"", Retry_After=value, Date=date) == TryLater(
        reason="http_429", retry_after=wait
    )


@pytest.mark.parametrize(
    ("usage", "wait"),
    [
        (
            '{"17":[{"type":"ads_management","estimated_time_to_regain_access":5}]}',
            timedelta(minutes=5),
        ),
        (
            '{"17":[{"estimated_time_to_regain_access":2},{"estimated_time_to_regain_access":9}]}',
            timedelta(minutes=9),
        ),
        ('{"17":{"estimated_time_to_regain_access":3}}', timedelta(minutes=3)),
        ('{"17":[{"estimated_time_to_regain_access":99999}]}', HOUR),
        ('{"17":[{"estimated_time_to_regain_access":0}]}', None),
        ('{"17":["x",null,7]}', None),
        ("[]", None),
        ("{", None),
    ],
)
def test_a_throttle_ends_when_its_header_says(usage, wait):
    answer = outcome(400, refusal(80004), **{"x-business-use-case-usage": usage})

    assert answer == TryLater(reason="throttled_business", retry_after=wait)


def test_an_accounts_throttle_is_told_in_seconds():
    header = {"X-Ad-Account-Usage": '{"acc_id_util_pct":100,"reset_time_duration":90}'}

    assert outcome(400, refusal(17), **header) == TryLater(
        reason="throttled_account", retry_after=timedelta(seconds=90)
    )


def test_a_server_in_trouble_may_ask_for_time_too():
    assert outcome(503, b"", Retry_After="30") == Unknown(
        reason="http_503", retry_after=timedelta(seconds=30)
    )


def test_the_ledger_keeps_metas_numbers_and_words():
    error = {
        "message": "Invalid parameter",
        "error_user_title": "Event Timestamp Too Old",
        "code": 100,
        "error_subcode": 2804003,
        "fbtrace_id": "AbC",
    }

    body = msgspec.json.encode({"error": error})

    _, answer = read(status=400, headers={}, body=body, sent=1)

    assert answer == Answer(
        http_status=400,
        code=100,
        subcode=2804003,
        fbtrace_id="AbC",
        message="Invalid parameter · Event Timestamp Too Old",
        said=body.decode(),
    )


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("token EAABsbCS1iHgBO7ZC is bad", "token […] is bad"),
        ("access_token=abc|def&x", "[…]"),
        ("Authorization: Bearer abc.def", "Authorization: […]"),
        ("zoe@example.com is not hashed", "[…] is not hashed"),
        ("call +33 6 12 34 56 78 now", "call […] now"),
        ("Object with ID '1234567890123' is missing", "Object with ID '[…]' is missing"),
        ("0cbc6611f5540bd0809a388dc95a615b", "[…]"),
        ("line\none\x00\ttwo", "line one  two"),
        (
            "data_processing_options_country of $['data'][0]",
            "data_processing_options_country of $['data'][0]",
        ),
        ("(#100) code 2804003", "(#100) code 2804003"),
    ],
)
def test_nothing_secret_is_kept(text, kept):
    assert redacted(text) == kept


def test_a_kept_message_is_short():
    assert len(redacted("word " * 1_000)) == 500


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
errors = st.fixed_dictionaries(
    {},
    optional={
        "code": json,
        "error_subcode": json,
        "is_transient": json,
        "type": json,
        "message": json,
        "error_user_msg": json,
        "error_data": json,
        "fbtrace_id": json,
    },
)
bodies = st.binary() | st.one_of(
    json,
    st.fixed_dictionaries({"error": errors | json}),
    st.fixed_dictionaries({"events_received": json}),
).map(lambda body: msgspec.json.encode(body) if encodable(body) else b"")
headers = st.dictionaries(
    st.sampled_from(["Retry-After", "Date", "X-Business-Use-Case-Usage", "X-Ad-Account-Usage"]),
    st.text()
    | json.map(lambda value: msgspec.json.encode(value).decode() if encodable(value) else ""),
)


def encodable(value: Any) -> bool:
    try:
        msgspec.json.encode(value)
    except (OverflowError, UnicodeEncodeError):
        return False
    return True


@example(status=429, headers={"Retry-After": "-86399999913601"}, body=b"", sent=1)
@given(status=st.integers(0, 999), headers=headers, body=bodies, sent=st.integers(1, 1000))
def test_any_answer_has_a_meaning(status, headers, body, sent):
    outcome, answer = read(status=status, headers=headers, body=body, sent=sent)

    assert isinstance(outcome, Outcome)
    assert answer.http_status == status
    assert len(answer.message) <= 500
    if isinstance(outcome, Accepted):
        assert outcome.received == sent
    if isinstance(outcome, TryLater | Unknown) and outcome.retry_after is not None:
        assert timedelta(seconds=1) <= outcome.retry_after <= HOUR


@pytest.mark.parametrize(
    ("status", "body", "answer"),
    [
        (200, b'{"id":"1","name":"Main"}', ({"id": "1", "name": "Main"}, "")),
        (299, b'{"id":"1"}', ({"id": "1"}, "")),
        (200, b"<html>", ({}, "unreadable_answer")),
        (200, b"[]", ({}, "unreadable_answer")),
        (199, b"{}", ({}, "http_199")),
        (300, b'{"id":"1"}', ({}, "http_300")),
        (302, b'{"error":{"code":190}}', ({}, "http_302")),
        (400, b'{"error":{"code":190,"error_subcode":463}}', ({}, "token_expired")),
        (400, b'{"error":{"code":100,"error_subcode":33}}', ({}, "pixel_not_found")),
        (403, b'{"error":{"code":200}}', ({}, "permission_denied")),
        (400, b'{"error":{"code":4}}', ({}, "throttled_app")),
        (429, b"", ({}, "http_429")),
        (500, b'{"error":"broken"}', ({}, "http_500")),
        (503, b"<html>", ({}, "http_503")),
    ],
)
def test_a_question_has_an_answer_or_a_reason_why_not(status, body, answer):
    assert read_object(status=status, headers={"Retry-After": "5"}, body=body) == answer


@pytest.mark.parametrize(
    ("trace", "kept"),
    [("AbC-1_x", "AbC-1_x"), ("", ""), ("a b", ""), ("x" * 65, ""), (7, ""), (None, "")],
)
def test_a_trace_id_that_is_none_is_not_kept(trace, kept):
    body = {"events_received": 3, "fbtrace_id": trace}

    assert outcome(200, body) == Accepted(fbtrace_id=kept, received=3)


@pytest.mark.parametrize("key", ["message", "error_user_title", "error_user_msg"])
def test_each_of_metas_words_is_kept(key):
    body = msgspec.json.encode({"error": {"code": 100, key: "Look here"}})

    _outcome, answer = read(status=400, headers={}, body=body, sent=1)

    assert answer.message == "Look here"


@pytest.mark.parametrize("key", ["message", "error_user_title", "error_user_msg", "error_data"])
def test_the_event_at_fault_is_found_in_each_of_them(key):
    body = {"error": {"code": 100, "error_subcode": 2804019, key: "see $['data'][1]['user_data']"}}

    assert outcome(400, body) == Rejected(reason="meta_100_2804019", index=1)


@pytest.mark.parametrize("status", [401, 403])
def test_what_is_forbidden_and_unknown_is_for_somebody_to_mend(status):
    assert outcome(status, refusal(77777)) == PixelBroken(reason="meta_77777")


def test_a_stumble_with_a_wish_is_left_alone_for_as_long():
    found = outcome(500, refusal(77777), retry_after="30")

    assert found == Unknown(reason="meta_77777", retry_after=timedelta(seconds=30))


@pytest.mark.parametrize(
    ("code", "found"),
    [
        (10**9 - 1, PixelBroken(reason="meta_999999999")),
        (10**9, Unknown(reason="http_400")),
        (-(10**9), Unknown(reason="http_400")),
    ],
)
def test_a_code_that_is_no_code_says_nothing(code, found):
    assert outcome(400, refusal(code)) == found


def test_a_date_to_wait_for_is_measured_from_the_answers_own_in_whatever_zone():
    found = outcome(
        429,
        b"",
        retry_after="Sat, 21 Nov 2026 13:00:30 +0100",
        date="Sat, 21 Nov 2026 12:00:00 GMT",
    )

    assert found == TryLater(reason="http_429", retry_after=timedelta(seconds=30))


def test_a_date_without_a_zone_is_of_greenwich():
    found = outcome(
        429,
        b"",
        retry_after="Sat, 21 Nov 2026 12:00:20 -0000",
        date="Sat, 21 Nov 2026 12:00:00 GMT",
    )

    assert found == TryLater(reason="http_429", retry_after=timedelta(seconds=20))
