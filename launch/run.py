"""`make run`: everything in one terminal, with your own settings."""

import os
import sys
from collections.abc import Callable, Mapping

from launch import data_folder
from launch.environment import with_env_file
from launch.process import CannotStart
from launch.stack import (
    ROOT,
    STARTING_TAKES,
    application_environment,
    port_from,
    release,
    start_application,
    start_servers,
    status_of,
    told_to_others,
)
from launch.supervisor import AskedToStop, Supervisor
from launch.terminal import Terminal


def main() -> int:
    """Run until Ctrl-C or SIGTERM (exit code 0), or until it makes no sense any more (1)."""
    environment = with_env_file(os.environ, root=ROOT)
    return in_words(lambda terminal: run(environment=environment, terminal=terminal))


def in_words(launch: Callable[[Terminal], int]) -> int:
    """Call `launch`; what it cannot do becomes a sentence instead of a traceback."""
    terminal = Terminal()
    try:
        return launch(terminal)
    except CannotStart as error:
        terminal.say(str(error))
        return 1
    except KeyboardInterrupt:  # before there was anything to stop
        return 130


def run(*, environment: Mapping[str, str], terminal: Terminal) -> int:
    """Start everything and look after it until a signal. Raises CannotStart."""
    folder = ROOT / (environment.get("DATA_DIR") or ".data")
    supervisor = Supervisor(terminal=terminal)
    try:
        with data_folder.held(folder), supervisor.listening_to_signals(), supervisor:
            port = port_from(environment)
            address = f"http://127.0.0.1:{port}"
            processes = application_environment(environment, folder=folder, port=port)
            servers = start_servers(supervisor=supervisor, folder=folder, environment=environment)
            with told_to_others(folder=folder, addresses=servers, app_url=address):
                release(supervisor=supervisor, environment=processes)
                start_application(supervisor=supervisor, environment=processes)
                supervisor.wait_until(
                    lambda: status_of("/healthz", port=port) is not None,
                    within=STARTING_TAKES,
                    what="An answer of the web server",
                )
                terminal.say(f"Connector is at {address} – Ctrl-C stops everything.")
                supervisor.serve()
    except AskedToStop:
        terminal.say("Everything is stopped.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
