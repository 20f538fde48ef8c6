"""show and render: one release, live or as it would be built."""

import json
import sqlite3
from typing import Any

import pytest

from promptops import Client
from promptops.cli.main import run
from promptops.live.store import Store
from promptops.manifest.digest import digest_of
from tests.cli.projects import Project, everywhere

LIVE = ("--env", "production")
PATH = ("--path", "manifests/greeter")


@everywhere
def test_what_is_live_is_shown(deployed_twice: Project, store: Store) -> None:
    done = deployed_twice.run("show", "greeter", *LIVE, "-o", "json")
    live = store.read().pointers["greeter"]
    data = store.release(live.digest)
    assert data is not None
    assert (done.code, done.err) == (0, "")
    assert done.json == {
        "unit": "greeter",
        "environment": "production",
        "digest": live.digest,
        "release": json.loads(data),
        "revision": 2,
    }


@everywhere
def test_what_would_be_built_is_shown_and_gets_that_digest(
    git_project: Project, store: Store
) -> None:
    built = git_project.run("show", *PATH, *LIVE, "--json")
    assert (built.code, built.err) == (0, "")
    assert sorted(built.json) == ["digest", "environment", "release", "unit"]
    assert git_project.here("deploy", "greeter", *LIVE, "--create").code == 0
    assert store.read().pointers["greeter"].digest == built.json["digest"]
    live = git_project.here("show", "greeter", *LIVE, "--json")
    assert live.json == built.json | {"revision": 1}


def test_the_digest_is_that_of_the_canonical_document(git_project: Project) -> None:
    shown = git_project.here("show", *PATH, "--json").json
    text = json.dumps(shown["release"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert digest_of(text.encode()) == shown["digest"]
    assert shown["environment"] is None


def test_the_work_tree_is_shown_not_the_commit(deployed: Project) -> None:
    deployed.write("manifests/greeter/system.md", "Only half written\n")
    shown = deployed.here("show", *PATH, *LIVE, "--json").json
    assert shown["release"]["prompt"]["messages"][0]["content"] == "Only half written\n"


def test_the_text_is_for_people(deployed: Project) -> None:
    done = deployed.here("show", "greeter", *LIVE)
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        f"greeter  {deployed.digest('greeter')}\n"
        "revision   1\n"
        "model      openai gpt-4o-mini-2024-07-18 (2024-07-18)\n"
        "prompt     greeter 1.0.0\n"
        'params     {"temperature": 0.2}\n'
        "input      guest: string, required\n"
        "input      loud: boolean, default false\n"
        "input      times: integer, default 1\n"
        "\n"
        "[system]\n"
        "Good morning.\n"
        "\n"
        "[user]\n"
        "To {{ guest }}, {{ times }} times, loud: {{ loud }}\n"
    )


def test_the_overlay_of_the_environment_is_shown(git_project: Project, store_url: str) -> None:
    place = ("--store", store_url, "--env", "staging")
    shown = git_project.here("show", *PATH, *place, "--json").json
    assert (shown["environment"], shown["release"]["params"]) == ("staging", {"temperature": 0.7})


@pytest.mark.parametrize("command", ["show", "render"])
def test_a_path_is_not_built_for_an_environment_that_is_not_there(
    git_project: Project, command: str
) -> None:
    done = git_project.here(command, *PATH, "--env", "prodction", "--json")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: promptops.yaml has no environment 'prodction'\n"
        " help: did you mean 'production'? it has: local, production; another one is reached with "
        "--store URL --env prodction\n"
    )


@pytest.mark.parametrize("command", ["show", "render"])
def test_a_path_needs_no_project(empty_folder: Project, command: str) -> None:
    empty_folder.unit("greeter", "Hello.", folder=".")
    more = ("--input", "guest=Bo") if command == "render" else ()
    done = empty_folder.here(command, "--path", "greeter", "--env", "staging", *more, "--json")
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize("command", ["show", "render"])
@pytest.mark.parametrize("arguments", [(), ("greeter", "--path", "manifests/greeter")])
def test_one_shows_what_is_live_or_a_path(
    deployed: Project, command: str, arguments: tuple[str]
) -> None:
    done = deployed.here(command, *arguments, *LIVE)
    assert (done.code, done.err) == (
        2,
        (
            "error: name a unit that is live, or a folder with --path\n"
            f" help: promptops {command} --help\n"
        ),
    )


