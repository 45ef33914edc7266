"""The supervisor, with real processes that die, talk, hang and have children."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from launch import supervisor as supervisor_module
from launch.process import CannotStart, Program
from launch.supervisor import AskedToStop, Supervisor
from launch.terminal import Terminal

ROOT = Path(__file__).parent.parent.parent
ENVIRONMENT: Mapping[str, str] = {"PATH": os.environ["PATH"]}
Wait = Callable[..., None]


def shell(name: str, script: str, *, folder: Path, log: Path | None = None) -> Program:
    return Program(
        name=name, argv=("/bin/sh", "-c", script), env=ENVIRONMENT, folder=folder, log=log
    )


def serve(program: Program) -> None:
    with Supervisor(terminal=Terminal()) as supervisor:
        supervisor.keep(program, stage=0)
        supervisor.serve()


def lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def is_alive(pid: str) -> bool:
    """Whether a process runs; one that is dead and not yet collected does not."""
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True, check=False
    ).stdout
    return bool(state) and not state.startswith("Z")


def test_what_dies_is_started_again_and_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    starts = tmp_path / "starts"

    with Supervisor(terminal=Terminal()) as supervisor:
        supervisor.keep(
            shell("worker", "echo $$ >> starts; exec sleep 1000", folder=tmp_path), stage=0
        )
        supervisor.wait_until(lambda: len(lines(starts)) == 1, within=10, what="the start")
        os.kill(int(lines(starts)[0]), signal.SIGKILL)
        supervisor.wait_until(lambda: len(lines(starts)) == 2, within=10, what="the second start")

    assert capsys.readouterr().out == "worker ended (killed by SIGKILL); starting it again.\n"


def test_what_dies_takes_its_children_along_before_it_is_started_again(tmp_path: Path) -> None:
    starts, children = tmp_path / "starts", tmp_path / "children"
    script = "sleep 1000 & echo $! >> children; echo $$ >> starts; wait"

    with Supervisor(terminal=Terminal()) as supervisor:
        supervisor.keep(shell("worker", script, folder=tmp_path), stage=0)
        supervisor.wait_until(lambda: len(lines(starts)) == 1, within=10, what="the start")
        os.kill(int(lines(starts)[0]), signal.SIGKILL)
        supervisor.wait_until(lambda: len(lines(starts)) == 2, within=10, what="the second start")

        assert [is_alive(child) for child in lines(children)] == [False, True]


def test_what_dies_again_and_again_ends_the_run_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(CannotStart) as end:
        serve(shell("web", "echo no settings; exit 3", folder=tmp_path))

    first, *words = str(end.value).splitlines()
    assert first == "web ended 5 times in a row, soon after its start."
    assert words == ["  no settings"] * 5


def test_a_program_that_is_not_there_ends_the_run_in_a_sentence(tmp_path: Path) -> None:
    program = Program(name="web", argv=("/no/such/program",), env=ENVIRONMENT, folder=tmp_path)

    with pytest.raises(CannotStart) as end:
        serve(program)

    assert str(end.value).startswith("web cannot be started: ")


def test_every_line_has_its_speaker_and_the_last_one_needs_no_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Supervisor(terminal=Terminal()) as supervisor:
        code = supervisor.run(
            shell("release", "printf 'one\\ntwo [red]'; exit 4", folder=tmp_path), within=10
        )

    assert code == 4
    assert capsys.readouterr().out == "release   one\nrelease   two [red]\n"


def test_a_program_with_much_to_say_while_it_stops_is_not_held_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = "trap 'seq 20000; exit' TERM; echo ready > ready; while :; do sleep 0.05; done"

    with Supervisor(terminal=Terminal()) as supervisor:
        supervisor.keep(shell("web", script, folder=tmp_path), stage=0)
        supervisor.wait_until((tmp_path / "ready").exists, within=10, what="the trap")

    assert capsys.readouterr().out.splitlines()[-1] == "web       20000"


def test_the_stages_stop_from_the_last_to_the_first(tmp_path: Path) -> None:
    script = "trap 'echo {0} >> stopped; exit' TERM; echo > {0}; while :; do sleep 0.02; done"

    with Supervisor(terminal=Terminal()) as supervisor:
        for stage, name in enumerate(("postgres", "valkey", "web")):
            supervisor.keep(shell(name, script.format(name), folder=tmp_path), stage=stage)
            supervisor.wait_until((tmp_path / name).exists, within=10, what="the trap")

    assert lines(tmp_path / "stopped") == ["web", "valkey", "postgres"]


def test_what_does_not_stop_is_killed_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "STOPPING_TAKES", 0.2)
    script = "trap '' TERM; sleep 1000 & echo $! > pids; echo $$ >> pids; wait"

    with Supervisor(terminal=Terminal()) as supervisor:
        supervisor.keep(shell("worker", script, folder=tmp_path), stage=0)
        supervisor.wait_until(
            lambda: len(lines(tmp_path / "pids")) == 2, within=10, what="the start"
        )

    assert [is_alive(pid) for pid in lines(tmp_path / "pids")] == [False, False]


def test_an_exception_stops_everything_too(tmp_path: Path) -> None:
    pids = tmp_path / "pids"

    def surprise() -> bool:
        return bool(lines(pids)) and 1 / 0 > 0

    with Supervisor(terminal=Terminal()) as supervisor:
        supervisor.keep(shell("web", "echo $$ > pids; exec sleep 1000", folder=tmp_path), stage=0)
        with pytest.raises(ZeroDivisionError):
            supervisor.wait_until(surprise, within=10, what="the surprise")

    assert not is_alive(lines(pids)[0])


def test_what_takes_too_long_is_an_error_in_words(tmp_path: Path) -> None:
    supervisor = Supervisor(terminal=Terminal())

    with pytest.raises(CannotStart) as end:
        supervisor.wait_until(lambda: False, within=0.1, what="A miracle")

    assert str(end.value) == "A miracle did not happen within 0 seconds."


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_asks_it_to_stop(number: signal.Signals) -> None:
    supervisor = Supervisor(terminal=Terminal())
    handler = signal.getsignal(number)

    with supervisor.listening_to_signals():
        os.kill(os.getpid(), number)
        with pytest.raises(AskedToStop):
            supervisor.serve()

    assert signal.getsignal(number) == handler


def test_a_closed_terminal_does_not_keep_it_from_stopping(tmp_path: Path) -> None:
    script = textwrap.dedent("""
        import sys
        from pathlib import Path
        from launch.process import Program
        from launch.supervisor import Supervisor
        from launch.terminal import Terminal

        talk = "echo $$ > pids; while :; do echo talk; done"
        program = Program(name="web", argv=("/bin/sh", "-c", talk), env={}, folder=Path.cwd())
        with Supervisor(terminal=Terminal()) as supervisor:
            supervisor.keep(program, stage=0)
            supervisor.wait_until(lambda: Path("go").exists(), within=60, what="go")
    """)
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    (tmp_path / "go").touch()

    assert process.wait(timeout=30) == 0
    assert not is_alive(lines(tmp_path / "pids")[0])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that a parent died")
def test_a_killed_supervisor_takes_everything_along(tmp_path: Path, eventually: Wait) -> None:
    script = textwrap.dedent("""
        from pathlib import Path
        from launch.process import Program
        from launch.supervisor import Supervisor
        from launch.terminal import Terminal

        sleep = ("/bin/sh", "-c", "echo $$ > pids; exec sleep 1000")
        program = Program(name="web", argv=sleep, env={}, folder=Path.cwd())
        with Supervisor(terminal=Terminal()) as supervisor:
            supervisor.keep(program, stage=0)
            supervisor.serve()
    """)
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}
    )
    eventually(lambda: lines(tmp_path / "pids"))

    process.kill()
    process.wait()

    eventually(lambda: not is_alive(lines(tmp_path / "pids")[0]))
