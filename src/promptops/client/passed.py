"""What inputs an app passes: the names that it registered, and those that it was seen to pass."""

from collections.abc import Iterable, Mapping

from promptops.errors import UsageError
from promptops.manifest.render import Renderer

MOST_NAMES = 100
_EXAMPLE = 'write inputs={"unit": ["name"]}'


class PassedInputs:
    """Names of inputs per unit, never values."""

    def __init__(self, registered: Mapping[str, Iterable[str]] | None = None) -> None:
        if registered is not None and not isinstance(registered, Mapping):
            raise UsageError("inputs is no mapping of units to names", _EXAMPLE)
        self._registered: dict[str, frozenset[str]] = {}
        for unit, given in (registered or {}).items():
            names = (
                [given] if isinstance(given, str) or not isinstance(given, Iterable) else [*given]
            )
            if isinstance(given, str) or not all(isinstance(name, str) for name in names):
                raise UsageError(f"inputs of {unit} is not a list of names", _EXAMPLE)
            self._registered[unit] = frozenset(names)
        self._seen: dict[str, set[str]] = {}

    def registered(self, unit: str) -> frozenset[str] | None:
        """All that the app passes; None for a unit of which it registered nothing."""
        names = self._registered.get(unit)
        return None if names is None else names | frozenset(self._seen.get(unit, ()))

    def seen(self, unit: str) -> set[str]:
        return self._seen.setdefault(unit, set())

    def count(self) -> int:
        """How many were seen so far."""
        return sum(map(len, self._seen.values()))

    def names(self) -> dict[str, tuple[str, ...]]:
        """Registered and seen, sorted."""
        units = sorted({*self._registered, *(unit for unit, names in self._seen.items() if names)})
        return {
            unit: tuple(sorted({*self._registered.get(unit, ()), *self._seen.get(unit, ())}))
            for unit in units
        }


class WatchedRenderer:
    """Renders, and notes names of inputs that were not passed before."""

    __slots__ = ("_render", "_seen", "required")

    def __init__(self, render: Renderer, seen: set[str]) -> None:
        self._render = render
        self._seen = seen
        self.required = render.required

    def __call__(self, inputs: Mapping[str, object]) -> list[dict[str, str]]:
        seen = self._seen
        if not seen.issuperset(inputs) and len(seen) < MOST_NAMES:
            seen.update(inputs)
        return self._render(inputs)
