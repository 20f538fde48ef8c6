"""--wait-replicas: how many replicas of a Redis have what was just swapped, and what is said."""

from typing import Any

from promptops.cli import suggested
from promptops.cli.output import say
from promptops.cli.settings import Environment
from promptops.delivery.deployment import Deployment
from promptops.errors import Unconfirmed, UsageError
from promptops.live.moves import Intent

STANDS = "the deployment stands; "
_UNKNOWN = "unknown whether a failover would keep it"


def check_has_replicas(place: Environment) -> None:
    """Raises UsageError for what is no Redis."""
    if place.address.scheme in {"sqlite", "memory"}:
        raise UsageError(f"{place.address} has no replicas", "leave --wait-replicas out")


def replica_facts(done: Deployment, asked: int) -> dict[str, Any]:
    """`{"asked", "confirmed", "seconds"}`, without numbers where nobody could be asked."""
    found = done.replicas
    known = found is not None and found.confirmed is not None
    return {
        "asked": asked,
        "confirmed": found.confirmed if found else None,
        "seconds": round(found.seconds, 3) if found and known else None,
    }


def replica_line(facts: dict[str, Any]) -> str:
    """`1 of 1 replicas confirmed in 3 ms`; empty where nobody was asked."""
    if facts["confirmed"] is None:
        return ""
    confirmed = min(facts["confirmed"], facts["asked"])
    milliseconds = round(facts["seconds"] * 1000)
    return f"{confirmed} of {facts['asked']} replicas confirmed in {milliseconds} ms"


def in_doubt(done: Deployment, facts: dict[str, Any], intent: Intent) -> Unconfirmed | None:
    """What to raise when a failover may lose what was done."""
    if done.entry is None:
        say("nothing was written: no replica was asked")
        return None
    if facts["confirmed"] is not None and facts["confirmed"] >= facts["asked"]:
        return None
    said = replica_line(facts)
    if done.replicas is None:
        said = "the replicas were not asked, because another connection wrote it"
    elif done.replicas.why:
        said = f"the replicas could not be asked: {done.replicas.why}"
    status = suggested.command("status", *intent.where)
    return Unconfirmed(
        f"{said}: {_UNKNOWN}",
        f"{STANDS}after a failover look again with {status}, and give the same command with "
        f"--operation {intent.operation}, which does it again where it was lost",
    )
