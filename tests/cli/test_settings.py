"""Where a command works: the project file, the environment, the store."""

from collections.abc import Callable

import pytest

from promptops.live.records import Head
from promptops.live.store import Store
from tests.cli.projects import PROJECT, PROMPTOPS, Project, everywhere
from tests.conftest import Opener

Contents = Callable[[], object]


def test_the_project_file_is_found_upwards_and_its_sqlite_path_starts_there(
    git_project: Project, opened: Opener
) -> None:
    below = git_project.at("manifests/greeter")
    assert below.run("deploy", "--all", "--env", "local").code == 0
    local = opened(f"sqlite:///{git_project.root}/.promptops/local.db", "local")
    assert local.read().head == Head(1, 1)
    assert not (below.root / ".promptops").exists()
    status = git_project.at("manifests").run("status", "--env", "local")
    assert status.out.startswith(f"local is at revision 1 in {local.address}\n")


def test_the_nearest_project_file_counts(git_project: Project) -> None:
    git_project.write("inner/promptops.yaml", PROJECT.replace("local:", "inner:"))
    done = git_project.at("inner").here("status", "--env", "local")
    assert done.code == 2
    assert "has no environment 'local'" in done.err


@everywhere
def test_a_variable_is_expanded_in_the_store(deployed: Project) -> None:
    done = deployed.run("status", "--env", "production", "--json")
    assert (done.code, done.json["revision"]) == (0, 1)


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_set_is_named(deployed: Project, value: str | None) -> None:
    del deployed.variables["PRODUCTION_STORE"]
    more = {} if value is None else {"PRODUCTION_STORE": value}
    done = deployed.run("status", "--env", "production", "-o", "json", **more)
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: the store of production needs PRODUCTION_STORE, which is not set\n"
        " help: export PRODUCTION_STORE=redis://…, or name the store with --store URL\n"
    )


def test_a_variable_is_part_of_a_url(git_project: Project, opened: Opener) -> None:
    git_project.write(
        "promptops.yaml",
        "apiVersion: promptops/v1\n"
        'environments: {local: {store: "sqlite:///${FOLDER}/${NAME}.db", create: true}}\n',
    )
    folder = str(git_project.root.parent)
    command = ("deploy", "--all", "--env", "local")
    done = git_project.here(*command, FOLDER="", NAME="")
    assert done.err.startswith("error: the store of local needs FOLDER and NAME, which are not set")
    assert "export FOLDER=… NAME=…, or" in done.err
    assert git_project.here(*command, FOLDER=folder, NAME="here").code == 0
    assert opened(f"sqlite:///{folder}/here.db", "local").read().head == Head(1, 1)


def test_a_variable_is_expanded_nowhere_else(git_project: Project) -> None:
    git_project.write(
        "promptops.yaml", PROJECT.replace("environments:", 'manifests: "${WHERE}"\nenvironments:')
    )
    done = git_project.here("validate", WHERE="manifests")
    assert (done.code, done.err) == (
        2,
        (
            "error: promptops.yaml names the folder ${WHERE}, which is not there\n"
            " help: make it, with a folder for each unit, or change `manifests:`\n"
        ),
    )


def test_an_unknown_environment_is_answered_with_the_names(deployed: Project) -> None:
    done = deployed.here("status", "--env", "prodction", "--json")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: promptops.yaml has no environment 'prodction'\n"
        " help: did you mean 'production'? it has: local, production; another one is reached with "
        "--store URL --env prodction\n"
    )
    done = deployed.at("manifests").here("rollback", "greeter", "--env", "qa")
    assert (done.code, done.err) == (
        2,
        (
            "error: ../promptops.yaml has no environment 'qa'\n"
            " help: it has: local, production; another one is reached with --store URL --env qa\n"
        ),
    )
    done = deployed.here("acl", "--role", "client", "--env", "Pr od")
    assert (done.code, done.err.endswith("--store URL --env 'Pr od'\n")) == (2, True)


@pytest.mark.parametrize("command", ["status", "history", "rollback", "show greeter"])
def test_no_environment_named(deployed: Project, command: str) -> None:
    done = deployed.here(*command.split())
    assert (done.code, done.err) == (
        2,
        (
            "error: say which environment\n"
            " help: add --env NAME; promptops.yaml has: local, production\n"
        ),
    )


def test_no_project_file(empty_folder: Project) -> None:
    done = empty_folder.here("status", "--env", "production")
    assert (done.code, done.err) == (
        2,
        (
            "error: there is no promptops.yaml here or in a folder above\n"
            " help: run this in your project, or say --store URL --env NAME\n"
        ),
    )


