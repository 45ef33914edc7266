"""Failpoints: off they are nothing, armed they strike where and as often as they are told to."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stores.failpoints import PLACES, Struck, arm, failpoint

ROOT = Path(__file__).parent.parent.parent
PASS_TWICE = """
import sys
from pathlib import Path
from stores.failpoints import arm, failpoint
arm(sys.argv[1], folder=Path(sys.argv[2]))
failpoint("K13")
print("once", flush=True)
failpoint("K13")
print("twice", flush=True)
"""


@pytest.fixture(autouse=True)
def disarmed(tmp_path: Path) -> Iterator[None]:
    yield
    arm("", folder=tmp_path)


def pass_twice(armed: str, folder: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", PASS_TWICE, armed, str(folder)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    return done.returncode, done.stdout


def test_nothing_happens_at_a_place_that_is_not_armed(tmp_path: Path) -> None:
    arm("K01=raise", folder=tmp_path)

    failpoint("K02")

    with pytest.raises(Struck):
        failpoint("K01")


def test_a_count_is_shared_by_all_processes_and_outlives_them(tmp_path: Path) -> None:
    deaths = [pass_twice("K13=kill9*2", tmp_path) for _ in range(3)]

    assert deaths == [(-signal.SIGKILL, ""), (-signal.SIGKILL, ""), (0, "once\ntwice\n")]


def test_without_a_count_it_strikes_at_every_passage(tmp_path: Path) -> None:
    assert [pass_twice("K13=exit0", tmp_path) for _ in range(2)] == [(0, ""), (0, "")]


def test_a_stopped_process_goes_on_when_it_is_told_to(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PASS_TWICE, "K13=stop*1", str(tmp_path)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    process.send_signal(signal.SIGCONT)

    assert os.WIFSTOPPED(status)
    assert process.communicate(timeout=30)[0] == "once\ntwice\n"


@pytest.mark.parametrize(
    "text", ["K13", "K99=raise", "K13=explode", "K13=raise*", "K13=raise*x", "K13=raise;K14=raise"]
)
def test_what_cannot_be_armed_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="FAILPOINTS"):
        arm(text, folder=tmp_path)


@pytest.mark.parametrize("place", PLACES)
def test_every_place_is_in_the_code_once_and_in_the_book(place: str) -> None:
    packages = ("connector", "shop_webhooks", "conversions")
    code = "".join(path.read_text() for name in packages for path in (ROOT / name).rglob("*.py"))
    calls = re.findall(r'failpoint\(("K\d\d"(?: if [\w.]+ else "K\d\d")?)\)', code)

    assert sum(f'"{place}"' in call for call in calls) == 1
    assert f"| {place} |" in (ROOT / "docs/operations.md").read_text()


def test_production_is_never_armed(tmp_path: Path) -> None:
    ask = (
        "import django; django.setup(); from stores.failpoints import failpoint; failpoint('K01')"
        "; print('alive')"
    )
    given = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "connector.settings",
        "CONNECTOR_ENV_FILE": "",
        "DATABASE_URL": "postgres://nobody@db.example/none",
        "SECRET_KEY": "s" * 50,
        "FIELD_ENCRYPTION_KEYS": "ab" * 32,
        "APP_URL": "https://connector.example",
        "ALLOWED_HOSTS": "connector.example",
        "DATA_DIR": str(tmp_path),
        "FAILPOINTS": "K01=kill9",
    }

    def ends(**more: str) -> int:
        return subprocess.run(
            [sys.executable, "-c", ask], cwd=ROOT, env=given | more, check=False, timeout=60
        ).returncode

    assert (ends(), ends(DEBUG="1")) == (0, -signal.SIGKILL)
