"""acl: users of Redis that can do what their role needs, and nothing else."""

import hashlib
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from promptops.live.address import parse_address
from promptops.live.presence import Presence
from promptops.live.records import Head
from promptops.live.store import Store
from tests.cli.apps import App
from tests.cli.projects import Project
from tests.conftest import Opener
from tests.servers import SERVERS, Server

# The users of Redis are the matter here, and memory has none.
pytestmark = pytest.mark.parametrize("backend", SERVERS, indirect=True)

SECRET = "s3cr3t-w0rd"

# %s is the hash tag of the environment.
OVER_ALL = [
    "FLUSHALL",
    "FLUSHDB",
    "KEYS *",
    "SCAN 0",
    "CONFIG GET *",
    "CONFIG SET maxmemory 1",
    "ACL SETUSER default off",
    "CLIENT KILL TYPE normal",
    "SCRIPT FLUSH",
    "FUNCTION FLUSH",
    "SHUTDOWN NOSAVE",
    "REPLICAOF 127.0.0.1 1",
    "GET {other:production}:release:x",
    "GET {promptops:production}:head",
    "SET {other:production}:release:x y",
    "SUBSCRIBE {other:production}:changes",
    "SUBSCRIBE __sentinel__:hello",
    "PUBLISH {other:production}:changes 1",
]
TO_REMOVE = [
    "DEL %s:history",
    "UNLINK %s:pointers",
    "DEL %s:release:x",
    "XTRIM %s:history MAXLEN 0",
]
TO_REMOVE += ["RENAME %s:head %s:gone", "EXPIRE %s:head 1", "HDEL %s:pointers greeter"]
TO_WRITE = [
    "SET %s:release:x y",
    "SET %s:head y",
    "HSET %s:head revision 9",
    "HSET %s:pointers greeter {}",
    "XADD %s:history 9-0 entry x units y",
    "PUBLISH %s:changes 9",
    "EVAL return 0",
    "SADD %s:head x",
    "COPY %s:client:a %s:head REPLACE",
]
TO_BE_PRESENT = ["SET %s:client:a x", "SADD %s:clients a", "DEL %s:client:a", "SREM %s:clients a"]


class Users:
    """Users of one server, made by what the command prints."""

    def __init__(self, project: Project, server: Server, url: str) -> None:
        self.project, self.server, self.url = project, server, url
        self.tag = f"{{{parse_address(url).namespace}:production}}"
        self.secret = project.write("secret", SECRET + "\n")
        self.made: set[str] = set()

    def url_of(self, role: str, *options: str) -> str:
        """The store's URL for a user of that role, who is made anew."""
        place = ("--env", "production", "--password-file", str(self.secret))
        done = self.project.here("acl", "--role", role, *place, *options, "--json")
        assert (done.code, done.err) == (0, "")
        self.made.add(done.json["user"])
        assert self.server.ask(*done.json["command"].split(" ")) in {"OK", b"OK", True}
        return self.url.replace("redis://", f"redis://{done.json['user']}:{SECRET}@")

    def denied(self, url: str, commands: list[str]) -> list[str]:
        """Those that the server refuses for want of a permission."""
        found = []
        with redis.Redis.from_url(url.partition("?")[0], protocol=2) as user:
            for command in commands:
                try:
                    user.execute_command(*command.replace("%s", self.tag).split())
                except redis.exceptions.NoPermissionError:
                    found.append(command)
                except redis.ResponseError:
                    pass
        return found


@pytest.fixture
def users(
    deployed: Project, backend: str, store_url: str, shared_servers: Callable[[str], Server]
) -> Iterator[Users]:
    """Of the environment in which greeter and farewell are live."""
    users = Users(deployed, shared_servers(backend), store_url)
    yield users
    for name in users.made:
        users.server.ask("ACL", "DELUSER", name)


def test_a_client_may_read_and_say_that_it_is_there(users: Users, store: Store) -> None:
    before = users.server.dump(f"{users.tag}:*")
    url = users.url_of("client")
    refused = OVER_ALL + TO_REMOVE + TO_WRITE
    assert users.denied(url, refused + TO_BE_PRESENT) == refused
    quiet = users.url_of("client", "--no-presence")
    assert users.denied(quiet, refused + TO_BE_PRESENT) == refused + TO_BE_PRESENT
    for user in (url, quiet):
        with redis.Redis.from_url(user.partition("?")[0]) as client:
            for key in ("head", "client:a"):
                with pytest.raises(redis.ResponseError):
                    client.eval_ro(
                        "return redis.call('SET', KEYS[1], 'y')", 1, f"{users.tag}:{key}"
                    )
    assert users.server.dump(f"{users.tag}:*") == before


