"""One open issue when the way back is blocked: opened, updated, and never closed."""

import json
from pathlib import Path
from typing import Any, Protocol

import pytest

from promptops.cli.github.issue import marker
from tests.cli.projects import Ended, new_folder
from tests.github.api import BOT, TOKEN, Api
from tests.github.log import commands_in

DIGEST = "sha256:" + "0123456789abcdef" * 4


class Issue(Protocol):
    def __call__(self, rehearsal: Any, drill: Any = None, **variables: str) -> Ended: ...


def unit(name: str, *verdicts: str, why: str = "params.max_tokens is missing") -> dict[str, Any]:
    """As `promptops rehearse -o json` says it."""
    findings = [{"code": "E600", "severity": "error", "message": why, "hint": ""}]
    targets = [
        {
            "digest": DIGEST,
            "revision": number,
            "verdict": verdict,
            "findings": [] if verdict == "ready" else findings,
        }
        for number, verdict in enumerate(verdicts, 1)
    ]
    return {
        "unit": name,
        "live": DIGEST,
        "best": DIGEST if "ready" in verdicts else None,
        "targets": targets,
    }


def rehearsal(*units: dict[str, Any]) -> dict[str, Any]:
    return {"environment": "production", "checked_at": "2026-11-21T04:17:00Z", "units": [*units]}


BLOCKED = rehearsal(unit("triage", "blocked", "unknown"), unit("greeter", "ready"), unit("new"))
READY = rehearsal(unit("greeter", "ready", "blocked"), unit("new"))
DRILLED = {"environment": "production", "clients": 10, "confirmed": 10, "back_seconds": 0.4}


@pytest.fixture
def issue(on_github: dict[str, str], tmp_path: Path) -> Issue:
    """`promptops gha issue` with what the two commands printed; a text as it is."""
    project = new_folder(tmp_path)

    def run(rehearsal: Any, drill: Any = None, **variables: str) -> Ended:
        options = ["--env", "production"]
        for name, said in (("rehearsal", rehearsal), ("drill", drill)):
            if said is not None:
                text = said if isinstance(said, str) else json.dumps(said)
                options += [f"--{name}", str(project.write(f"{name}.json", text))]
        (tmp_path / "summary.md").touch()
        files = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"), "GITHUB_TOKEN": TOKEN}
        return project.here("gha", "issue", *options, **on_github, **files | variables)

    return run


def test_no_issue_is_opened_when_one_can_go_back(api: Api, issue: Issue) -> None:
    done = issue(READY, DRILLED)
    assert (done.code, done.err) == (0, "")
    assert done.out == "production: the way back is not blocked, so no issue is opened\n"
    assert api.requests == []


def test_an_issue_is_opened_and_says_which_unit_and_why(api: Api, issue: Issue) -> None:
    assert issue(BLOCKED, DRILLED).out == "issue 7 about production: opened\n"
    (opened,) = api.issues
    assert opened["title"] == "promptops: the way back of production is blocked"
    assert opened["body"] == (
        f"{marker('production')}\n"
        "Leaving what is live in <code>production</code> would not work now.\n\n"
        "**triage** has no earlier release that is ready:\n\n"
        "- revision 1, <code>0123456789ab</code>: blocked\n"
        "  - params.max&#95;tokens is missing\n"
        "- revision 2, <code>0123456789ab</code>: unknown\n"
        "  - params.max&#95;tokens is missing\n\n"
        "Found by [this run](https://github.example/acme/prompts/actions/runs/4711); "
        "<code>promptops rehearse --all --env production</code> tells more. What a later run finds "
        "will stand here instead. Close this when it is mended: nothing else does.\n"
    )
    assert api.tokens == {TOKEN}


def test_the_open_one_is_updated_and_there_is_never_a_second(api: Api, issue: Issue) -> None:
    issue(BLOCKED)
    assert issue(BLOCKED).out == "issue 7 about production: unchanged\n"
    other = rehearsal(unit("greeter", "blocked"))
    assert issue(other).out == "issue 7 about production: updated\n"
    (opened,) = api.issues
    assert "**greeter**" in opened["body"]
    assert "**triage**" not in opened["body"]


