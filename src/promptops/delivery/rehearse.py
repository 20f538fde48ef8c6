"""Rehearse: prove now, for each unit, that going back to an earlier release would work."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any

from promptops.delivery import look
from promptops.delivery.look import Shown
from promptops.delivery.rehearsal import (
    Callers,
    Hindrance,
    Outcome,
    Rehearsed,
    Sample,
    WayBack,
    against,
    against_callers,
    against_index,
    against_model,
    against_rendering,
)
from promptops.delivery.versions import MOST_DEPLOYMENTS
from promptops.delivery.way_back import Earlier, Report, earlier, now
from promptops.errors import ReleaseRejected, StoreError
from promptops.live.records import Pointer, State
from promptops.live.store import Store, entries
from promptops.manifest.release import Model, Release
from promptops.source.policy import Standard
from promptops.source.stored import judge_stored
from promptops.source.unit import Unit

LAST = 3


@dataclass(frozen=True, slots=True)
class Means:
    """What is asked of a release beside the store: `units` are the manifests of today.

    `probe(index, version)` is None where no probe is configured, `retires(model id)` where no date
    is known, `served(model)` where nobody is asked.
    """

    standard: Standard
    units: Mapping[str, Unit]
    today: date
    last: int = LAST
    probe: Callable[[str, str], Outcome | None] = lambda _index, _version: None
    retires: Callable[[str], date | None] = lambda _model: None
    served: Callable[[Model], Outcome | None] = lambda _model: None

    def samples(self, unit: str) -> tuple[Sample, ...]:
        found = self._says(unit, "samples")
        return tuple(
            Sample(str(each.get("name", "")), dict(each.get("inputs") or {}))
            for each in (found if isinstance(found, list) else ())
            if isinstance(each, dict)
        )

    def forward_only(self, unit: str) -> str:
        """Why there is no way back from what the manifest of today makes; empty when there is."""
        found = self._says(unit, "forward_only")
        return found if isinstance(found, str) else ""

    def _says(self, unit: str, key: str) -> Any:
        source = self.units.get(unit)
        return None if source is None or source.document is None else source.document.get((key,))


@dataclass(frozen=True, slots=True)
class Start:
    """The release that one would go back from; None when it cannot be read."""

    digest: str
    release: Release | None
    forward_only: str = ""


@dataclass(frozen=True, slots=True)
class Present:
    """What the present clients pass, by unit."""

    inputs: Mapping[str, Callers] = field(default_factory=dict)

    def callers(self, unit: str) -> Callers:
        return self.inputs.get(unit, ())


def present(store: Store) -> Present:
    """Nothing is known where presence, a second permission, is not given."""
    found: dict[str, list[frozenset[str]]] = {}
    try:
        for client in store.clients():
            for unit, names in client.inputs.items():
                found.setdefault(unit, []).append(frozenset(names))
    except StoreError:
        return Present()
    return Present({unit: tuple(each) for unit, each in found.items()})


def rehearse(
    store: Store,
    state: State,
    units: Collection[str],
    means: Means,
    forward_only: Callable[[str, Pointer], str],
    targets: Mapping[str, list[Earlier]] | None = None,
) -> list[Report]:
    """Rehearse the way back from what is live; `targets` instead of the last ones."""
    pointers = {unit: state.pointers[unit] for unit in units}
    if targets is None:
        targets = earlier(pointers, entries(store), means.last)
    seen = present(store)
    return [
        _report(
            store, unit, _live(store, unit, live, forward_only), targets.get(unit, []), seen, means
        )
        for unit, live in sorted(pointers.items())
    ]


def rehearse_from(
    store: Store, state: State, starts: Mapping[str, Start], means: Means, seen: Present
) -> list[Report]:
    """Rehearse the way back from releases that are not live yet: first to what is live."""
    pointers = {unit: state.pointers[unit] for unit in starts if unit in state.pointers}
    before = earlier(pointers, islice(entries(store), MOST_DEPLOYMENTS), means.last)
    reports = []
    for unit, start in sorted(starts.items()):
        live = pointers.get(unit)
        targets = [] if live is None else before[unit]
        if live is not None and not live.holds(live.digest):
            targets = [Earlier(live.digest, live.revision, live.commit), *targets]
        others = [target for target in targets if target.digest != start.digest]
        reports.append(_report(store, unit, start, others[: means.last], seen, means))
    return reports


def hindrances(start: Start, target: Shown, callers: Callers, means: Means) -> list[Hindrance]:
    """What stands against going back to a release that can be read."""
    release, unit = target.release, target.unit
    return [
        *_forward(start),
        *_judged(target, means),
        *_callers(start, release, callers),
        *against_rendering(release, means.samples(unit)),
        *against_index(start.release, release, _probed(release, means)),
        *against_model(release, means.retires(release.model.id), means.today),
        *against(means.served(release.model), f"its model {release.model.id}", code="retired"),
    ]


def _live(
    store: Store, unit: str, pointer: Pointer, forward_only: Callable[[str, Pointer], str]
) -> Start:
    try:
        release = look.pointed_to(store, unit, pointer).release
    except ReleaseRejected:
        # All the more reason to know where one could go.
        release = None
    return Start(pointer.digest, release, forward_only(unit, pointer))


def _report(
    store: Store,
    unit: str,
    start: Start,
    targets: Iterable[Earlier],
    seen: Present,
    means: Means,
) -> Report:
    began = time.perf_counter()
    callers = seen.callers(unit)
    judged = tuple(_rehearsed(store, unit, start, each, callers, means) for each in targets)
    way = WayBack(unit, start.digest, judged)
    return Report(way, now(), round(time.perf_counter() - began, 3))


def _rehearsed(
    store: Store, unit: str, start: Start, target: Earlier, callers: Callers, means: Means
) -> Rehearsed:
    again = "deploy the commit that made it"
    data = store.release(target.digest)
    if data is None:
        found = [Hindrance("C610", "error", "the store does not have its release any more", again)]
    else:
        try:
            found = hindrances(start, look.built(unit, target.digest, data), callers, means)
        except ReleaseRejected as error:
            found = [Hindrance(error.code, "error", error.message, error.hint or again)]
    return Rehearsed(target.digest, target.revision, tuple(found))


def _forward(start: Start) -> Iterator[Hindrance]:
    if start.forward_only:
        yield Hindrance(
            "forward-only", "error", f"the manifest says forward_only: {start.forward_only}"
        )


def _judged(target: Shown, means: Means) -> Iterator[Hindrance]:
    today = means.units.get(target.unit)
    environment = means.standard.looks[0][0]
    for finding in judge_stored(target.digest, target.document, today, environment, means.standard):
        yield Hindrance(finding.code, finding.severity, finding.message, finding.hint)


def _callers(start: Start, target: Release, callers: Callers) -> Iterator[Hindrance]:
    if start.release is None:
        message = "the live release cannot be read, so callers cannot be compared"
        yield Hindrance("callers", "warning", message)
    else:
        yield from against_callers(start.release, target, callers)


def _probed(release: Release, means: Means) -> Outcome | None:
    wanted = release.retriever
    return None if wanted is None else means.probe(wanted.index, wanted.version)