def test_a_publisher_may_move_pointers_and_remove_nothing(users: Users) -> None:
    url = users.url_of("publisher")
    refused = [*OVER_ALL, *TO_REMOVE, "SET %s:client:a x"]
    before = users.server.dump(f"{users.tag}:*")
    assert users.denied(url, refused) == refused
    assert users.server.dump(f"{users.tag}:*") == before


def test_an_operator_may_do_all_to_the_environment_and_nothing_to_others(users: Users) -> None:
    url = users.url_of("operator")
    own = [each for each in TO_REMOVE + TO_WRITE + TO_BE_PRESENT if each != "EVAL return 0"]
    # The names of keys are told, because what is stored is found by them.
    refused = [each for each in OVER_ALL if each != "SCAN 0"]
    assert users.denied(url, [*OVER_ALL, *own]) == refused


@pytest.mark.parametrize("role", ["publisher", "operator"])
def test_the_commands_work_with_the_user_of_the_role(users: Users, store: Store, role: str) -> None:
    project = users.project
    url = users.url_of(role)
    app = App(users.url_of("client"), "helpdesk")
    users.server.ask("SCRIPT", "FLUSH")

    def run(*arguments: str) -> Any:
        done = project.run(*arguments, "--env", "production", "--json", PRODUCTION_STORE=url)
        assert (done.code, done.err) == (0, ""), done.err
        return done.json

    try:
        app.wait_until_present(store)
        store.announce(Presence("gone", "shop", "host", 1, "0.1.0", 1, 1), 1)
        project.says("greeter", "Good evening.")
        run("deploy", "greeter")
        run("rollback", "greeter", "--reason", "too late")
        run("hold", "greeter", project.digest("greeter"), "--lift", "--reason", "fine again")
        assert run("status")["clients"]["present"] >= 1
        assert len(run("history")["entries"]) == 4
        project.says("greeter", "Good day.")
        assert run("deploy", "greeter", "--wait=10")["clients"]["confirmed"] >= 1
    finally:
        app.end()
    assert store.read().head == Head(1, 5)


@pytest.mark.parametrize("role", ["publisher", "operator"])
def test_the_user_of_a_role_may_wait_for_replicas(users: Users, store: Store, role: str) -> None:
    url = users.url_of(role)
    wait = ("--env", "production", "--wait-replicas", "1", "--json")
    users.project.says("greeter", "Good evening.")
    done = users.project.run("deploy", "greeter", *wait, PRODUCTION_STORE=url)
    assert (done.code, done.json["replicas"]["confirmed"]) == (5, 0)
    # A user of before, who may not: the deployment stands, and who could have known is not asked.
    users.server.ask("ACL", "SETUSER", f"promptops-{role}-production", "-wait")
    done = users.project.run("rollback", "greeter", *wait, PRODUCTION_STORE=url)
    assert (done.code, done.json["replicas"]["confirmed"]) == (5, None)
    assert re.fullmatch(
        r"the replicas could not be asked: redis://.* refused: .*permission.*: unknown whether a "
        r"failover would keep it",
        done.json["refused"]["message"],
    )
    assert store.read().head == Head(1, 3)


def test_a_client_without_presence_serves_and_follows(users: Users, opened: Opener) -> None:
    reader = opened(users.url_of("client", "--no-presence"))
    head = reader.read().head
    assert head == Head(1, 1)
    assert len(reader.history()) == 1
    pointer = reader.read().pointers["greeter"]
    assert reader.release(pointer.digest) is not None
    assert reader.clients() == []
    listener = reader.listen()
    users.project.says("greeter", "Good evening.")
    users.project.deploy(opened(users.url), "greeter")
    assert listener.wait(5)
    listener.close()


