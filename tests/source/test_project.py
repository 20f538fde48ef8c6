"""The project file: found upwards, read strictly, one place where a variable is expanded."""

import re
import textwrap
from pathlib import Path

import pytest

from promptops.errors import UsageError
from promptops.source.project import (
    EnvironmentSettings,
    InvalidProject,
    Soak,
    find_project,
    read_project,
)
from promptops.source.rehearsal import (
    CommandProbe,
    Condition,
    HttpProbe,
    ModelList,
    Probe,
)
from promptops.source.severity import Rule

WHOLE = """\
apiVersion: promptops/v1
manifests: prompts/units
environments:
  local: {store: "sqlite:///.promptops/local.db", create: true, allow_dirty: true}
  production: {store: "${PRODUCTION_REDIS_URL}"}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One stands in a folder without a project file."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    (folder / "promptops.yaml").write_text(text, "utf-8")
    return folder


def test_a_project_file_says_where_and_what(folder: Path) -> None:
    project = read_project(write(folder, WHOLE))
    assert (project.root, project.manifests) == (folder, "prompts/units")
    assert dict(project.environments) == {
        "local": EnvironmentSettings("sqlite:///.promptops/local.db", True, True),
        "production": EnvironmentSettings("${PRODUCTION_REDIS_URL}"),
    }
    assert (project.policies, project.rules, project.findings) == ((), (), ())
    assert project.shown == "promptops.yaml"


def test_what_is_left_out_is_careful(folder: Path) -> None:
    project = read_project(
        write(folder, "apiVersion: promptops/v1\nenvironments: {a: {store: 'sqlite:///a.db'}}\n")
    )
    assert project.manifests == "manifests"
    assert project.environments["a"] == EnvironmentSettings("sqlite:///a.db", False, False)


def test_policies_and_rules_are_those_of_the_file(folder: Path) -> None:
    text = WHOLE.replace('URL}"', 'URL}", policy: [b.json]')
    project = read_project(
        write(folder, f"{text}policy: [a.json]\nrules: {{W303: {{severity: error}}}}\n")
    )
    assert project.policies == ("a.json",)
    assert project.environments["production"].policy == ("b.json",)
    assert project.rules == (Rule("W303", "error"),)


def test_a_rule_that_cannot_be_meant_does_not_make_the_file_invalid(folder: Path) -> None:
    """A rollback at night reads this file too."""
    project = read_project(write(folder, WHOLE + "rules: {E302: {severity: warning, reason: x}}\n"))
    assert [finding.code for finding in project.findings] == ["E212"]
    assert project.findings[0].source == "rules: {E302: {severity: warning, reason: x}}"


def test_the_nearest_project_file_is_found_upwards(folder: Path) -> None:
    write(folder, WHOLE)
    write(folder / "inner", WHOLE.replace("prompts/units", "here"))
    below = folder / "inner/a/b"
    below.mkdir(parents=True)
    found = find_project(below)
    assert found is not None
    assert (found.root, found.manifests) == (folder / "inner", "here")
    (folder / "beside").mkdir()
    beside = find_project(folder / "beside")
    assert beside is not None
    assert beside.root == folder


def test_there_may_be_none(folder: Path) -> None:
    assert find_project(folder) is None


def test_a_folder_of_that_name_is_none(folder: Path) -> None:
    (folder / "promptops.yaml").mkdir()
    assert find_project(folder) is None


def test_a_variable_is_expanded_in_a_store(folder: Path) -> None:
    project = read_project(write(folder, WHOLE))
    url = "rediss://ada:secret@redis.internal:6380/2?ns=desk"
    address = project.address_of("production", {"PRODUCTION_REDIS_URL": url})
    assert (address.host, address.port, address.db) == ("redis.internal", 6380, 2)
    assert (address.username, address.password, address.namespace) == ("ada", "secret", "desk")
    assert str(project.address_of("local", {})) == "sqlite:///.promptops/local.db"


def test_a_value_is_not_expanded_again(folder: Path) -> None:
    project = read_project(
        write(folder, WHOLE.replace('"${PRODUCTION_REDIS_URL}"', '"sqlite:///${A}${B}.db"'))
    )
    address = project.address_of("production", {"A": "${B}", "B": "x"})
    assert address.path == "${B}x.db"


@pytest.mark.parametrize("written", ["$A", "${}", "${1A}", "${A-x}", "$(A)", "%A%"])
def test_only_one_spelling_is_a_variable(folder: Path, written: str) -> None:
    project = read_project(
        write(folder, WHOLE.replace('"${PRODUCTION_REDIS_URL}"', f'"sqlite:///{written}.db"'))
    )
    assert project.address_of("production", {"A": "x"}).path == f"{written}.db"


@pytest.mark.parametrize("variables", [{}, {"PRODUCTION_REDIS_URL": ""}])
def test_a_variable_that_is_missing_is_named(folder: Path, variables: dict[str, str]) -> None:
    project = read_project(write(folder, WHOLE))
    with pytest.raises(UsageError) as missing:
        project.address_of("production", variables)
    assert missing.value.message == (
        "the store of production needs PRODUCTION_REDIS_URL, which is not set"
    )
    assert missing.value.hint == (
        "export PRODUCTION_REDIS_URL=redis://…, or name the store with --store URL"
    )


def test_a_store_that_is_no_url_shows_nothing_of_it(folder: Path) -> None:
    project = read_project(write(folder, WHOLE))
    with pytest.raises(UsageError) as unreadable:
        project.address_of("production", {"PRODUCTION_REDIS_URL": "s3cret"})
    assert "s3cret" not in str(unreadable.value)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", [("E101", 1, 1)]),
        ("- a\n", [("E114", 1, 1)]),
        ("apiVersion: [\n", [("E110", 2, 1)]),
        ("apiVersion: promptops/v1\n", [("E211", 1, 1)]),
        (WHOLE.replace("promptops/v1", "promptops/v2"), [("E221", 1, 13)]),
        (WHOLE.replace("manifests:", "manifest:"), [("E210", 2, 1)]),
        (WHOLE.replace("prompts/units", "''"), [("E213", 2, 12)]),
        (WHOLE.replace("create: true", "create: yes"), [("E202", 4, 59)]),
        (WHOLE.replace("allow_dirty", "alow_dirty"), [("E210", 4, 65)]),
        (WHOLE.replace("  production:", "  Production:"), [("E219", 5, 3)]),
        (WHOLE.replace("  production:", "  local:"), [("E115", 5, 3)]),
        (WHOLE.replace('{store: "${PRODUCTION_REDIS_URL}"}', "{}"), [("E211", 5, 15)]),
        (WHOLE.replace("prompts/units", "&here prompts"), [("E116", 2, 12)]),
        (WHOLE + "policy: a.json\n", [("E202", 6, 9)]),
        (WHOLE + "rules: {E215: {severity: off}}\n", [("E212", 6, 26)]),
        (WHOLE + "rules: {E215: {reason: x}}\n", [("E211", 6, 15)]),
        (WHOLE + "rules: {E215: warning}\n", [("E202", 6, 15)]),
    ],
)
def test_an_invalid_file_says_where(
    folder: Path, text: str, found: list[tuple[str, int, int]]
) -> None:
    with pytest.raises(InvalidProject) as invalid:
        read_project(write(folder, text))
    findings = invalid.value.findings
    assert [(item.code, item.place.line, item.place.column) for item in findings] == found
    assert {item.file for item in findings} == {"promptops.yaml"}
    assert invalid.value.message == "promptops.yaml has errors"
    assert all(item.message and item.hint for item in findings)


def test_every_error_is_told(folder: Path) -> None:
    with pytest.raises(InvalidProject) as invalid:
        read_project(
            write(folder, WHOLE.replace("manifests:", "x:").replace("create: true", "create: 1"))
        )
    assert sorted(item.code for item in invalid.value.findings) == ["E202", "E210"]


def test_a_link_is_not_followed(folder: Path) -> None:
    (folder / "other.yaml").write_text(WHOLE)
    (folder / "promptops.yaml").symlink_to("other.yaml")
    with pytest.raises(InvalidProject) as invalid:
        find_project(folder)
    assert [item.code for item in invalid.value.findings] == ["E402"]


def test_crlf_is_a_warning_and_no_error(folder: Path) -> None:
    (folder / "promptops.yaml").write_bytes(WHOLE.replace("\n", "\r\n").encode())
    assert read_project(folder).manifests == "prompts/units"


REHEARSED = WHOLE.replace(
    'URL}"}', 'URL}", protected: true, branch: trunk, soak: {from: local, for: 24h}}'
)
REHEARSED += """\
rehearsal:
  last: 5
  probes:
    kb-support:
      http:
        url: "http://qdrant:6333/collections/{index}-{version}"
        headers: {api-key: "${QDRANT_KEY}"}
        json:
          /result/points_count: {at_least: 1000}
          /result/config/params/vectors/size: {equals: 768}
        timeout: 500ms
    "*": {command: [python, probe.py, "{index}", "{version}"], timeout: 1m}
  models: {url: "https://api.openai.com/v1/models", key: "${OPENAI_API_KEY}"}
