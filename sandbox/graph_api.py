"""A stand-in for Meta's Graph API on loopback: as strict as the real one, and scriptable.

In tests:

    with GraphApi() as graph:
        graph.dataset("1234567890", token="EAA-test")
        ...  # post to graph.url + "/v26.0/1234567890/events"
        assert [event["event_id"] for event in graph.received] == ["1001"]

By hand: `python -m sandbox.graph_api --port 8100 --open`, then read `GET /_sandbox/`.
"""

import argparse
import signal
import threading
from types import TracebackType
from typing import Any, Self

from sandbox.graph.books import Received, Request
from sandbox.graph.control import BrowserEventWish, browser_event
from sandbox.graph.faults import Fault
from sandbox.graph.inspection import Json, KnownOrder
from sandbox.graph.server import GraphServer
from sandbox.graph.settings import Settings
from sandbox.graph.world import World


class GraphApi:
    """The server in a thread of this process, on a port of its own unless one is named.

    Strict by default: a dataset and its tokens must be set up first. `open=True` welcomes any
    numeric dataset and any token. Raises ValueError for a host that is not loopback.
    """

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, **settings: Any) -> None:
        self.world = World(Settings(**settings))
        self._server = GraphServer(host=host, port=port, world=self.world)
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.02},
            name="graph-api",
            daemon=True,
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to serve; returns at once, the port is already open."""
        self._thread.start()

    def stop(self) -> None:
        """End the server and every connection, also those that a fault keeps hanging."""
        if not self._thread.is_alive():
            self._server.server_close()
            return
        self._server.stop()
        self._thread.join()

    @property
    def url(self) -> str:
        """The base address, such as http://127.0.0.1:43210."""
        host, port = self._server.server_address[:2]
        return f"http://[{host!s}]:{port}" if ":" in str(host) else f"http://{host!s}:{port}"

    # Setting up

    def dataset(self, id: str, *, token: str = "EAA-sandbox", name: str | None = None) -> None:
        """Make a dataset known and grant it to a (valid) token; again, to one more token."""
        self.world.access.put_dataset(id, name=name, tokens=(token,))

    def token(self, value: str, **changes: Any) -> None:
        """Change a token: `state` (see access.TOKEN_STATES), `expires_at`, `app_secret`, …"""
        self.world.access.put_token(value, **changes)

    def known_order(self, **order: Any) -> None:
        """Tell how an order really was: the fields of `KnownOrder`."""
        self.world.knowledge.learn_order(KnownOrder(**order))

    def settings(self, **changes: Any) -> None:
        """Change `strict`, `locale`, `open`, … (see `Settings`) until the next reset."""
        self.world.change_settings(**changes)

    def set_clock(self, now: float | None = None, *, offset: float | None = None) -> None:
        """Stop the clock at `now` (Unix seconds), or shift it; with neither, set it right."""
        self.world.clock.set(now=now, offset=offset)

    def reset(self) -> None:
        """Forget everything, datasets included, as if just started."""
        self.world.reset()

    # Misbehaving

    def will_answer(
        self,
        status: int,
        body: Any = None,
        *,
        times: int | None = 1,
        headers: dict[str, str] | None = None,
        **where: Any,
    ) -> None:
        """Answer the next `times` events requests (None: all) so, and store nothing."""
        self.fault("answer", status=status, body=body, times=times, headers=headers or {}, **where)

    def fault(self, kind: str, **details: Any) -> None:
        """Misbehave: a kind from `faults.KINDS`, the details are the fields of `Fault`."""
        self.world.script.add(Fault(kind=kind, **details))

    def clear_faults(self) -> None:
        """Behave again."""
        self.world.script.clear()

    def browser_event(self, pixel: str, **event: Any) -> Received:
        """Take in the copy that the shop's Pixel sends: `event_id`, `fbp`, `value`, …"""
        wish = BrowserEventWish(pixel=pixel, **event)
        return self.world.store_browser_event(browser_event(wish), pixel=pixel)

    # Reading the books

    @property
    def received(self) -> list[Json]:
        """The events stored from servers, as they were posted, in order; duplicates included."""
        return [entry.event for entry in self.events() if entry.source == "server"]

    @property
    def requests(self) -> list[Request]:
        """Every request to the Graph side, refused ones too."""
        with self.world.lock:
            return list(self.world.books.requests)

    def events(self, *, pixel: str | None = None, event_id: str | None = None) -> list[Received]:
        """The events stored, with verdict, warnings and time of receipt."""
        with self.world.lock:
            return [
                entry
                for entry in self.world.books.events
                if pixel in (None, entry.pixel) and event_id in (None, entry.event_id)
            ]

    def books(self, pixel: str | None = None) -> dict[str, Any]:
        """Per pixel, or of one: received, counted, duplicates, double_count_risks, value, …"""
        with self.world.lock:
            summary = self.world.books.summary()
        return summary if pixel is None else summary[pixel]


def main() -> None:
    """Serve until SIGINT or SIGTERM; exit 2 for a host that is not loopback or a busy port."""
    options = _parser().parse_args()
    try:
        graph = GraphApi(
            host=options.host,
            port=options.port,
            open=options.open,
            strict=not options.lenient,
            locale=options.locale,
            seed=options.seed,
        )
    except (OSError, ValueError) as error:
        _parser().error(f"cannot serve on {options.host}:{options.port}: {error}")
    for dataset, token in options.dataset:
        graph.dataset(dataset, token=token)
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    with graph:
        print(f"Graph API stand-in on {graph.url} (its doors: {graph.url}/_sandbox/)", flush=True)
        done.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sandbox.graph_api", description=__doc__.split("\n")[0])
    parser.add_argument("--host", default="127.0.0.1", help="loopback only (%(default)s)")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (%(default)s)")
    parser.add_argument("--open", action="store_true", help="welcome any dataset and any token")
    parser.add_argument("--lenient", action="store_true", help="warn where strict refuses")
    parser.add_argument("--locale", default="en_US", help="of the user texts: en_US fr_FR de_DE")
    parser.add_argument("--seed", type=int, default=0, help="of the fbtrace_ids (%(default)s)")
    parser.add_argument(
        "--dataset",
        action="append",
        default=[],
        type=_grant,
        metavar="ID=TOKEN",
        help="known from the start; may be repeated",
    )
    return parser


def _grant(text: str) -> tuple[str, str]:
    dataset, _, token = text.partition("=")
    if not dataset.isdecimal() or not token:
        raise argparse.ArgumentTypeError(f"{text!r} is not like 1234567890=EAA-token")
    return dataset, token


if __name__ == "__main__":
    main()
