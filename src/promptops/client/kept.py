"""A release in a copy, and in what is remembered of earlier ones."""

from typing import NamedTuple


class Kept(NamedTuple):
    """A release that was live, and the revision at which it became so; 0 where none is known."""

    digest: str
    revision: int
