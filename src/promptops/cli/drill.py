"""rehearse --drill: a rollback that really happens, in an environment made for it."""

from dataclasses import asdict

from promptops.cli import suggested
from promptops.cli.asking import confirm
from promptops.cli.awaiting import named
from promptops.cli.output import count, emit
from promptops.cli.report import new_intent
from promptops.cli.settings import Environment
from promptops.delivery.drill.drill import Drill
from promptops.delivery.drill.drill import drill as carry_out_drill
from promptops.delivery.drill.record import Record
from promptops.errors import Unconfirmed

CLIENTS = 10
_COUNTS = ("clients", "units", "confirmed")
MOST_CLIENTS = 200


def drill(place: Environment, clients: int, *, yes: bool, output: str) -> None:
    """Drill and print how it went; raises Unconfirmed when clients are missing."""
    if not yes:
        what = f"drill with {count(clients, 'client')} beside {place.name} in {place.address}:"
        confirm(place, "drill", lambda: [what, "  nothing of it changes but the record of this"])
    opened = place.open()
    try:
        with suggested.permitted("operator", place.name):
            done = carry_out_drill(opened, clients, new_intent(place, None, ""))
    finally:
        opened.close()
    if done is None:
        # As a rehearsal, which does not fail for want of an earlier release.
        facts = dict.fromkeys(Record.__slots__) | dict.fromkeys(_COUNTS, 0)
        why = "no unit has an earlier release to go back to"
        facts = {"environment": place.name, **facts, "nothing_to_drill": why}
        emit(output, facts, f"{place.name}: nothing to drill, {why}")
        return
    emit(output, {"environment": place.name, **asdict(done.record)}, _text(place, done))
    if not done.record.passed:
        raise _unconfirmed(done)


def _text(place: Environment, done: Drill) -> str:
    record = done.record
    head = f"{place.name}: drilled with {count(record.units, 'unit')}"
    lines = [f"{head}, {record.confirmed} of {count(record.clients, 'client')} confirmed"]
    for word, seconds in (("forward", record.forward_seconds), ("back", record.back_seconds)):
        if seconds is not None:
            lines.append(f"  {word:<7}  {seconds:.2f} s from the command to the last client")
    return "\n".join(lines)


def _unconfirmed(done: Drill) -> Unconfirmed:
    record = done.record
    who = ", ".join(map(named, done.missing)) or "some did not come up"
    return Unconfirmed(
        f"{record.clients - record.confirmed} of {record.clients} clients did not confirm: {who}",
        "nothing of the environment changed; the way back does not work as it is",
    )
