"""What all commands have in common: help, suggestions, streams, colours, exit codes."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from promptops.cli.main import COMMANDS, run
from promptops.version import VERSION
from tests.cli.projects import PROMPTOPS, Project

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")

Said = pytest.CaptureFixture[str]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_and_stands_in_the_readme(
    command: str, capsys: Said
) -> None:
    assert run([command, "--help"]) == 0
    long = capsys.readouterr()
    assert re.search(rf"^  promptops {command}\b", long.out, re.MULTILINE)
    assert run([command, "-h"]) == 0
    assert capsys.readouterr().out == long.out
    assert re.search(rf"^\| `promptops {command}\b", README, re.MULTILINE)


def test_the_readme_has_no_other_commands() -> None:
    named = re.findall(r"^\| `promptops ([\w-]+)", README, re.MULTILINE)
    assert named == list(COMMANDS)


def test_the_help_lists_the_commands_and_the_exit_codes(capsys: Said) -> None:
    assert run(["--help"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    for command in COMMANDS:
        assert re.search(rf"^  {command} +\w", said.out, re.MULTILINE)
    words = " ".join(said.out.split())
    assert words.endswith(
        "Exit codes: 0 done, 1 the check said no, 2 usage or configuration, 3 refused, 4 store "
        "unreachable, 5 outcome unknown or not every client confirmed, 130 interrupted, "
        "143 terminated."
    )


def test_without_a_command_the_help_is_a_message(capsys: Said) -> None:
    assert run([]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Usage: promptops [OPTIONS] COMMAND [ARGS]...\n")


def test_the_version(empty_folder: Project) -> None:
    assert empty_folder.run("--version").out == f"promptops {VERSION}\n"
    done = empty_folder.shell(sys.executable, "-m", "promptops.cli", "--version")
    assert (done.code, done.out) == (0, f"promptops {VERSION}\n")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("depoly", "error: there is no command 'depoly'; did you mean 'deploy'?\n"),
        ("statsu", "error: there is no command 'statsu'; did you mean 'status'?\n"),
        ("frobnicate", "error: there is no command 'frobnicate'\n"),
    ],
)
def test_an_unknown_command_is_answered_with_the_nearest(
    typed: str, said: str, capsys: Said
) -> None:
    assert run([typed]) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", said + " help: promptops --help\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("status", "-o", "yaml"),
            (
                "error: Invalid value for '-o' / '--output': 'yaml' is not one of 'text', 'json'.\n"
                " help: promptops status --help\n"
            ),
        ),
        (
            ("diff",),
            "error: Missing argument 'A..B'.\n help: promptops diff --help\n",
        ),
        (
            ("deploy", "--all", "--expect-revision", "two"),
            (
                "error: Invalid value for '--expect-revision': 'two' is not a valid integer.\n"
                " help: promptops deploy --help\n"
            ),
        ),
    ],
)
def test_what_cannot_be_parsed_exits_2(arguments: tuple[str], said: str, capsys: Said) -> None:
    assert run([*arguments]) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", said)


@pytest.mark.parametrize(
    "command",
    [
        "show LONG",
        "hold greeter LONG --reason r",
        "rollback greeter --to LONG",
        "history --at LONG",
        "deploy LONG",
        "status --LONG",
    ],
)
def test_what_was_pasted_by_mistake_is_not_repeated_in_full(
    deployed: Project, command: str
) -> None:
    long = "x" * 10_000
    name, *arguments = command.replace("LONG", long).split()
    done = deployed.here(name, *arguments, "--env", "production")
    assert (done.code, long[:58] + "…" in done.err, len(done.err) < 400) == (2, True, True)
    assert deployed.here("status", "--env", long).err.count("x") < 200


def test_the_help_loads_nothing_that_a_command_needs(empty_folder: Project) -> None:
    program = (
        "import sys; from promptops.cli.main import run; code = run(['--help']);"
        "print(sorted({'git', 'redis', 'yaml', 'jsonschema', 'sqlite3'} & {*sys.modules}), code)"
    )
    done = empty_folder.shell(sys.executable, "-c", program)
    assert done.out.splitlines()[-1] == "[] 0"


def test_completion_for_the_shell(empty_folder: Project) -> None:
    done = empty_folder.run(_PROMPTOPS_COMPLETE="bash_source")
    assert (done.code, done.err) == (0, "")
    assert "_PROMPTOPS_COMPLETE=bash_complete" in done.out


# --- json -----------------------------------------------------------------------------------------

ON_DEPLOYED = [
    ("validate",),
    ("show", "greeter", "--env", "production"),
    ("render", "greeter", "--input", "guest=Bo", "--env", "production"),
    ("status", "--env", "production"),
    ("history", "--env", "production"),
    ("deploy", "--all", "--env", "production", "--operation", "run-1"),
    ("rollback", "--to", "1", "--env", "production", "--operation", "run-2"),
    (*("hold", "greeter", "LIVE", "--env", "production"), "--reason", "r", "--operation", "run-3"),
]


@pytest.mark.parametrize("command", ON_DEPLOYED, ids=lambda command: command[0])
def test_json_is_json_in_either_spelling(deployed: Project, command: tuple[str, ...]) -> None:
    live = deployed.digest("greeter")
    arguments = [live if word == "LIVE" else word for word in command]
    said = []
    for spelling in (["-o", "json"], ["--output=json"], ["--json"]):
        done = deployed.here(*arguments, *spelling)
        assert (done.code, done.err) == (0, "")
        said.append(done.json)
    for facts in said:
        facts.pop("repeated", None)
    assert said[0] == said[1] == said[2]


# --- colours and terminals ------------------------------------------------------------------------


def test_colours_are_for_terminals_that_want_them(git_project: Project) -> None:
    git_project.write("manifests/greeter/system.md", "{{ gest }}\n")
    coloured = git_project.on_a_terminal("validate")
    assert "\x1b[31m\x1b[1merror[E302]\x1b[0m" in coloured
    assert "\x1b[" in git_project.on_a_terminal("status", "--env", "nowhere")
    for variables in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert "\x1b" not in git_project.on_a_terminal("validate", **variables)
        assert "\x1b" not in git_project.on_a_terminal("status", "--env", "nowhere", **variables)
    assert "\x1b" not in git_project.on_a_terminal("validate", "--json")


def test_there_is_no_colour_in_a_pipe(git_project: Project) -> None:
    git_project.write("manifests/greeter/system.md", "{{ gest }}\n")
    for command in (("validate",), ("show", "--path", "manifests/farewell"), ("show", "nothing")):
        done = git_project.run(*command, TERM="xterm-256color")
        assert "\x1b" not in done.out + done.err


def test_a_terminal_without_unicode_is_no_failure(deployed: Project) -> None:
    deployed.says("greeter", "Good evening.")
    done = subprocess.run(
        [PROMPTOPS, "deploy", "--all", "--env", "production"],
        cwd=deployed.root,
        env=deployed.variables | {"PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"production is at revision 2 (deploy)\n")


# --- pipes ----------------------------------------------------------------------------------------


def test_a_reader_that_has_read_enough_is_no_error(deployed_twice: Project) -> None:
    script = f"{PROMPTOPS} history --env production | head -n 1"
    done = deployed_twice.shell("sh", "-c", script)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("2  deploy  ")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("deploy", "greeter", "--env", "production"), 0),
        (("history", "--env", "production", "--json"), 0),
        (("validate", "manifests/greeter"), 1),
        (("deploy", "farewell", "--env", "production", "--expect-revision", "9", "--json"), 3),
        (("status", "--env", "nowhere"), 2),
        (("--help",), 0),
        (("deploy", "--help"), 0),
        (("--version",), 0),
    ],
)
@pytest.mark.parametrize("gone", ["stdout", "stderr"])
def test_a_reader_that_is_gone_changes_no_exit_code(
    deployed: Project, command: tuple[str, ...], code: int, gone: str
) -> None:
    if code == 1:
        deployed.write("manifests/greeter/system.md", "{{ gest }}\n")
    else:
        deployed.says("greeter", "Good evening.")
    reading, writing = os.pipe()
    os.close(reading)
    other = "stderr" if gone == "stdout" else "stdout"
    streams = {gone: writing, other: subprocess.PIPE}
    process = subprocess.Popen(
        [PROMPTOPS, *command],
        cwd=deployed.root,
        env=deployed.variables,
        **streams,  # type: ignore[call-overload]
    )
    said = b"".join(part or b"" for part in process.communicate(timeout=20))
    os.close(writing)
    assert process.returncode == code
    assert b"Traceback" not in said
    assert b"did not foresee" not in said


FULL = "standard output cannot be written to: No space left on device"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a disk that is always full")
@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (("--help",), 2, f"error: {FULL}\n"),
        (("status", "--env", "production"), 2, f"error: {FULL}\n"),
        (("deploy", "greeter", "--env", "production", "--dry-run"), 2, f"error: {FULL}\n"),
        (
            ("deploy", "farewell", "--env", "production", "--expect-revision", "9", "--json"),
            3,
            "error[moved]: the environment is at revision 1, not at 9\n",
        ),
        (
            ("deploy", "greeter", "--env", "production"),
            5,
            (
                "error[unconfirmed]: production is at revision 2 (deploy), which could not be told:"
                f" {FULL}\n help: the deployment stands; what is live: promptops status --env "
                "production\n"
            ),
        ),
    ],
    ids=["help", "status", "dry run", "refused", "deploy"],
)
def test_an_output_without_room_is_told(
    deployed: Project, command: tuple[str, ...], code: int, said: str
) -> None:
    deployed.says("greeter", "Good evening.")
    done = deployed.shell("sh", "-c", f"{PROMPTOPS} {' '.join(command)} >/dev/full")
    assert done.code == code
    assert done.err.startswith(said)
    assert "Traceback" not in done.err
    assert "Exception ignored" not in done.err
    silent = deployed.shell("sh", "-c", f"{PROMPTOPS} status --env nowhere 2>/dev/full")
    assert silent.code == 2


def test_a_closed_output_is_no_failure(deployed: Project) -> None:
    """As `promptops … >&-` and some cron daemons have it."""
    deployed.says("greeter", "Good evening.")
    script = f"{PROMPTOPS} deploy greeter --env production >&-"
    done = deployed.shell("sh", "-c", script)
    assert (done.code, done.err) == (0, "")


# --- what nobody foresaw --------------------------------------------------------------------------


def test_an_error_that_nobody_foresaw_shows_no_traceback(deployed: Project, tmp_path: Path) -> None:
    broken = tmp_path / "broken/yaml/__init__.py"
    broken.parent.mkdir(parents=True)
    broken.write_text("raise RuntimeError('the disk has a bad block')\n")
    place = {"PYTHONPATH": str(tmp_path / "broken")}
    done = deployed.run("status", "--env", "production", **place)
    assert (done.code, done.out) == (5, "")
    assert done.err == (
        "error: promptops failed in a way that it did not foresee: RuntimeError: the disk has a "
        "bad block\n"
        " help: run it again with PROMPTOPS_DEBUG=1 and report what it prints; if this was a "
        "deployment, promptops status tells what is live\n"
    )
    done = deployed.run("status", "--env", "production", PROMPTOPS_DEBUG="1", **place)
    assert done.code == 5
    assert done.err.startswith("Traceback (most recent call last):\n")
