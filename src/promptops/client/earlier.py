"""What conversations need to remember: releases that were served before, and what is held."""

import logging
from collections.abc import Mapping

from promptops.client.conversation import Policy, decide, read_token
from promptops.client.live import LiveRelease
from promptops.client.overlay import covered
from promptops.live.records import Pointer
from promptops.manifest.digest import short

log = logging.getLogger("promptops")

MOST_KEPT = 5
MOST_TOLD = 1000


class Earlier:
    """The last few releases of each unit that this process served, in memory.

    The refresher writes and every thread reads: values are replaced, never changed. `unknown`
    counts conversations whose release is not among them, `broken` tokens that cannot be read.
    """

    def __init__(self) -> None:
        self.unknown = 0
        self.broken = 0
        self._kept: dict[str, tuple[LiveRelease, ...]] = {}
        self._held: dict[str, frozenset[str]] = {}
        self._told: set[tuple[str, str]] = set()

    def learn(self, served: Mapping[str, LiveRelease], pointers: Mapping[str, Pointer]) -> None:
        """Note what `pointers` hold, and keep what they take away; before they are served.

        In this order a read between the two never returns what was just rolled back.
        """
        for unit, pointer in pointers.items():
            if pointer.held or unit in self._held:
                self._held[unit] = frozenset(hold.digest for hold in pointer.held)
            known = served.get(unit)
            if known is not None and known.digest != pointer.digest:
                others = (each for each in self._kept.get(unit, ()) if each.digest != known.digest)
                self._kept[unit] = (*others, known)[-MOST_KEPT:]

    def goes_on(self, present: LiveRelease, text: str, policy: Policy) -> LiveRelease:
        """The release for a conversation with this token; the present one when in doubt."""
        token = read_token(text)
        if token is None or token.unit != present.unit:
            self.broken += 1
            self._tell(present.unit, "broken", "a token for %s is not one of its; it is ignored")
            decide(policy, "", "", held=False, known=False)
            return present
        unit, began = token.unit, token.digest
        kept = next((each for each in self._kept.get(unit, ()) if each.digest == began), None)
        held = began in self._held.get(unit, ())
        outcome = decide(policy, began, present.digest, held=held, known=kept is not None)
        if outcome == "began" and kept is not None:
            return covered(kept)
        if outcome == "unknown":
            self.unknown += 1
            what = f"this process does not know release {short(began)} of %s; its conversations"
            self._tell(unit, began, f"{what} go on with the present one")
        return present

    def _tell(self, unit: str, about: str, line: str) -> None:
        if (unit, about) not in self._told and len(self._told) < MOST_TOLD:
            self._told.add((unit, about))
            log.warning(line, unit)
