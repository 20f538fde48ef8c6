"""Rehearse: prove now, for each unit, that going back to an earlier release would work."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from itertools import islice

from promptops.delivery import look
from promptops.delivery.build import Built
from promptops.delivery.look import Shown
from promptops.delivery.rehearsal import (
    Callers,
    Hindrance,
    Outcome,
    Rehearsed,
    WayBack,
    against,
    against_callers,
    against_forward_only,
    against_index,
    against_model,
    against_rendering,
)
from promptops.delivery.versions import MOST_DEPLOYMENTS
from promptops.delivery.way_back import Earlier, Report, earlier, now
from promptops.errors import ReleaseRejected, StoreError
from promptops.live.records import State
from promptops.live.store import Store, entries
from promptops.manifest.release import Model, Release
from promptops.manifest.way_back import Sample, samples_of
from promptops.source.policy import Standard
from promptops.source.stored import judge_stored
from promptops.source.unit import Unit

LAST = 3
UNITS_AT_ONCE = 50
PROBES_AT_ONCE = 16
AGAIN = "deploy the commit that made it"

# A release, or why it cannot be read.
Found = Shown | ReleaseRejected


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

    def samples(self, unit: str, live: Found) -> tuple[Sample, ...]:
        """Those of today's manifest; where git has none to go by, those of what is live."""
        today = self.units.get(unit)
        if today is not None and today.document is not None and today.ok:
            return samples_of(today.document.value)
        with suppress(ReleaseRejected):
            return samples_of(live.document) if isinstance(live, Shown) else ()
        return ()


@dataclass(frozen=True, slots=True)
class Start:
    """The release that one would go back from; `revision` is None while it is not live yet.

    `safe` is the safe release that belongs to it, by its digest.
    """

    digest: str
    revision: int | None
    found: Found
    safe: tuple[str, Found] | None = None

    @property
    def release(self) -> Release | None:
        return self.found.release if isinstance(self.found, Shown) else None


@dataclass(frozen=True, slots=True)
class Question:
    """Whether one can go back from a unit's `start` to each of its `targets`."""

    unit: str
    start: Start
    targets: Sequence[Earlier]
    read: Callable[[str], Found]

    def indexes(self) -> Iterator[tuple[str, str]]:
        """Of the releases that one would go to: index and version."""
        found = [self.read(target.digest) for target in self.targets]
        for each in (*found, *([self.start.safe[1]] if self.start.safe else ())):
            wanted = each.release.retriever if isinstance(each, Shown) else None
            if wanted is not None:
                yield wanted.index, wanted.version


def start_of(item: Built) -> Start:
    """From what is about to be deployed."""
    shown = look.built(item.unit, item.digest, item.data)
    safe = item.safe and (item.safe[0], look.built(item.unit, *item.safe))
    return Start(item.digest, None, shown, safe)


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
    targets: Mapping[str, list[Earlier]] | None = None,
) -> list[Report]:
    """Rehearse the way back from what is live; `targets` instead of the last ones."""
    pointers = {unit: state.pointers[unit] for unit in units}
    if targets is None:
        targets = earlier(pointers, entries(store), means.last)
    seen = present(store)

    def question(unit: str) -> Question:
        live, read = pointers[unit], _reader(store, unit)
        safe = None if live.safe is None else (live.safe, read(live.safe))
        start = Start(live.digest, live.revision, read(live.digest), safe)
        return Question(unit, start, targets.get(unit, []), read)

    return _reports(pointers, question, seen, means)


def rehearse_from(
    store: Store, state: State, starts: Mapping[str, Start], means: Means, seen: Present
) -> list[Report]:
    """Rehearse the way back from releases that are not live yet: first to what is live."""
    pointers = {unit: state.pointers[unit] for unit in starts if unit in state.pointers}
    before = earlier(pointers, islice(entries(store), MOST_DEPLOYMENTS), means.last)

    def question(unit: str) -> Question:
        start, live = starts[unit], pointers.get(unit)
        targets = [] if live is None else before[unit]
        if live is not None and not live.holds(live.meant):
            targets = [Earlier(live.meant, live.revision, live.commit), *targets]
        others = [target for target in targets if target.digest != start.digest]
        return Question(unit, start, others[: means.last], _reader(store, unit))

    return _reports(starts, question, seen, means)