def test_nothing_is_closed_and_what_people_closed_is_left_alone(api: Api, issue: Issue) -> None:
    issue(BLOCKED)
    issue(READY, DRILLED)
    assert [each["state"] for each in api.issues] == ["open"]
    api.issues[0]["state"] = "closed"
    before = dict(api.issues[0])
    assert issue(BLOCKED).out == "issue 8 about production: opened\n"
    assert api.issues[0] == before


def test_what_others_wrote_is_not_taken_for_ours(api: Api, issue: Issue) -> None:
    first = marker("production")
    api.issue("mallory", "promptops: the way back of production is blocked", first)
    api.issue(BOT, "a pull request", first, pull_request={})
    api.issue(BOT, "of another environment", marker("staging"))
    api.issue(BOT, "empty", "")["body"] = None
    api.issue("", "of a deleted account", first)["user"] = None
    before = json.dumps(api.issues)
    assert issue(BLOCKED).out == "issue 12 about production: opened\n"
    assert json.dumps(api.issues[:-1]) == before


def test_ours_is_found_behind_a_hundred_others(api: Api, issue: Issue) -> None:
    for number in range(150):
        api.issue("ada", f"number {number}", "")
    issue(BLOCKED)
    assert issue(rehearsal(unit("other", "blocked"))).out == "issue 157 about production: updated\n"


@pytest.mark.parametrize("text", ["", "\n"])
def test_a_command_that_ended_without_a_result_is_no_way_back(
    api: Api, issue: Issue, text: str
) -> None:
    issue(text, text)
    (opened,) = api.issues
    assert "The rehearsal ended without a result" in opened["body"]
    assert "The drill ended without a result" in opened["body"]


def test_a_drill_that_not_all_clients_confirmed_is_told(api: Api, issue: Issue) -> None:
    issue(READY, DRILLED | {"confirmed": 7})
    assert "In the drill 7 of 10 clients were back." in api.issues[0]["body"]


@pytest.mark.parametrize("text", ["[]", "{", "7", '{"units": 7}', '{"units": [{}]}', "[" * 100_000])
def test_what_is_of_another_program_is_refused(api: Api, issue: Issue, text: str) -> None:
    for done in (issue(text), issue(READY, text)):
        assert (done.code, done.out) == (2, "")
        assert "is not what promptops rehearse --" in done.err
    assert api.requests == []


@pytest.mark.parametrize("mood", ["read only", "down", "no JSON"])
def test_where_github_takes_none_the_summary_has_it(
    api: Api, issue: Issue, tmp_path: Path, mood: Any
) -> None:
    api.mood = mood
    done = issue(BLOCKED)
    assert (done.code, done.err) == (0, "")
    (warning,) = commands_in(done.out)
    assert warning.name == "warning"
    assert "**triage**" in (tmp_path / "summary.md").read_text()
    assert TOKEN not in done.out


def test_no_text_of_a_unit_is_obeyed(api: Api, issue: Issue) -> None:
    why = "::error::x\n</code> @ada #1 ##[error]y <!-- [a](http://b) -->"
    done = issue(rehearsal(unit("x\n::error::y", "blocked", why=why)))
    body = api.issues[0]["body"]
    assert commands_in(done.out + body) == []
    for active in ("@ada", "#1 ", "](http://b", "<!-- ["):
        assert active not in body


def test_an_issue_fits_what_github_takes(api: Api, issue: Issue) -> None:
    many = [unit(f"unit-{n}", *["blocked"] * 30, why="why " * 200) for n in range(100)]
    issue(rehearsal(*many))
    assert len(api.issues[0]["body"]) < 65_536
    assert "more units: see the log of the run." in api.issues[0]["body"]
    assert "Close this when it is mended" in api.issues[0]["body"]


def test_a_safe_release_that_is_blocked_is_trouble_as_well(api: Api, issue: Issue) -> None:
    safe = {"digest": DIGEST, "verdict": "blocked", "findings": [{"message": "model.id is gone"}]}
    issue(rehearsal(unit("greeter", "ready") | {"safe": safe}, unit("new") | {"safe": None}))
    (opened,) = api.issues
    assert (
        "would not work now.\n\n**greeter** has a safe release that is blocked:\n\n"
        "- safe release, <code>0123456789ab</code>: blocked\n  - model.id is gone\n\nFound by"
    ) in opened["body"]
    safe["verdict"] = "ready"
    assert issue(rehearsal(unit("greeter", "ready") | {"safe": safe})).code == 0
    assert len(api.issues) == 1
