"""What is held and what drifts, in real stores."""

from promptops.live.store import Store
from tests import deployments
from tests.cli.projects import Project
from tests.conftest import Opener
from tests.delivery.gate.judging import changes, drift, judged, on_main, one_backend, only, planned


def test_a_change_that_makes_what_is_held_fails(
    rolled_back: Project, store: Store, store_url: str, opened: Opener
) -> None:
    held = rolled_back.digest("greeter")
    rolled_back.says("greeter", "Good day.")
    rolled_back.git("branch", "--force", "main")
    rolled_back.says("greeter", "Good evening.")
    staging = opened(store_url, "staging")
    rolled_back.deploy(staging, "farewell")
    found = judged(rolled_back, staging, store)
    assert found.verdict == "fail"
    assert [found.verdict_in(item) for item in found.environments] == ["pass", "fail"]
    (one,) = found.environments[1].refused
    assert (one.unit, one.digest, one.reason) == ("greeter", held, "invents refunds")


def test_what_is_held_with_or_without_the_change_is_reported_and_passes(
    rolled_back: Project, store: Store
) -> None:
    rolled_back.says("farewell", "Sleep well.")
    found = judged(rolled_back, store)
    assert found.verdict == "pass"
    assert [(one.unit, one.in_change) for one in only(found).held] == [("greeter", False)]
    assert drift(found) == {}


def test_a_description_is_no_new_content(rolled_back: Project, store: Store) -> None:
    path = "manifests/greeter/manifest.yaml"
    text = (rolled_back.root / path).read_text()
    rolled_back.write(path, text.replace("a word or two", "three words"))
    rolled_back.commit("describe it better")
    found = judged(rolled_back, store)
    assert (found.verdict, only(found).refused) == ("pass", ())


def test_a_mended_prompt_passes(rolled_back: Project, store: Store) -> None:
    rolled_back.says("greeter", "Good evening, without refunds.")
    found = judged(rolled_back, store)
    assert (found.verdict, only(found).held, planned(found)) == ("pass", (), ["greeter"])


def test_what_is_live_and_not_in_git_is_drift_and_passes(deployed: Project, store: Store) -> None:
    deployments.deploy(store, ghost="Boo.")
    deployed.says("greeter", "Good evening.")
    found = judged(deployed, store)
    assert (found.verdict, drift(found)) == ("pass", {"ghost": "orphan"})


def test_what_is_live_as_no_commit_says_is_drift(deployed: Project, store: Store) -> None:
    deployments.deploy(store, greeter="Typed in by hand.")
    assert drift(judged(deployed, store)) == {"greeter": "drifted"}


@one_backend
def test_what_was_merged_and_never_deployed_is_drift(deployed: Project, store: Store) -> None:
    on_main(deployed, "farewell", "Sleep well.")
    deployed.git("merge", "--quiet", "main")
    deployed.says("greeter", "Good evening.")
    found = judged(deployed, store)
    assert (found.verdict, drift(found)) == ("pass", {"farewell": "behind"})
    assert (planned(found), changes(found)) == (["farewell", "greeter"], {"greeter": "patch"})


@one_backend
def test_what_was_deployed_from_elsewhere_before_its_merge_is_drift(
    deployed: Project, store: Store
) -> None:
    deployed.says("farewell", "Sleep well.")
    deployed.deploy(store)
    deployed.git("switch", "--quiet", "--create", "another", "main")
    assert drift(judged(deployed, store)) == {"farewell": "ahead"}
    deployed.git("switch", "--quiet", "change")
    assert drift(judged(deployed, store)) == {}, "this change says what is live"


@one_backend
def test_a_base_with_errors_drifts_from_what_is_live(deployed: Project, store: Store) -> None:
    on_main(deployed, "greeter", "{{ gest }}")
    deployed.git("merge", "--quiet", "main")
    deployed.says("greeter", "Good evening.")
    found = judged(deployed, store)
    assert (found.verdict, drift(found)) == ("pass", {"greeter": "invalid"})
