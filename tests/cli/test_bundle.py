"""bundle and pin: what an app serves without its store."""

from pathlib import Path

import pytest

from promptops import Client
from promptops.client.disk import Disk, read_bundle
from promptops.live.store import Store
from promptops.manifest.digest import short
from tests.cli.projects import Project, everywhere
from tests.client.waiting import until

PRODUCTION = ("--env", "production")


@everywhere
def test_a_bundle_holds_what_is_live_and_an_app_starts_from_it(
    deployed_twice: Project, store: Store
) -> None:
    live = {unit: pointer.digest for unit, pointer in store.read().pointers.items()}
    done = deployed_twice.run("bundle", *PRODUCTION, "--out", "prompts.bundle", "-o", "json")
    assert (done.code, done.err) == (0, "")
    assert done.json == {
        "environment": "production",
        "epoch": 1,
        "revision": 2,
        "file": "prompts.bundle",
        "units": live,
    }
    path = str(deployed_twice.root / "prompts.bundle")
    assert read_bundle(path, "production").namespace == store.address.namespace
    with Client(None, environment="production", bundle=path, cache="") as client:
        client.wait_ready(5)
        assert (client.status().units, client.status().source) == (live, "bundle")


def test_a_bundle_says_what_it_holds(deployed: Project) -> None:
    done = deployed.here("bundle", *PRODUCTION, "--out", "b")
    assert (done.code, done.out) == (0, "b holds 2 units of production at revision 1\n")


def test_nothing_is_bundled_of_an_environment_that_never_was(git_project: Project) -> None:
    done = git_project.here("bundle", *PRODUCTION, "--out", "b")
    assert (done.code, (git_project.root / "b").exists()) == (3, False)
    assert done.err.startswith("error[no-environment]: ")


def test_a_bundle_that_cannot_be_written_is_said(deployed: Project) -> None:
    done = deployed.here("bundle", *PRODUCTION, "--out", "nowhere/b")
    assert (done.code, done.out) == (2, "")
    assert "nowhere/b cannot be written: No such file or directory" in done.err
    for no_file in (".", ""):
        done = deployed.here("bundle", *PRODUCTION, "--out", no_file)
        assert (done.code, done.out) == (2, "")
        assert "is no file" in done.err
    for command in ("bundle", "export"):
        done = deployed.here(command, *PRODUCTION, "--out", "-")
        assert (done.code, done.out, (deployed.root / "-").exists()) == (2, "", False)
        assert done.err == (
            "error: nothing is written to standard output\n help: name a file; ./- is one too\n"
        )
    assert deployed.here("bundle", *PRODUCTION, "--out", "./-").code == 0


def test_a_link_stays_one_and_leads_to_the_new_bundle(deployed: Project) -> None:
    (deployed.root / "real").write_text("old")
    (deployed.root / "link").symlink_to("real")
    assert deployed.here("bundle", *PRODUCTION, "--out", "link").code == 0
    assert (deployed.root / "link").is_symlink()
    assert (deployed.root / "real").read_bytes().startswith(b"promptops-copy/1")


@pytest.fixture
def cached(deployed_twice: Project, store: Store, tmp_path: Path) -> Path:
    """The cache of an app that saw revision 1 and revision 2."""
    cache = tmp_path / "cache"
    url = f"sqlite:///{store.address.path}"
    disk = Disk(str(cache), "production", "promptops")
    with Client(url, environment="production", cache=str(cache), bundle="", poll=0.1):
        until(disk.copies)
        deployed_twice.says("greeter", "Good night.")
        deployed_twice.deploy(store, "greeter")
        until(lambda: disk.copies()[0].read().head.revision == 3)
    return cache


