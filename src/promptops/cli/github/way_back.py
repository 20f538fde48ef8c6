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
    """A release that one could go back to; `why` has the messages of its findings."""

    digest: str
    revision: int
    verdict: str
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lost:
    """A unit with earlier releases, none of which is ready."""

    unit: str
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Drilled:
    """How many clients took part, and how many were back."""

    clients: int
    confirmed: int


def read_rehearsal(path: Path) -> tuple[Lost, ...] | None:
    """The units without a way back; None where the command ended before its result."""
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
    first = f"**{inline(lost.unit)}** has no earlier release that is ready:\n"
    lines = fitting(lost.targets, _target, _ROOM // 4, lambda more: f"- and {more} more")
    return "\n".join([first, *lines])


def _target(target: Target) -> str:
    line = f"- revision {target.revision}, {code(short(target.digest))}: {inline(target.verdict)}"
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
        targets = tuple(
            Target(
                str(each["digest"]),
                int(each["revision"]),
                str(each["verdict"]),
                tuple(str(finding["message"]) for finding in each["findings"]),
            )
            for each in unit["targets"]
        )
        if targets and unit["best"] is None:
            yield Lost(str(unit["unit"]), targets)
