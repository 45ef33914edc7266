"""A TCP proxy that can misbehave, with the names of Shopify's toxiproxy: https://github.com/Shopify/toxiproxy

It stands between the workers and Meta, and between everybody and the broker. Without toxics it only
passes bytes on.
"""

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

Stream = Literal["upstream", "downstream"]
PIECE = 64 * 1024
LOOK_EVERY = 0.05  # seconds between two looks at whether a toxic was taken back
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER for 0 seconds


@dataclass(frozen=True, kw_only=True)
class Toxic:
    """What happens to the bytes of one direction. `toxicity` is the share of connections it strikes.

    latency: each piece comes `seconds` ± `jitter` late. bandwidth: `rate` bytes a second.
    slicer: pieces of `size` bytes, `seconds` apart. slow_close: the end comes `seconds` late.
    timeout: nothing passes; the connection ends after `seconds` (0: when the toxic is taken back).
    reset_peer: a reset after `seconds`. limit_data: the connection ends after `size` bytes.
    """

    kind: Literal[
        "latency", "bandwidth", "slow_close", "timeout", "reset_peer", "slicer", "limit_data"
    ]
    stream: Stream = "downstream"
    toxicity: float = 1.0
    seconds: float = 0.0
    jitter: float = 0.0
    rate: float = 1024.0
    size: int = 1


class _Cut(Exception):
    """A toxic ends the connection."""


@dataclass(eq=False)
class _Connection:
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    struck: dict[Toxic, bool] = field(default_factory=dict)
    passed: dict[Toxic, int] = field(default_factory=dict)
    busy: bool = False  # a question has come, and no answer has passed yet

    def end(self, *, reset: bool = False) -> None:
        for writer in (self.client, self.server):
            if reset and not writer.is_closing():
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            writer.transport.abort() if reset else writer.close()


class Proxy:
    """Listens on a port of loopback and passes on to `upstream`: a port there, or a unix socket."""

    def __init__(self, upstream: int | str, *, seed: int = 0) -> None:
        self._upstream = upstream
        self._luck = random.Random(seed)
        self._toxics: list[Toxic] = []
        self._connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self.port = 0
        self.up()

    def close(self) -> None:
        """End every connection, and listen no more."""
        self.down()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def add(self, *toxics: Toxic) -> None:
        """Misbehave, on connections that stand as well."""
        self._toxics += toxics

    def clear(self) -> None:
        """Behave again."""
        self._toxics = []
        self.up()

    def down(self) -> None:
        """Refuse connections, and end those that stand."""
        self._call(self._close)

    def up(self) -> None:
        """Listen again, on the same port."""
        self._call(self._open)

    def busy(self) -> bool:
        """Whether anybody waits for an answer."""
        return any(connection.busy for connection in tuple(self._connections))

    def _call(self, act: Callable[[], Awaitable[None]]) -> None:
        async def run() -> None:
            await act()

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(timeout=10)

    async def _open(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(
                self._connected, "127.0.0.1", self.port, backlog=256
            )
            self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in tuple(self._connections):
            connection.end(reset=True)

    async def _connected(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        try:
            if isinstance(self._upstream, str):
                answers, server = await asyncio.open_unix_connection(self._upstream)
            else:
                answers, server = await asyncio.open_connection("127.0.0.1", self._upstream)
        except OSError:
            client.transport.abort()
            return
        connection = _Connection(client, server)
        self._connections.add(connection)
        ways = [
            asyncio.ensure_future(self._pass(reader, server, connection, "upstream")),
            asyncio.ensure_future(self._pass(answers, client, connection, "downstream")),
        ]
        # One side has ended: so has the conversation, for all that speak through here.
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        self._connections.discard(connection)
        connection.end()

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        connection: _Connection,
        stream: Stream,
    ) -> None:
        with contextlib.suppress(OSError, _Cut):
            while piece := await reader.read(PIECE):
                if stream == "upstream":
                    connection.busy = True
                for toxic in self._striking(connection, stream):
                    piece = await self._poison(toxic, piece, writer, connection)
                writer.write(piece)
                await writer.drain()
                if stream == "downstream":
                    connection.busy = False
            for toxic in self._striking(connection, stream):
                if toxic.kind == "slow_close":
                    await asyncio.sleep(toxic.seconds)

    def _striking(self, connection: _Connection, stream: Stream) -> list[Toxic]:
        return [
            toxic
            for toxic in self._toxics
            if toxic.stream == stream
            and connection.struck.setdefault(toxic, self._luck.random() < toxic.toxicity)
        ]

    async def _poison(
        self, toxic: Toxic, piece: bytes, writer: asyncio.StreamWriter, connection: _Connection
    ) -> bytes:
        """What is left of a piece to be passed on. Raises _Cut."""
        match toxic.kind:
            case "latency":
                late = toxic.seconds + self._luck.uniform(-toxic.jitter, toxic.jitter)
                await asyncio.sleep(max(0.0, late))
            case "bandwidth":
                await asyncio.sleep(len(piece) / toxic.rate)
            case "slicer":
                for start in range(0, len(piece) - toxic.size, toxic.size):
                    writer.write(piece[start : start + toxic.size])
                    await writer.drain()
                    await asyncio.sleep(toxic.seconds)
                return piece[(len(piece) - 1) // toxic.size * toxic.size :]
            case "timeout":
                await self._hold(toxic)
                raise _Cut
            case "reset_peer":
                await asyncio.sleep(toxic.seconds)
                connection.end(reset=True)
                raise _Cut
            case "limit_data":
                passed = connection.passed.get(toxic, 0)
                connection.passed[toxic] = passed + len(piece)
                if passed + len(piece) > toxic.size:
                    writer.write(piece[: max(0, toxic.size - passed)])
                    await writer.drain()
                    raise _Cut
            case "slow_close":
                pass  # strikes at the end
        return piece

    async def _hold(self, toxic: Toxic) -> None:
        """Until its time is over, or the toxic is taken back."""
        loop = asyncio.get_running_loop()
        end = loop.time() + toxic.seconds if toxic.seconds else float("inf")
        while toxic in self._toxics and loop.time() < end:
            await asyncio.sleep(LOOK_EVERY)
