"""Which name somebody may have meant."""

from collections.abc import Iterable


def closest(word: str, names: Iterable[str]) -> str | None:
    """The name that is most alike, if one is alike enough."""
    # Needed for an error alone, and no part of an app's start.
    from difflib import get_close_matches  # noqa: PLC0415

    return next(iter(get_close_matches(word, [*names], n=1)), None)
