"""A person at a terminal is asked once; where nobody can be asked, a protected one needs --yes."""

import re
import signal
from collections.abc import Callable

import pytest

from promptops.live.records import Head
from promptops.live.store import Store
from tests.cli.projects import ADA, Project, short
from tests.cli.terminal import QUESTION, Terminal
from tests.client.sabotage import Saboteur

PLACE = ("--env", "production")
ROLLBACK = ("rollback", "greeter", *PLACE)
FREEZE = ("freeze", *PLACE, "--reason", "Black Friday")
RETIRE = ("retire", "greeter", *PLACE, "--reason", "replaced by farewell")
HELD = f"sha256:{'0' * 64}"
DRILL = ("rehearse", "--drill", "--clients", "1", *PLACE)
HOLD = ("hold", "greeter", HELD, *PLACE, "--reason", "loops")


@pytest.fixture
def protected(deployed_twice: Project) -> Project:
    """Production is protected, without a word about branches."""
    text = (deployed_twice.root / "promptops.yaml").read_text()
    deployed_twice.write(
        "promptops.yaml", text.replace('_STORE}"}', '_STORE}", protected: true, branch: main}')
    )
    deployed_twice.commit("protect production")
    return deployed_twice


@pytest.mark.parametrize("answer", ["y\n", "YES\n"])
def test_a_rollback_is_asked_about_once_and_done(
    deployed_twice: Project, store: Store, store_url: str, answer: str
) -> None:
    first, second = deployed_twice.git("rev-parse", "HEAD~1", "HEAD").split()
    before, after = (short(deployed_twice.digest("greeter", commit=one)) for one in (second, first))
    asked = Terminal(deployed_twice, *ROLLBACK, "--reason", "loops").until_asked()
    assert store.read().head == Head(1, 2)
    done = asked.answer(answer)
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[:2] == [
        f"rollback in production, which is at revision 2 in {store_url}:",
        "  because: loops",
    ]
    assert lines[2].startswith(
        f"  greeter  {before} → {after}  held: {before}  from commit {first[:12]}; what is live is "
    )
    assert lines[3] == f"warning: greeter goes back to {after}: it was never rehearsed"
    assert done.out.count(QUESTION.decode()) == 1
    assert f"(rollback)\n  greeter  {before} → {after}  held: {before}\nwarning: " in done.out
    assert store.read().head == Head(1, 3)


def test_what_the_last_rehearsal_said_of_going_there_is_told(deployed_twice: Project) -> None:
    assert deployed_twice.here("rehearse", "greeter", *PLACE).code == 0
    asked = Terminal(deployed_twice, *ROLLBACK).until_asked()
    assert asked.answer("n\n").code == 3
    assert re.search(
        r"\n    going there was rehearsed \d+ seconds? ago: ready", asked.seen.decode()
    )


@pytest.mark.parametrize("command", [ROLLBACK, ("deploy", "greeter", *PLACE), FREEZE, RETIRE, HOLD])
def test_another_answer_changes_nothing(
    deployed_twice: Project, contents: Callable[[], object], command: tuple[str, ...]
) -> None:
    deployed_twice.says("greeter", "Good night.")
    before = contents()
    for answer in ("n\n", "\n", "\x04"):
        done = Terminal(deployed_twice, *command).until_asked().answer(answer)
        assert done.code == 3
        assert f"error[declined]: the {command[0]} was not agreed to" in done.out
    assert contents() == before


