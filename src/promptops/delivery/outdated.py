"""Which present clients are too old to read the releases of this promptops."""

import re
from collections.abc import Iterable

from promptops.live.records import Presence
from promptops.manifest.release import READ_SINCE

_VERSION = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})*")


def outdated(clients: Iterable[Presence]) -> list[Presence]:
    """Those of a version before the one that first read our format."""
    return [client for client in clients if _numbers(client.version) < _numbers(READ_SINCE)]


def _numbers(version: str) -> tuple[int, ...]:
    """Of what is no version, none: who does not say what it reads is an old one."""
    found = _VERSION.match(version)
    return tuple(int(number) for number in found[0].split(".")) if found else ()
