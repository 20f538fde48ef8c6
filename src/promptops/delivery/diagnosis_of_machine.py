"""From facts to lines: what is installed here, and how the clone stands."""

from collections.abc import Sequence
from dataclasses import dataclass

from promptops.delivery.diagnosis import Line
from promptops.source.git_state import GitState

PACKAGE = "promptops-deploy"


@dataclass(frozen=True, slots=True)
class Machine:
    """`owners` are the installed packages with a module `promptops`; `commands` the files of that
    name on the PATH, first the one that a shell starts, and `folder` where ours is.
    """

    version: str
    python: str
    redis_py: str | None
    owners: Sequence[str]
    commands: Sequence[str]
    folder: str


def of_machine(machine: Machine) -> list[Line]:
    versions = f"promptops {machine.version}, Python {machine.python}, "
    versions += f"redis-py {machine.redis_py}" if machine.redis_py else "no redis-py"
    return [Line("versions", "ok", versions), _owners(machine), _command(machine)]


def _owners(machine: Machine) -> Line:
    foreign = sorted({*machine.owners} - {PACKAGE})
    if foreign:
        says = f"{', '.join(foreign)} has a module promptops too, and one hides the other"
        remedy = f"pip uninstall {' '.join(foreign)} && pip install --force-reinstall {PACKAGE}"
        return Line("package", "problem", says, remedy)
    return Line("package", "ok", f"{PACKAGE} and no other")


def _command(machine: Machine) -> Line:
    ours = f"{machine.folder}/promptops"
    first = machine.commands[0] if machine.commands else ours
    if first != ours:
        says = f"a shell starts {first}, which is not this one ({ours})"
        return Line("command", "warning", says, f'export PATH="{machine.folder}:$PATH"')
    others = [command for command in machine.commands if command != ours]
    says = ours + (f"; further behind: {', '.join(others)}" if others else "")
    return Line("command", "ok", says)


def of_git(state: GitState) -> list[Line]:
    at = f"{state.commit[:12]} on {state.branch}" if state.branch else state.commit[:12]
    lines = [Line("head", "ok", at)]
    if state.missing_from is not None:
        says = f"{at} is not on {state.missing_from}, where deploys come from"
        lines = [Line("head", "warning", says, f"git checkout {state.missing_from}")]
    elif state.branch is None:
        says = f"{at}, detached: what is committed here is on no branch"
        lines = [Line("head", "warning", says, "git switch BRANCH")]
    if state.shallow:
        says = "shallow: it cannot tell which commit is older"
        lines.append(Line("clone", "warning", says, "git fetch --unshallow"))
    else:
        lines.append(Line("clone", "ok", "whole"))
    if state.differing:
        more = f" and {len(state.differing) - 1} more" if len(state.differing) > 1 else ""
        says = f"{state.differing[0]}{more} not as committed; a deploy takes what is committed"
        lines.append(Line("files", "warning", says, "git status"))
    else:
        lines.append(Line("files", "ok", "as committed"))
    return lines
