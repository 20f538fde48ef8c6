"""From facts to lines: where each verdict begins, as tables."""

from datetime import UTC, datetime

import pytest

from promptops.delivery.diagnosis import Line, is_local, of_file, of_redis, worst
from promptops.delivery.diagnosis_of_machine import Machine, of_git, of_machine
from promptops.delivery.diagnosis_of_use import marker, presence, rehearsals
from promptops.live.address import parse_address
from promptops.live.facts import Durability, FileFacts, RedisFacts
from promptops.live.presence import Presence, RefusedRelease
from promptops.live.records import Head
from promptops.source.git_state import GitState

LOCAL = parse_address("redis://127.0.0.1:6379/0")
REMOTE = parse_address("redis://redis.example.com:6379/0")
NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
AT = "--env production"


def well(**facts: object) -> RedisFacts:
    """A Redis about which there is nothing to say, but for these facts."""
    known: dict[str, object] = {
        "latency": 0.001,
        "role": "publisher",
        "denied": (),
        "version": "Redis 7.4.0",
        "durability": Durability(appendonly=True, replicas=1),
        "policy": "noeviction",
        "used": 10 << 20,
        "limit": 100 << 20,
        "user": "ci",
        "open": False,
        "clock": 0.0,
        "others": (),
    }
    return RedisFacts(**{**known, **facts})  # type: ignore[arg-type]


def test_a_server_that_is_well_has_ok_in_every_line() -> None:
    address = parse_address("rediss://redis.example.com:6379/0")
    assert {line.verdict for line in of_redis(well(), address, AT)} == {"ok"}


@pytest.mark.parametrize(
    ("facts", "about", "verdict"),
    [
        ({"durability": Durability(False, 0)}, "persistence", "problem"),
        ({"durability": Durability(False, 1)}, "persistence", "ok"),
        ({"durability": Durability(True, 0)}, "persistence", "ok"),
        ({"durability": Durability(False, 0, is_replica=True)}, "persistence", "ok"),
        ({"durability": Durability()}, "persistence", "unknown"),
        ({"durability": Durability(True, 1, cannot_save="aof")}, "persistence", "problem"),
        ({"durability": Durability(True, 0, is_replica=True)}, "replicas", "warning"),
        *[
            ({"policy": policy}, "eviction", verdict)
            for policy, verdict in (
                ("allkeys-lru", "problem"),
                ("allkeys-lfu", "problem"),
                ("allkeys-random", "problem"),
                ("volatile-lru", "ok"),
                ("volatile-ttl", "ok"),
                ("noeviction", "ok"),
                (None, "unknown"),
            )
        ],
        ({"used": 79 << 20}, "memory", "ok"),
        ({"used": 80 << 20}, "memory", "warning"),
        ({"used": 95 << 20}, "memory", "problem"),
        ({"limit": 0, "machine": 1 << 30}, "memory", "ok"),
        ({"limit": 0, "machine": 12 << 20}, "memory", "warning"),
        ({"used": None}, "memory", "unknown"),
        ({"denied": ("SET x",)}, "permissions", "problem"),
        ({"latency": 0.09}, "latency", "ok"),
        ({"latency": 0.1}, "latency", "warning"),
        ({"latency": 0.5}, "latency", "problem"),
        ({"clock": -4.9}, "clock", "ok"),
        ({"clock": 5.1}, "clock", "warning"),
        ({"clock": None}, "clock", "unknown"),
        ({"open": None}, "password", "unknown"),
        ({"open": True}, "password", "problem"),
        ({}, "tls", "warning"),
    ],
)
def test_where_a_verdict_about_a_server_begins(
    facts: dict[str, object], about: str, verdict: str
) -> None:
    (line,) = [each for each in of_redis(well(**facts), REMOTE, AT) if each.about == about]
    assert line.verdict == verdict
    assert bool(line.remedy) == (verdict != "ok")


def test_on_this_machine_a_password_and_tls_matter_less() -> None:
    lines = {line.about: line.verdict for line in of_redis(well(open=True), LOCAL, AT)}
    assert (lines["password"], lines["tls"]) == ("warning", "ok")


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("redis://localhost", True),
        ("redis://127.1.2.3", True),
        ("redis://[::1]:6379", True),
        ("unix:///tmp/redis.sock", True),
        ("redis://10.0.0.1", False),
        ("redis://127.0.0.1.example.com", False),
        ("redis+sentinel://127.0.0.1,10.0.0.2/main", False),
    ],
)
def test_what_leaves_this_machine(url: str, local: bool) -> None:
    assert is_local(parse_address(url)) == local


