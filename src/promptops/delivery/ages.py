"""How old something is, for people."""

from datetime import datetime

_LENGTHS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def age(since: str, at: datetime) -> str:
    """How long ago that was, in its largest measure: `3 hours`."""
    try:
        seconds = max((at - datetime.fromisoformat(since)).total_seconds(), 0)
    except (ValueError, TypeError):
        return "of unknown age"
    size, name = next((each for each in _LENGTHS if seconds >= each[0]), _LENGTHS[-1])
    number = int(seconds // size)
    return f"{number} {name}" + "s" * (number != 1)
