"""`make demo`: the whole product against the sandbox, from nothing, in a folder of its own.

With arguments it plays another module than the scenario: `make conformance` does.

Without a terminal, or with DEMO_EXIT=1, it ends with the scenario and its exit code; else it goes on
serving until Ctrl-C. Your settings and your `.env` play no part, but for DATA_DIR and PORT.
"""

import os
import secrets
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from launch import data_folder
from launch.environment import with_env_file, without_settings
from launch.process import CannotStart, Program
from launch.run import in_words
from launch.stack import (
    LOOPBACK,
    ROOT,
    STAND_INS,
    application_environment,
    free_port,
    port_from,
    release,
    start_application,
    start_servers,
    status_of,
    told_to_others,
)
from launch.supervisor import AskedToStop, Supervisor
from launch.terminal import Terminal

WITHOUT_TERMINAL = 170.0  # seconds for everything: a script that waits for us has to end
WITH_TERMINAL = 600.0


def main() -> int:
    """Return the scenario's exit code, 130 when it was interrupted, 1 when it could not begin."""
    asked = with_env_file(os.environ, root=ROOT)
    play = tuple(sys.argv[1:])
    stays = sys.stdout.isatty() and not asked.get("DEMO_EXIT") and not play
    return in_words(
        lambda terminal: demo(
            asked=asked, terminal=terminal, stays=stays, play=play or ("sandbox.scenario",)
        )
    )


def demo(
    *, asked: Mapping[str, str], terminal: Terminal, stays: bool, play: tuple[str, ...]
) -> int:
    """Run the module `play`; with `stays`, serve on afterwards until a signal. Raises CannotStart."""
    deadline = time.monotonic() + (WITH_TERMINAL if stays else WITHOUT_TERMINAL)
    folder = _folder(asked)
    supervisor = Supervisor(terminal=terminal)
    code = 130
    try:
        with data_folder.held(folder), supervisor.listening_to_signals(), supervisor:
            data_folder.empty(folder)
            port = _port(asked, terminal=terminal)
            environment = _environment(folder=folder, port=port, graph_port=free_port())
            environment |= {"DEMO_STAYS": "1"} if stays else {}
            servers = start_servers(supervisor=supervisor, folder=folder, environment=environment)
            address = environment["APP_URL"]
            with told_to_others(folder=folder, addresses=servers, app_url=address):
                _start_product(supervisor, environment, folder=folder, deadline=deadline)
                code = supervisor.run(
                    _player(play, environment), within=deadline - time.monotonic()
                )
                if stays:
                    terminal.say(f"The dashboard is at {address} – Ctrl-C stops everything.")
                    supervisor.serve()
    except AskedToStop:
        terminal.say("Everything is stopped.")
    return code


def _folder(asked: Mapping[str, str]) -> Path:
    """Return a folder that is the demo's alone, since it is emptied at each start."""
    folder = ROOT / (asked.get("DATA_DIR") or ".data") / "demo"
    if folder.is_dir() and any(folder.iterdir()) and not (folder / data_folder.LOCK).exists():
        raise CannotStart(f"{folder} holds something that no demo has made: set DATA_DIR.")
    return folder


def _port(asked: Mapping[str, str], *, terminal: Terminal) -> int:
    if asked.get("PORT"):
        return port_from(asked)
    try:
        return port_from({})
    except CannotStart:
        port = free_port()
        terminal.say(f"Port 8000 is taken, so the demo is at {port} (PORT chooses another).")
        return port


def _environment(*, folder: Path, port: int, graph_port: int) -> dict[str, str]:
    address, graph = f"http://{LOOPBACK}:{port}", f"http://{LOOPBACK}:{graph_port}"
    settings = {
        "CONNECTOR_ENV_FILE": "",
        "APP_URL": address,
        "META_GRAPH_URL": graph,
        "META_PIXEL_URL": f"{graph}/tr/",
        "SHOPIFY_API_KEY": "demo",
        "SHOPIFY_API_SECRET": secrets.token_hex(16),
        "WOOCOMMERCE_ALLOW_PRIVATE": "1",
        "LOG_FORMAT": "json",
        "SWEEP_EVERY_SECONDS": "1",  # nobody has time to wait for what a doorbell missed
        "CONNECTOR_URL": address,  # these two are for the scenario
        "GRAPH_URL": graph,
    }
    return application_environment(
        without_settings(os.environ) | settings, folder=folder, port=port
    )


def _start_product(
    supervisor: Supervisor, environment: Mapping[str, str], *, folder: Path, deadline: float
) -> None:
    """Start Meta's stand-in and the product; return when the product says that it is ready."""
    graph_port = environment["GRAPH_URL"].rsplit(":", 1)[1]
    supervisor.keep(
        Program(
            name="graph_api",
            argv=(sys.executable, "-m", "sandbox.graph_api", "--port", graph_port),
            env=environment,
            folder=ROOT,
            log=folder / "graph_api.log",
        ),
        stage=STAND_INS,
    )
    release(supervisor=supervisor, environment=environment, log=folder / "release.log")
    start_application(supervisor=supervisor, environment=environment, logs=folder)
    supervisor.wait_until(
        lambda: status_of("/readyz", port=int(environment["PORT"])) == 200,
        within=deadline - time.monotonic(),
        what=f"A 200 of /readyz (the logs are in {folder})",
    )


def _player(play: tuple[str, ...], environment: Mapping[str, str]) -> Program:
    return Program(
        name="scenario",
        argv=(sys.executable, "-m", *play),
        env=environment,
        folder=ROOT,
        speaks_itself=True,
    )


if __name__ == "__main__":
    sys.exit(main())
