"""What history says of a moment, and of clients."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from promptops.cli.output import count, in_line, table
from promptops.delivery.confirmed import Confirmed
from promptops.delivery.past import Past
from promptops.manifest.digest import short


def past_facts(
    environment: str, found: Past, unit: str | None, confirmed: Mapping[int, Confirmed] | None
) -> dict[str, Any]:
    """What was live then, of every unit or of one."""
    entry = found.entry
    facts: dict[str, Any] = {
        "environment": environment,
        "at": shown(found.at),
        "revision": entry.revision if entry else None,
        "entry": entry.as_json() if entry else None,
        "units": [
            {
                "unit": name,
                "digest": pointer.digest,
                "revision": pointer.revision,
                "since": pointer.since,
                "commit": pointer.commit,
                "held": [hold.digest for hold in pointer.held],
            }
            for name, pointer in sorted(found.units.items())
            if unit in {None, name}
        ],
    }
    if confirmed is not None:
        facts["clients"] = clients_facts(confirmed, entry.revision if entry else 0)
    return facts


def past_text(facts: Mapping[str, Any]) -> str:
    """The time with its zone, so that nobody takes it for another one."""
    environment, at, entry = facts["environment"], facts["at"], facts["entry"]
    if entry is None:
        return f"{environment} had no deployment at {at}"
    who = f"{entry['action']} by {in_line(entry['actor'])} at {entry['at']}"
    lines = [f"{environment} at {at}: revision {entry['revision']}, {who}"]
    rows = [("UNIT", "DIGEST", "REVISION", "COMMIT", "SINCE")]
    for each in facts["units"]:
        commit = (each["commit"] or "-")[:12]
        name, digest = in_line(each["unit"]), short(each["digest"])
        rows.append((name, digest, str(each["revision"]), commit, each["since"]))
    lines.append(table(rows) if len(rows) > 1 else "nothing of that was live")
    if "clients" in facts:
        lines.append(clients_text(facts["clients"]))
    return "\n".join(lines)


def clients_facts(confirmed: Mapping[int, Confirmed], revision: int) -> dict[str, Any] | None:
    """None where nobody waited for that revision."""
    return confirmed[revision].as_json() if revision in confirmed else None


def clients_text(facts: Mapping[str, Any] | None) -> str:
    if facts is None:
        return "no record of clients: nobody waited for it (--wait)"
    line = f"{facts['confirmed']} of {count(facts['present'], 'client')} had confirmed it"
    line += f" at {facts['at']}"
    if facts["slowest_seconds"] is not None:
        line += f", slowest {facts['slowest_seconds']:.2f} s"
    if facts["missing"]:
        line += f"; not: {', '.join(in_line(name) for name in facts['missing'])}"
    return line


def shown(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
