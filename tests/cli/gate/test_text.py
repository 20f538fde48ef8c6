"""What a gate says in a terminal and in a log."""

import pytest

from promptops.live.store import Store
from tests import deployments
from tests.cli.gate.reading import GATE, notes, range_of
from tests.cli.projects import AT, Project, everywhere, short
from tests.github.log import commands_in


@everywhere
def test_a_pass_word_for_word(changed: Project) -> None:
    was = short(changed.digest("greeter", commit="main"))
    now = short(changed.digest("greeter"))
    done = changed.run(*GATE)
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "checked 2 manifests: 0 errors, 0 warnings\n"
        "\n"
        "production: pass\n"
        f"at revision 1; deploying {changed.head[:12]} changes 1 unit\n"
        "\n"
        f"greeter  {was} → {now}  patch\n"
        "  warning[W232]: the prompt's text changes and prompt.version stays 1.0.0\n"
        "    = help: raise prompt.version, so that logs can tell the two texts apart\n"
        "  prompt.messages[0] (system)\n"
        "    | Good [-morning-]{+evening+}.\n"
        "  size: 65 characters, ~16 tokens\n"
        "\n"
        "gate: pass\n"
    )


def test_a_finding_word_for_word(changed: Project) -> None:
    changed.says("greeter", "Good evening, {{ gest }}.")
    done = changed.run(*GATE)
    assert (done.code, done.err) == (1, "")
    assert done.out == (
        "manifests/greeter/system.md:1:15: error[E302]: 'gest' is used and not declared: nobody "
        "would pass it\n"
        "  |\n"
        "1 | Good evening, {{ gest }}.\n"
        "  |               ^^^^^^^^^^\n"
        "  = help: did you mean guest?\n"
        "\n"
        "checked 2 manifests: 1 error, 0 warnings\n"
        "\n"
        "production: fail\n"
        f"no plan while there are errors; {range_of(changed)} changes nothing among the units "
        "that can be built\n"
        "\n"
        "gate: fail (1 error)\n"
    )


def test_what_is_held_fails_and_says_the_way_out(held: Project) -> None:
    done = held.here(*GATE)
    digest = short(held.digest("greeter"))
    assert done.code == 1
    why = f"its new content {digest} is held since {AT}: invents refunds"
    lift = f"promptops hold greeter {digest} --lift --env production"
    assert notes(done) == [
        f"refused: greeter: {why}",
        f"  = help: change the prompt, or {lift}",
    ]
    assert done.out.endswith("\n\ngate: fail (production: 1 unit held)\n")


def test_the_way_out_of_a_hold_is_one(held: Project) -> None:
    command = notes(held.here(*GATE))[1].partition("or promptops ")[2].split()
    assert held.here(*command).code == 0
    assert held.here(*GATE).code == 0


def test_what_is_so_without_the_change_is_told_apart(held: Project, store: Store) -> None:
    deployments.deploy(store, ghost="Boo.")
    held.git("branch", "--force", "main")
    held.unit("newcomer", "Hello, I am new.")
    held.commit("newcomer")
    held.git("branch", "--force", "main")
    held.says("farewell", "Sleep well.")
    done = held.here(*GATE)
    assert done.code == 0
    held_there = f"{short(held.digest('greeter'))} is held since {AT}"
    assert notes(done) == [
        "not of this change: ghost: it is live and not in git, and no deployment removes it",
        f"not of this change: greeter: {held_there}, and left alone: invents refunds",
        "not of this change: newcomer: it goes live as well",
    ]


def test_a_unit_that_goes_from_git_stays_where_it_is_live(changed: Project) -> None:
    changed.git("rm", "--quiet", "-r", "manifests/farewell")
    changed.commit("no farewell")
    gone = "gone from git with this change, and left alone where it is live: farewell"
    assert notes(changed.here(*GATE)) == [gone]
    assert gone in changed.here(*GATE, "--offline").out


def test_a_rule_that_goes_is_called_out(changed: Project) -> None:
    changed.says("greeter", "Never promise refunds. Be kind.")
    changed.git("branch", "--force", "main")
    changed.says("greeter", "Be kind.")
    done = changed.here(*GATE, "--offline")
    assert "warning[removed-rule]: a rule is gone or reworded: “Never promise refunds.”" in done.out


def test_a_unit_that_the_base_has_changed_too_is_named(changed: Project) -> None:
    changed.git("switch", "--quiet", "main")
    changed.says("greeter", "Good day.")
    done = changed.here(*GATE, "--commit", "change")
    assert (
        "\n\nthe base has changed greeter as well: merge it into the change to see what comes out\n"
    ) in done.out


def test_an_environment_that_was_never_held_is_new(git_project: Project) -> None:
    git_project.git("switch", "--quiet", "--create", "change")
    git_project.says("greeter", "Good evening.")
    done = git_project.here(*GATE)
    assert done.code == 0
    assert (
        f"it is new, and a deployment makes 2 units live; {range_of(git_project)} changes 1 unit\n"
    ) in done.out


def test_a_change_of_nothing_says_so(deployed: Project) -> None:
    done = deployed.here(*GATE)
    nothing = "nothing; what is not committed is not looked at"
    assert f"\nat revision 1; deploying {deployed.head[:12]} changes {nothing}\n\ngate:" in done.out


HOSTILE = "::error::x\n##[error]y\r\n::add-mask::a\x1b[31m\u202eb\x9bm"


@pytest.fixture
def hostile(changed: Project, store: Store) -> Project:
    """What is live, a hold's reason and the change talk to the terminal and to the runner."""
    deployments.deploy(store, greeter=HOSTILE, **{f"z{HOSTILE}": "Boo."})
    digest = changed.digest("greeter")
    hold = ("hold", "greeter", digest, "--env", "production", "--reason", HOSTILE)
    assert changed.here(*hold).code == 0
    changed.says("farewell", "::error::x\n##[error]y\n  ::add-mask::a")
    return changed


@pytest.mark.parametrize("mistake", ["", "::error:: {{ gest }} ##[error]y"])
@pytest.mark.parametrize("more", ["", "--offline", "-o markdown", "-o markdown --offline"])
def test_hostile_text_is_obeyed_neither_by_a_terminal_nor_by_a_runner(
    hostile: Project, more: str, mistake: str
) -> None:
    if mistake:
        hostile.unit("newcomer", mistake)
        hostile.commit("newcomer")
    done = hostile.here(*GATE, *more.split())
    assert done.code == (0 if "offline" in more and not mistake else 1)
    assert commands_in(done.out) == []
    assert all(mark.isprintable() or mark in "\n\u200b" for mark in done.out)
    if more == "":
        assert "refused: greeter: " in done.out
        assert "not of this change: z::error::x" in done.out
    assert "add-mask" in done.out


def test_what_is_held_is_not_counted_among_what_moves(held: Project) -> None:
    assert f"deploying {held.head[:12]} changes nothing (1 held)\n" in held.here(*GATE).out
