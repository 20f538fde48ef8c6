"""Collects the facts that a diagnosis judges: of an environment and its store, and of here."""

import os
import platform
import sys
from collections.abc import Callable
from datetime import datetime
from importlib import metadata
from pathlib import Path

from promptops.delivery.diagnosis import Line, of_file, of_redis, unreachable
from promptops.delivery.diagnosis_of_machine import Machine
from promptops.delivery.diagnosis_of_use import marker, presence, rehearsals
from promptops.delivery.lost import lost_by
from promptops.delivery.readers import too_old
from promptops.errors import StoreDenied, StoreError
from promptops.live.facts import FileFacts, RedisFacts
from promptops.live.inspection import facts_of
from promptops.live.store import Store
from promptops.version import VERSION


def examine(store: Store, now: datetime, at: str, *, create: bool) -> list[Line]:
    """`at` are the options that name the environment in what one types, `create` says that the
    first deploy may make it.
    """
    name, address = store.environment, store.address
    try:
        facts = facts_of(address, name)
    except StoreError as error:
        return [unreachable(error.message, error.hint)]
    others: tuple[str, ...] | None = None
    lines: list[Line] = []
    if isinstance(facts, RedisFacts):
        lines, others = of_redis(facts, address, at), facts.others
    elif isinstance(facts, FileFacts):
        lines, others = of_file(facts, address), facts.others
    try:
        head = store.read().head
    except StoreError as error:
        return [*lines, _refused("environment", error)]
    lost = lost_by(store) if head is None else None
    lines.append(marker(name, at, head, others, lost, create=create))
    if head is not None:
        lines += _looked("clients", lambda: [presence(at, store.clients(), too_old(store))])
        lines += _looked("rehearsal", lambda: rehearsals(at, store.reports(), now))
    return lines


def _looked(about: str, look: Callable[[], list[Line]]) -> list[Line]:
    try:
        return look()
    except StoreError as error:
        return [_refused(about, error)]


def _refused(about: str, error: StoreError) -> Line:
    if isinstance(error, StoreDenied):
        return Line(about, "unknown", "this user may not ask", error.hint)
    return Line(about, "problem", error.message, error.hint)


def this_machine() -> Machine:
    folder = Path(sys.executable).parent
    found = [Path(each) / "promptops" for each in os.environ.get("PATH", "").split(os.pathsep)]
    commands = [str(path) for path in found if path.is_file() and os.access(path, os.X_OK)]
    return Machine(
        version=VERSION,
        python=platform.python_version(),
        redis_py=_version_of("redis"),
        owners=metadata.packages_distributions().get("promptops", []),
        commands=list(dict.fromkeys(commands)),
        folder=str(folder),
    )


def _version_of(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
