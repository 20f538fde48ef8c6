"""validate: what is checked, how a finding looks, and when that is an error."""

import os
import subprocess
from pathlib import Path

import pytest

from promptops.cli.main import run
from tests.cli.projects import PROMPTOPS, Project

WHOLE = Path(__file__).parents[2] / "manifests"


def test_a_finding_has_exactly_these_facts(git_project: Project) -> None:
    git_project.write("manifests/greeter/system.md", "Good morning, {{ gest }}.\n")
    done = git_project.run("validate", "-o", "json")
    assert (done.code, done.err) == (1, "")
    assert done.json == {
        "checked": 2,
        "findings": [
            {
                "code": "E302",
                "severity": "error",
                "file": "manifests/greeter/system.md",
                "line": 1,
                "column": 15,
                "message": "'gest' is used and not declared: nobody would pass it",
                "hint": done.json["findings"][0]["hint"],
            }
        ],
    }


def test_the_text_shows_the_line_with_a_caret(git_project: Project) -> None:
    git_project.write("manifests/greeter/system.md", "Good morning, {{ gest }}.\n")
    done = git_project.run("validate")
    hint = git_project.run("validate", "--json").json["findings"][0]["hint"]
    assert (done.code, done.err) == (1, "")
    assert done.out == (
        "manifests/greeter/system.md:1:15: error[E302]: 'gest' is used and not declared: nobody "
        "would pass it\n"
        "  |\n"
        "1 | Good morning, {{ gest }}.\n"
        "  |               ^^^^^^^^^^\n"
        f"  = help: {hint}\n"
        "\n"
        "checked 2 manifests: 1 error, 0 warnings\n"
    )


def test_what_is_fine_is_counted(git_project: Project) -> None:
    done = git_project.here("validate")
    assert (done.code, done.err) == (0, "")
    assert done.out == "checked 2 manifests: 0 errors, 0 warnings\n"
    done = git_project.here("validate", "manifests/greeter", "--json")
    assert done.json == {"checked": 1, "findings": []}
    assert git_project.here("validate", "manifests/greeter").out == (
        "checked 1 manifest: 0 errors, 0 warnings\n"
    )


@pytest.mark.parametrize(
    ("paths", "count"),
    [
        ((), 2),
        (("manifests",), 2),
        (("manifests/",), 2),
        (("manifests/greeter",), 1),
        (("manifests/greeter/manifest.yaml",), 1),
        (("manifests/greeter", "manifests/farewell"), 2),
        (("manifests", "manifests/greeter/manifest.yaml", "./manifests/greeter"), 2),
    ],
)
def test_a_path_is_a_manifest_a_unit_or_a_folder_of_units(
    git_project: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    paths: tuple[str, ...],
    count: int,
) -> None:
    monkeypatch.chdir(git_project.root)
    assert run(["validate", *paths]) == 0
    noun = "manifest" if count == 1 else "manifests"
    assert capsys.readouterr().out == f"checked {count} {noun}: 0 errors, 0 warnings\n"


def test_paths_need_no_project(empty_folder: Project) -> None:
    empty_folder.unit("greeter", "Hello.", folder="somewhere")
    assert empty_folder.here("validate", "somewhere/greeter").code == 0
    done = empty_folder.here("validate")
    assert done.code == 2
    assert done.err.startswith("error: there is no promptops.yaml here or in a folder above\n")


@pytest.mark.parametrize(
    "path", ["nowhere", "promptops.yaml", "manifests/greeter/system.md", ".git"]
)
def test_a_path_that_is_no_manifest_is_a_usage_error(
    git_project: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    path: str,
) -> None:
    monkeypatch.chdir(git_project.root)
    assert run(["validate", path]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        f"error: there is no manifest.yaml at {path}\n"
        " help: name a manifest, a unit's folder, or a folder of units\n"
    )


