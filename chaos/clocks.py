"""Another time of day for one process: a small library that is compiled and preloaded (skew.c)."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

SOURCE = Path(__file__).with_name("skew.c")


class NoSkew(Exception):
    """Why no process here can be given another time."""


class Skew:
    """One clock, seconds beside the machine's, for the processes that have `environment`."""

    def __init__(self, *, folder: Path, name: str) -> None:
        self._library = _compiled(folder)
        self._file = folder / f"skew-{name}"
        self._file.write_bytes(bytes(8))
        self._file.chmod(0o644)
        self.environment = {"LD_PRELOAD": str(self._library), "CHAOS_SKEW": str(self._file)}
        self.set(86_400)
        if not 80_000 < self._seen() - time.time() < 90_000:
            raise NoSkew("a preloaded library does not move the clock of a process here")
        self.set(0)

    def set(self, seconds: int) -> None:
        """Move the clock, of processes that run as well."""
        with self._file.open("r+b") as file:
            file.write(seconds.to_bytes(8, sys.byteorder, signed=True))

    def _seen(self) -> float:
        """What a process with this clock takes for now."""
        said = subprocess.run(
            [sys.executable, "-c", "import time; print(time.time())"],
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        return float(said or 0)


def _compiled(folder: Path) -> Path:
    library = folder / "skew.so"
    if library.exists():
        return library
    if (compiler := shutil.which("cc")) is None:
        raise NoSkew("there is no C compiler to make a clock with")
    done = subprocess.run(
        [compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE), "-ldl"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NoSkew(f"the C compiler refuses: {done.stderr.strip().splitlines()[-1]}")
    library.chmod(0o755)
    return library
