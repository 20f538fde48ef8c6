"""One comment for each environment, and nobody else's."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest

from promptops.cli.github.comment import marker
from promptops.cli.github.gate import read_gate
from promptops.errors import UsageError
from tests.cli.projects import Ended, new_folder
from tests.github.api import BOT, TOKEN, Api
from tests.github.gates import environment, finding, gate
from tests.github.log import commands_in

Prepare = Callable[[Mapping[str, Any]], Path]


class Gha(Protocol):
    def __call__(self, name: str, *options: str, **variables: str) -> Ended: ...


@pytest.fixture
def prepared(tmp_path: Path) -> Prepare:
    """Says what the gate found."""

    def prepare(gate: Mapping[str, Any]) -> Path:
        path = tmp_path / "prepared.json"
        path.write_text(json.dumps(gate))
        return path

    return prepare


@pytest.fixture
def summary(tmp_path: Path) -> Path:
    path = tmp_path / "summary.md"
    path.touch()
    return path


@pytest.fixture
def gha(on_github: dict[str, str], summary: Path, tmp_path: Path) -> Gha:
    """`promptops gha NAME --from` what the test prepared."""
    project = new_folder(tmp_path)

    def run(name: str, *options: str, **variables: str) -> Ended:
        given = on_github | {"GITHUB_TOKEN": TOKEN, "GITHUB_STEP_SUMMARY": str(summary)}
        path = str(tmp_path / "prepared.json")
        return project.here("gha", name, "--from", path, *options, **given | variables)

    return run


def test_a_comment_is_made_and_then_updated(api: Api, gha: Gha, prepared: Prepare) -> None:
    prepared(gate(environments=(environment("production", "first"),)))
    assert gha("comment").out == "comment about production: made\n"
    prepared(gate(environments=(environment("production", "second"),)))
    assert gha("comment").out == "comment about production: updated\n"
    (body,) = api.by(BOT)
    assert body.startswith(marker("production") + "\n")
    assert "second" in body
    assert "first" not in body
    assert api.tokens == {TOKEN}


def test_each_environment_has_its_own(api: Api, gha: Gha, prepared: Prepare) -> None:
    both = gate(environments=(environment("staging"), environment("production")))
    prepared(both)
    gha("comment")
    gha("comment")
    assert [body.split("\n")[0] for body in api.by(BOT)] == [
        marker("staging"),
        marker("production"),
    ]


def test_what_did_not_change_is_not_written_again(api: Api, gha: Gha, prepared: Prepare) -> None:
    prepared(gate())
    gha("comment")
    api.requests.clear()
    assert gha("comment").out == "comment about production: unchanged\n"
    assert {method for method, _ in api.requests} == {"GET"}


def test_ours_is_found_behind_many_others(api: Api, gha: Gha, prepared: Prepare) -> None:
    for number in range(150):
        api.comment(f"person-{number}", "Nice!")
    ours = api.comment(BOT, f"{marker('production')}\nold\n")
    for number in range(60):
        api.comment(f"person-{number}", "Nice!")
    prepared(gate())
    assert gha("comment").out == "comment about production: updated\n"
    assert len(api.comments) == 211
    assert "old" not in ours["body"]


@pytest.mark.parametrize("author", ["mallory", "github-actions", "other-app[bot]"])
def test_a_comment_that_only_looks_like_ours_is_left_alone(
    api: Api, gha: Gha, prepared: Prepare, author: str
) -> None:
    forged = api.comment(author, f"{marker('production')}\nAll is well.\n")
    prepared(gate())
    assert gha("comment").out == "comment about production: made\n"
    assert forged["body"].endswith("All is well.\n")


def test_our_marker_inside_another_comment_of_ours_is_no_marker(
    api: Api, gha: Gha, prepared: Prepare
) -> None:
    other = api.comment(BOT, f"> {marker('production')}\n")
    prepared(gate())
    gha("comment")
    assert other["body"] == f"> {marker('production')}\n"
    assert len(api.by(BOT)) == 2


def test_an_account_that_is_gone_and_an_empty_comment_do_no_harm(
    api: Api, gha: Gha, prepared: Prepare
) -> None:
    api.comments += [{"id": 1, "user": None, "body": "x"}]
    api.comments += [{"id": 2, "user": {"login": BOT}, "body": None}]
    prepared(gate())
    assert gha("comment").out == "comment about production: made\n"


def test_another_token_comments_under_its_own_name(api: Api, gha: Gha, prepared: Prepare) -> None:
    api.comment("acme-app[bot]", f"{marker('production')}\nold\n")
    prepared(gate())
    assert "updated" in gha("comment", "--author", "acme-app[bot]").out


def test_a_comment_that_is_too_long_is_cut_and_says_so(
    api: Api, gha: Gha, prepared: Prepare
) -> None:
    prepared(gate(environments=(environment("production", "```\n" + "word\n" * 20000),)))
    assert gha("comment").code == 0
    (body,) = api.by(BOT)
    assert len(body) <= 65536
    assert body.split("\n")[1].startswith("> **Cut**")


def test_a_push_has_nothing_to_comment_on(
    api: Api, gha: Gha, prepared: Prepare, tmp_path: Path
) -> None:
    (tmp_path / "push.json").write_text('{"ref": "refs/heads/main"}')
    prepared(gate())
    done = gha("comment", GITHUB_EVENT_PATH=str(tmp_path / "push.json"))
    assert (done.code, api.requests) == (0, [])
    assert "no pull request" in done.out


@pytest.mark.parametrize(
    ("mood", "says"), [("read only", "403"), ("down", "503"), ("no JSON", "no usable answer")]
)
def test_what_cannot_be_commented_stands_in_summary_and_annotations(
    api: Api, gha: Gha, prepared: Prepare, summary: Path, mood: Any, says: str
) -> None:
    api.mood = mood
    prepared(gate(finding()))
    done = gha("comment")
    assert done.code == 0
    warning, annotation = commands_in(done.out)
    assert (warning.name, annotation.name) == ("warning", "error")
    assert says in warning.data
    assert TOKEN not in done.out + done.err
    written = summary.read_text()
    assert "One unit changes." in written
    assert "hello: the prompt changes" in written
    assert api.comments == []


def test_what_the_step_said_already_is_not_said_twice(
    api: Api, gha: Gha, prepared: Prepare, summary: Path
) -> None:
    api.mood = "read only"
    prepared(gate(finding()))
    gha("annotate")
    gha("summary")
    assert [command.name for command in commands_in(gha("comment").out)] == ["warning"]
    assert summary.read_text().count("One unit changes.") == 1


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "https://127.0.0.1:9"])
def test_a_host_that_does_not_answer_is_a_warning(gha: Gha, prepared: Prepare, url: str) -> None:
    prepared(gate())
    done = gha("comment", GITHUB_API_URL=url)
    assert done.code == 0
    assert "no usable answer" in commands_in(done.out)[0].data


@pytest.fixture
def stranger() -> Iterator[Api]:
    """Another host, to which a redirect leads."""
    api = Api()
    yield api
    api.close()


def test_the_token_follows_no_redirect_to_another_host(
    api: Api, gha: Gha, prepared: Prepare, stranger: Api
) -> None:
    api.mood, api.elsewhere = "elsewhere", f"{stranger.url}/repos/acme/prompts/issues/7/comments"
    prepared(gate())
    assert "302" in commands_in(gha("comment").out)[0].data
    assert stranger.requests == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GITHUB_API_URL", "http://github.example/api/v3"),
        ("GITHUB_API_URL", "https://user@github.example"),
        ("GITHUB_API_URL", "file:///etc/passwd"),
        ("GITHUB_TOKEN", ""),
        ("GITHUB_TOKEN", "gh\nX-Evil: 1"),
        ("GITHUB_REPOSITORY", "acme/prompts/../../user"),
        ("GITHUB_REPOSITORY", ""),
        ("GITHUB_EVENT_PATH", "/nowhere"),
    ],
)
def test_a_place_that_must_not_have_the_token_is_refused(
    api: Api, gha: Gha, prepared: Prepare, name: str, value: str
) -> None:
    prepared(gate())
    done = gha("comment", **{name: value})
    assert done.code == 2
    assert f"{name} " in done.err or value in done.err
    assert api.requests == []
    assert "X-Evil" not in done.err


@pytest.mark.parametrize("name", ["comment", "summary", "annotate"])
def test_without_a_gate_there_is_nothing_to_report(gha: Gha, name: str) -> None:
    done = gha(name)
    assert done.code == 2
    assert "promptops gate --out writes it" in done.err


@pytest.mark.parametrize("text", ["", "[]", '{"verdict": "perhaps"}', "null", "[" * 9999])
def test_a_file_that_is_no_gate_is_said_to_be_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "gate.json").write_text(text)
    with pytest.raises(UsageError, match="is not what promptops gate --out writes"):
        read_gate(tmp_path / "gate.json")