def test_a_hold_names_the_commit_of_what_is_held(deployed_twice: Project) -> None:
    first = deployed_twice.git("rev-parse", "HEAD~1")
    for commit, said in (("HEAD~1", f"  from commit {first[:12]}"), (None, "")):
        digest = HELD if commit is None else deployed_twice.digest("greeter", commit=commit)
        words = ("hold", "greeter", digest, *PLACE, "--reason", "loops")
        asked = Terminal(deployed_twice, *words).until_asked()
        assert asked.answer("n\n").code == 3
        line = f"  greeter  held: {short(digest)}{said}; what is live is "
        assert line in asked.seen.decode()


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_a_signal_at_the_question_changes_nothing(
    deployed_twice: Project,
    contents: Callable[[], object],
    number: signal.Signals,
    code: int,
    word: str,
) -> None:
    before = contents()
    done = Terminal(deployed_twice, *ROLLBACK).until_asked().kill(number)
    assert (done.code, contents()) == (code, before)
    assert f"error: {word}" in done.out


def test_yes_and_nothing_to_do_ask_nobody(deployed_twice: Project) -> None:
    assert Terminal(deployed_twice, *ROLLBACK, "--yes").end().code == 0
    done = Terminal(deployed_twice, "deploy", "farewell", *PLACE).end()
    assert (done.code, QUESTION.decode() in done.out) == (0, False)


def test_what_is_agreed_to_is_of_the_moment_of_the_answer(
    deployed_twice: Project, store: Store
) -> None:
    asked = Terminal(deployed_twice, *ROLLBACK).until_asked()
    deployed_twice.says("farewell", "Bye.")
    assert deployed_twice.run("deploy", "farewell", *PLACE).code == 0
    assert asked.answer("y\n").code == 0
    newest, other, *_ = store.history()
    assert (newest.revision, newest.action, other.action) == (4, "rollback", "deploy")
    assert newest.at > other.at
    live = store.read().pointers["greeter"]
    assert {live.since, *(hold.at for hold in live.held)} == {newest.at}


def test_what_was_not_agreed_to_is_not_done_after_a_lost_race(
    deployed_twice: Project, store: Store
) -> None:
    """farewell was asked about; then somebody moves greeter, and this would take it back."""
    commit = deployed_twice.says("farewell", "Bye.")
    newer = deployed_twice.says("greeter", "Hello.")
    command = ("deploy", "--all", *PLACE, "--allow-older", "--commit", commit)
    asked = Terminal(deployed_twice, *command).until_asked()
    assert deployed_twice.run("deploy", "greeter", *PLACE, "--commit", newer).code == 0
    done = asked.answer("y\n")
    assert done.code == 3
    assert "error[moved]: the environment was changed meanwhile, and this is not what" in done.out
    assert [entry.revision for entry in store.history()] == [3, 2, 1]


@pytest.mark.parametrize("named", [False, True])
def test_in_a_protected_environment_nobody_to_ask_needs_yes(
    protected: Project, store: Store, store_url: str, contents: Callable[[], object], named: bool
) -> None:
    where = ("--store", store_url) if named else ()
    before = contents()
    for command in (ROLLBACK, FREEZE, RETIRE, HOLD):
        done = protected.run(*command, *where, "--json")
        assert (done.code, contents()) == (3, before)
        assert done.json["refused"] == {
            "code": "confirmation-needed",
            "message": "production is protected, and there is no terminal to ask on whether this "
            f"{command[0]} is meant",
            "hint": "nothing was changed; say --yes when it is meant",
        }
    assert protected.run(*ROLLBACK, *where, "--yes").code == 0
    assert store.history(limit=1)[0].actor == ADA


def test_what_takes_a_guard_away_is_asked_about_too(protected: Project, store: Store) -> None:
    for command in (HOLD, FREEZE):
        assert protected.here(*command, "--yes").code == 0
    unfreeze = ("unfreeze", *PLACE)
    assert protected.run(*unfreeze).err.startswith("error[confirmation-needed]: ")
    asked = Terminal(protected, *unfreeze).until_asked()
    said = "  no unit moves, and everything may again; frozen since "
    assert (asked.answer("y\n").code, said in asked.seen.decode()) == (0, True)
    assert store.read().freeze is None
    lift = ("hold", "greeter", HELD, "--lift", *PLACE)
    assert protected.run(*lift).err.startswith("error[confirmation-needed]: ")
    assert protected.run(*lift, "--yes").code == 0
    assert store.read().pointers["greeter"].held == ()


