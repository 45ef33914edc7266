"""What the person at the terminal reads: who speaks, in colour where there is one, and what."""

import os
import sys

from rich.console import Console
from rich.text import Text

NAME_WIDTH = 9
COLOURS = ("cyan", "green", "magenta", "yellow", "blue", "bright_cyan", "bright_magenta")


class Terminal:
    """Standard output. Once nobody listens (`| head`, a lost connection) it stays silent."""

    def __init__(self) -> None:
        self._console = _Console(file=sys.stdout, highlight=False, soft_wrap=True)
        self._colours: dict[str, str] = {}

    def line(self, name: str, text: str) -> None:
        """Print one line that `name` said."""
        colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
        self._print(Text.assemble((f"{name:<{NAME_WIDTH}} ", colour), Text.from_ansi(text)))

    def say(self, text: str) -> None:
        """Print something that we say ourselves."""
        self._print(Text(text, style="bold"))

    def _print(self, text: Text) -> None:
        try:
            self._console.print(text)
        except OSError:  # a terminal that is gone answers EIO
            self._console.on_broken_pipe()


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Fall silent. Rich would exit, and we have processes to stop."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
