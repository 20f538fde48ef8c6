"""What `get` answers from: the live releases, under what a test has laid over them.

Laying something over swaps the mapping of every client, so that a read stays one look-up.
"""

import os
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from promptops.client.live import LiveRelease

Units = Mapping[str, LiveRelease]
Layer = Callable[[Units], Units]

_lock = threading.Lock()
_pins: list[Layer] = []
_recorders: list[Layer] = []
_shown: weakref.WeakSet["Shown"] = weakref.WeakSet()

if hasattr(os, "register_at_fork"):
    # A child must not inherit the lock as another thread held it.
    os.register_at_fork(
        before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release
    )


class Shown:
    """The units as one client shows them."""

    __slots__ = ("__weakref__", "_live", "units")

    def __init__(self) -> None:
        self._live: Units = {}
        with _lock:
            _shown.add(self)
            self.refresh()

    def publish(self, live: Units) -> None:
        """Show these from now on."""
        with _lock:
            self._live = live
            self.refresh()

    def refresh(self) -> None:
        """Lay over anew; by who has the lock."""
        self.units: Units = _covered(self._live)


class CallingForHelp(dict[str, LiveRelease]):
    """What is served while no thread refreshes it: every read tries to start one."""

    def __init__(self, units: Units, help_: Callable[[], None]) -> None:
        super().__init__(units)
        self._help = help_

    def __getitem__(self, unit: str) -> LiveRelease:
        self._help()
        return super().__getitem__(unit)


def covered(live: LiveRelease) -> LiveRelease:
    """A release that is not among those shown, under what is laid over them."""
    return _covered({live.unit: live})[live.unit]


def pinned_units() -> Units:
    """What tests have laid over whatever is live."""
    return _covered({})


@contextmanager
def laid_over(layer: Layer, *, recording: bool = False) -> Iterator[None]:
    """Over the units of every client, made before or inside; recordings lie above the rest."""
    layers = _recorders if recording else _pins
    with _lock:
        layers.append(layer)
        _refresh_all()
    try:
        yield
    finally:
        with _lock:
            # By identity: one pin may lie there twice, with another in between.
            layers[:] = [each for each in layers if each is not layer]
            _refresh_all()


def _refresh_all() -> None:
    for shown in tuple(_shown):
        shown.refresh()


def _covered(units: Units) -> Units:
    for layer in (*_pins, *_recorders):
        units = layer(units)
    return units
