"""Record what an app renders."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from promptops.client.live import LiveRelease
from promptops.client.overlay import Units, laid_over

if TYPE_CHECKING:
    from promptops.manifest.render import Renderer


@dataclass(frozen=True, slots=True)
class Call:
    """One rendering: of which release, with which inputs, into which messages."""

    unit: str
    digest: str
    revision: int
    inputs: dict[str, object]
    messages: list[dict[str, str]]


@contextmanager
def recording() -> Iterator[list[Call]]:
    """What is rendered inside, in order, of the releases that `get` gives inside.

    Of every client and thread; a rendering that raises InputError is none.
    """
    calls: list[Call] = []

    def over(units: Units) -> Units:
        return {unit: _recorded(live, calls) for unit, live in units.items()}

    with laid_over(over, recording=True):
        yield calls


def _recorded(live: LiveRelease, calls: list[Call]) -> LiveRelease:
    original = live._render  # noqa: SLF001 - the kit is part of the library

    def render(inputs: Mapping[str, object]) -> list[dict[str, str]]:
        messages = original(inputs)
        # Copies: what the app does to its own afterwards was not rendered.
        copies = [dict(message) for message in messages]
        calls.append(Call(live.unit, live.digest, live.revision, dict(inputs), copies))
        return messages

    return replace(live, _render=cast("Renderer", render))