def test_a_drill_is_asked_about_as_well(
    protected: Project, store: Store, store_url: str, contents: Callable[[], object]
) -> None:
    before = contents()
    refused = protected.run(*DRILL)
    assert (refused.code, refused.out) == (3, "")
    assert refused.err == (
        "error[confirmation-needed]: production is protected, and there is no terminal to ask on "
        "whether this drill is meant\n help: nothing was changed; say --yes when it is meant\n"
    )
    declined = Terminal(protected, *DRILL).until_asked().answer("n\n")
    assert declined.code == 3
    assert declined.out.startswith(f"drill with 1 client beside production in {store_url}:\n")
    assert "error[declined]: the drill was not agreed to\n help: --yes says so\n" in declined.out
    assert contents() == before
    assert Terminal(protected, *DRILL).until_asked().answer("y\n").code == 0
    assert protected.run(*DRILL, "--yes").code == 0
    assert "~drill" in store.reports()


def test_a_restore_asks_over_an_empty_store_as_well(
    protected: Project, store: Store, store_url: str, saboteur: Saboteur
) -> None:
    assert protected.here("export", *PLACE, "--out", "a.export").code == 0
    saboteur.wipe()
    for source in (("--from", "a.export"), ("--from-git", "HEAD")):
        restore = ("restore", *PLACE, *source)
        refused = protected.run(*restore)
        assert (refused.code, refused.err.partition("]")[0]) == (3, "error[confirmation-needed")
        assert Terminal(protected, *restore).until_asked().answer("n\n").code == 3
        assert store.read().head is None
    asked = Terminal(protected, "restore", *PLACE, "--from", "a.export").until_asked()
    done = asked.answer("y\n")
    lines = done.out.splitlines()
    assert (done.code, lines[1]) == (0, "  because: from a.export")
    assert lines[0] == f"restore in production, which is at revision 0 in {store_url}:"
    assert lines[2].startswith("  production: nothing becomes revision 3, epoch 2, with 2 units, ")
    assert re.fullmatch(r"  a.export was written \d+ seconds? ago, at revision 2", lines[3])
    assert store.read().head == Head(2, 3)


def test_a_restore_asks_with_what_moves_and_what_is_lost(
    deployed_twice: Project, store: Store
) -> None:
    commit, before = deployed_twice.head, short(store.read().pointers["greeter"].digest)
    assert deployed_twice.here("export", *PLACE, "--out", "a.export").code == 0
    deployed_twice.unit("third", "Hm.")
    deployed_twice.says("greeter", "Good day.")
    deployed_twice.deploy(store)
    assert deployed_twice.here(*HOLD).code == 0
    live = {unit: short(pointer.digest) for unit, pointer in store.read().pointers.items()}
    restore = ("restore", *PLACE, "--from", "a.export", "--force")
    moves = [
        f"  greeter  {live['greeter']} → {before}  from commit {commit[:12]}",
        f"  greeter  lifted: {short(HELD)}",
        f"  third  {live['third']} → (gone)",
        f"  lost by it: 2 deployments, the last is revision 4, hold by {ADA}",
    ]
    asked = Terminal(deployed_twice, *restore).until_asked().answer("n\n").out.splitlines()
    assert asked[4:8] == moves
    dry = deployed_twice.here(*restore, "--dry-run")
    assert (dry.code, dry.out.splitlines()[1:]) == (0, moves)
    assert deployed_twice.here(*restore, "--dry-run", "--json").json["lost"] == 2


def test_a_rollback_with_a_broken_project_file_is_not_held_up(
    protected: Project, store_url: str
) -> None:
    protected.write("promptops.yaml", "environments: [")
    assert protected.run(*ROLLBACK, "--store", store_url).code == 0
