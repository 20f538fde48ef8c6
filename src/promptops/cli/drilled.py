"""What status says of the last drill."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from promptops.cli import settings
from promptops.cli.output import count
from promptops.cli.settings import Environment
from promptops.delivery.drill.record import Record, age, warning
from promptops.delivery.status import EnvironmentStatus


def drill_facts(found: EnvironmentStatus, place: Environment, now: datetime) -> dict[str, Any]:
    """The record of the last drill, or null, and what is to be warned of, or an empty text."""
    last = None if found.drill is None else asdict(found.drill)
    return {"last": last, "warning": drill_warning(found, place, now)}


def drill_warning(found: EnvironmentStatus, place: Environment, now: datetime) -> str:
    if found.head is None:
        return ""
    return warning(found.drill, now, protected=settings.is_protected(place))


def drill_lines(record: Record | None, now: datetime) -> list[str]:
    """`last drill: 3 days ago, 20 of 20 clients, back in 0.43 s`; nothing without one."""
    if record is None:
        return []
    days = max(age(record, now).days, 0)
    when = f"{count(days, 'day')} ago" if days else "today"
    line = f"last drill: {when}, {record.confirmed} of {count(record.clients, 'client')}"
    if record.back_seconds is not None:
        line += f", back in {record.back_seconds:.2f} s"
    return [line]
