"""From facts to lines: what is well with a store, what is not, and what to type then."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

from promptops.live.address import Address
from promptops.live.facts import Durability, FileFacts, RedisFacts

Verdict = Literal["ok", "warning", "problem", "unknown"]
_WORST: tuple[Verdict, ...] = ("problem", "warning", "unknown", "ok")

# A client waits so long for an answer, and then serves on without one.
SLOW, TOO_SLOW = 0.1, 0.5
CLOCKS_APART = 5.0
NEARLY_FULL, FULL = 0.8, 0.95
LITTLE_DISK, NO_DISK = 500 << 20, 20 << 20


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at; `remedy` is what to type."""

    about: str
    verdict: Verdict
    says: str
    remedy: str = ""


def worst(lines: Iterable[Line]) -> Verdict:
    found = {line.verdict for line in lines}
    return next((verdict for verdict in _WORST if verdict in found), "ok")


def of_redis(facts: RedisFacts, address: Address, at: str) -> list[Line]:
    """`at` are the options that name the environment in what one types."""
    return [
        _version(facts),
        _persistence(facts.durability),
        _replicas(facts),
        _eviction(facts.policy),
        _memory(facts),
        _permissions(facts, at),
        _password(facts, address, at),
        _tls(address),
        _latency(facts.latency),
        _clock(facts.clock),
    ]


def of_file(facts: FileFacts, address: Address) -> list[Line]:
    file = shlex.quote(address.path)
    lines = [Line("server", "ok", facts.version)]
    if not facts.may_write:
        says = "this user may not write the file and beside it: deploys fail"
        lines.append(Line("file", "problem", says, f"chmod u+rw {file}"))
    elif facts.for_all:
        says = "everybody on this machine may write it"
        lines.append(Line("file", "warning", says, f"chmod o-w {file}"))
    elif facts.there:
        lines.append(Line("file", "ok", "this user may read and write it"))
    if facts.journal is not None and facts.journal != "wal":
        says = f"journal mode {facts.journal}: whoever reads waits for whoever writes"
        lines.append(Line("journal", "warning", says, f"sqlite3 {file} 'PRAGMA journal_mode=WAL'"))
    elif facts.journal is not None:
        lines.append(Line("journal", "ok", "WAL: readers wait for nobody"))
    if facts.free is not None:
        verdict: Verdict = "problem" if facts.free < NO_DISK else "ok"
        if NO_DISK <= facts.free < LITTLE_DISK:
            verdict = "warning"
        remedy = "" if verdict == "ok" else f"df -h {file}"
        lines.append(Line("disk", verdict, f"{_size(facts.free)} free", remedy))
    return lines


def unreachable(message: str, hint: str) -> Line:
    return Line("store", "problem", message, hint)


def _unknown(about: str, command: str) -> Line:
    says = "this user may not ask"
    return Line(about, "unknown", says, f"as one who may: redis-cli {command}")


def _version(facts: RedisFacts) -> Line:
    if facts.version is None:
        return _unknown("server", "INFO server")
    return Line("server", "ok", facts.version)


def _persistence(facts: Durability) -> Line:
    if facts.cannot_save:
        says = f"the server cannot write to its disk ({facts.cannot_save})"
        return Line("persistence", "problem", says, "redis-cli INFO persistence; df -h there")
    if facts.forgets:
        says = "appendonly is no and there is no replica: a crash loses what was deployed last"
        remedy = "redis-cli CONFIG SET appendonly yes && redis-cli CONFIG REWRITE"
        return Line("persistence", "problem", says, remedy)
    if facts.appendonly is None:
        return _unknown("persistence", "INFO persistence")
    if facts.appendonly:
        return Line("persistence", "ok", "appendonly is yes")
    # Another server has a copy, until this one comes back empty and is copied.
    says = "appendonly is no: what was deployed last is on other servers only"
    return Line("persistence", "ok", says)


