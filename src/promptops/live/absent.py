"""The store of an app that was told none: it serves from its copy on disk or from its bundle."""

from collections.abc import Collection, Mapping, Sequence

from promptops.errors import StoreUnreachable, UsageError
from promptops.live.address import Address
from promptops.live.presence import Presence
from promptops.live.records import Entry, Head, Pointer, Seal, State
from promptops.live.store import PAGE, Listener, Swap


class AbsentStore:
    """Says, whatever is asked, that no store was named, or `why` that name is none.

    Its namespace is unknown, so empty.
    """

    def __init__(self, environment: str, why: UsageError | None = None) -> None:
        self._why = why
        self.address = Address("none", namespace="")
        self.environment = environment

    def read(self, since: Head | None = None) -> State:  # noqa: ARG002
        raise self._absent()

    def seal(self) -> Seal:
        raise self._absent()

    def put(self, data: bytes) -> str:  # noqa: ARG002
        raise self._absent()

    def release(self, digest: str) -> bytes | None:  # noqa: ARG002
        raise self._absent()

    def swap(
        self,
        expected: Head | None,  # noqa: ARG002
        entry: Entry,  # noqa: ARG002
        pointers: Mapping[str, Pointer],  # noqa: ARG002
        freeze: str | None = None,  # noqa: ARG002
    ) -> Swap:
        raise self._absent()

    def history(self, before: int | None = None, limit: int = PAGE) -> list[Entry]:  # noqa: ARG002
        raise self._absent()

    def keep_report(self, name: str, text: str) -> None:  # noqa: ARG002
        raise self._absent()

    def reports(self) -> dict[str, str]:
        raise self._absent()

    def releases(self) -> list[str]:
        raise self._absent()

    def forget_releases(self, digests: Collection[str], expected: Head | None = None) -> bool:  # noqa: ARG002
        raise self._absent()

    def restore(
        self,
        expected: Head | None,  # noqa: ARG002
        head: Head,  # noqa: ARG002
        pointers: Mapping[str, Pointer],  # noqa: ARG002
        history: Sequence[Entry],  # noqa: ARG002
        freeze: str,  # noqa: ARG002
    ) -> bool:
        raise self._absent()

    def erase(self) -> None:
        raise self._absent()

    def announce(self, presence: Presence, seconds: int) -> None:  # noqa: ARG002
        raise self._absent()

    def withdraw(self, client: str) -> None:  # noqa: ARG002
        raise self._absent()

    def clients(self) -> list[Presence]:
        raise self._absent()

    def listen(self) -> Listener:
        raise self._absent()

    def close(self) -> None: ...

    def _absent(self) -> StoreUnreachable:
        if self._why is not None:
            return StoreUnreachable(self._why.message, self._why.hint)
        return StoreUnreachable("no store is named", "set PROMPTOPS_STORE to the URL of the store")
