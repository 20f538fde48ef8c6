"""A store that cannot be reached, and one that must not be named in full."""

from pathlib import Path

import pytest

from promptops.cli.main import run
from tests.cli.projects import Project
from tests.servers import Server, free_port

COMMANDS = {
    "show": ("show", "greeter"),
    "render": ("render", "greeter", "--input", "guest=Bo"),
    "deploy": ("deploy", "--all", "--create"),
    "rollback": ("rollback", "greeter"),
    "hold": ("hold", "greeter", "0" * 12, "--reason", "r"),
    "status": ("status",),
    "history": ("history",),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_store_that_is_down_exits_4(git_project: Project, command: tuple[str, ...]) -> None:
    url = f"redis://127.0.0.1:{free_port()}/0"
    done = git_project.run(*command, "--env", "production", "--json", PRODUCTION_STORE=url)
    assert (done.code, done.out) == (4, "")
    first, second = done.err.splitlines()[-2:]
    assert first.startswith(f"error: {url} does not answer: Error 111 connecting to 127.0.0.1:")
    assert second == " help: check the store's URL and that Redis runs there"


def test_a_file_that_cannot_be_made_exits_4(git_project: Project, tmp_path: Path) -> None:
    (tmp_path / "occupied").write_text("a file, not a folder")
    url = f"sqlite:///{tmp_path}/occupied/store.db"
    done = git_project.run(
        "deploy", "--all", "--env", "production", "--create", PRODUCTION_STORE=url
    )
    assert (done.code, done.out) == (4, "")
    assert done.err.startswith(f"error: {url} cannot be used: ")


def test_a_database_of_another_program_is_left_alone(git_project: Project, tmp_path: Path) -> None:
    file = tmp_path / "photos.db"
    file.write_bytes(b"not a database at all, but twenty bytes and more of it" * 20)
    before = file.read_bytes()
    for command in (("deploy", "--all", "--create"), ("status",), ("rollback", "greeter")):
        url = f"sqlite:///{file}"
        done = git_project.run(*command, "--env", "production", PRODUCTION_STORE=url)
        assert done.code == 4
        assert "holds data that promptops did not write" in done.err
    assert file.read_bytes() == before


SECRET = "s3cr3t-w0rd"
FORMS = {
    "password": f"redis://:{SECRET}@127.0.0.1:PORT/0",
    "user": f"redis://ada:{SECRET}@127.0.0.1:PORT",
    "token": f"redis://{SECRET}@127.0.0.1:PORT/1",
    "tls": f"rediss://ada:{SECRET}@127.0.0.1:PORT/0",
    "socket": f"unix://ada:{SECRET}@/nowhere/redis.sock?db=0",
    "percent": "redis://ada:s3cr3t%2Dw0rd@127.0.0.1:PORT/0",
    "namespace": f"redis://ada:{SECRET}@127.0.0.1:PORT/0?ns=desk",
    "name that is none": f"redis://ada:{SECRET}@no.such.host.invalid:PORT/0",
    "port that is none": f"redis://ada:{SECRET}@127.0.0.1:http/0",
    "slash": f"redis://ada:{SECRET}/x@127.0.0.1:PORT/0",
    "hash": f"redis://ada:{SECRET}#x@127.0.0.1:PORT/0",
    "question mark": f"redis://ada:{SECRET}?x@127.0.0.1:PORT/0",
    "bracket": f"redis://ada:{SECRET}@[::1:PORT/0",
    "unknown option": f"redis://127.0.0.1:PORT/0?password={SECRET}",
    "unknown kind": f"postgres://ada:{SECRET}@127.0.0.1:PORT/0",
    "sqlite": f"sqlite://ada:{SECRET}@127.0.0.1/store.db",
    "no database": f"redis://ada:{SECRET}@127.0.0.1:PORT/zero",
    "bad namespace": f"redis://ada:{SECRET}@127.0.0.1:PORT/0?ns=a%20b",
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_password_is_never_shown(git_project: Project, form: str) -> None:
    url = form.replace("PORT", str(free_port()))
    done = git_project.run(
        "rollback",
        "greeter",
        "--store",
        url,
        "--env",
        "production",
        "-o",
        "json",
        PROMPTOPS_DEBUG="1",
    )
    assert done.code in {2, 4}
    assert done.err.startswith("error: ")
    for part in (SECRET, "s3cr3t", "w0rd"):
        assert part not in done.out + done.err


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_password_is_never_shown_in_text(
    git_project: Project,
    form: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(git_project.root)
    monkeypatch.setenv("PRODUCTION_STORE", form.replace("PORT", str(free_port())))
    for command in (("status",), ("history",), ("show", "greeter")):
        assert run([*command, "--env", "production"]) in {2, 4}
        said = capsys.readouterr()
        for part in (SECRET, "s3cr3t", "w0rd"):
            assert part not in said.out + said.err


@pytest.fixture
def guarded(redis_server: Server) -> str:
    """The URL of a server that wants a password."""
    redis_server.ask("ACL", "SETUSER", "ada", "on", f">{SECRET}", "~*", "&*", "+@all")
    redis_server.ask("ACL", "SETUSER", "default", "off")
    return redis_server.url.replace("redis://", f"redis://ada:{SECRET}@")


def test_a_password_is_not_shown_by_what_goes_well_either(
    git_project: Project, guarded: str
) -> None:
    place = {"PRODUCTION_STORE": guarded, "PROMPTOPS_DEBUG": "1"}
    shown = guarded.replace(f"ada:{SECRET}", "***")
    said = [git_project.run("status", "--env", "production", **place)]
    assert said[0].out.startswith(f"{shown} does not hold an environment 'production'\n")
    said.append(git_project.run("deploy", "--all", "--env", "production", "--create", **place))
    said.append(git_project.run("status", "--env", "production", **place))
    assert said[2].out.startswith(f"production is at revision 1 in {shown}\n")
    said.append(git_project.run("history", "--env", "production", "--json", **place))
    assert [done.code for done in said] == [0, 0, 0, 0]
    assert not any(SECRET in done.out + done.err for done in said)


def test_a_wrong_password_is_not_shown(git_project: Project, guarded: str) -> None:
    wrong = guarded.replace(SECRET, "wr0ng-" + SECRET)
    done = git_project.run(
        "deploy",
        "--all",
        "--env",
        "production",
        "--json",
        PRODUCTION_STORE=wrong,
        PROMPTOPS_DEBUG="1",
    )
    assert done.code == 4
    shown = guarded.replace(f"ada:{SECRET}", "***")
    assert done.err == (
        f"error: {shown} refused the user or the password\n"
        " help: check the user and the password in the store's URL\n"
    )


def test_a_server_that_hangs_ends_in_its_time(git_project: Project, redis_server: Server) -> None:
    redis_server.stop()
    done = git_project.run("status", "--env", "production", PRODUCTION_STORE=redis_server.url)
    redis_server.cont()
    assert (done.code, done.out) == (4, "")
    assert done.err.startswith(f"error: {redis_server.url} does not answer: no answer in time\n")
