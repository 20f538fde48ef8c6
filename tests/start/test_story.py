"""What a new user does on the first day, from an empty folder to a prompt that is live."""

import pytest

from tests.cli.projects import Project

MANIFEST, PROMPT = "manifests/hello/manifest.yaml", "manifests/hello/system.md"


def test_a_change_is_judged_merged_and_goes_live(empty_folder: Project) -> None:
    desk = empty_folder
    desk.git("init", "--quiet")
    assert desk.here("init", "--github").code == 0
    desk.commit("Add promptops")
    desk.git("switch", "--quiet", "--create", "brief")
    text = (desk.root / PROMPT).read_text("utf-8")
    desk.write(PROMPT, text.replace("friendly", "short"))
    manifest = (desk.root / MANIFEST).read_text("utf-8")
    desk.write(MANIFEST, manifest.replace('version: "1.0.0"', 'version: "1.1.0"'))
    desk.commit("Be brief")

    done = desk.here("gate", "--base", "main", "--env", "local", "-o", "markdown")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("<!-- promptops:gate local ")
    assert "✅ pass" in done.out
    assert "hello 1.0.0</code> → <code>hello 1.1.0" in done.out
    assert "| patch |" in done.out
    assert "[-friendly-]{+short+}" in done.out
    assert not (desk.root / ".promptops").exists()

    desk.git("switch", "--quiet", "main")
    desk.git("merge", "--quiet", "brief")
    assert desk.here("deploy", "--all", "--env", "local").code == 0
    shown = desk.here("render", "hello", "--env", "local", "--input", "question=Why?")
    assert "in one short sentence" in shown.out


@pytest.mark.parametrize(
    ("file", "right", "wrong", "found"),
    [
        (MANIFEST, "temperature:", "temprature:", "11:3: error[E210]"),
        (MANIFEST, "temperature: 0.2", "temperature: 7", "11:16: error[E213]"),
        (MANIFEST, "max_tokens: 500", 'max_tokens: "500"', "12:15: error[E202]"),
        (MANIFEST, '  version: "2024-07-18"\n', "", "7:3: error[E211]"),
        (MANIFEST, "gpt-4o-mini-2024-07-18", "latest", "8:7: error[E215]"),
        (MANIFEST, 'version: "1.0.0"', "version: 1.10", "15:12: error[E201]"),
        (MANIFEST, "role: user", "role: usr", "18:14: error[E212]"),
        (MANIFEST, "file: system.md", "file: sytem.md", "17:28: error[E402]"),
        (MANIFEST, "params:", "\tparams:", "10:1: error[E110]"),
        (PROMPT, "You answer", "You answer {{ qestion }}", "1:12: error[E302]"),
    ],
)
def test_ten_mistakes_each_give_one_clear_finding(
    begun: Project, file: str, right: str, wrong: str, found: str
) -> None:
    text = (begun.root / file).read_text("utf-8")
    assert right in text
    begun.write(file, text.replace(right, wrong, 1))
    done = begun.here("validate")
    assert done.code == 1
    findings, last = done.out.rstrip().rsplit("\n\n", 1)
    assert last == "checked 1 manifest: 1 error, 0 warnings"
    assert f"{file}:{found}: " in findings
    assert findings.count(" = help: ") == 1
    assert "^" in findings
