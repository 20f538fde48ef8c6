"""doctor: each way in which a store is not well is a line with what to type."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from promptops.live.store import Store
from tests.cli.projects import Ended, Project, clean_variables, everywhere, on_redis
from tests.conftest import Opener
from tests.servers import LASTING, SERVERS, Server
from tests.waiting import eventually

SAFE = (*LASTING, "--maxmemory", "200mb", "--repl-diskless-sync-delay", "0")


def lines_of(done: Ended) -> dict[str, Any]:
    """Of the one environment that was looked at, by what they are about."""
    (environment,) = done.json["environments"]
    return {line["about"]: line for line in environment["lines"]}


def verdicts(done: Ended) -> dict[str, str]:
    return {about: line["verdict"] for about, line in lines_of(done).items()}


@pytest.fixture(params=list(SERVERS))
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """One that forgets nothing and evicts nothing."""
    server = Server(SERVERS[request.param], SAFE)
    try:
        yield server.start()
    finally:
        server.close()


@pytest.fixture
def project(git_project: Project, server: Server, opened: Opener) -> Project:
    """Revision 1 of production is on that server."""
    git_project.variables["PRODUCTION_STORE"] = server.url
    git_project.deploy(opened(server.url))
    return git_project


def doctor(project: Project, *options: str) -> Ended:
    return project.here("doctor", "--env", "production", "--json", *options)


def test_a_store_that_is_well_has_no_problem(project: Project) -> None:
    done = doctor(project)
    assert done.code == 0, done.out
    assert verdicts(done) == {
        "server": "ok",
        "persistence": "ok",
        "replicas": "ok",
        "eviction": "ok",
        "memory": "ok",
        "permissions": "ok",
        "password": "warning",
        "tls": "ok",
        "latency": "ok",
        "clock": "ok",
        "environment": "ok",
        "clients": "warning",
        "rehearsal": "warning",
        "drill": "warning",
    }
    assert lines_of(done)["environment"]["says"] == "revision 1, epoch 1"
    assert done.json["verdict"] == "warning"


@pytest.mark.parametrize("kind", SERVERS)
def test_a_stock_server_is_a_problem_because_it_forgets(git_project: Project, kind: str) -> None:
    server = Server(SERVERS[kind])
    try:
        git_project.variables["PRODUCTION_STORE"] = server.start().url
        done = git_project.run("doctor", "--env", "production")
    finally:
        server.close()
    assert done.code == 1
    assert (
        "  problem  persistence  appendonly is no and there is no replica: a crash loses what was "
        "deployed last\n"
        "           → redis-cli CONFIG SET appendonly yes && redis-cli CONFIG REWRITE\n"
    ) in done.out
    assert done.err == "error: 1 problem\n help: see what is listed above\n"


def evicts(server: Server) -> None:
    server.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")


def is_full(server: Server) -> None:
    server.ask("CONFIG", "SET", "maxmemory", str(server.ask("INFO", "memory")["used_memory"]))


def forgets(server: Server) -> None:
    server.ask("CONFIG", "SET", "appendonly", "no")


def fails_on_disk(server: Server) -> None:
    """The folder of its snapshots is gone."""
    (server.folder / "dump.rdb").mkdir()
    server.ask("BGSAVE")
    status = "rdb_last_bgsave_status"
    assert eventually(lambda: server.ask("INFO", "persistence")[status] == "err", 10)


def is_a_replica_alone(server: Server) -> None:
    server.ask("REPLICAOF", "127.0.0.1", "1")


def holds_another_environment(server: Server) -> None:
    for name in ("head", "pointers", "history"):
        server.ask("RENAME", f"{{promptops:production}}:{name}", f"{{promptops:staging}}:{name}")


BAD: dict[Callable[[Server], None], tuple[str, str, str]] = {
    evicts: ("eviction", "allkeys-lru throws", "maxmemory-policy noeviction"),
    is_full: ("memory", "(maxmemory): a deploy fails", "CONFIG SET maxmemory"),
    forgets: ("persistence", "appendonly is no", "CONFIG SET appendonly yes"),
    fails_on_disk: ("persistence", "rdb_last_bgsave_status", "df -h"),
    is_a_replica_alone: ("replicas", "it has lost its primary", "names the primary"),
    holds_another_environment: ("environment", "but staging", "check the store's URL"),
}


@pytest.mark.parametrize("harm", BAD, ids=lambda harm: harm.__name__)
def test_a_bad_configuration_is_a_problem_with_its_remedy(
    project: Project, server: Server, harm: Callable[[Server], None]
) -> None:
    about, says, remedy = BAD[harm]
    harm(server)
    done = doctor(project)
    assert done.code == 1
    line = lines_of(done)[about]
    assert line["verdict"] == "problem"
    assert says in line["says"]
    assert remedy in line["remedy"]
    assert [each for each, verdict in verdicts(done).items() if verdict == "problem"] == [about]


def test_a_replica_makes_up_for_a_file(project: Project, server: Server) -> None:
    replica = Server(options=("--replicaof", f"127.0.0.1 {server.port}"))
    server.ask("CONFIG", "SET", "appendonly", "no")
    try:
        replica.start()
        link = "master_link_status"
        assert eventually(lambda: replica.ask("INFO", "replication")[link] == "up", 10)
        done = doctor(project)
        asked_there = doctor(project, "--store", replica.url)
    finally:
        replica.close()
    assert done.code == 0
    assert lines_of(done)["replicas"]["says"] == "1 replica"
    assert lines_of(done)["persistence"]["says"] == (
        "appendonly is no: what was deployed last is on other servers only"
    )
    assert verdicts(asked_there)["replicas"] == "warning"


def user(server: Server, *rules: str) -> str:
    server.ask("ACL", "SETUSER", "ci", "reset", "on", ">pw", *rules)
    return server.url.replace("redis://", "redis://ci:pw@")


def test_what_the_user_may_not_do_is_named(project: Project, server: Server) -> None:
    url = user(server, "~*", "&*", "+@all", "-publish", "-eval")
    line = lines_of(doctor(project, "--store", url))["permissions"]
    assert line["verdict"] == "problem"
    assert line["says"] == (
        "ci may not EVAL x, PUBLISH {promptops:production}:changes, which the role publisher needs"
    )
    assert line["remedy"].startswith("promptops acl --role publisher --env production --store ")
    assert "pw" not in line["remedy"]


def test_what_the_user_may_not_ask_is_unknown(project: Project, server: Server) -> None:
    url = user(server, "~*", "&*", "+@all", "-info", "-time", "-scan", "-acl", "-hgetall")
    done = doctor(project, "--store", url)
    unknown = [about for about, verdict in verdicts(done).items() if verdict == "unknown"]
    assert unknown == [
        "server", "persistence", "replicas", "eviction", "memory", "clock", "environment"
    ]  # fmt: skip
    assert lines_of(done)["permissions"]["says"] == (
        "ci may not HGETALL {promptops:production}:pointers, which the role publisher needs"
    )


@pytest.mark.parametrize("role", ["client", "publisher", "operator"])
def test_the_users_of_acl_may_do_what_their_role_needs(
    project: Project, server: Server, role: str
) -> None:
    secret = str(project.write("secret", "pw"))
    acl = ("acl", "--role", role, "--env", "production", "--password-file", secret)
    made = project.here(*acl)
    server.ask(*made.out.split())
    url = server.url.replace("redis://", f"redis://promptops-{role}-production:pw@")
    line = lines_of(doctor(project, "--store", url))["permissions"]
    assert line["says"] == f"promptops-{role}-production may do what the role {role} needs"


def test_who_is_an_operator_is_not_told_to_become_another(project: Project, server: Server) -> None:
    server.ask("ACL", "SETUSER", "promptops-operator-ci", "on", ">pw", "~*", "&*", "+@all")
    url = server.url.replace("redis://", "redis://promptops-operator-ci:pw@")
    line = lines_of(doctor(project, "--store", url))["password"]
    assert line["verdict"] == "warning"
    assert line["remedy"].startswith("promptops acl --role operator --env production --store ")


def test_a_password_keeps_strangers_out(project: Project, server: Server) -> None:
    url = user(server, "~*", "&*", "+@all")
    server.ask("CONFIG", "SET", "requirepass", "secret")
    done = doctor(project, "--store", url)
    assert (done.code, verdicts(done)["password"]) == (0, "ok")
    without = doctor(project)
    assert without.code == 1
    assert "refused the user or the password" in lines_of(without)["store"]["says"]


def test_a_store_that_does_not_answer_is_a_problem_and_the_others_are_looked_at(
    git_project: Project,
) -> None:
    git_project.variables["PRODUCTION_STORE"] = "redis://127.0.0.1:1/0"
    done = git_project.run("doctor", "--json")
    assert done.code == 1
    local, production = done.json["environments"]
    assert "does not answer" in production["lines"][0]["says"]
    assert {line["verdict"] for line in local["lines"]} == {"ok"}


def test_without_its_variable_an_environment_is_unknown(git_project: Project) -> None:
    del git_project.variables["PRODUCTION_STORE"]
    done = git_project.run("doctor")
    assert done.code == 0
    assert (
        "production\n  unknown  store  the store of production needs PRODUCTION_STORE" in done.out
    )
    named = git_project.run("doctor", "--env", "production")
    assert (named.code, named.out) == (2, done.out.partition("\n\n")[0] + "\n")
    assert named.err.startswith("error: the store of production needs PRODUCTION_STORE")
    in_json = git_project.run("doctor", "--env", "production", "--json").json
    assert (len(in_json["here"]) > 3, in_json["environments"]) == (True, [])


@on_redis
def test_records_of_rehearsals_have_an_age(deployed: Project, store: Store) -> None:
    store.keep_report("greeter", '{"checked_at": "2020-01-01T00:00:00Z"}')
    store.keep_report("~drill", '{"at": "9999-01-01T00:00:00Z"}')
    lines = lines_of(doctor(deployed))
    assert lines["rehearsal"]["verdict"] == "warning"
    assert lines["rehearsal"]["says"].endswith(" days ago, more than 8 days")
    assert lines["rehearsal"]["remedy"] == "promptops rehearse --env production"
    assert (lines["drill"]["verdict"], lines["drill"]["says"]) == ("ok", "0 min ago")


@everywhere
def test_nothing_is_changed(deployed: Project, contents: Callable[[], object]) -> None:
    before = contents()
    doctor(deployed)
    assert contents() == before


def test_a_file_is_looked_at(deployed: Project, store: Store, store_url: str) -> None:
    file = Path(store_url.removeprefix("sqlite:///"))
    assert verdicts(doctor(deployed)) == {
        "server": "ok",
        "file": "ok",
        "journal": "ok",
        "disk": "ok",
        "environment": "ok",
        "clients": "warning",
        "rehearsal": "warning",
        "drill": "warning",
    }
    store.close()
    with contextlib.closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
    file.chmod(0o666)
    lines = lines_of(doctor(deployed))
    assert lines["journal"]["remedy"] == f"sqlite3 {file} 'PRAGMA journal_mode=WAL'"
    assert lines["file"]["remedy"] == f"chmod o-w {file}"


def test_another_promptops_on_the_path_is_named(deployed: Project) -> None:
    foreign = deployed.write("bin/promptops", "#!/bin/sh\n")
    foreign.chmod(0o755)
    path = f"{foreign.parent}:{deployed.variables['PATH']}"
    done = deployed.run("doctor", "--json", PATH=path)
    line = next(line for line in done.json["here"] if line["about"] == "command")
    assert line["verdict"] == "warning"
    assert line["says"].startswith(f"a shell starts {foreign}, which is not this one")


def here(project: Project) -> dict[str, Any]:
    return {line["about"]: line for line in project.here("doctor", "--json").json["here"]}


def test_the_state_of_the_clone_is_told(deployed: Project, tmp_path: Path) -> None:
    assert here(deployed)["head"]["says"] == f"{deployed.head[:12]} on main"
    deployed.write("manifests/greeter/system.md", "Not committed.\n")
    assert here(deployed)["files"]["says"].startswith("manifests/greeter/system.md not as")
    deployed.git("stash")
    deployed.git("checkout", "--quiet", "--detach")
    assert here(deployed)["head"]["says"].startswith(f"{deployed.head[:12]}, detached")
    deployed.says("greeter", "Good evening.")
    deployed.git("clone", "--quiet", "--depth", "1", f"file://{deployed.root}", str(tmp_path / "c"))
    shallow = Project(tmp_path / "c", deployed.variables)
    assert here(shallow)["clone"]["remedy"] == "git fetch --unshallow"


def test_outside_of_a_project_only_the_machine_is_looked_at(tmp_path: Path) -> None:
    nobody = Project(tmp_path / "empty", clean_variables(tmp_path / "home"))
    done = nobody.run("doctor", "--json")
    assert (done.code, done.json["environments"]) == (0, [])


@pytest.fixture
def stock_server(git_project: Project, redis_server: Server) -> Server:
    git_project.variables["PRODUCTION_STORE"] = redis_server.url
    return redis_server


CREATE = ("deploy", "--all", "--env", "production", "--create")


def test_a_deploy_says_in_one_line_that_redis_would_forget_it(
    git_project: Project, stock_server: Server
) -> None:
    line = (
        f"warning: {stock_server.url} forgets in a crash: appendonly is no and there is no "
        "replica; see promptops doctor --env production\n"
    )
    done = git_project.run(*CREATE)
    assert (done.code, done.err) == (0, line)
    again = git_project.run(*CREATE)
    assert (again.code, again.err) == (0, "")  # nothing moved
    stock_server.ask("CONFIG", "SET", "appendonly", "yes")
    git_project.says("greeter", "Good evening.")
    assert git_project.run(*CREATE).err == ""


def test_a_publisher_of_acl_is_told_and_who_may_not_ask_is_not(
    git_project: Project, stock_server: Server
) -> None:
    secret = str(git_project.write("secret", "pw"))
    made = git_project.here(
        "acl", "--role", "publisher", "--env", "production", "--password-file", secret
    )
    stock_server.ask(*made.out.split())
    name = "promptops-publisher-production"
    git_project.variables["PRODUCTION_STORE"] = stock_server.url.replace("//", f"//{name}:pw@")
    assert git_project.here(*CREATE).err.count("forgets in a crash") == 1
    stock_server.ask("ACL", "SETUSER", name, "-info")
    git_project.says("greeter", "Good evening.")
    done = git_project.here(*CREATE)
    assert (done.code, done.err) == (0, "")
