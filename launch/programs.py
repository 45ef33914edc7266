"""Sees to the programs that some tests need: `python3 launch/programs.py`. Never a reason to fail.

Root on Debian gets them from apt-get; everybody else is told, loudly, which tests will not run.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass

# A machine without a network should not wait for it.
APT_OPTIONS = ("-qq", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20")


@dataclass(frozen=True)
class Program:
    """What tests run: one of each group of `commands` must be there; `packages` are Debian's."""

    name: str
    tests: str
    commands: tuple[tuple[str, ...], ...]
    packages: tuple[str, ...]

    def is_there(self) -> bool:
        """Whether this machine has it."""
        return all(any(map(shutil.which, group)) for group in self.commands)


PROGRAMS = (
    Program(
        "Chromium",
        "the browser tests",
        (
            ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
            ("chromedriver",),
        ),
        ("chromium", "chromium-driver"),
    ),
    Program("PHP", "the tests of the WooCommerce helper", (("php",),), ("php-cli",)),
)


def main() -> int:
    """Install what is missing and can be; say what cannot."""
    missing = [program for program in PROGRAMS if not program.is_there()]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        names = " and ".join(program.name for program in missing)
        print(f"Installing {names} for the tests (this happens once).", flush=True)
        _install(*[package for program in missing for package in program.packages])
    for program in missing:
        if not program.is_there():
            print(
                f"NO {program.name.upper()}: {program.tests} will not run. Install it"
                f" (on Debian: apt-get install {' '.join(program.packages)}).",
                file=sys.stderr,
            )
    return 0


def _install(*packages: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (("update",), ("install", "-y", "--no-install-recommends", *packages)):
        subprocess.run(
            ("apt-get", *APT_OPTIONS, *command),
            env=environment,
            stdout=subprocess.DEVNULL,
            check=False,
        )


if __name__ == "__main__":
    sys.exit(main())
