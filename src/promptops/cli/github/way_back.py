"""What `promptops rehearse -o json` printed, as far as an issue tells of it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptops.cli.markdown import code, fitting, inline, length
from promptops.errors import UsageError
from promptops.manifest.digest import short

_ROOM = 60_000  # characters, of the 65,536 that GitHub takes
_ENDED = "The {} ended without a result: its step in the log of the run says why."


@dataclass(frozen=True, slots=True)
class Target:
    """A release that one could go to; `why` has the messages of its findings.

    `revision` is None for a safe release.
    """

    digest: str
    revision: int | None
    verdict: str
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lost:
    """A unit with earlier releases, none of which is ready, or with a safe release that is blocked.

    `targets` are the earlier releases of the former.
    """

    unit: str
    targets: tuple[Target, ...]
    safe: Target | None = None


@dataclass(frozen=True, slots=True)
class Drilled:
    """How many clients took part, and how many were back."""

    clients: int
    confirmed: int


def read_rehearsal(path: Path) -> tuple[Lost, ...] | None:
    """The units without a way back or into safe mode; None where the command ended early."""
    try:
        facts = _read(path, "promptops rehearse --all -o json")
        return None if facts is None else tuple(_lost(facts["units"]))
    except (KeyError, TypeError, ValueError) as error:
        raise _foreign(path, "promptops rehearse --all -o json") from error


def read_drill(path: Path) -> Drilled | None:
    """The drill; None where the command ended before its result."""
    try:
        facts = _read(path, "promptops rehearse --drill -o json")
        return None if facts is None else Drilled(int(facts["clients"]), int(facts["confirmed"]))
    except (KeyError, TypeError, ValueError) as error:
        raise _foreign(path, "promptops rehearse --drill -o json") from error


def trouble(
    rehearsal: tuple[Lost, ...] | None, drill: Drilled | None, *, drilled: bool
) -> list[str]:
    """What is wrong, in paragraphs of Markdown; nothing when one can go back.

    `drilled` says whether a drill was asked for.
    """
    said: list[str] = []
    if rehearsal is None:
        said.append(_ENDED.format("rehearsal"))
    else:
        said += fitting(
            rehearsal, _unit, _ROOM, lambda more: f"{more} more units: see the log of the run."
        )
    if drilled and drill is None:
        said.append(_ENDED.format("drill"))
    elif drill is not None and drill.confirmed < drill.clients:
        said.append(f"In the drill {drill.confirmed} of {drill.clients} clients were back.")
    return said


def _unit(lost: Lost) -> str:
    said: list[str] = []
    if lost.targets:
        said.append(f"**{inline(lost.unit)}** has no earlier release that is ready:\n")
        said += fitting(lost.targets, _target, _ROOM // 4, lambda more: f"- and {more} more")
    if lost.safe is not None:
        gap = "\n" * bool(said)
        said.append(f"{gap}**{inline(lost.unit)}** has a safe release that is blocked:\n")
        said.append(_target(lost.safe))
    return "\n".join(said)


def _target(target: Target) -> str:
    name = "safe release" if target.revision is None else f"revision {target.revision}"
    line = f"- {name}, {code(short(target.digest))}: {inline(target.verdict)}"
    shown = [f"  - {inline(why)}" for why in target.why if length(why) < 4000]
    return "\n".join([line, *shown])


def _read(path: Path, command: str) -> Any:
    try:
        text = path.read_bytes()
        return json.loads(text) if text.strip() else None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise _foreign(path, command) from error


def _foreign(path: Path, command: str) -> UsageError:
    return UsageError(f"{path} is not what {command} prints", "run it again")


def _lost(units: Any) -> Iterator[Lost]:
    for unit in units:
        targets: tuple[Target, ...] = ()
        if unit["best"] is None:
            targets = tuple(_judged(each, int(each["revision"])) for each in unit["targets"])
        safe = unit.get("safe")
        if safe is not None:
            safe = _judged(safe, None) if safe["verdict"] == "blocked" else None
        if targets or safe:
            yield Lost(str(unit["unit"]), targets, safe)


def _judged(facts: Any, revision: int | None) -> Target:
    why = tuple(str(finding["message"]) for finding in facts["findings"])
    return Target(str(facts["digest"]), revision, str(facts["verdict"]), why)