"""


def test_what_protects_an_environment_is_read(folder: Path) -> None:
    production = read_project(write(folder, REHEARSED)).environments["production"]
    assert (production.protected, production.branch) == (True, "trunk")
    assert production.soak == Soak("local", 86_400)
    local = read_project(folder).environments["local"]
    assert (local.protected, local.branch, local.soak) == (False, "main", None)


def test_how_to_rehearse_is_read(folder: Path) -> None:
    rehearsal = read_project(write(folder, REHEARSED)).rehearsal
    assert rehearsal.last == 5
    assert rehearsal.probe_of("kb-support") == Probe(
        HttpProbe(
            "http://qdrant:6333/collections/{index}-{version}",
            (("api-key", "${QDRANT_KEY}"),),
            conditions=(
                Condition("/result/points_count", at_least=1000),
                Condition("/result/config/params/vectors/size", equals=768),
            ),
            timeout=0.5,
        )
    )
    any_other = Probe(command=CommandProbe(("python", "probe.py", "{index}", "{version}"), 60))
    assert rehearsal.probe_of("kb-docs") == any_other
    assert rehearsal.models == ModelList("https://api.openai.com/v1/models", "${OPENAI_API_KEY}")


def test_without_a_word_about_it_three_releases_are_rehearsed_and_nothing_is_asked(
    folder: Path,
) -> None:
    rehearsal = read_project(write(folder, WHOLE)).rehearsal
    assert (rehearsal.last, rehearsal.probe_of("kb"), rehearsal.models) == (3, None, None)


@pytest.mark.parametrize(
    ("right", "wrong", "code", "line", "column", "said"),
    [
        ("24h", "a day", "E213", 5, 107, "'a day', which is no duration"),
        ("24h", "0h", "E213", 5, 107, "'0h', which is no duration"),
        ("from: local", "from: locale", "E212", 5, 95, "no other environment"),
        ("from: local", "from: production", "E212", 5, 95, "no other environment"),
        ("500ms", "1.5s", "E213", 16, 18, "'1.5s', which is no duration"),
        ("timeout: 1m", "timeout: 1 m", "E213", 17, 73, "'1 m', which is no duration"),
        ("http://qdrant", "qdrant", "E213", 11, 14, "which no request can be sent to"),
        ("http://qdrant", "file:///etc", "E213", 11, 14, "which no request can be sent to"),
        ("http://qdrant", "http://{index}", "E213", 11, 14, "more than a host"),
        ("{index}-{version}", "{indx}", "E212", 11, 14, "{indx}, which stands for nothing"),
        ('"{index}", "', '"{x}", "', "E212", 17, 39, "{x}, which stands for nothing"),
        ("/result/points_count", "result.points_count", "E213", 14, 11, "is no JSON Pointer"),
        ("https://api.openai.com", "openai", "E213", 18, 17, "which no request can be sent to"),
    ],
)
def test_what_cannot_be_meant_is_said_at_its_place_and_stops_no_rollback(
    folder: Path, right: str, wrong: str, code: str, line: int, column: int, said: str
) -> None:
    assert right in REHEARSED
    project = read_project(write(folder, REHEARSED.replace(right, wrong)))
    [found] = project.findings
    assert (found.code, found.place.line, found.place.column) == (code, line, column)
    assert said in found.message
    assert found.hint


@pytest.mark.parametrize(
    ("right", "wrong", "code"),
    [
        ("last: 5", "last: 0", "E213"),
        ("last: 5", "lasts: 5", "E210"),
        ("at_least: 1000", 'at_least: "1000"', "E202"),
        (", for: 24h", "", "E211"),
        ("for: 24h", "for: 24", "E201"),
        ("protected: true", "protected: yes", "E202"),
        ("[python, probe.py", "[5, probe.py", "E201"),
    ],
)
def test_the_schema_looks_at_rehearsals_too(
    folder: Path, right: str, wrong: str, code: str
) -> None:
    assert right in REHEARSED
    with pytest.raises(InvalidProject) as invalid:
        read_project(write(folder, REHEARSED.replace(right, wrong)))
    assert [found.code for found in invalid.value.findings] == [code]


PAGE = (Path(__file__).parents[2] / "docs/probes.md").read_text("utf-8")


@pytest.mark.parametrize("example", re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
def test_the_page_about_probes_shows_what_can_be_written(folder: Path, example: str) -> None:
    if not example.startswith("rehearsal:"):
        example = "rehearsal:\n  probes:\n" + textwrap.indent(example, "    ")
    project = read_project(write(folder, WHOLE + example))
    assert project.findings == ()
    assert project.rehearsal.probes or project.rehearsal.models