def test_a_unit_that_is_not_there_is_answered_with_the_nearest(git_project: Project) -> None:
    done = git_project.here("validate", "manifests/greter")
    assert (done.code, done.err) == (
        2,
        (
            "error: there is no manifest.yaml at manifests/greter\n"
            " help: did you mean manifests/greeter?\n"
        ),
    )


def test_a_file_is_named_from_where_one_stands(git_project: Project) -> None:
    git_project.write("manifests/greeter/system.md", "{{ gest }}\n")
    below = git_project.at("manifests/farewell")
    done = below.here("validate", "--json")
    assert [finding["file"] for finding in done.json["findings"]] == ["../greeter/system.md"]
    done = below.here("validate", "../greeter", "--json")
    assert [finding["file"] for finding in done.json["findings"]] == ["../greeter/system.md"]


def test_every_finding_of_every_file_is_told_in_order(git_project: Project) -> None:
    git_project.write("manifests/greeter/system.md", "{{ a }}\n{{ b }} {{ c }}\n")
    manifest = git_project.root / "manifests/farewell/manifest.yaml"
    manifest.write_text(manifest.read_text("utf-8").replace("name: farewell", "nam: farewell"))
    found = git_project.here("validate", "--json").json["findings"]
    assert [(item["code"], item["file"], item["line"], item["column"]) for item in found] == [
        ("E211", "manifests/farewell/manifest.yaml", 1, 1),
        ("E210", "manifests/farewell/manifest.yaml", 2, 1),
        ("E302", "manifests/greeter/system.md", 1, 1),
        ("E302", "manifests/greeter/system.md", 2, 1),
        ("E302", "manifests/greeter/system.md", 2, 9),
    ]


@pytest.fixture
def with_a_warning(git_project: Project) -> Project:
    git_project.write("manifests/greeter/system.md", "Good morning.\r\n")
    return git_project


def test_warnings_are_no_error_unless_they_shall_be(with_a_warning: Project) -> None:
    done = with_a_warning.here("validate")
    assert done.code == 0
    assert "warning[W108]" in done.out
    assert done.out.endswith("checked 2 manifests: 0 errors, 1 warning\n")
    assert with_a_warning.here("validate", "--strict").code == 1
    strict = with_a_warning.here("validate", "--strict", "--json")
    assert (strict.code, strict.json["findings"][0]["severity"]) == (1, "warning")


