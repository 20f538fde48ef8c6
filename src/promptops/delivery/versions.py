"""One version, one text (W232): a prompt beside the one that is live, and those that were."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from promptops.delivery import look
from promptops.delivery.build import Built
from promptops.delivery.comparison import Notice, same_version, same_version_before
from promptops.errors import ReleaseRejected
from promptops.finding import Finding
from promptops.live.records import Pointer
from promptops.live.store import Store, entries
from promptops.manifest.release import Release, read_release
from promptops.source.lines import with_lines
from promptops.source.severity import Rule, is_error, ruled
from promptops.source.tree import Tree
from promptops.source.unit import Unit

# How far back W232 looks for another text of the same version.
MOST_DEPLOYMENTS = 1000
MOST_RELEASES = 20

Past = Mapping[str, Mapping[str, int]]  # unit → digest → revision at which it came, newest first


def past_of(store: Store, units: Iterable[str]) -> Past:
    """The latest releases of some units."""
    found: dict[str, dict[str, int]] = {unit: {} for unit in units}
    for entry in islice(entries(store), MOST_DEPLOYMENTS) if found else ():
        for change in entry.changes:
            seen = found.get(change.unit)
            if seen is not None and len(seen) < MOST_RELEASES:
                seen.setdefault(change.after, entry.revision)
    return found


def other_texts_before(
    store: Store, unit: str, live: Release, new: Release, past: Past
) -> Iterator[Notice]:
    """W232 when an earlier release had the version of the new one and another text."""
    return same_version_before(live, new, _releases(store, unit, past[unit]))


def as_errors(
    tree: Tree, unit: Unit, notices: Iterable[Notice], rules: tuple[Rule, ...]
) -> list[Finding]:
    """The W232 among notices, at the version that has to change, where the project forbids it."""
    document = unit.document
    if document is None or not is_error("W232", rules):
        return []
    place = document.place(("prompt", "version"))
    found = [
        Finding("W232", document.file, place, notice.message, notice.hint)
        for notice in notices
        if notice.code == "W232"
    ]
    return ruled(with_lines(found, unit.files, tree), rules)


def forbidden_versions(
    store: Store,
    pointers: Mapping[str, Pointer],
    tree: Tree,
    items: Iterable[Built],
    rules: tuple[Rule, ...],
) -> list[Finding]:
    """W232 of units that are about to move, where the project forbids it."""
    items = [item for item in items if item.unit in pointers]
    if not items or not is_error("W232", rules):
        return []
    past = past_of(store, [item.unit for item in items])
    return [
        finding
        for item in items
        for finding in as_errors(
            tree, item.source, _notices(store, pointers[item.unit], item, past), rules
        )
    ]


def _notices(store: Store, pointer: Pointer, item: Built, past: Past) -> Iterator[Notice]:
    try:
        live = look.pointed_to(store, item.unit, pointer).release
    except ReleaseRejected:
        # What is live cannot be read. That must not keep out the release that mends it.
        return
    new = look.built(item.unit, item.digest, item.data).release
    yield from same_version(live, new)
    yield from other_texts_before(store, item.unit, live, new, past)


def _releases(store: Store, unit: str, past: Mapping[str, int]) -> Iterator[tuple[int, Release]]:
    for digest, revision in past.items():
        try:
            data = store.release(digest)
            if data is not None:
                yield revision, read_release(data, digest, unit)
        except ReleaseRejected:
            # What was live long ago stands in nobody's way.
            continue