@pytest.mark.parametrize("command", ["show", "render"])
def test_an_unknown_unit_is_a_usage_error_with_the_nearest(deployed: Project, command: str) -> None:
    done = deployed.here(command, "greter", *LIVE, "--json")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: there is no unit 'greter' in production\n help: did you mean 'greeter'?\n"
    )


def test_a_unit_that_resembles_none_is_answered_with_what_is_live(deployed: Project) -> None:
    done = deployed.here("show", "zebra", *LIVE)
    assert (done.code, done.err) == (
        2,
        "error: there is no unit 'zebra' in production\n help: live are: farewell, greeter\n",
    )


def test_a_path_that_is_not_there(git_project: Project) -> None:
    done = git_project.here("show", "--path", "manifests/greter")
    assert (done.code, done.err) == (
        2,
        "error: there is no folder manifests/greter\n help: did you mean manifests/greeter?\n",
    )
    done = git_project.here("show", "--path", "manifests")
    assert done.code == 1
    assert "error[E402]: no manifest.yaml in manifests" in done.err


def test_a_path_with_errors_shows_them(git_project: Project) -> None:
    git_project.write("manifests/greeter/system.md", "{{ gest }}\n")
    done = git_project.here("show", *PATH, "--json")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("manifests/greeter/system.md:1:1: error[E302]: ")


def test_a_release_that_was_tampered_with_is_not_shown(
    deployed: Project, store: Store, store_url: str
) -> None:
    with sqlite3.connect(store_url.removeprefix("sqlite:///")) as db:
        db.execute("UPDATE releases SET data = CAST(replace(data, 'morning', 'evening') AS BLOB)")
    db.close()
    done = deployed.here("show", "greeter", *LIVE)
    assert (done.code, done.out) == (4, "")
    assert done.err.startswith("error[C60")


# --- render ---------------------------------------------------------------------------------------


@everywhere
def test_a_live_prompt_is_rendered_as_the_app_renders_it(deployed: Project, store_url: str) -> None:
    with Client(store_url, environment="production", app="helpdesk") as client:
        client.wait_ready(5)
        expected = client.get("greeter").render(guest="Bo", times=3, loud=True)
    inputs = ("--input", "guest=Bo", "--input", "times=3", "--input", "loud=true")
    done = deployed.run("render", "greeter", *LIVE, *inputs, "-o", "json")
    assert (done.code, done.err) == (0, "")
    assert done.json == {"messages": expected}
    assert done.json == {
        "messages": [
            {"role": "system", "content": "Good morning.\n"},
            {"role": "user", "content": "To Bo, 3 times, loud: true"},
        ]
    }


def test_rendered_text_is_for_people(deployed: Project) -> None:
    done = deployed.here("render", "greeter", *LIVE, "--input", "guest=Bo")
    assert done.out == ("[system]\nGood morning.\n\n[user]\nTo Bo, 1 times, loud: false\n")


def test_the_work_tree_is_rendered_without_a_store(git_project: Project) -> None:
    git_project.write("manifests/greeter/system.md", "Only half written\n")
    done = git_project.here("render", *PATH, "--input", "guest=Bo", "--json")
    assert (done.code, done.err) == (0, "")
    assert done.json["messages"][0]["content"] == "Only half written\n"


def test_an_input_is_read_from_a_file(git_project: Project) -> None:
    git_project.write("guest.txt", "Bo = @home\n")
    done = git_project.here("render", *PATH, "--input", "guest=@guest.txt", "--json")
    assert done.json["messages"][1]["content"] == "To Bo = @home\n, 1 times, loud: false"


