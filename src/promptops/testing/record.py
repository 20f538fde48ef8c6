"""Record what an app renders."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from promptops.client.live import LiveRelease
from promptops.client.overlay import Units, laid_over

if TYPE_CHECKING:
    from promptops.client.passed import WatchedRenderer


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
        return {
            unit: replace(live, _render=cast("WatchedRenderer", _Recorder(live, calls)))
            for unit, live in units.items()
        }

    with laid_over(over, recording=True):
        yield calls


class _Recorder:
    """Renders as the original does, whatever else that can, and notes what came of it."""

    def __init__(self, live: LiveRelease, calls: list[Call]) -> None:
        self._live, self._calls = live, calls
        self._original = live._render  # noqa: SLF001 - the kit is part of the library

    def __getattr__(self, name: str) -> object:
        return getattr(self._original, name)

    def __call__(self, inputs: Mapping[str, object]) -> list[dict[str, str]]:
        messages = self._original(inputs)
        # Copies: what the app does to its own afterwards was not rendered.
        copies = [dict(message) for message in messages]
        live = self._live
        self._calls.append(Call(live.unit, live.digest, live.revision, dict(inputs), copies))
        return messages