def test_a_unit_is_pinned_and_lifted_without_store_and_git(
    cached: Path, deployed_twice: Project, store: Store, empty_folder: Project
) -> None:
    before = deployed_twice.digest("greeter", commit="HEAD~1")
    place = (*PRODUCTION, "--cache", str(cached))
    with Client(None, environment="production", cache=str(cached), bundle="", poll=0.1) as client:
        client.wait_ready(5)
        assert client.get("greeter").digest == store.read().pointers["greeter"].digest

        done = empty_folder.run("pin", "greeter", short(before).upper(), *place, "--json")
        assert (done.code, done.err) == (0, "")
        pins = {"greeter": before}
        assert done.json == {"environment": "production", "cache": str(cached), "pins": pins}
        until(lambda: client.get("greeter").digest == before)
        assert client.status().pins == pins

        done = empty_folder.run("pin", "greeter", "--lift", *place)
        assert done.out == (
            f"greeter follows its deployments again, for processes that use {cached}\n"
        )
        until(lambda: client.get("greeter").digest != before)
        done = empty_folder.here("pin", "greeter", "--lift", *place)
        assert (done.code, done.err) == (
            3,
            "error[not-pinned]: greeter is not pinned\n help: pinned are: none\n",
        )


def test_what_is_in_no_source_is_not_pinned(cached: Path, empty_folder: Project) -> None:
    place = (*PRODUCTION, "--cache", str(cached))
    nowhere = "sha256:" + "0" * 64
    done = empty_folder.here("pin", "greeter", nowhere, *place)
    assert (done.code, done.err.splitlines()[0]) == (
        3,
        f"error[not-found]: neither the copy on disk nor a bundle nor a store has {nowhere}",
    )
    done = empty_folder.here("pin", "greeter", "0" * 12, *place)
    assert (done.code, done.err.splitlines()[0]) == (
        2,
        "error: '000000000000' is no digest of this unit",
    )
    done = empty_folder.here("pin", "greter", "0" * 12, *place)
    assert (done.code, done.err.splitlines()[0]) == (
        2,
        "error: no copy or bundle has a release of greter",
    )
    assert not list(cached.glob("*.pins"))


def test_a_unit_is_pinned_from_the_store_or_a_bundle_where_nothing_was_saved(
    deployed_twice: Project, store: Store, empty_folder: Project, tmp_path: Path
) -> None:
    first = deployed_twice.digest("greeter", commit="HEAD~1")
    url = f"sqlite:///{store.address.path}"
    cache = str(tmp_path / "a")
    done = empty_folder.here("pin", "greeter", first, *PRODUCTION, "--cache", cache, "--store", url)
    assert (done.code, done.out) == (
        0,
        f"greeter is pinned to {short(first)} for processes that use {cache}\n",
    )
    live = store.read().pointers["greeter"].digest
    file = str(tmp_path / "prompts.bundle")
    assert deployed_twice.here("bundle", *PRODUCTION, "--out", file).code == 0
    cache = str(tmp_path / "b")
    done = empty_folder.here(
        "pin", "greeter", short(live), *PRODUCTION, "--cache", cache, "--bundle", file, "--json"
    )
    assert (done.code, done.json["pins"]) == (0, {"greeter": live})


def test_a_folder_that_others_can_write_to_takes_no_pin(
    cached: Path, empty_folder: Project, store: Store
) -> None:
    cached.chmod(0o777)
    live = store.read().pointers["greeter"].digest
    url = f"sqlite:///{store.address.path}"
    place = (*PRODUCTION, "--cache", str(cached), "--store", url)
    done = empty_folder.here("pin", "greeter", live, *place)
    assert done.code == 4
    assert f"error[C623]: {cached} can be written by everybody" in done.err


def test_what_a_pin_needs_is_asked_for(empty_folder: Project, tmp_path: Path) -> None:
    cache = ("--cache", str(tmp_path / "none"))
    for arguments, said in (
        (
            ("greeter", *PRODUCTION, *cache),
            "say the digest to pin to, --safe or --lift, one of them",
        ),
        (("greeter", "0" * 12, "--lift", *PRODUCTION, *cache), "say the digest to pin to"),
        (("greeter", "0" * 12, *cache), "say which environment"),
        (("greeter", "0" * 12, *PRODUCTION), "Missing option '--cache'"),
        (("greeter", "0" * 12, *PRODUCTION, *cache), "nothing of production is in"),
    ):
        done = empty_folder.here("pin", *arguments)
        assert (done.code, said in done.err) == (2, True), done.err