def _reports(
    units: Iterable[str], question: Callable[[str], Question], seen: Present, means: Means
) -> list[Report]:
    """By unit; so many at once as are kept in memory, and so many probes as an index may bear.

    An index that is away would else be waited for as often as there are units.
    """
    names, reports = sorted(units), list[Report]()
    for first in range(0, len(names), UNITS_AT_ONCE):
        questions = [question(unit) for unit in names[first : first + UNITS_AT_ONCE]]
        found = _probed_at_once(means, {index for each in questions for index in each.indexes()})
        asked = replace(means, probe=lambda *index, found=found: found[index])
        reports += [_report(each, seen, asked) for each in questions]
    return reports


def _probed_at_once(
    means: Means, indexes: Iterable[tuple[str, str]]
) -> dict[tuple[str, ...], Outcome | None]:
    with ThreadPoolExecutor(PROBES_AT_ONCE, "promptops-probe") as pool:
        try:
            asked = {index: pool.submit(means.probe, *index) for index in sorted(indexes)}
            return {index: each.result() for index, each in asked.items()}
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def hindrances(start: Start, target: Shown, callers: Callers, means: Means) -> list[Hindrance]:
    """What stands against putting a release that can be read in the place of another."""
    release, unit = target.release, target.unit
    return [
        *_judged(target, means),
        *_callers(start, release, callers),
        *against_rendering(release, means.samples(unit, start.found)),
        *against_index(start.release, release, _probed(release, means)),
        *against_model(release, means.retires(release.model.id), means.today),
        *against(means.served(release.model), f"its model {release.model.id}", code="retired"),
    ]


def _passed(
    start: Start, since: Iterable[tuple[str, int]], read: Callable[[str], Found]
) -> Iterator[Hindrance]:
    """Who says that one cannot go back past it: what is not live yet, and what was live `since`."""
    if start.revision is None:
        yield from _forward_only(start.digest, None, start.found)
    for digest, revision in since:
        if start.revision is not None or digest != start.digest:
            yield from _forward_only(digest, revision, read(digest))


def _forward_only(digest: str, revision: int | None, found: Found) -> Iterator[Hindrance]:
    document = found.document if isinstance(found, Shown) else None
    return against_forward_only(digest, revision, document)


def _reader(store: Store, unit: str) -> Callable[[str], Found]:
    """Reads releases of a unit, each of them once."""
    gone = ReleaseRejected("C610", "the store does not have its release any more", AGAIN)

    @cache
    def read(digest: str) -> Found:
        try:
            data = store.release(digest)
            return gone if data is None else look.built(unit, digest, data)
        except ReleaseRejected as error:
            return error

    return read


def _report(question: Question, seen: Present, means: Means) -> Report:
    began = time.perf_counter()
    unit, start, read = question.unit, question.start, question.read
    callers = seen.callers(unit)
    judged = []
    for target in question.targets:
        against_it = [
            *_passed(start, target.since, read),
            *_against(start, read(target.digest), callers, means),
        ]
        judged.append(Rehearsed(target.digest, target.revision, tuple(against_it)))
    safe = None
    if start.safe is not None:
        digest, found = start.safe
        safe = Rehearsed(digest, None, tuple(_against(start, found, callers, means)))
    way = WayBack(unit, start.digest, tuple(judged), safe)
    return Report(way, now(), round(time.perf_counter() - began, 3))


def _against(start: Start, found: Found, callers: Callers, means: Means) -> list[Hindrance]:
    if isinstance(found, ReleaseRejected):
        return [Hindrance(found.code, "error", found.message, found.hint or AGAIN)]
    return hindrances(start, found, callers, means)


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