def test_a_store_without_an_environment(empty_folder: Project, store_url: str) -> None:
    done = empty_folder.here("rollback", "greeter", "--store", store_url)
    assert (done.code, done.err) == (
        2,
        "error: --store needs an environment\n help: add --env NAME\n",
    )


@everywhere
def test_store_and_environment_need_neither_project_nor_git(
    deployed_twice: Project, empty_folder: Project, store: Store, store_url: str
) -> None:
    place = ("--store", store_url, "--env", "production")
    status = empty_folder.run("status", *place, "--json")
    assert (status.code, status.err) == (0, "")
    assert {unit["state"] for unit in status.json["units"]} == {"live"}
    assert empty_folder.here("rollback", "greeter", *place).code == 0
    assert store.read().head == Head(1, 3)
    assert len(empty_folder.here("history", *place, "--json").json["entries"]) == 3
    shown = empty_folder.here("show", "greeter", *place, "--json")
    assert shown.json["digest"] == deployed_twice.digest("greeter", commit="HEAD~1")


def test_store_and_environment_can_stand_in_variables(
    deployed_twice: Project, empty_folder: Project, store: Store, store_url: str
) -> None:
    place = {"PROMPTOPS_STORE": store_url, "PROMPTOPS_ENV": "production"}
    assert empty_folder.run("rollback", "greeter", **place).code == 0
    assert store.read().head == Head(1, 3)
    status = empty_folder.run("status", "--json", **place)
    assert (status.json["environment"], status.json["revision"]) == ("production", 3)
    # What is typed comes first.
    other = empty_folder.run("status", "--env", "staging", "--json", **place)
    assert (other.json["environment"], other.json["revision"]) == ("staging", None)


def test_a_relative_path_that_is_typed_starts_at_the_current_folder(
    git_project: Project, opened: Opener
) -> None:
    below = git_project.at("manifests")
    url = ("--store", "sqlite:///here.db", "--env", "qa", "--create")
    assert below.here("deploy", "--all", *url).code == 0
    assert opened(f"sqlite:///{below.root}/here.db", "qa").read().head == Head(1, 1)


def test_a_store_that_is_named_asks_the_project_file_nothing(
    git_project: Project, store_url: str, contents: Contents
) -> None:
    """create and allow_dirty are for the store that stands beside them."""
    place = ("--store", store_url, "--env", "local")
    done = git_project.here("deploy", "--all", *place, "--json")
    assert (done.code, done.json["refused"]["code"]) == (3, "no-environment")
    done = git_project.here("deploy", "--all", *place, "--create", "--dirty", "--json")
    assert (done.code, done.json["refused"]["code"]) == (3, "dirty")
    assert contents() in (None, {})


def test_an_invalid_project_file_gives_findings_with_places(git_project: Project) -> None:
    git_project.write(
        "promptops.yaml",
        "apiVersion: promptops/v1\n"
        "environments:\n"
        '  local: {stroe: "sqlite:///x.db"}\n'
        "  Production: {store: redis://localhost}\n",
    )
    done = git_project.here("status", "--env", "local", "--json")
    assert (done.code, done.out) == (2, "")
    places = [line.partition(": ")[0] for line in done.err.splitlines() if "error[E" in line]
    assert places == ["promptops.yaml:4:3", "promptops.yaml:3:11", "promptops.yaml:3:10"]
    assert done.err.endswith("error: promptops.yaml has errors\n help: mend what is listed above\n")


def test_a_project_file_that_is_no_yaml(git_project: Project) -> None:
    git_project.write("promptops.yaml", "apiVersion: [\n")
    done = git_project.here("validate")
    assert done.code == 2
    assert "promptops.yaml:" in done.err
    assert "error[E110]" in done.err


def test_a_folder_that_is_gone(deployed_twice: Project, store: Store, store_url: str) -> None:
    """Somebody cleaned up while a terminal stood there; the store is still to be reached."""
    gone = deployed_twice.root.parent / "gone"
    gone.mkdir()
    shell = ("sh", "-c", f'cd "{gone}" && rmdir "{gone}" && exec "$@"', "sh")
    done = deployed_twice.shell(
        *shell, PROMPTOPS, "rollback", "greeter", "--store", store_url, "--env", "production"
    )
    assert (done.code, done.err) == (0, "")
    assert store.read().head == Head(1, 3)
