"""What is kept of a drill as evidence, and what is to be said of an old one."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from promptops.live.stored import JUNK, encode

KEPT_AS = "~drill"
GOOD_FOR = timedelta(days=90)
_TEXTS = ("at", "actor", "version")
_COUNTS = ("clients", "units", "confirmed")
_SECONDS = ("forward_seconds", "back_seconds", "slowest")


@dataclass(frozen=True, slots=True)
class Record:
    """How one drill went.

    `confirmed` of `clients` served every step, of `units` that went forward and back. Seconds are
    from the start of the command to the last client, `slowest` those from the swap back to it;
    None for a step that was not reached or not confirmed by all. `version` is that of promptops.
    """

    at: str
    actor: str
    clients: int
    units: int
    forward_seconds: float | None
    back_seconds: float | None
    slowest: float | None
    confirmed: int
    version: str

    @property
    def passed(self) -> bool:
        return self.confirmed == self.clients and self.back_seconds is not None

    def to_json(self) -> str:
        return encode(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Record | None":
        """None for what is no record: somebody else's text must not stop an operator."""
        try:
            facts = json.loads(text)
            found = {name: facts[name] for name in cls.__slots__}
            if datetime.fromisoformat(found["at"]).tzinfo is None:
                return None
        except JUNK:
            return None
        fits = (
            all(isinstance(found[name], str) for name in _TEXTS)
            and all(type(found[name]) is int for name in _COUNTS)
            and all(found[name] is None or _is_a_time(found[name]) for name in _SECONDS)
        )
        return cls(**found) if fits else None


def _is_a_time(value: object) -> bool:
    return type(value) in {int, float} and isinstance(value, int | float) and 0 <= value < 86400


def kept(reports: Mapping[str, str]) -> Record | None:
    """The last drill, among the reports of an environment."""
    return Record.from_json(reports[KEPT_AS]) if KEPT_AS in reports else None


def age(record: Record, now: datetime) -> timedelta:
    """How long ago the drill was; `now` has a time zone."""
    return now - datetime.fromisoformat(record.at)


def warning(record: Record | None, now: datetime, *, protected: bool) -> str:
    """What is to be said of the last drill, or of its absence; empty when all is well."""
    if record is None:
        return "the way back was never drilled" if protected else ""
    if not record.passed:
        return (
            f"the last drill failed: {record.confirmed} of {record.clients} clients confirmed, "
            f"{record.at}"
        )
    days = age(record, now).days
    return f"the last drill is {days} days old" if age(record, now) > GOOD_FOR else ""