@pytest.mark.parametrize(
    ("given", "guest"), [("@@home", "@home"), ("@@", "@"), ("@@@a", "@@a"), ("a@@b", "a@@b")]
)
def test_a_text_that_begins_with_an_at_sign(git_project: Project, given: str, guest: str) -> None:
    done = git_project.here("render", *PATH, "--input", f"guest={given}", "--json")
    assert done.json["messages"][1]["content"] == f"To {guest}, 1 times, loud: false"


def rendered(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: Any, *inputs: str
) -> tuple[int, str]:
    """In this process: exit code, and what was said."""
    monkeypatch.chdir(project.root)
    arguments = [word for item in inputs for word in ("--input", item)]
    code = run(["render", *PATH, *arguments])
    said = capsys.readouterr()
    return code, said.err or said.out


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        (
            (),
            "error: greeter needs the input 'guest'\n help: pass guest=…\n",
        ),
        (
            ("gest=Bo",),
            "error: greeter needs the input 'guest'\n help: you passed 'gest': is that the one?\n",
        ),
        (
            ("guest=Bo", "time=3"),
            "error: greeter has no input 'time'\n help: did you mean 'times'?\n",
        ),
        (
            ("guest=Bo", "season=spring"),
            "error: greeter has no input 'season'\n help: its inputs are: guest, loud, times\n",
        ),
        (
            ("guest=Bo", "times=many"),
            (
                "error: greeter: input 'times' is no integer: 'many'\n"
                " help: write it as JSON does, for example times=3\n"
            ),
        ),
        (
            ("guest=Bo", "times=true"),
            "error: greeter: input 'times' is bool, not integer\n help: pass an integer\n",
        ),
        (
            ("guest=Bo", "times=2.5"),
            "error: greeter: input 'times' is float, not integer\n help: pass an integer\n",
        ),
        (
            ("guest=Bo", "loud=yes"),
            (
                "error: greeter: input 'loud' is no boolean: 'yes'\n"
                " help: write it as JSON does, for example loud=true\n"
            ),
        ),
        (
            ("guest=" + "B" * 41,),
            (
                "error: greeter: input 'guest' has 41 characters, over its limit of 40\n"
                " help: shorten it, or raise maxLength in the manifest\n"
            ),
        ),
    ],
)
def test_inputs_that_do_not_fit_exit_1_with_a_suggestion(
    git_project: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    inputs: tuple[str, ...],
    said: str,
) -> None:
    assert rendered(git_project, monkeypatch, capsys, *inputs) == (1, said)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            "guest",
            "error: 'guest' is no input\n help: write --input NAME=VALUE or --input NAME=@FILE\n",
        ),
        (
            "=Bo",
            "error: '=Bo' is no input\n help: write --input NAME=VALUE or --input NAME=@FILE\n",
        ),
        (
            "guest=@nobody",
            (
                "error: nobody cannot be read: No such file or directory\n"
                " help: to pass the text and no file, write guest=@@nobody\n"
            ),
        ),
        ("guest=@latin.txt", "error: latin.txt is not UTF-8 text\n help: save it as UTF-8\n"),
    ],
)
def test_an_input_that_cannot_be_meant_exits_2(
    git_project: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    given: str,
    said: str,
) -> None:
    (git_project.root / "latin.txt").write_bytes("café".encode("latin-1"))
    assert rendered(git_project, monkeypatch, capsys, given) == (2, said)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("guest=", "To , 1 times, loud: false"),
        ("guest=a=b", "To a=b, 1 times, loud: false"),
        ("guest=42", "To 42, 1 times, loud: false"),
        ("guest={{ times }}", "To {{ times }}, 1 times, loud: false"),
    ],
)
def test_text_is_taken_as_it_is(
    git_project: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    given: str,
    shown: str,
) -> None:
    code, text = rendered(git_project, monkeypatch, capsys, given)
    assert (code, text.splitlines()[-1]) == (0, shown)