def _replicas(facts: RedisFacts) -> Line:
    if facts.durability.is_replica:
        remedy = "redis-cli INFO replication names the primary: write that into the store's URL"
        if facts.lost_primary:
            says = "this is a replica, and it has lost its primary: what it says is old"
            return Line("replicas", "problem", says, remedy)
        return Line("replicas", "warning", "this is a replica, which takes no deploy", remedy)
    number = facts.durability.replicas
    if number is None:
        return _unknown("replicas", "INFO replication")
    return Line("replicas", "ok", f"{number or 'no'} replica{'' if number == 1 else 's'}")


def _eviction(policy: str | None) -> Line:
    if policy is None:
        return _unknown("eviction", "INFO memory")
    if policy.startswith("allkeys-"):
        says = f"{policy} throws releases and pointers away when memory runs short"
        return Line(
            "eviction",
            "problem",
            says,
            "redis-cli CONFIG SET maxmemory-policy noeviction && redis-cli CONFIG REWRITE",
        )
    return Line("eviction", "ok", policy)


def _memory(facts: RedisFacts) -> Line:
    if facts.used is None:
        return _unknown("memory", "INFO memory")
    limit = facts.limit or facts.machine
    if not limit:
        return Line("memory", "ok", f"{_size(facts.used)} used, no maxmemory")
    whose = "maxmemory" if facts.limit else "the machine, no maxmemory"
    says = f"{_size(facts.used)} used of {_size(limit)} ({whose})"
    share = facts.used / limit
    if share < NEARLY_FULL:
        return Line("memory", "ok", says)
    says += ": a deploy fails when it is full, a rollback does not"
    remedy = "redis-cli CONFIG SET maxmemory BYTES" if facts.limit else "redis-cli INFO memory"
    return Line("memory", "problem" if share >= FULL else "warning", says, remedy)


def _permissions(facts: RedisFacts, at: str) -> Line:
    who = facts.user or "this user"
    if not facts.denied:
        return Line("permissions", "ok", f"{who} may do what the role {facts.role} needs")
    says = f"{who} may not {', '.join(facts.denied)}, which the role {facts.role} needs"
    remedy = f"promptops acl --role {facts.role} {at}"
    return Line("permissions", "problem", says, remedy)


def _password(facts: RedisFacts, address: Address, at: str) -> Line:
    if facts.open is None:
        return _unknown("password", "ACL GETUSER default")
    if not facts.open:
        return Line("password", "ok", "nobody reads without one")
    says = "whoever reaches the server reads and writes without a password"
    remedy = f"promptops acl --role {facts.role} {at}, and then redis-cli ACL SETUSER default off"
    return Line("password", "warning" if is_local(address) else "problem", says, remedy)


def is_local(address: Address) -> bool:
    """Whether nothing leaves this machine on the way to the store."""
    hosts = [host for host, _ in address.seeds] or [address.host]
    return address.scheme in {"unix", "sqlite", "memory"} or all(map(_is_here, hosts))


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _tls(address: Address) -> Line:
    if address.tls:
        return Line("tls", "ok", "encrypted")
    if is_local(address):
        return Line("tls", "ok", "not needed: the server is on this machine")
    says = "passwords and prompts go over the network as they are"
    return Line("tls", "warning", says, "write rediss for redis in the store's URL")


def _latency(seconds: float) -> Line:
    says = f"{seconds * 1000:.1f} ms, the median of 20"
    if seconds < SLOW:
        return Line("latency", "ok", says)
    remedy = "redis-cli --latency; redis-cli SLOWLOG GET"
    if seconds < TOO_SLOW:
        return Line("latency", "warning", says, remedy)
    says += f": clients wait {TOO_SLOW} s and no longer"
    return Line("latency", "problem", says, remedy)


def _clock(ahead: float | None) -> Line:
    if ahead is None:
        return _unknown("clock", "TIME")
    says = f"the server's is {abs(ahead):.1f} s {'ahead' if ahead > 0 else 'behind'}"
    if abs(ahead) <= CLOCKS_APART:
        return Line("clock", "ok", says if abs(ahead) >= 0.1 else "the same as here")
    return Line("clock", "warning", says + ": times in the history mislead", "timedatectl status")


def _size(number: int) -> str:
    if number >= 1 << 30:
        return f"{number / (1 << 30):.1f} GB"
    return f"{number / (1 << 20):.1f} MB"
