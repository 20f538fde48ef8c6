"""What stands in the run itself, and what no prompt can make of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from promptops.cli.github.gate import Gate, read_gate
from promptops.cli.github.run import add_outputs, add_summary
from promptops.cli.github.workflow_commands import annotations
from tests.cli.projects import Project
from tests.github.gates import finding, gate
from tests.github.log import commands_in

HOSTILE = [
    "::error::from the prompt",
    "x\n::add-mask::a",
    "x\r::set-output name=verdict::pass",
    "x\r\n  ::stop-commands::forever",
    "##[add-mask]a",
    "x ##[set-env name=PATH]/tmp",
    "%0A::add-mask::a",
    "%250A::add-mask::a",
    "a,line=1::b",
    "x\u2028::add-mask::a\u2029::add-mask::b\x0b::add-mask::c\x85::add-mask::d",
    "\x1b[31mred\x1b]0;title\x07",
    "\u202etxet",
    "\ud800",
]


def read(tmp_path: Path, facts: dict[str, Any]) -> Gate:
    path = tmp_path / "gate.json"
    path.write_text(json.dumps(facts))
    return read_gate(path)


def test_a_finding_annotates_its_line(tmp_path: Path) -> None:
    (line,) = annotations(read(tmp_path, gate(finding())))
    assert line == (
        "::error file=manifests/hello/system.md,line=3,col=8,title=promptops E302::"
        "'ticket' is used and not declared%0Ahelp: declare it under inputs"
    )


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("where", ["message", "hint", "file", "code"])
def test_text_of_a_prompt_never_becomes_a_command(tmp_path: Path, where: str, text: str) -> None:
    printed = "\n".join(annotations(read(tmp_path, gate(finding(**{where: text})))))
    (command,) = commands_in(printed)
    assert command.name == "error"
    assert set(command.properties) == {"file", "line", "col", "title"}
    assert command.properties["line"] == "3"
    assert printed.isprintable()


def test_what_was_escaped_arrives_as_it_was(tmp_path: Path) -> None:
    text = "100%: a,b::c %0A %25"
    odd = finding(message=text, hint="", file="a,b:c%.md")
    (command,) = commands_in("\n".join(annotations(read(tmp_path, gate(odd)))))
    assert command.data == text
    assert command.properties["file"] == "a,b:c%.md"


def test_github_shows_ten_of_a_kind_and_is_told_of_the_rest(tmp_path: Path) -> None:
    many = [finding() for _ in range(14)] + [finding(severity="warning") for _ in range(11)]
    printed = commands_in("\n".join(annotations(read(tmp_path, gate(*many)))))
    assert [command.name for command in printed] == ["error"] * 10 + ["warning"] * 10 + ["notice"]
    assert printed[-1].data == "4 more errors and 1 more warnings: see the summary"


def test_the_severity_that_the_policy_gave_counts(tmp_path: Path) -> None:
    lowered = finding() | {"severity": "warning"}
    assert next(annotations(read(tmp_path, gate(lowered)))).startswith("::warning ")


def test_a_summary_stays_below_a_mebibyte_together_with_what_stands_there(tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    path.write_text("x" * 500_000)
    add_summary({"GITHUB_STEP_SUMMARY": str(path)}, "ü word\n" * 200_000)
    written = path.read_bytes()
    assert 1_000_000 < len(written) <= 1024 * 1024
    assert b"> **Cut**" in written[500_000:500_010]
    assert written.decode().endswith("ü word")


def test_a_full_summary_takes_no_more(tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    path.write_text("x" * 1024 * 1024)
    add_summary({"GITHUB_STEP_SUMMARY": str(path)}, "more")
    assert path.stat().st_size == 1024 * 1024


def test_outputs_are_added_to_those_of_others(tmp_path: Path) -> None:
    path = tmp_path / "output"
    path.write_text("mine=1\n")
    add_outputs({"GITHUB_OUTPUT": str(path)}, verdict="pass", errors=0)
    assert path.read_text() == "mine=1\nverdict=pass\nerrors=0\n"


@pytest.mark.parametrize("name", ["GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"])
@pytest.mark.parametrize("target", ["/nope/x", "/dev/full"])
def test_a_target_that_cannot_be_written_is_a_warning_and_no_failure(
    project: Project, tmp_path: Path, name: str, target: str
) -> None:
    project.write("gate.json", json.dumps(gate()))
    given = {key: str(tmp_path / key) for key in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")}
    done = project.run("gha", "summary", "--from", "gate.json", **given | {name: target})
    assert (done.code, done.err) == (0, "")
    (warning,) = commands_in(done.out)
    assert (warning.name, "cannot be written: No " in warning.data) == ("warning", True)
