"""A gate reads stores, and does what it can without them."""

import json
from collections.abc import Callable

from promptops.live.store import Store
from tests.cli.gate.reading import GATE, range_of
from tests.cli.projects import PROJECT, Project, everywhere
from tests.servers import free_port

Contents = Callable[[], object]


@everywhere
def test_a_gate_changes_nothing_in_the_store(
    held: Project, store: Store, contents: Contents
) -> None:
    before = contents()
    assert before
    assert held.run(*GATE).code == 1
    assert contents() == before


def test_a_gate_makes_no_store(git_project: Project, contents: Contents) -> None:
    assert git_project.here(*GATE, "--env", "local").code == 0
    assert not (git_project.root / ".promptops").exists()
    assert contents() is None


def test_offline_needs_neither_a_store_nor_its_variable(changed: Project) -> None:
    del changed.variables["PRODUCTION_STORE"]
    done = changed.here(*GATE, "--env", "local", "--offline")
    assert (done.code, done.err) == (0, "")
    said = f"the store was not asked; {range_of(changed)} changes 1 unit\n"
    assert done.out.count(said) == 2
    online = changed.here(*GATE)
    assert online.code == 2
    assert "the store of production needs PRODUCTION_STORE, which is not set" in online.err


def test_a_store_that_does_not_answer_exits_4_and_what_is_known_is_told(changed: Project) -> None:
    url = f"redis://ada:s3cr3t@127.0.0.1:{free_port()}/0"
    changed.write("promptops.yaml", PROJECT + f"  staging: {{store: '{url}'}}\n")
    done = changed.run(*GATE, "--env", "staging", "--out", "gate.json")
    assert done.code == 4
    shown = url.replace("ada:s3cr3t", "***")
    assert done.err.startswith(f"error: staging: {shown} does not answer: ")
    assert done.err.endswith(" help: check the store's URL and that Redis runs there\n")
    assert "\nproduction: pass\nat revision 1; " in done.out
    assert "\nstaging: fail\nthe store could not be asked; " in done.out
    assert done.out.endswith("\n\ngate: fail (staging: the store could not be asked)\n")
    written = (changed.root / "gate.json").read_text()
    assert "s3cr3t" not in written + done.out + done.err
    assert [item["error"] is None for item in json.loads(written)["environments"]] == [True, False]


def test_a_finding_does_not_hide_that_a_store_was_not_asked(changed: Project) -> None:
    changed.says("greeter", "{{ gest }}")
    done = changed.here(*GATE, PRODUCTION_STORE=f"redis://127.0.0.1:{free_port()}/0")
    assert done.code == 4
    assert "gate: fail (1 error; production: the store could not be asked)" in done.out


def test_a_store_can_be_named_for_one_environment_only(changed: Project, store_url: str) -> None:
    place = ("--store", store_url)
    assert changed.here("gate", "--base", "main", "--env", "elsewhere", *place).code == 0
    done = changed.here(*GATE, "--env", "local", *place)
    assert done.code == 2
    assert "--store is the store of one environment: name only one with it" in done.err
    assert changed.here(*GATE, "--env", "local", *place, "--offline").code == 0
