"""What conversations need to remember: releases that were served before, and what is held."""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress

from promptops.client.conversation import Policy, decide, read_token
from promptops.client.kept import Kept
from promptops.client.live import LiveRelease
from promptops.client.overlay import covered
from promptops.errors import PromptopsError
from promptops.live.records import Entry, Pointer
from promptops.manifest.digest import short

log = logging.getLogger("promptops")

MOST_KEPT = 5
MOST_RECALLED = 100
MOST_TOLD = 1000


class Earlier:
    """The last few releases of each unit, in memory: those before this process began as well.

    The refresher writes and every thread reads: values are replaced, never changed. `unknown`
    counts conversations whose release is not among them, `broken` tokens that cannot be read.
    `pinned` are units that an operator keeps at a release, which counts for conversations too.
    """

    def __init__(self) -> None:
        self.unknown = 0
        self.broken = 0
        self.pinned: Collection[str] = ()
        self._kept: dict[str, tuple[LiveRelease, ...]] = {}
        self._held: dict[str, frozenset[str]] = {}
        self._safe: frozenset[str] = frozenset()  # units where all but the present one is held
        self._told: set[tuple[str, str]] = set()

    def learn(self, served: Mapping[str, LiveRelease], pointers: Mapping[str, Pointer]) -> None:
        """Note what `pointers` hold, and keep what they take away; before they are served.

        In this order a read between the two never returns what was just rolled back.
        """
        safe = {unit for unit, pointer in pointers.items() if pointer.safe_mode}
        self._safe = self._safe - pointers.keys() | safe
        for unit, pointer in pointers.items():
            if pointer.held or unit in self._held:
                self._held[unit] = frozenset(hold.digest for hold in pointer.held)
            known = served.get(unit)
            if known is not None and known.digest != pointer.digest:
                others = (each for each in self._kept.get(unit, ()) if each.digest != known.digest)
                self._kept[unit] = (*others, known)[-MOST_KEPT:]

    def recall(
        self,
        served: Mapping[str, LiveRelease],
        history: Iterable[Entry],
        read: Callable[[str, str, int], LiveRelease],
    ) -> None:
        """Learn what was live before, from a history that is newest first.

        `read` compiles a unit's digest of a revision; what it refuses is left out.
        """
        found: dict[str, dict[str, int]] = {}
        for entry in history:
            for change in entry.changes:
                live = served.get(change.unit)
                if live is not None and change.after != live.digest:
                    found.setdefault(change.unit, {}).setdefault(change.after, entry.revision)
        newest = [
            (unit, *each) for unit, seen in found.items() for each in [*seen.items()][:MOST_KEPT]
        ]
        for unit, digest, revision in newest[:MOST_RECALLED]:
            kept = self._kept.get(unit, ())
            if len(kept) < MOST_KEPT and self.find(unit, digest) is None:
                with suppress(PromptopsError):
                    self._kept[unit] = (read(unit, digest, revision), *kept)

    def kept(self, unit: str) -> list[Kept]:
        """The releases of a unit, newest first."""
        return [Kept(each.digest, each.revision) for each in reversed(self._kept.get(unit, ()))]

    def find(self, unit: str, digest: str) -> LiveRelease | None:
        """The release of a unit, when it is one of those."""
        return next((each for each in self._kept.get(unit, ()) if each.digest == digest), None)

    def goes_on(self, present: LiveRelease, text: str, policy: Policy) -> LiveRelease:
        """The release for a conversation with this token; the present one when in doubt."""
        if present.unit in self.pinned:
            return present
        token = read_token(text)
        if token is None or token.unit != present.unit:
            self.broken += 1
            self._tell(present.unit, "broken", "a token for %s is not one of its; it is ignored")
            decide(policy, "", "", held=False, known=False)
            return present
        unit, began = token.unit, token.digest
        kept = self.find(unit, began)
        held = unit in self._safe or began in self._held.get(unit, ())
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
