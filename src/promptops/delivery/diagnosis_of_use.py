"""From facts to lines: what an environment holds, who serves it, when it was rehearsed last."""

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from promptops.delivery.diagnosis import Line
from promptops.delivery.lost import Lost, brings_back, creates
from promptops.live.presence import Presence
from promptops.live.records import Head

DRILL = "~drill"
REHEARSAL_DAYS, DRILL_DAYS = 8, 90


def marker(
    environment: str,
    at: str,
    head: Head | None,
    others: tuple[str, ...] | None,
    lost: Lost | None,
    *,
    create: bool,
) -> Line:
    """Whether the store is the one that it is taken for; `at` names it in what one types."""
    also = f"; beside it: {', '.join(others)}" if others else ""
    if head is not None:
        return Line("environment", "ok", f"revision {head.revision}, epoch {head.epoch}{also}")
    if lost is not None:
        return Line("environment", "problem", f"the store lost it: {lost.says}", brings_back(at))
    ways = f"if it never held it: {creates(at)}; if it lost it: {brings_back(at)}"
    if others:
        says = f"the store does not hold {environment}, but {', '.join(others)}"
        return Line("environment", "problem", says, f"check the store's URL; {ways}")
    if create:
        return Line("environment", "ok", "nothing was deployed yet; the first deploy makes it")
    return Line("environment", "warning", "the store does not hold it", ways)


def presence(at: str, clients: Collection[Presence], old: Collection[Presence]) -> Line:
    """`old` are the clients that cannot read what this version builds."""
    remedy = f"promptops clients {at}"
    if not clients:
        return Line("clients", "warning", "nobody is present, or presence is off", remedy)
    versions = ", ".join(sorted({client.version or "?" for client in clients}))
    says = f"{len(clients)} present, promptops {versions}"
    if old:
        return Line("clients", "problem", f"{says}: {len(old)} cannot read new releases", remedy)
    refusing = [client for client in clients if client.error or client.refused]
    if refusing:
        return Line("clients", "warning", f"{says}: {len(refusing)} refuse what is live", remedy)
    return Line("clients", "ok", says)


def rehearsals(at: str, reports: Mapping[str, str], now: datetime) -> list[Line]:
    """`reports` are what the store keeps of rehearsals, by unit, and of the drill."""
    units = [_time(text, "checked_at") for name, text in reports.items() if name != DRILL]
    drill = _time(reports[DRILL], "at") if DRILL in reports else None
    last = max((time for time in units if time is not None), default=None)
    command = f"promptops rehearse {at}"
    return [
        _age("rehearsal", last, now, REHEARSAL_DAYS, command),
        _age("drill", drill, now, DRILL_DAYS, f"promptops rehearse --drill {at}"),
    ]


def _age(about: str, last: datetime | None, now: datetime, days: int, command: str) -> Line:
    if last is None:
        return Line(about, "warning", "there never was one", command)
    age = max((now - last).total_seconds(), 0)
    says = f"{age / 86400:.0f} days ago"
    if age < 2 * 86400:
        says = f"{age / 3600:.0f} hours ago" if age >= 7200 else f"{age / 60:.0f} min ago"
    if age > days * 86400:
        return Line(about, "warning", f"{says}, more than {days} days", command)
    return Line(about, "ok", says)


def _time(text: str, name: str) -> datetime | None:
    """None for a record that promptops did not write."""
    try:
        facts: Any = json.loads(text)
        found = datetime.fromisoformat(facts[name])
    except (ValueError, TypeError, KeyError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