def shown_line(project: Project, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """The line of the first finding, and the line with the caret."""
    assert run(["validate", "manifests/greeter"]) == 1
    lines = capsys.readouterr().out.splitlines()
    return lines[2], lines[3]


@pytest.mark.parametrize(
    ("before", "cells"),
    [
        ("Good ", 5),
        ("日本語 ", 7),
        ("😀", 2),
        ("e\N{COMBINING ACUTE ACCENT}", 1),
        ("हिन्दी ", 6),  # three letters, three marks that stand above or beside them, a space
        ("ＡＢ", 4),
    ],
)
def test_the_caret_stands_under_the_place_whatever_the_script(
    git_project: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    before: str,
    cells: int,
) -> None:
    monkeypatch.chdir(git_project.root)
    git_project.write("manifests/greeter/system.md", before + "{{ gest }}\n")
    line, carets = shown_line(git_project, capsys)
    assert line == f"1 | {before}{{{{ gest }}}}"
    assert carets == "  | " + " " * cells + "^" * 10


@pytest.mark.parametrize(
    ("before", "column"),
    [("", 1), ("日本語 ", 5), ("😀", 2), ("e\N{COMBINING ACUTE ACCENT}", 3), ("\t", 2)],
)
def test_a_column_counts_characters_from_1(git_project: Project, before: str, column: int) -> None:
    git_project.write("manifests/greeter/system.md", f"{before}{{{{ gest }}}}\n")
    found = git_project.here("validate", "--json").json["findings"]
    assert [(item["line"], item["column"]) for item in found] == [(1, column)]


def test_a_wide_span_has_a_wide_caret(
    git_project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(git_project.root)
    git_project.write("manifests/greeter/system.md", "\t{{ 名前 }}\n")
    line, carets = shown_line(git_project, capsys)
    assert line == "1 | \t{{ 名前 }}"
    assert carets == "  | \t" + "^" * 10


def test_what_a_terminal_would_obey_is_shown_harmless(git_project: Project) -> None:
    git_project.write(
        "manifests/greeter/system.md", "\x1b[2J\x1b]0;owned\x07 \u202egnol {{ gest }}\n"
    )
    done = git_project.run("validate")
    assert done.code == 1
    assert "1 | �[2J�]0;owned� �gnol {{ gest }}" in done.out
    assert not any(mark in done.out for mark in "\x1b\x07\u202e")


@pytest.mark.parametrize("name", ["re\x1b[31md", "two\nlines", "caf\udce9"])
def test_the_name_of_a_folder_is_shown_harmless_too(git_project: Project, name: str) -> None:
    git_project.write(f"manifests/{name}/manifest.yaml", "apiVersion: promptops/v2\n")
    done = subprocess.run(
        [PROMPTOPS, "validate"],
        cwd=git_project.root,
        env=git_project.variables,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, b"")
    assert b"\x1b" not in done.stdout
    assert b"checked 3 manifests" in done.stdout


def test_a_project_whose_folder_of_manifests_is_missing(git_project: Project) -> None:
    git_project.git("rm", "--quiet", "-r", "manifests")
    done = git_project.here("validate")
    assert (done.code, done.err) == (
        2,
        (
            "error: promptops.yaml names the folder manifests, which is not there\n"
            " help: make it, with a folder for each unit, or change `manifests:`\n"
        ),
    )


def test_this_repository_is_valid(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(WHOLE.parent)
    assert run(["validate", "--strict"]) == 0
    count = len([entry for entry in os.scandir(WHOLE) if entry.is_dir()])
    assert capsys.readouterr().out == f"checked {count} manifests: 0 errors, 0 warnings\n"


def test_folders_that_differ_in_case_only_are_named_both(git_project: Project) -> None:
    git_project.unit("Greeter", "Good morning.")
    done = git_project.here("validate", "--json")
    twins = [found for found in done.json["findings"] if "differ in case" in found["message"]]
    assert [(found["code"], found["file"]) for found in twins] == [
        ("E220", "manifests/greeter/manifest.yaml")
    ]
    assert twins[0]["message"].startswith(
        "manifests/Greeter/manifest.yaml and manifests/greeter/manifest.yaml differ in case only"
    )


def test_a_folder_that_no_unit_can_be_named_after_is_to_be_renamed(git_project: Project) -> None:
    git_project.unit("UPPER", "Hello.")
    manifest = (git_project.root / "manifests/UPPER/manifest.yaml").read_text("utf-8")
    git_project.write("manifests/UPPER/manifest.yaml", manifest.replace("UPPER", "upper"))

    done = git_project.here("validate", "manifests/UPPER")

    assert "error[E220]" in done.out
    assert "= help: rename the folder\n" in done.out


@pytest.mark.parametrize(
    ("more", "message", "hint"),
    [
        (
            "policy: {a: b}\n",
            "policy must be a list, not a mapping",
            "write `- value` lines below it",
        ),
        (
            'rules: {W303: {severity: error, reason: ""}}\n',
            "rules.W303.reason is empty",
            "write some text",
        ),
    ],
)
def test_the_way_out_of_a_project_file_is_one(
    git_project: Project, more: str, message: str, hint: str
) -> None:
    text = (git_project.root / "promptops.yaml").read_text("utf-8")
    git_project.write("promptops.yaml", text + more)

    done = git_project.here("status", "--env", "local")

    assert f": {message}\n" in done.err
    assert f"= help: {hint}\n" in done.err
