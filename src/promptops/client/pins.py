"""An operator's way out without a store: units that stay at one release, whatever is deployed.

`promptops pin` writes them, releases and all, beside the copy on disk; PROMPTOPS_PIN names them for
one process and wins.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from promptops.client.kept import Kept
from promptops.client.live import LiveRelease, live_release
from promptops.client.snapshot import Reader, Snapshot
from promptops.client.sources import said
from promptops.errors import PromptopsError, UsageError
from promptops.manifest.digest import is_digest, short
from promptops.manifest.release import read_release

if TYPE_CHECKING:
    from promptops.client.disk import Disk

log = logging.getLogger("promptops")

MOST_SHOWN = 120


def read_pins(text: str) -> tuple[dict[str, str], list[str]]:
    """Units and digests of `unit=sha256:…,…`, and what to say of parts that pin nothing.

    An app starts all the same: a typo on a bad night must not take down what still serves.
    """
    pins, mistaken = {}, []
    for part in filter(None, map(str.strip, text.split(","))):
        unit, digest = (each.strip() for each in part.partition("=")[::2])
        if unit and is_digest(digest.lower()):
            pins[unit] = digest.lower()
        else:
            mistaken.append(
                f"PROMPTOPS_PIN has {part[:MOST_SHOWN]!r}, which pins nothing: write "
                "unit=sha256:… with the whole digest, several with commas between them"
            )
    return pins, mistaken


class Pins:
    """The pins that hold; for the refresher's thread.

    `held` are the units with their digests, `why` says in words what is pinned and what is not.
    """

    def __init__(self, disk: "Disk | None", own: str, reader: Reader) -> None:
        self.held: dict[str, str] = {}
        self.why = ""
        self._disk = disk
        named, self._mistaken = read_pins(own)
        self._own = {unit: Kept(digest, 0) for unit, digest in named.items()}
        self._reader = reader
        self._stamp: object = ()
        self._complete = False
        self._filed: Mapping[str, Kept] = {}
        self._live: dict[str, LiveRelease] = {}
        self._made: tuple[Snapshot, Snapshot] | None = None

    def over(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with the pinned releases in it; the same one as long as nothing changed."""
        if snapshot.head is None:
            return snapshot
        self._look()
        if not self._live:
            return snapshot
        if self._made is None or self._made[0] is not snapshot:
            self._made = snapshot, replace(snapshot, units={**snapshot.units, **self._live})
        return self._made[1]

    def _look(self) -> None:
        """Follow the file; what could not be found is looked for again every time."""
        refused: list[str] = []
        releases: Mapping[str, bytes] = {}
        try:
            stamp = self._disk.stamp("pins") if self._disk else None
            if stamp == self._stamp and self._complete:
                return
            self._complete = False
            if self._disk is not None and stamp is not None:
                copy = self._disk.read("pins")
                self._filed, releases = copy.units, copy.releases
            else:
                self._filed = {}
            self._stamp = stamp
        except PromptopsError as error:
            refused.append(said(error))
        wanted = {**self._filed, **self._own}
        live: dict[str, LiveRelease] = {}
        for unit, kept in wanted.items():
            try:
                live[unit] = self._read(unit, kept, releases)
            except PromptopsError as error:
                refused.append(f"{unit} is not pinned to {short(kept.digest)}: {said(error)}")
        self._complete = not refused
        self._take(live, refused)

    def _read(self, unit: str, kept: Kept, releases: Mapping[str, bytes]) -> LiveRelease:
        known = self._live.get(unit)
        if known is not None and known.digest == kept.digest:
            return known
        data = releases.get(kept.digest) or self._reader.fetch(kept.digest)
        if data is None:
            raise UsageError(f"no source has the release {kept.digest}")
        release = read_release(data, kept.digest, unit)
        seen = self._reader.passed.seen(unit)
        return live_release(release, kept.digest, kept.revision, self._reader.on_unknown, seen)

    def _take(self, live: dict[str, LiveRelease], refused: list[str]) -> None:
        pinned = [f"{unit} is pinned to {short(each.digest)}" for unit, each in live.items()]
        why = "; ".join([*pinned, *refused, *self._mistaken])
        if why != self.why:
            log.warning("%s", why or "nothing is pinned any more")
        if {unit: each.digest for unit, each in live.items()} != self.held:
            self._made = None
        self.held = {unit: each.digest for unit, each in live.items()}
        self._live, self.why = live, why
