"""validate -o: every format says the same, and no text of a prompt becomes a command or markup."""

import json
import re
from urllib.parse import unquote

import pytest

from promptops.cli.findings import as_text
from promptops.cli.findings_markdown import as_markdown
from promptops.cli.github.workflow_commands import as_github
from promptops.cli.output import as_json
from promptops.cli.sarif import as_sarif
from promptops.finding import Finding, Place
from tests.cli.projects import Project

HOSTILE = [
    "::error::pwned",
    "x\n::add-mask::e\r\n::set-output name=a::b",
    "##[error]pwned",
    "a ##[add-mask]e",
    "100%0A::error::pwned",
    "file,line=1::error::pwned",
    "| <script>alert(1)</script> |\n\n# Heading",
    "@octocat fixes #1 [a](https://evil.example) `x` </code> <!-- ![i](x) *b* ~~c~~ $d$ :smile:",
    "\x1b]0;title\x07",
    "\x9b31m red \u202e \U000e0041 \udce9",
]


def about(text: str) -> Finding:
    return Finding("E210", text, Place(3, 5, 4), text, text, text, reason=text)


@pytest.fixture
def hostile(git_project: Project) -> Project:
    """A prompt that tries to talk to the runner."""
    body = "::error::a {{ gest }}\n##[error]{{ ##[add-mask]b }} {{\n::stop-commands::x {{ a.b }}\n"
    git_project.write("manifests/greeter/system.md", body)
    return git_project


# --- github ---------------------------------------------------------------------------------------


def obeyed(output: str) -> list[str]:
    """The commands that GitHub's runner sees in a log (ActionCommand.cs: both its grammars)."""
    commands: list[str] = []
    for line in re.split(r"\r\n|\r|\n", output):
        second = re.match(r"\s*::([^\s:]+)(?: .*?)?::", line)
        commands += [second[1]] if second else re.findall(r"##\[([^\]]+)\]", line)
    return commands


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_one_annotation_and_no_command(text: str) -> None:
    line = as_github([about(text)])
    assert "\n" not in line
    assert obeyed(line) == ["error"]
    assert "##[" not in line
    properties = line.removeprefix("::error ").partition("::")[0]
    names = [each.partition("=")[0] for each in properties.split(",")]
    assert names == ["file", "line", "col", "endColumn", "title"]


@pytest.mark.parametrize("text", HOSTILE)
def test_the_text_that_people_read_is_no_command_either(text: str) -> None:
    assert obeyed(as_text(about(text))) == []


@pytest.mark.parametrize("output", ["text", "json", "markdown", "github", "sarif"])
def test_a_prompt_gives_no_commands(hostile: Project, output: str) -> None:
    done = hostile.run("validate", "-o", output)
    assert done.code == 1
    allowed = {"error"} if output == "github" else set()
    assert {*obeyed(done.out), *obeyed(done.err)} == allowed
    assert "error" in done.out


@pytest.mark.parametrize(("workspace", "shown"), [("", "manifests/greeter"), ("..", "DIR/")])
def test_github_gets_paths_from_the_top(hostile: Project, workspace: str, shown: str) -> None:
    here = hostile.at("manifests/greeter")
    variables = {"GITHUB_WORKSPACE": str(hostile.root / workspace)} if workspace else {}
    shown = shown.replace("DIR", hostile.root.name)
    log = here.here("validate", "-o", "github", **variables).out
    assert f"file={shown}" in log
    sarif = here.here("validate", "-o", "sarif", **variables).json
    location = sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"].startswith(shown)


@pytest.mark.parametrize("output", ["json", "markdown", "github", "sarif"])
def test_a_broken_project_file_is_told_in_the_format_that_was_asked(
    git_project: Project, output: str
) -> None:
    git_project.write("promptops.yaml", "apiVersion: promptops/v1\nenvironments: {}\nmanifest: x\n")
    done = git_project.here("validate", "-o", output)
    assert (done.code, done.err) == (2, "")
    assert "E210" in done.out


