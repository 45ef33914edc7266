"""Makes `.venv` with the pinned requirements: `python3 launch/bootstrap.py requirements.txt`.

Run by make with whatever Python the machine has, so: the standard library only, and nothing that
Python 3.8 could not read, because an old Python must still be able to say that it is too old.

uv installs when it is on PATH (unless pip has a configuration of its own, which uv does not read);
else pip in the new environment; else the pip that we run under; else apt-get, as root on Debian,
first adds what is missing.
"""

from __future__ import annotations

import configparser
import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)
NEWER_PYTHONS = ("python3.11", "python3.12", "python3.13", "python3.14", "python3.15")
PIP_INSTALL = ("install", "-qq", "--no-input", "--disable-pip-version-check", "--require-hashes")


class Stuck(Exception):
    """Why there is no environment, as one sentence."""


def main(requirements: str) -> int:
    """Make the environment if it is not what `requirements` asks for; return an exit code."""
    try:
        _need_a_newer_python()
        with _alone():
            bring_up_to_date(venv=ROOT / ".venv", requirements=ROOT / requirements)
    except Stuck as reason:
        print(reason, file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # the stamp is missing now, so the next run begins anew
        return 130
    return 0


def bring_up_to_date(*, venv: Path, requirements: Path) -> None:
    """Install `requirements` in `venv` unless its stamp says that this was done. Raises Stuck.

    The stamp is taken away first and written last. An environment of our making without one was
    interrupted, and is made again from nothing; somebody's own is installed into, never deleted.
    """
    if not requirements.is_file():
        raise Stuck(f"There is no {requirements}.")
    stamp = Stamp(venv)
    if stamp.covers(requirements):
        return
    if stamp.is_ours() and not stamp.is_whole():
        print("Removing an unfinished or moved .venv.", flush=True)
        shutil.rmtree(venv)
    print(f"Installing {requirements.name} in .venv (this happens once).", flush=True)
    known = stamp.read()
    stamp.begin()
    _install(venv=venv, requirements=requirements)
    stamp.write(requirements, known=known)


class Stamp:
    """What was installed in an environment, by content, so that a changed lock installs again."""

    def __init__(self, venv: Path) -> None:
        self.venv = venv
        self.file = venv / "installed.json"
        self.ours = venv / "made-by-bootstrap"

    def read(self) -> dict[str, str]:
        """Return what it says, nothing when it is missing or garbled."""
        try:
            found = json.loads(self.file.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def is_ours(self) -> bool:
        """Whether we made the environment, or began to, and may delete it."""
        return self.ours.exists()

    def is_whole(self) -> bool:
        """Whether an installation ended here, at this path, with a Python that still exists."""
        return self.read().get("venv") == str(self.venv) and os.access(_python(self.venv), os.X_OK)

    def covers(self, requirements: Path) -> bool:
        """Whether `requirements`, as they are now, were installed."""
        return self.is_whole() and self.read().get(requirements.name) == _fingerprint(requirements)

    def begin(self) -> None:
        """Say that nothing is certain any more, before anything is done to the environment."""
        if not self.venv.exists():
            self.venv.mkdir()
            self.ours.touch()
        self.file.unlink(missing_ok=True)

    def write(self, requirements: Path, *, known: dict[str, str]) -> None:
        """Write down `requirements`, and of the earlier ones those that its set holds unchanged."""
        unchanged = {
            name: print_
            for name, print_ in known.items()
            if (requirements.parent / name).is_file()
            and _fingerprint(requirements.parent / name) == print_
        }
        new = {"venv": str(self.venv), requirements.name: _fingerprint(requirements)}
        draft = self.file.with_name("installed.json.new")
        draft.write_text(json.dumps({**unchanged, **new}, indent=1) + "\n")
        draft.replace(self.file)


def _fingerprint(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _python(venv: Path) -> str:
    return str(venv / "bin" / "python")


def _install(*, venv: Path, requirements: Path) -> None:
    """Try the ways from the fastest to the most patient one. Raises Stuck when all of them fail."""
    uv = shutil.which("uv")
    if uv and not _pip_is_configured():
        if _install_with_uv(uv, venv=venv, requirements=requirements):
            return
        print("uv could not install; trying pip.", flush=True)
    if not _has("ensurepip") and not _has("pip") and not (uv and venv.exists()):
        _add_venv_with_apt()
    if _has("ensurepip"):
        pip = [_python(venv), "-m", "pip"]
        made = _is_there(*pip) or _run(sys.executable, "-m", "venv", str(venv))
    else:  # Debian without python3-venv: the pip that we run under can install into the new one
        made = _run(sys.executable, "-m", "venv", "--without-pip", str(venv))
        pip = [sys.executable, "-m", "pip", "--python", _python(venv)]
    if not made:
        raise Stuck(f"No environment could be made in {venv}: see above.")
    if not _run(*pip, *PIP_INSTALL, "--requirement", str(requirements)):
        raise Stuck(
            f"The packages of {requirements.name} could not be installed: see above. Is the package "
            "index within reach?"
        )


def _install_with_uv(uv: str, *, venv: Path, requirements: Path) -> bool:
    if not os.access(_python(venv), os.X_OK) and not _run(
        *(uv, "venv", "--quiet", "--no-project", "--allow-existing"),
        *("--python", sys.executable, str(venv)),
    ):
        return False
    options = ("--quiet", "--require-hashes", "--python", _python(venv))
    return _run(uv, "pip", "install", *options, "--requirement", str(requirements))


def _pip_is_configured() -> bool:
    """Whether the user told pip where packages come from, in the environment or in a file of pip's."""
    told = ("index", "index-url", "extra-index-url", "find-links", "no-index")
    if any(os.environ.get("PIP_" + name.upper().replace("-", "_")) for name in told):
        return True
    home = Path(os.path.expanduser("~"))
    files = (
        os.environ.get("PIP_CONFIG_FILE", ""),
        "/etc/pip.conf",
        home / ".pip/pip.conf",
        Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip/pip.conf",
        home / "Library/Application Support/pip/pip.conf",
        Path(sys.prefix) / "pip.conf",
    )
    settings = configparser.RawConfigParser(strict=False)
    with contextlib.suppress(configparser.Error, UnicodeDecodeError):  # pip will say so itself
        settings.read(files)
    return any(
        settings.has_option(section, name) for section in settings.sections() for name in told
    )


def _add_venv_with_apt() -> None:
    """Debian ships Python without pip and ensurepip; root can add them."""
    package = f"python3.{sys.version_info[1]}-venv"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Stuck(
            f"This Python has neither pip nor venv: install them (on Debian: apt-get install {package}) "
            "or uv, and try again."
        )
    print(f"Installing {package} with apt-get.", flush=True)
    _run("apt-get", "update", "-qq")
    apt_environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ("apt-get", "install", "-y", "-qq", "--no-install-recommends", package)
    if not _run(*install, environment=apt_environment):
        raise Stuck(f"apt-get could not install {package}: see above.")
    importlib.invalidate_caches()


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _run(*command: str, environment: dict[str, str] | None = None) -> bool:
    # PIP_USER would send packages to the user's home, past the environment.
    base = dict(os.environ) if environment is None else environment
    return subprocess.run(command, env={**base, "PIP_USER": "0"}, check=False).returncode == 0


def _is_there(*program: str) -> bool:
    """Whether `program` says its version."""
    try:
        done = subprocess.run([*program, "--version"], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


def _need_a_newer_python() -> None:
    """Go on in a newer Python if ours is too old and there is one. Raises Stuck."""
    if sys.version_info >= OLDEST:
        return
    for name in NEWER_PYTHONS:
        python = shutil.which(name)
        # A name on PATH may be a shim that leads nowhere, so it has to prove itself.
        if python and _is_there(python):
            os.execv(python, [python, *sys.argv])
    version = ".".join(str(part) for part in sys.version_info[:2])
    raise Stuck(
        f"Connector needs Python 3.11 or newer, and this is {version}: set PYTHON=python3.11."
    )


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Let two makes at once take turns: the lock is on the checkout's folder, and leaves no file."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("Another make is preparing .venv; waiting for it.", flush=True)
        fcntl.flock(folder, fcntl.LOCK_EX)
    except OSError:  # a network file system that cannot: then we take the risk
        pass
    try:
        yield
    finally:
        os.close(folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
