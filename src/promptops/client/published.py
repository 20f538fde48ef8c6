"""What readers get: the snapshot that is served, and who hears that it is another one."""

import logging
import threading
from collections.abc import Callable

from promptops.client.callbacks import Callbacks, Changed
from promptops.client.lasting import set_as
from promptops.client.overlay import CallingForHelp, Shown
from promptops.client.snapshot import Snapshot, changed_units

log = logging.getLogger("promptops")


class Published:
    """`snapshot` is replaced as one reference; the refresher alone does that.

    `shown` is what `get` looks into, `ready` is set with the first release that can be served.
    """

    def __init__(self) -> None:
        self.snapshot = Snapshot()
        self.shown = Shown()
        self.callbacks = Callbacks()
        self.ready = threading.Event()

    def renew(self) -> None:
        """In a forked child: no lock that may be held, and no callback of its parent's."""
        self.ready = set_as(self.ready)
        self.callbacks.renew()

    def replace(self, snapshot: Snapshot) -> None:
        """Serve another one from now on."""
        # Shown first, for who looks at the status; and again, because who calls for help meanwhile
        # may have shown what was served before.
        self.shown.publish(snapshot.units)
        self.snapshot = snapshot
        self.show()

    def show(self, help_: Callable[[], None] | None = None) -> None:
        """Let readers see the snapshot; with `help_`, every one of them calls it.

        Where a thread was missing, two may be at it: whoever is late sees that there is a newer
        one.
        """
        units = None
        while units is not self.snapshot.units:
            units = self.snapshot.units
            self.shown.publish(CallingForHelp(units, help_) if help_ is not None else units)

    def tell(self, before: Snapshot) -> None:
        """That another one is served than `before`: to who waits for the first, to the log, and to
        callbacks.
        """
        self.say_ready()
        changed = changed_units(before.units, self.snapshot.units)
        head = self.snapshot.head
        if head is None or (head == before.head and not changed):
            return
        if changed:
            log.info("serving revision %s; changed: %s", head.revision, ", ".join(changed))
        self.callbacks.tell(Changed(head.revision, changed))

    def say_ready(self) -> None:
        if self.snapshot.head and (self.snapshot.units or not self.snapshot.refused):
            self.ready.set()
