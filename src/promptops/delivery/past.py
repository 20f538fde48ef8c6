"""What was live at a moment of the past. Pure, but for the zone of this machine."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from promptops.errors import UsageError
from promptops.live.records import Entry, Pointer
from promptops.live.replay import replay


@dataclass(frozen=True, slots=True)
class Past:
    """What was live after `entry`, the last deployment up to a moment; None before the first."""

    at: datetime
    entry: Entry | None
    units: Mapping[str, Pointer]


def moment(text: str) -> datetime:
    """A time as RFC 3339 has it, or by this machine's clock when it names no zone."""
    try:
        return datetime.fromisoformat(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"'{text}' is no time", "write 2026-11-20T14:30:00Z, or 2026-11-20 14:30 for your zone"
        ) from error


def past(oldest_first: Iterable[Entry], at: datetime) -> Past:
    """By the clocks of those who deployed; the order is that of the revisions."""
    entries = list(oldest_first)
    while entries and not _until(entries[-1], at):
        entries.pop()
    live = {unit: pointer for unit, pointer in replay(entries).items() if not pointer.retired}
    return Past(at, entries[-1] if entries else None, live)


def _until(entry: Entry, at: datetime) -> bool:
    try:
        written = datetime.fromisoformat(entry.at)
    except ValueError:
        return False
    return written.replace(tzinfo=written.tzinfo or UTC) <= at
