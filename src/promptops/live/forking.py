"""Who has to act when the process forks; each is known by a weak reference only."""

import os
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
_hooked = False


def follow_forks(thing: Forks) -> None:
    """Tell `thing` of forks from now on: after what it uses, which was made before it."""
    global _hooked  # noqa: PLW0603 - Python has no way to take such a hook back
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
    for known in reversed(_known):
        if (thing := known()) is not None:
            thing.before_fork()


def _after(*, child: bool) -> None:
    for known in tuple(_known):
        if (thing := known()) is not None:
            thing.after_fork(child=child)