@pytest.mark.parametrize(
    ("facts", "verdicts"),
    [
        ({}, ["ok", "ok", "ok", "ok"]),
        ({"may_write": False}, ["ok", "problem", "ok", "ok"]),
        ({"for_all": True}, ["ok", "warning", "ok", "ok"]),
        ({"journal": "delete"}, ["ok", "ok", "warning", "ok"]),
        ({"free": 100 << 20}, ["ok", "ok", "ok", "warning"]),
        ({"free": 1 << 20}, ["ok", "ok", "ok", "problem"]),
        ({"there": False, "journal": None}, ["ok", "ok"]),
    ],
)
def test_what_is_said_of_a_file(facts: dict[str, object], verdicts: list[str]) -> None:
    known = {"version": "3", "there": True, "may_write": True, "journal": "wal", "free": 1 << 40}
    found = FileFacts(**{**known, **facts})  # type: ignore[arg-type]
    assert [line.verdict for line in of_file(found, parse_address("sqlite:///a.db"))] == verdicts


@pytest.mark.parametrize(
    ("head", "others", "create", "verdict"),
    [
        (Head(1, 1), (), False, "ok"),
        (Head(1, 1), ("staging",), False, "ok"),
        (None, ("staging",), False, "problem"),
        (None, ("staging",), True, "problem"),
        (None, (), True, "ok"),
        (None, None, False, "warning"),
    ],
)
def test_whether_it_is_the_right_store(
    head: Head | None, others: tuple[str, ...] | None, create: bool, verdict: str
) -> None:
    assert marker("production", AT, head, others, None, create=create).verdict == verdict


def client(**facts: object) -> Presence:
    return Presence("a", "app", "host", 1, "0.1.0", 1, 1, **facts)  # type: ignore[arg-type]


def test_what_is_said_of_clients() -> None:
    refusing = client(refused=(RefusedRelease("greeter", "sha256:0", 1, "C601", "no"),))
    assert presence(AT, [], []).verdict == "warning"
    assert presence(AT, [client()], []) == Line("clients", "ok", "1 present, promptops 0.1.0")
    assert presence(AT, [client()], [client()]).verdict == "problem"
    assert presence(AT, [refusing], []).verdict == "warning"


@pytest.mark.parametrize(
    ("name", "text", "verdicts"),
    [
        ("greeter", '{"checked_at": "2026-11-20T09:56:00Z"}', ["ok", "warning"]),
        ("greeter", '{"checked_at": "2026-11-12T09:59:00Z"}', ["warning", "warning"]),
        ("~drill", '{"at": "2026-08-22T10:00:00Z"}', ["warning", "ok"]),
        ("~drill", '{"at": "2026-08-22T09:00:00Z"}', ["warning", "warning"]),
        ("~drill", '{"at": 3}', ["warning", "warning"]),
        ("greeter", "junk", ["warning", "warning"]),
    ],
)
def test_what_was_rehearsed_long_ago(name: str, text: str, verdicts: list[str]) -> None:
    assert [line.verdict for line in rehearsals(AT, {name: text}, NOW)] == verdicts


def test_the_age_of_a_rehearsal_is_that_of_the_last_one() -> None:
    reports = {unit: f'{{"checked_at": "2026-11-{day}T10:00:00Z"}}' for unit, day in
               (("a", "01"), ("b", "19"))}  # fmt: skip
    assert rehearsals(AT, reports, NOW)[0] == Line("rehearsal", "ok", "24 hours ago")


@pytest.mark.parametrize(
    ("owners", "commands", "verdicts"),
    [
        (["promptops-deploy"], ["/ours/promptops"], ["ok", "ok", "ok"]),
        (["promptops-deploy"], [], ["ok", "ok", "ok"]),
        (["promptops-deploy"], ["/ours/promptops", "/b/promptops"], ["ok", "ok", "ok"]),
        (["promptops-deploy"], ["/b/promptops", "/ours/promptops"], ["ok", "ok", "warning"]),
        (["promptops", "promptops-deploy"], [], ["ok", "problem", "ok"]),
    ],
)
def test_who_else_is_called_promptops(
    owners: list[str], commands: list[str], verdicts: list[str]
) -> None:
    machine = Machine("0.1.0", "3.11", None, owners, commands, "/ours")
    assert [line.verdict for line in of_machine(machine)] == verdicts


@pytest.mark.parametrize(
    ("state", "verdicts"),
    [
        (GitState("c0ffee", "main", False, ()), ["ok", "ok", "ok"]),
        (GitState("c0ffee", None, False, ()), ["warning", "ok", "ok"]),
        (GitState("c0ffee", "topic", False, (), "main"), ["warning", "ok", "ok"]),
        (GitState("c0ffee", "main", True, ()), ["ok", "warning", "ok"]),
        (GitState("c0ffee", "main", False, ("a",)), ["ok", "ok", "warning"]),
    ],
)
def test_what_is_said_of_a_clone(state: GitState, verdicts: list[str]) -> None:
    assert [line.verdict for line in of_git(state)] == verdicts


def test_the_worst_line_is_the_verdict() -> None:
    lines = [Line("a", "ok", ""), Line("b", "unknown", "")]
    assert (worst([]), worst(lines), worst([*lines, Line("c", "warning", "")])) == (
        "ok",
        "unknown",
        "warning",
    )
