"""What a Redis says of itself to whoever asks; what may not be asked stays None."""

import json
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, get_args

import redis

from promptops.errors import StoreDenied, StoreError
from promptops.live.address import Address
from promptops.live.facts import Durability, RedisFacts
from promptops.live.redis.acl import Role
from promptops.live.redis.connection import Lines, Script, answer, connect
from promptops.live.redis.keys import Keys
from promptops.live.redis.needs import needs
from promptops.live.store import Timeouts

TIMES = 20
# Keys are looked through for this long; a Redis that others share may have millions.
LOOK_FOR = 1.0


def durability(address: Address, environment: str, timeouts: Timeouts) -> Durability:
    """What keeps the data, with one question; nothing known where it may not be asked.

    Raises StoreUnreachable.
    """
    client = _connect(address, environment, timeouts)
    try:
        return _durability(_info(_Asking(address), client))
    finally:
        _close(client)


def facts(address: Address, environment: str, timeouts: Timeouts) -> RedisFacts:
    """Raises StoreUnreachable where nothing can be asked at all."""
    client = _connect(address, environment, timeouts)
    ask = _Asking(address)
    try:
        latency = statistics.median(ask.times(client.ping, TIMES))
        info = _info(ask, client)
        user = ask(lambda: client.execute_command("ACL", "WHOAMI"))  # type: ignore[no-untyped-call]
        name = address.username if user is None else user.decode(errors="backslashreplace")
        role = _role(name or "")
        return RedisFacts(
            latency=latency,
            role=role,
            denied=_denied(ask, client, Keys(address.namespace, environment), role),
            version=_version(info),
            durability=_durability(info),
            lost_primary=info.get("master_link_status") == "down",
            policy=info.get("maxmemory_policy"),
            used=_number(info, "used_memory"),
            limit=_number(info, "maxmemory"),
            machine=_number(info, "total_system_memory"),
            user=name,
            open=_is_open(address, environment, timeouts),
            clock=_clock(ask, client),
            others=_others(ask, client, address.namespace, environment),
        )
    finally:
        _close(client)


class _Asking:
    """Asks what one may not be permitted to ask."""

    def __init__(self, address: Address) -> None:
        self._address = address

    def __call__(self, question: Callable[[], Any]) -> Any:
        """None where the user may not ask; raises StoreUnreachable."""
        try:
            return answer(self._address, question)
        except StoreDenied as error:
            if isinstance(error.__cause__, redis.AuthenticationError):
                raise
            return None

    def times(self, question: Callable[[], Any], times: int) -> list[float]:
        """How long each answer took; a refusal takes as long."""
        found = []
        for _ in range(times):
            began = time.perf_counter()
            self(question)
            found.append(time.perf_counter() - began)
        return found


def _connect(address: Address, environment: str, timeouts: Timeouts) -> redis.Redis:
    return connect(address, timeouts, Keys(address.namespace, environment).head, Lines())


def _close(client: redis.Redis) -> None:
    client.close()
    client.connection_pool.disconnect()


def _info(ask: _Asking, client: redis.Redis) -> Mapping[str, str]:
    """Empty where it may not be asked."""
    said: dict[str, Any] = ask(client.info) or {}
    return {name: str(value) for name, value in said.items()}


def _version(info: Mapping[str, str]) -> str | None:
    # Valkey says the version of the Redis that it stands for as well.
    if "valkey_version" in info:
        return f"Valkey {info['valkey_version']}"
    return f"Redis {info['redis_version']}" if "redis_version" in info else None


def _durability(info: Mapping[str, str]) -> Durability:
    if not info:
        return Durability()
    failing = [
        name
        for name in ("aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status")
        if info.get(name, "ok") != "ok"
    ]
    return Durability(
        appendonly=None if "aof_enabled" not in info else info["aof_enabled"] == "1",
        replicas=_number(info, "connected_slaves"),
        is_replica=info.get("role") == "slave",
        cannot_save=failing[0] if failing else "",
    )


def _number(info: Mapping[str, str], name: str) -> int | None:
    return int(info[name]) if info.get(name, "").isdigit() else None


def _role(user: str) -> Role:
    """By the names that `promptops acl` gives; whoever else asks is to deploy."""
    roles: tuple[Role, ...] = get_args(Role)
    return next((role for role in roles if user.startswith(f"promptops-{role}-")), "publisher")


def _denied(ask: _Asking, client: redis.Redis, keys: Keys, role: Role) -> tuple[str, ...]:
    wanted = needs(keys, role)
    script = Script("permitted.lua")
    pool = client.connection_pool
    connection: Any = ask(pool.get_connection)
    try:
        said = ask(partial(script.run_readonly, connection, [keys.head], [json.dumps(wanted)]))
    finally:
        pool.release(connection)
    if said is None:
        return ("EVAL_RO",)
    return tuple(" ".join(wanted[number - 1][:2]) for number in said)


def _is_open(address: Address, environment: str, timeouts: Timeouts) -> bool | None:
    """Whether somebody without a password may read this environment."""
    if address.tls and address.cert:
        return None  # the certificate may be what lets one in
    anybody = replace(address, username=None, password=None)
    client = _connect(anybody, environment, timeouts)
    try:
        answer(anybody, lambda: client.hmget(Keys(address.namespace, environment).head, "epoch"))
    except StoreError:
        return False
    finally:
        _close(client)
    return True


def _clock(ask: _Asking, client: redis.Redis) -> float | None:
    before = time.time()
    said = ask(client.time)
    if said is None:
        return None
    seconds, micros = said
    return float(seconds + micros / 1e6 - (before + time.time()) / 2)


def _others(
    ask: _Asking, client: redis.Redis, namespace: str, environment: str
) -> tuple[str, ...] | None:
    """None also where there are too many keys to look through."""
    until = time.monotonic() + LOOK_FOR
    start, end = f"{{{namespace}:", "}:head"
    found, cursor = set(), 0
    while True:
        said = ask(partial(client.scan, cursor, match=f"{start}*{end}", count=1000))
        if said is None:
            return None
        cursor, names = said
        found |= {name.decode(errors="backslashreplace") for name in names}
        if cursor == 0:
            break
        if time.monotonic() > until:
            return None
    return tuple(sorted({n[len(start) : -len(end)] for n in found} - {environment}))
