"""The unit that is measured: a prompt of 60 lines with 14 slots, as a team might have it."""

import uuid
from collections.abc import Mapping
from pathlib import Path

from promptops.live import moves
from promptops.live.moves import Intent, Proposal
from promptops.live.records import Head, State
from promptops.live.store import Store
from promptops.manifest.canonical import canonical_bytes

UNIT = "support-reply"
ENVIRONMENT = "production"
TEXT = Path(__file__).with_name("reply.md").read_text("utf-8")

VALUES: dict[str, str | int] = {
    "company": "Example Outdoor",
    "agent": "Noor",
    "team": "Shipping",
    "customer": "R. Okafor",
    "plan": "Plus",
    "since": "2024-03-01",
    "language": "English",
    "tone": "friendly and plain",
    "max_words": 140,
    "due": "tomorrow noon",
    "refund_limit": "80 EUR",
    "passages": "[1] Parcels marked delivered: Shipping opens a trace with the carrier.\n" * 25,
    "orders": "2026-11-14  A-20931  rain jacket, size M, 79.00 EUR, delivered 2026-11-17\n" * 5,
    "ticket": "My order says delivered since Tuesday, but nothing is here. Please help.\n" * 6,
}


def release(number: int, unit: str = UNIT, text: str = TEXT) -> bytes:
    """A whole release of the unit; another number is another digest with the same text."""
    return canonical_bytes(
        {
            "apiVersion": "promptops/v1",
            "unit": unit,
            "model": {"provider": "openai", "id": "gpt-4o-mini-2024-07-18", "version": "1"},
            "params": {"temperature": 0.2, "max_tokens": 300 + number},
            "prompt": {
                "id": unit,
                "version": "1",
                "messages": [{"role": "system", "content": text}],
                "examples": [],
            },
            "inputs": {
                name: {"type": "integer"}
                if isinstance(value, int)
                else {"type": "string", "maxLength": 200 if len(value) < 100 else 20000}
                for name, value in VALUES.items()
                if f"{{{{ {name} }}}}" in text
            },
        }
    )


def proposed(state: State, digest: str) -> Proposal:
    """What makes a digest of the unit live, decided on `state` by the product's own rules."""
    return proposed_all(state, {UNIT: digest})


def proposed_all(state: State, digests: Mapping[str, str]) -> Proposal:
    """The same for many units at once."""
    intent = Intent(uuid.uuid4().hex, "benchmarks", "2026-11-20T10:00:00Z", commit="c0ffee")
    return moves.deploy(state, digests, intent, skip_held=False, request="benchmarks")


def swapped(store: Store, state: State, proposal: Proposal) -> Head:
    """The head after a swap that must win."""
    if proposal.entry is None:
        raise RuntimeError("the release is live already, so there is nothing to measure")
    swap = store.swap(state.head, proposal.entry, proposal.pointers)
    if swap.outcome != "won" or swap.head is None:
        raise RuntimeError(f"the swap ended as {swap.outcome}")
    return swap.head


def deploy(store: Store, number: int) -> str:
    """Make a release live; its digest."""
    digest = store.put(release(number))
    state = store.read()
    swapped(store, state, proposed(state, digest))
    return digest


def names(count: int) -> list[str]:
    """The unit and others that are named after it."""
    return [UNIT, *(f"{UNIT}-{number:05}" for number in range(1, count))]


def deploy_many(store: Store, count: int) -> int:
    """Make many units of 2 KB live, in one deployment; how many bytes their releases have."""
    text = TEXT[: TEXT.rindex("\n", 0, 1300) + 1]
    releases = {name: release(0, name, text) for name in names(count)}
    digests = {name: store.put(data) for name, data in releases.items()}
    state = store.read()
    swapped(store, state, proposed_all(state, digests))
    return sum(map(len, releases.values()))
