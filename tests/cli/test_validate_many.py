"""validate over many manifests: on every core, and as if it were one process."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.projects import MANIFEST, PROMPTOPS, Project, clean_variables
from tests.waiting import eventually

CORES = len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1
on_several_cores = pytest.mark.skipif(CORES < 2, reason="one process is enough for one core")

ON_ONE_CORE = """
import os
from promptops.cli.main import main
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
main()
"""

KILLED = (
    "error[unknown]: a process that did part of the work was killed (Killed): "
    "not everything was looked at\n"
    " help: run it again, with less at a time if memory is short\n"
)


@pytest.fixture(scope="module")
def long_work(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Manifests that take seconds to check; greeter-070 lacks its name."""
    folder = tmp_path_factory.mktemp("long")
    project = Project(folder / "work", clean_variables(folder / "home"))
    turn = '    - {role: user, text: "To {{ guest }}"}\n    - {role: assistant, text: Hi}\n'
    text = MANIFEST.replace("inputs:", f"  examples:\n{turn * 300}inputs:")
    for number in range(140):
        name = f"greeter-{number:03}"
        manifest = text.replace("NAME", name)
        project.write(f"{name}/system.md", "Good morning.\n")
        project.write(
            f"{name}/manifest.yaml", manifest.replace("name:", "nam:") if number == 70 else manifest
        )
    return project


@pytest.fixture
def at_work(long_work: Project) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """promptops in the middle of it, as the head of a group, with its other processes."""
    with subprocess.Popen(
        [PROMPTOPS, "validate", "."],
        cwd=long_work.root,
        env=long_work.variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    ) as process:
        assert eventually(lambda: len(children(process.pid)) >= 2)
        yield process, children(process.pid)


def children(process: int) -> list[int]:
    return [
        int(pid) for pid in Path(f"/proc/{process}/task/{process}/children").read_text().split()
    ]


def is_over(process: int) -> bool:
    try:
        return ") Z " in Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return True


def test_what_is_found_on_all_cores_is_what_is_found_on_one(git_project: Project) -> None:
    for number in range(200):
        git_project.unit(f"unit-{number:03}", "{{ gest }}" if number % 3 else "Hello.\r")
    git_project.unit("Unit-150", "Hello.")
    for output in ("text", "json"):
        all_cores = git_project.run("validate", "-o", output)
        one_core = git_project.shell(sys.executable, "-c", ON_ONE_CORE, "validate", "-o", output)
        assert (all_cores.code, all_cores.err) == (1, "")
        assert all_cores == one_core
    assert len({finding["file"] for finding in all_cores.json["findings"]}) == 202


@on_several_cores
def test_a_process_that_is_killed_is_told_and_not_waited_for(
    at_work: tuple[subprocess.Popen[str], list[int]],
) -> None:
    process, others = at_work
    os.kill(others[-1], signal.SIGKILL)
    assert process.communicate(timeout=20) == ("", KILLED)
    assert process.returncode == 5
    assert all(map(is_over, others))


@on_several_cores
def test_ctrl_c_ends_all_of_them_and_says_so_once(
    at_work: tuple[subprocess.Popen[str], list[int]],
) -> None:
    process, others = at_work
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err.strip()) == (130, "", "error: interrupted")
    assert all(map(is_over, others))


@on_several_cores
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_when_the_first_process_is_killed_the_others_end_too(
    at_work: tuple[subprocess.Popen[str], list[int]], number: signal.Signals
) -> None:
    process, others = at_work
    process.send_signal(number)
    process.wait(timeout=20)
    assert eventually(lambda: all(map(is_over, others)))


# --- how far it is --------------------------------------------------------------------------------


def on_terminal(project: Project, *arguments: str) -> tuple[int, str]:
    """What a command writes to a terminal as its standard error; its standard output is a pipe."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [PROMPTOPS, *arguments],
        cwd=project.root,
        env=project.variables | {"TERM": "xterm"},
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 4096):
                shown += part
        except OSError:  # what Linux says when the other end of a terminal is closed
            pass
        finally:
            os.close(ours)
    return process.returncode, shown.decode()


def test_on_a_terminal_long_work_shows_how_far_it_is(long_work: Project) -> None:
    code, shown = on_terminal(long_work, "validate", ".")
    assert code == 1
    *steps, end = shown.split("\r")[1:]
    assert end == "\033[K"
    assert 0 < len(steps) < 100
    for step in steps:
        assert step.startswith("checking manifests [")
        assert step.endswith(" of 140")
        assert len(step) < 80


def test_what_is_quickly_done_shows_nothing(git_project: Project) -> None:
    assert on_terminal(git_project, "validate") == (0, "")


def test_a_pipe_gets_no_such_line(long_work: Project) -> None:
    done = long_work.run("validate", ".")
    assert (done.code, done.err) == (1, "")
    assert done.out.endswith("checked 140 manifests: 2 errors, 0 warnings\n")
