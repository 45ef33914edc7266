"""What a fault looks like: an answer of the wrong kind, or a right one sent the wrong way."""

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import msgspec

from sandbox.graph.errors import Refusal, envelope
from sandbox.graph.faults import FOREVER, Fault, usage_headers

MEGABYTE = 1024 * 1024
SORRY = "<!DOCTYPE html><html><head><title>Error</title></head><body>Sorry, something went wrong."


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A whole HTTP answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """An answer, and how it is sent.

    `manner`: whole, hang, silence, drip, reset, cut or raw. `seconds`: before the answer, of
    silence, or between two pieces of `chunk` bytes.
    """

    answer: Answer
    manner: str = "whole"
    seconds: float = 0
    chunk: int = 1

    @property
    def status(self) -> int | None:
        """The status the client can see, None if there is none."""
        return None if self.manner in ("hang", "reset", "raw") else self.answer.status


def json_answer(
    status: int, content: object, *, headers: Mapping[str, str] | None = None
) -> Answer:
    """An answer with a JSON body."""
    return Answer(
        status=status,
        body=msgspec.json.encode(content),
        headers={"Content-Type": "application/json; charset=UTF-8", **(headers or {})},
    )


def misbehave(
    fault: Fault, *, usual: Answer | None, pixel: str, locale: str, trace_id: str
) -> Reply:
    """The reply a fault asks for; `usual` is the ordinary answer, where it was worked out."""
    if fault.kind == "error":
        answer = _scripted_error(fault, pixel=pixel, locale=locale, trace_id=trace_id)
    elif make := MAKERS.get(fault.kind):
        answer = make(fault)
    else:
        answer = usual or json_answer(200, {"events_received": 0, "messages": []})
    patience = PATIENCE.get(fault.kind, 0.0) if fault.seconds is None else fault.seconds
    return Reply(
        replace(answer, headers={**answer.headers, **fault.headers}),
        manner=MANNERS.get(fault.kind, "whole"),
        seconds=patience,
        chunk=max(fault.chunk, 1),
    )


def _scripted_error(fault: Fault, *, pixel: str, locale: str, trace_id: str) -> Answer:
    refusal = Refusal(fault.error, detail="scripted", object=pixel)
    content = envelope(refusal, locale=locale, trace_id=trace_id)
    headers = usage_headers(pixel) if fault.error.startswith("throttled") else {}
    return json_answer(fault.status or refusal.status, content, headers=headers)


def _given(fault: Fault) -> Answer:
    """The body a script gives: text and bytes as they are, anything else as JSON."""
    status = fault.status or 200
    if isinstance(fault.body, str):
        return Answer(status=status, body=fault.body.encode())
    if isinstance(fault.body, bytes):
        return Answer(status=status, body=fault.body)
    return json_answer(status, {} if fault.body is None else fault.body)


def _garbage(fault: Fault) -> Answer:
    return Answer(status=fault.status or 200, body=b'{"events_rec\x00\xff')


def _wrong_types(fault: Fault) -> Answer:
    content = {"events_received": "1", "messages": {}, "fbtrace_id": [1]}
    return json_answer(fault.status or 200, content)


def _html(fault: Fault) -> Answer:
    headers = {"Content-Type": "text/html; charset=utf-8"}
    return Answer(status=fault.status or 503, body=SORRY.encode(), headers=headers)


def _redirect(fault: Fault) -> Answer:
    return Answer(status=fault.status or 302, headers={"Location": fault.location})


def _huge(fault: Fault) -> Answer:
    return json_answer(200, {"padding": "x" * (fault.size or 10 * MEGABYTE)})


def _gzip_bomb(fault: Fault) -> Answer:
    zeros = gzip.compress(bytes(fault.size or 100 * MEGABYTE), compresslevel=6)
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    return Answer(status=200, body=zeros, headers=headers)


MAKERS: dict[str, Callable[[Fault], Answer]] = {
    "answer": _given,
    "raw": _given,
    "garbage": _garbage,
    "wrong_types": _wrong_types,
    "html": _html,
    "redirect": _redirect,
    "huge": _huge,
    "gzip_bomb": _gzip_bomb,
}
MANNERS = {
    "hang": "hang",
    "silence": "silence",
    "drip": "drip",
    "reset_before": "reset",
    "reset_after": "reset",
    "cut": "cut",
    "raw": "raw",
}
PATIENCE = {"hang": FOREVER, "silence": FOREVER, "drip": 0.5, "delay": 1.0}  # seconds
