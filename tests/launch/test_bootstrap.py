"""The stamp of `.venv`, with real environments into which nothing is installed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from launch.bootstrap import Stamp, Stuck, bring_up_to_date

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def no_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    file = tmp_path / "requirements.txt"
    file.write_text("# nothing yet\n")
    return file


def an_environment(venv: Path, *, installed: Path) -> Stamp:
    """Make what looks like an environment of ours with `installed` in it."""
    stamp = Stamp(venv)
    stamp.begin()
    (venv / "bin").mkdir()
    (venv / "bin/python").symlink_to(sys.executable)
    stamp.write(installed, known={})
    return stamp


def test_an_interrupted_environment_is_made_again_and_one_with_another_lock_is_not(
    tmp_path: Path, requirements: Path
) -> None:
    venv = tmp_path / ".venv"
    an_environment(venv, installed=requirements).begin()
    (venv / "half").touch()

    bring_up_to_date(venv=venv, requirements=requirements)
    half_is_gone = not (venv / "half").exists()
    (venv / "ours").touch()
    requirements.write_text("# another\n")
    was_outdated = not Stamp(venv).covers(requirements)
    bring_up_to_date(venv=venv, requirements=requirements)

    assert (half_is_gone, was_outdated) == (True, True)
    assert Stamp(venv).covers(requirements)
    assert (venv / "ours").exists()
    assert subprocess.run([venv / "bin/python", "-c", ""], check=False).returncode == 0


def test_somebodys_own_environment_is_never_deleted(tmp_path: Path, requirements: Path) -> None:
    venv = tmp_path / ".venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    (venv / "theirs").touch()

    bring_up_to_date(venv=venv, requirements=requirements)

    assert Stamp(venv).covers(requirements)
    assert (venv / "theirs").exists()


def test_requirements_that_are_not_there_touch_nothing(tmp_path: Path) -> None:
    with pytest.raises(Stuck, match="There is no"):
        bring_up_to_date(venv=tmp_path / ".venv", requirements=tmp_path / "missing.txt")

    assert list(tmp_path.iterdir()) == []


def test_a_moved_environment_is_not_whole(tmp_path: Path, requirements: Path) -> None:
    an_environment(tmp_path / "old", installed=requirements)

    (tmp_path / "old").rename(tmp_path / "new")

    assert not Stamp(tmp_path / "new").covers(requirements)


def test_an_environment_whose_python_is_gone_is_not_whole(
    tmp_path: Path, requirements: Path
) -> None:
    stamp = an_environment(tmp_path / ".venv", installed=requirements)

    (tmp_path / ".venv/bin/python").unlink()

    assert not stamp.covers(requirements)


def test_a_garbled_stamp_is_none(tmp_path: Path, requirements: Path) -> None:
    stamp = an_environment(tmp_path / ".venv", installed=requirements)

    stamp.file.write_text("[]")

    assert not stamp.is_whole()


def test_a_bigger_set_leaves_the_smaller_one_covered_while_its_lock_is_unchanged(
    tmp_path: Path, requirements: Path
) -> None:
    more = tmp_path / "requirements-dev.txt"
    more.write_text("# more\n")
    stamp = an_environment(tmp_path / ".venv", installed=requirements)

    stamp.write(more, known=stamp.read())
    covered = stamp.covers(requirements)
    requirements.write_text("# changed\n")
    stamp.write(more, known=stamp.read())

    assert covered
    assert sorted(json.loads(stamp.file.read_text())) == ["requirements-dev.txt", "venv"]


def test_an_environment_that_is_up_to_date_costs_nothing(
    tmp_path: Path, requirements: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    an_environment(tmp_path / ".venv", installed=requirements)

    bring_up_to_date(venv=tmp_path / ".venv", requirements=requirements)

    assert capsys.readouterr().out == ""


def test_make_alone_tells_what_it_can_do() -> None:
    said = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    told = [line.split()[1] for line in said.splitlines()]
    assert told[:5] == ["help", "demo", "run", "test", "check"]