def test_redis_cli_takes_the_line_and_refuses_the_placeholder(users: Users) -> None:
    cli = shutil.which("redis-cli")
    if cli is None:
        pytest.skip("NOT RUN: there is no redis-cli")
    place = ("acl", "--role", "client", "--env", "production")

    def feed(line: str) -> str:
        command = [cli, "-s", str(users.server.socket)]
        return subprocess.run(command, input=line, capture_output=True, text=True).stdout  # noqa: PLW1510

    without = users.project.here(*place)
    assert without.code == 0
    assert without.err.startswith("Redis refuses #SHA256-OF-THE-PASSWORD: put a # and the SHA-256")
    assert feed(without.out).startswith("ERR Error in ACL SETUSER modifier '#SHA256-OF-THE-PASSWOR")
    made = users.project.here(*place, "--password-file", str(users.secret))
    users.made.add("promptops-client-production")
    assert (made.code, made.err) == (0, "")
    assert SECRET not in made.out
    assert hashlib.sha256(SECRET.encode()).hexdigest() in made.out
    assert feed(made.out) == "OK\n"


def test_the_line_needs_neither_project_nor_store(empty_folder: Project) -> None:
    place = ("acl", "--role", "publisher", "--env", "production")
    done = empty_folder.here(*place, "--json")
    assert done.code == 0
    assert done.json == empty_folder.here(*place, "--store", "redis://h", "--json").json
    assert "~{promptops:production}:head" in done.json["rules"]
    done = empty_folder.here("acl", "--role", "client")
    assert (done.code, done.err) == (
        2,
        "error: say which environment\n help: add --env NAME\n",
    )
    done = empty_folder.here("acl", "--role", "client", "--env", "Pr od")
    assert done.err.startswith("error: 'Pr od' cannot be the name of an environment\n")


def test_what_cannot_be_meant_is_said(users: Users) -> None:
    users.project.write("empty", "\n")
    for arguments, said in (
        (("--role", "publisher", "--no-presence"), "--no-presence is for --role client"),
        (("--role", "client", "--password-file", "empty"), "the password file is empty"),
        (("--role", "client", "--store", "sqlite:///a.db"), "sqlite:///a.db has no users"),
    ):
        done = users.project.here("acl", "--env", "production", *arguments)
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith(f"error: {said}")


def hint(role: str) -> str:
    made = f"promptops acl --role {role} --env production"
    return f" help: the user of the store's URL lacks this permission; one who has it: {made}\n"


def test_who_lacks_a_permission_is_told_the_role_that_has_it(users: Users, store: Store) -> None:
    project, place = users.project, ("--env", "production")
    publisher, client = users.url_of("publisher"), users.url_of("client")
    assert project.here("export", *place, "--out", "a.export").code == 0
    for url, role, command in (
        (publisher, "operator", ("collect", "--dry-run")),
        (publisher, "operator", ("collect", "--yes")),
        (publisher, "operator", ("restore", "--from", "a.export", "--yes")),
        (client, "publisher", ("hold", "greeter", "0" * 64, "--reason", "rude")),
        (client, "publisher", ("freeze", "--reason", "night")),
    ):
        done = project.here(*command, *place, PRODUCTION_STORE=url)
        assert (done.code, done.err.endswith(hint(role))) == (4, True), (command, done.err)
    wrong = project.here("collect", *place, PRODUCTION_STORE=publisher.replace(SECRET, "wrong"))
    assert wrong.err.endswith(" help: check the user and the password in the store's URL\n")
    assert store.read().head == Head(1, 1)


def test_an_operator_may_drill_beside_the_environment(users: Users, store: Store) -> None:
    users.project.says("greeter", "Good evening.")
    users.project.deploy(store, "greeter")
    drill = ("rehearse", "--drill", "--clients", "2", "--env", "production", "--json")
    url = users.url_of("operator")
    done = users.project.run(*drill, PRODUCTION_STORE=url)
    assert (done.code, done.err) == (0, "")
    assert done.json["confirmed"] == 2
    assert not users.server.ask("KEYS", users.tag.replace("}", "~drill}*"))
    refused = users.project.run(*drill, PRODUCTION_STORE=users.url_of("publisher"))
    assert (refused.code, refused.out) == (4, "")
    assert refused.err.endswith(hint("operator"))
    beside = users.denied(url, ["GET {other:production~drill}:head"])
    assert beside == ["GET {other:production~drill}:head"]
