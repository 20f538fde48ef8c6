"""A store in memory that a test fills without manifests and without git."""

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime
from os import PathLike
from typing import Any
from uuid import uuid4

from promptops.errors import Refused, UsageError
from promptops.live import memory, moves, moves_of_rollback
from promptops.live.address import check_environment_name, parse_address
from promptops.live.moves import Intent, Proposal
from promptops.live.records import State
from promptops.live.store import OPERATOR
from promptops.manifest.digest import is_digest
from promptops.testing.given import Given, check_unit_name, compiled

_numbers = itertools.count(1)


class MemoryStore(memory.MemoryStore):
    """`Client(store.url, environment=store.environment)` follows it, in this process only.

    Without a name it is a new, empty one; it is forgotten with `forget()`.
    """

    def __init__(self, name: str = "", environment: str = "test") -> None:
        check_environment_name(environment)
        address = parse_address(f"memory:{name or f'unnamed-{next(_numbers)}'}")
        super().__init__(address, environment, OPERATOR)

    @property
    def url(self) -> str:
        return str(self.address)

    def deploy(
        self,
        unit: str,
        *,
        text: str | None = None,
        file: str | PathLike[str] | None = None,
        release: bytes | Mapping[str, Any] | None = None,
    ) -> str:
        """Make a release live, and return its digest; what it is made of is as for `pinned`."""
        check_unit_name(unit)
        data = Given(text, file, release).data(unit, self.environment)
        compiled(unit, data)  # refused here, and not by a client in the background
        digest = self.put(data)
        state = self.read()
        wanted = {unit: digest}
        self._do(state, moves.deploy(state, wanted, _intent(""), skip_held=False, request=""))
        return digest

    def rollback(self, unit: str, reason: str = "a test") -> str:
        """Back to the release before, and hold the one that is left; returns the digest."""
        state = self.read()
        pointer = moves.live_pointer(state, unit, self.environment)
        target = moves_of_rollback.previous(pointer, unit, self.history())
        self._do(
            state, moves_of_rollback.rollback(state, {unit: target}, _intent(reason), request="")
        )
        return target.digest

    def hold(self, unit: str, digest: str, reason: str = "a test") -> None:
        """Keep a release out, without a rollback."""
        state = self.read()
        moves.live_pointer(state, unit, self.environment)
        if not is_digest(digest):
            raise UsageError(f"{digest[:80]!r} is no digest", "pass what deploy returned, sha256:…")
        self._do(state, moves.hold(state, unit, digest, _intent(reason), request=""))

    def forget(self) -> None:
        """Drop what it holds."""
        memory.forget(self.address.path)

    def _do(self, state: State, proposal: Proposal) -> None:
        if proposal.entry is None:
            return  # it is so already
        swap = self.swap(state.head, proposal.entry, proposal.pointers)
        if swap.outcome != "won":
            raise Refused("moved", "another thread deployed to this store in the same moment")


def _intent(reason: str) -> Intent:
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Intent(uuid4().hex, "promptops.testing", at, reason)
