"""A plan that was written down: read it, and refuse to apply it to anything that has moved."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from promptops.delivery.build import Built
from promptops.delivery.checkout import Checkout, from_commit
from promptops.delivery.plan import plan_digest
from promptops.errors import Refused, UsageError
from promptops.live.records import Head, State
from promptops.live.store import Store, newer
from promptops.manifest.digest import is_digest, short
from promptops.source.files import WorkTree
from promptops.source.git import Repository
from promptops.source.project import Project

MAX_BYTES = 64 << 20
MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Planned:
    """What a plan file says shall be done; `moves` is unit → digest before (or None) and after."""

    environment: str
    head: Head | None
    commit: str
    digest: str
    moves: dict[str, tuple[str | None, str]]


def read_plan(path: Path) -> Planned:
    """Read what `promptops plan --out` wrote; raises UsageError."""
    again = "make a new one: promptops plan --env NAME --out FILE"
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        facts = json.loads(data)
        planned, named = _planned(facts), plan_digest(facts)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", again) from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(f"{path} is not a plan", again) from error
    if named != planned.digest:
        raise UsageError(f"{path} was changed after it was made: its digest is another", again)
    return planned


def checkout_of(
    project: Project, planned: Planned, environment: str, revision: str
) -> tuple[Checkout, list[str]]:
    """What a plan deploys, and what git says that is not as the plan saw it.

    Raises UsageError for a plan of another environment.
    """
    if planned.environment != environment:
        raise UsageError(
            f"the plan is for {planned.environment}, not for {environment}",
            f"say --env {planned.environment}, or make a plan for {environment}",
        )
    repository = Repository.around(project.root)
    moved = list(_commit_moved(planned, revision, repository.commit(revision)))
    checkout = Checkout([], [], WorkTree(project.root), planned.commit)
    if not repository.has(planned.commit):
        moved = [f"commit {planned.commit[:12]} is no longer in this repository"]
    elif planned.moves:
        checkout = from_commit(project, tuple(planned.moves), environment, planned.commit)
    return checkout, [*moved, *_content_moved(planned, checkout.built)]


def as_planned(store: Store, planned: Planned, moved: list[str], state: State) -> None:
    """Raises Refused, plan-changed, when the store or git (`moved`) is not what the plan saw."""
    found = [*_head_moved(store, planned, state), *moved]
    if found:
        raise _changed("; ".join(found), planned)


def _changed(what: str, planned: Planned) -> Refused:
    return Refused(
        "plan-changed",
        f"this is not what the plan saw: {what}",
        "nothing was changed; plan again, and have that reviewed: "
        f"promptops plan --env {planned.environment} --out FILE",
    )


def _commit_moved(planned: Planned, revision: str, commit: str) -> Iterator[str]:
    if commit != planned.commit:
        yield (
            f"{revision} is commit {commit[:12]}, and the plan is for {planned.commit[:12]} "
            f"(--commit {planned.commit[:12]} applies it all the same)"
        )


def _content_moved(planned: Planned, built: Iterable[Built]) -> Iterator[str]:
    for item in built:
        after = planned.moves[item.unit][1]
        if item.digest != after:
            yield f"{item.unit} is {short(item.digest)} in that commit, planned was {short(after)}"


def _head_moved(store: Store, planned: Planned, state: State) -> Iterator[str]:
    if state.head != planned.head:
        yield f"{planned.environment} is at {_at(state.head)}, planned was {_at(planned.head)}"
        for entry in islice(newer(store, planned.head), MOST_NAMED):
            units = ", ".join(entry.units[:MOST_NAMED])
            what = f"{entry.action} of {units}" if units else entry.action
            yield f"revision {entry.revision} is a {what} by {entry.actor}"
    for unit, (before, _) in planned.moves.items():
        live = state.pointers.get(unit)
        digest = None if live is None or live.retired else live.meant
        if digest != before:
            now, then = (short(one) if one else "not live" for one in (digest, before))
            yield f"{unit} is {now}, planned was {then}"


def _at(head: Head | None) -> str:
    if head is None:
        return "no revision yet"
    return f"revision {head.revision}" + (f" of epoch {head.epoch}" if head.epoch != 1 else "")


def _planned(facts: Any) -> Planned:
    head = facts["head"]
    moves: dict[str, tuple[str | None, str]] = {}
    for unit in facts["units"]:
        before, after = unit["from"], unit["to"]
        if not is_digest(after) or not (before is None or is_digest(before)):
            raise ValueError("no digest")
        moves[_text(unit["unit"])] = (before, after)
    return Planned(
        _text(facts["environment"]),
        None if head is None else Head(_number(head["epoch"]), _number(head["revision"])),
        _text(facts["commit"]),
        _text(facts["digest"]),
        moves,
    )


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("no text")
    return value


def _number(value: Any) -> int:
    if type(value) is not int:
        raise TypeError("no number")
    return value
