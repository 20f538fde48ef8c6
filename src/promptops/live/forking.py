"""Who has to act when the process forks; each is known by a weak reference only."""

import os
import threading
import weakref
from typing import Protocol


class Forks(Protocol):
    """Holds a lock, a connection or a thread, none of which may be shared with a child."""

    def before_fork(self) -> None:
        """Come to a point at which a copy of everything can be used or thrown away."""
        ...

    def after_fork(self, *, child: bool) -> None:
        """Go on; in a child with locks, connections and threads of its own."""
        ...


_known: list[weakref.ref[Forks]] = []
_told: list[Forks] = []
_forking = threading.RLock()  # nobody joins between the two halves of a fork
_hooked = False


def follow_forks(thing: Forks) -> None:
    """Tell `thing` of forks from now on: after what it uses, which was made before it."""
    global _hooked  # noqa: PLW0603 - Python has no way to take such a hook back
    with _forking:
        _known[:] = [known for known in _known if known() is not None]
        _known.append(weakref.ref(thing))
        if not _hooked:
            _hooked = True
            os.register_at_fork(
                before=_before,
                after_in_parent=lambda: _after(child=False),
                after_in_child=lambda: _after(child=True),
            )


def _before() -> None:
    _forking.acquire()
    _told[:] = [thing for known in _known if (thing := known()) is not None]
    for thing in reversed(_told):
        thing.before_fork()


def _after(*, child: bool) -> None:
    try:
        for thing in _told:
            thing.after_fork(child=child)
    finally:
        _told.clear()
        _forking.release()
