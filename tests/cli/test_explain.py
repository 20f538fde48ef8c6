"""explain: every code has its page, and what a page calls wrong and right is so."""

import re
from pathlib import Path
from typing import get_args

import pytest

import promptops
from promptops.client.state import State
from promptops.finding import Finding
from promptops.source.files import WorkTree
from promptops.source.unit import read_unit
from tests.cli.projects import Project

SOURCE = Path(__file__).parents[2] / "src/promptops"
PAGES = {path.stem: path.read_text("utf-8") for path in (SOURCE / "explain").glob("*.md")}
CLIENTS = {f"C{number}" for number in (*range(601, 606), *range(610, 615), *range(620, 624))}
LATER = {"E222", "E223"}

SECTIONS = {
    "apiVersion": "apiVersion: promptops/v1",
    "name": "name: greeting",
    "description": "description: Says hello.",
    "owners": "owners: [team]",
    "model": 'model: {provider: openai, id: gpt-4o-mini-2024-07-18, version: "2024-07-18"}',
    "prompt": "prompt:\n  id: greeting\n  version: '1.0.0'\n  messages:\n"
    "    - {role: user, text: Say hello.}",
}


def example(page: str, heading: str) -> tuple[str, str]:
    """The kind and the text of an example."""
    found = re.search(rf"## {heading}\n\n```(\w+)\n(.*?)\n```\n", page, re.DOTALL)
    assert found is not None
    return found[1], found[2]


def findings_of(fragment: str, folder: Path) -> list[Finding]:
    """What is found in a whole manifest of which the fragment is a part."""
    given = re.findall(r"^(\w+):", fragment, re.MULTILINE)
    others = [text for key, text in SECTIONS.items() if key not in given]
    unit = folder / "greeting"
    unit.mkdir()
    (unit / "manifest.yaml").write_text("\n".join([*others, fragment, ""]), "utf-8")
    return list(read_unit(WorkTree(folder), "greeting").findings)


def of_manifests(heading: str) -> list[str]:
    return sorted(code for code, page in PAGES.items() if example(page, heading)[0] == "yaml")


def test_every_code_that_the_source_has_has_its_page() -> None:
    codes = {
        code
        for path in SOURCE.rglob("*.py")
        for code in re.findall(r"\b[EWC][0-9]{3}\b", path.read_text("utf-8"))
    }
    assert codes | CLIENTS | LATER <= {*PAGES}


def test_every_word_in_brackets_has_its_page_and_no_page_is_of_another() -> None:
    sign = re.compile(r"(?:\b(?:Refused|Notice|Hindrance)\(\s*|\bcode ?= ?)\"([a-z-]+)\"")
    words = {
        word for path in SOURCE.rglob("*.py") for word in sign.findall(path.read_text("utf-8"))
    }
    assert words == {page for page in PAGES if page.islower()}


def test_every_state_and_every_exception_of_a_client_is_explained(empty_folder: Project) -> None:
    exceptions = {name for name in promptops.__all__ if name.endswith(("Error", "Unit", "Ready"))}
    for word in (*get_args(State), *exceptions - {"PromptopsError"}, "Stale"):
        done = empty_folder.here("explain", word)
        assert (done.code, done.err, word in done.out) == (0, "", True), word


@pytest.mark.parametrize("code", sorted(PAGES))
def test_a_page_says_what_and_why_and_shows_both(code: str) -> None:
    page = PAGES[code]
    assert re.match(rf"# {code}: \w.*[^.\n]\n\n\S.{{20}}", page)
    assert example(page, "Wrong") != example(page, "Right")


@pytest.mark.parametrize("code", of_manifests("Wrong"))
def test_the_wrong_example_gives_the_code(code: str, tmp_path: Path) -> None:
    found = findings_of(example(PAGES[code], "Wrong")[1], tmp_path)
    assert code in {finding.code for finding in found}


@pytest.mark.parametrize("code", of_manifests("Right"))
def test_the_right_example_is_right(code: str, tmp_path: Path) -> None:
    assert findings_of(example(PAGES[code], "Right")[1], tmp_path) == []


def test_explain_prints_the_page(empty_folder: Project) -> None:
    for spelling in ("E302", "e302", "[E302]"):
        done = empty_folder.here("explain", spelling)
        assert (done.code, done.err, done.out) == (0, "", PAGES["E302"])


def test_explain_lists_all(empty_folder: Project) -> None:
    done = empty_folder.here("explain")
    lines = done.out.splitlines()
    assert (done.code, [line.split(" ")[0] for line in lines]) == (0, sorted(PAGES))
    assert re.search(r"^E302 +An input that is not declared$", done.out, re.MULTILINE)


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("E218", "did you mean W218?"),
        ("E30", "did you mean E30"),
        ("hold", "did you mean held?"),
        ("unready", "did you mean READY?"),
        ("x", "promptops explain lists"),
    ],
)
def test_an_unknown_code(empty_folder: Project, code: str, hint: str) -> None:
    done = empty_folder.here("explain", code)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: there is no code '{code}'\n help: {hint}")