def test_a_broken_project_file_shows_the_line(git_project: Project) -> None:
    git_project.write("promptops.yaml", "apiVersion: promptops/v1\nenvironments: {}\nmanifest: x\n")
    done = git_project.here("validate")
    assert done.code == 2
    assert "3 | manifest: x\n  | ^^^^^^^^" in done.err


def test_an_annotation_word_for_word(git_project: Project) -> None:
    git_project.write("manifests/greeter/system.md", "Good morning, {{ gest }}.\n")
    done = git_project.here("validate", "-o", "github")
    assert done.out == (
        "::error file=manifests/greeter/system.md,line=1,col=15,endColumn=25,title=promptops E302::"
        "'gest' is used and not declared: nobody would pass it%0Ahelp: did you mean guest?\n"
    )


def test_nothing_found_is_nothing_said_to_github(git_project: Project) -> None:
    done = git_project.here("validate", "-o", "github")
    assert (done.code, done.out, done.err) == (0, "", "")


# --- markdown -------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_stays_in_its_cell(text: str) -> None:
    lines = as_markdown([about(text)], "counted").split("\n")
    assert len(lines) == 5
    row = lines[2]
    assert row.count("|") == 5
    assert row.count("<") == row.count(">") == 6
    assert not re.search(r"[@`\[\]*~!$\\]|#(?!\d+;)|:(?!\d)", row)


def test_a_table_word_for_word(git_project: Project) -> None:
    git_project.write("manifests/greeter/system.md", "{{ gest }}\n")
    done = git_project.here("validate", "-o", "markdown")
    assert done.out.startswith(
        "| | Where | What | Help |\n|---|---|---|---|\n| error E302 | <code>"
    )
    assert done.out.endswith("|\n\nchecked 2 manifests: 1 error, 0 warnings\n")
    git_project.write("manifests/greeter/system.md", "Good morning.\n")
    done = git_project.here("validate", "-o", "markdown")
    assert done.out == "checked 2 manifests: 0 errors, 0 warnings\n"


# --- json -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE)
def test_json_holds_nothing_that_a_terminal_or_a_runner_obeys(text: str) -> None:
    facts = about(text).as_json()
    written = as_json(facts)
    assert all(mark == "\n" or mark.isprintable() for mark in written)
    assert obeyed(written) == []
    assert json.loads(written) == facts


# --- sarif ----------------------------------------------------------------------------------------


def test_sarif_has_what_code_scanning_asks_for(hostile: Project) -> None:
    done = hostile.here("validate", "-o", "sarif")
    log = done.json
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1)
    driver, results = log["runs"][0]["tool"]["driver"], log["runs"][0]["results"]
    assert driver["name"] == "promptops"
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(ids) == len(set(ids))
    for result in results:
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in {"error", "warning"}
        assert result["message"]["text"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "manifests/greeter/system.md"
        region = place["region"]
        assert region["startLine"] >= 1
        assert region["endColumn"] > region["startColumn"] >= 1
    plain = hostile.here("validate", "-o", "json").json["findings"]
    assert [result["ruleId"] for result in results] == [finding["code"] for finding in plain]


@pytest.mark.parametrize("text", HOSTILE)
def test_sarif_holds_no_link_that_a_prompt_wrote(text: str) -> None:
    result = as_sarif([about(text)])["runs"][0]["results"][0]
    assert "](" not in result["message"]["text"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert re.fullmatch(r"[\w./~%-]+", uri)
    assert unquote(uri, errors="surrogateescape") == text


# --- text -----------------------------------------------------------------------------------------


def test_errors_come_before_warnings(git_project: Project) -> None:
    git_project.write("manifests/farewell/system.md", "Good\u200b night.\n")
    git_project.write("manifests/greeter/system.md", "{{ gest }}\n")
    done = git_project.here("validate", "--json")
    assert [finding["code"] for finding in done.json["findings"]] == ["E302", "W106"]
