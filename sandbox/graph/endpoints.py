"""A request to the Graph side, from its first check to its answer; no sockets here.

The order of the checks is the contract: version, token, proof, dataset, fault, body, events.
The first that fails decides, and nothing is stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.graph.access import NEWEST_VERSION, Dataset, admit_proof, admit_version
from sandbox.graph.body import Batch, read_batch, read_fields
from sandbox.graph.books import Request
from sandbox.graph.companions import READERS, read_debug_token
from sandbox.graph.errors import Refusal, envelope
from sandbox.graph.faults import Fault
from sandbox.graph.misbehaviour import Answer, Reply, json_answer, misbehave
from sandbox.graph.world import World


@dataclass(frozen=True, kw_only=True)
class Call:
    """The head of one HTTP request; header names in lower case, the last value of each name."""

    method: str
    path: str
    query: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Route:
    """What a path asks for: `/v26.0/<pixel>/events` has the edge events, and so on."""

    version: str
    edge: str
    pixel: str | None


class Visit:
    """One call on its way through the checks, and what the books will say about it."""

    def __init__(self, world: World, call: Call) -> None:
        self.world = world
        self.call = call
        self.route = route_of(call)
        self.number = world.count_request(self.route.edge)
        self.trace_id = world.traces.next()
        self._fields: Mapping[str, object] = {}
        self._batch: Batch | Refusal | None = None

    def ends_before_reading(self) -> bool:
        """Whether a fault resets this connection before its body is read."""
        fault = self._take_fault(before_reading=True)
        if fault is not None:
            self._record(f"fault:{fault.kind}", status=None)
        return fault is not None

    def answer(self, body: bytes, *, too_large: bool = False) -> Reply:
        """Run the checks, misbehave if told to, and write the request into the books."""
        self._read(body, too_large=too_large)
        try:
            dataset = self._admit()
            if (fault := self._take_fault(before_reading=False)) is not None:
                reply = self._misbehave(fault, dataset)
                self._record(f"fault:{fault.kind}", status=reply.status)
            else:
                reply = Reply(self._serve(dataset))
                self._record("accepted", status=reply.status)
        except Refusal as refusal:
            reply = Reply(self._refused(refusal))
            self._record(refusal.kind, status=reply.status, refusal=refusal)
        return reply

    def _read(self, body: bytes, *, too_large: bool) -> None:
        """Read the body at once, for a token inside it and for the books; judge it in its turn."""
        content_type = self.call.headers.get("content-type", "")
        fields = read_fields(body, content_type=content_type) if body else None
        self._fields = fields or {}
        try:
            self._batch = Refusal("too_large") if too_large else read_batch(fields)
        except Refusal as refusal:
            self._batch = refusal

    def _admit(self) -> Dataset | None:
        """Checks 1 to 4; only `debug_token` is about no dataset."""
        now = self.world.clock.now()
        if self.route.edge == "unsupported":
            raise Refusal("not_there", object=self.call.path.strip("/"))
        admit_version(self.route.version, now=now)
        token = self.world.access.admit_token(self._parameter("access_token"), now=now)
        admit_proof(self._parameter("appsecret_proof"), token=token)
        if self.route.edge == "debug_token":
            return None
        return self.world.access.admit_dataset(self.route.pixel or "", token=token, now=now)

    def _take_fault(self, *, before_reading: bool) -> Fault | None:
        """Check 5."""
        return self.world.script.take(
            edge=self.route.edge,
            pixel=self.route.pixel,
            number=self.number,
            before_reading=before_reading,
            event_ids=self._event_ids(),
        )

    def _serve(self, dataset: Dataset | None) -> Answer:
        """The usual answer: one of the reading endpoints, or checks 6 to 10."""
        if dataset is None:
            return json_answer(200, read_debug_token(self.world, self.call.query))
        if self.route.edge != "events":
            reader = READERS[self.route.edge]
            return json_answer(200, reader(self.world, dataset, self.call.query))
        return self._accepted(self._store(dataset))

    def _store(self, dataset: Dataset, *, only: int | None = None) -> int:
        if not isinstance(self._batch, Batch):
            raise self._batch or Refusal("parameter")
        return self.world.store_batch(self._batch, dataset=dataset, request=self.number, only=only)

    def _misbehave(self, fault: Fault, dataset: Dataset | None) -> Reply:
        """Carry out a fault; where it stores first, an invalid batch is refused as ever."""
        usual: Answer | None = None
        if fault.kind == "count" and dataset is not None:
            self._store(dataset, only=max(fault.events_received, 0))
            usual = self._accepted(fault.events_received)
        elif fault.stores_first:
            usual = self._serve(dataset)
        return misbehave(
            fault,
            usual=usual,
            pixel=self.route.pixel or "0",
            locale=self.world.settings.locale,
            trace_id=self.trace_id,
        )

    def _accepted(self, count: int) -> Answer:
        content = {"events_received": count, "messages": [], "fbtrace_id": self.trace_id}
        return json_answer(200, content)

    def _refused(self, refusal: Refusal) -> Answer:
        locale = self.world.settings.locale
        refusal.names["method"] = self.call.method.lower()
        return json_answer(refusal.status, envelope(refusal, locale=locale, trace_id=self.trace_id))

    def _parameter(self, name: str) -> str | None:
        """A parameter wherever Meta takes it: the Authorization header, the query, the body."""
        scheme, _, credentials = self.call.headers.get("authorization", "").partition(" ")
        if name == "access_token" and scheme.lower() == "bearer":
            return credentials.strip()
        value = self.call.query.get(name, self._fields.get(name))
        return None if value is None else str(value)

    def _event_ids(self) -> tuple[str, ...]:
        """Of the events in the request, "" for one without."""
        return tuple(map(_id_of, self._batch.events)) if isinstance(self._batch, Batch) else ()

    def _record(self, outcome: str, *, status: int | None, refusal: Refusal | None = None) -> None:
        event_ids = self._event_ids()
        request = Request(
            number=self.number,
            at=self.world.clock.now(),
            method=self.call.method,
            path=self.call.path,
            edge=self.route.edge,
            pixel=self.route.pixel,
            events=len(event_ids),
            event_ids=event_ids,
            outcome=outcome,
            status=status,
            detail=refusal.detail if refusal else "",
            simulated=refusal.simulated if refusal else False,
            fbtrace_id=self.trace_id,
        )
        with self.world.lock:
            self.world.books.requests.append(request)


def route_of(call: Call) -> Route:
    """Read `[/v26.0]/<pixel>[/events|/stats]`, `/debug_token`, `/dataset_quality`.

    Only the reading endpoints work without a version: then it is the newest.
    """
    parts = call.path.strip("/").split("/")
    version = parts.pop(0) if parts[0][:1] == "v" and parts[0][1:2].isdecimal() else ""
    pixel = parts[0] if parts and parts[0].isdecimal() else None
    match (call.method, parts):
        case ("POST", [_, "events"]) if pixel and version:
            edge = "events"
        case ("GET", [_, "stats"]) if pixel:
            edge = "stats"
        case ("GET", [_]) if pixel:
            edge = "dataset"
        case ("GET", ["debug_token"]):
            edge = "debug_token"
        case ("GET", ["dataset_quality"]):
            edge, pixel = "dataset_quality", call.query.get("dataset_id")
        case _:
            edge = "unsupported"
    return Route(version=version or NEWEST_VERSION, edge=edge, pixel=pixel)


def _id_of(event: object) -> str:
    return str(event.get("event_id", "")) if isinstance(event, dict) else ""
