"""Read one release: the live one, or the one that would be built."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from shlex import join
from typing import Any

from promptops.delivery.deployment import read_existing
from promptops.errors import ReleaseRejected
from promptops.live.moves import served_pointer
from promptops.live.records import Pointer, SafeMode
from promptops.live.store import Store
from promptops.manifest.digest import short
from promptops.manifest.release import Release, read_release, release_document


@dataclass(frozen=True, slots=True)
class Shown:
    """A release and its document; `revision` is None when it is not live.

    `safe` is the safe release that belongs to it, `safe_mode` what it stands in for.
    """

    unit: str
    digest: str
    revision: int | None
    release: Release
    document: dict[str, Any]
    safe: str | None = None
    safe_mode: SafeMode | None = None


def live(store: Store, unit: str, where: Sequence[str] = ()) -> Shown:
    """The verified live release; raises UnknownUnit, Refused, ReleaseRejected, StoreError.

    `where` are the options that name the environment in what one types.
    """
    pointer = served_pointer(read_existing(store, where), unit, store.environment, where)
    shown = pointed_to(store, unit, pointer, where)
    return replace(shown, safe=pointer.safe, safe_mode=pointer.safe_mode)


def pointed_to(store: Store, unit: str, pointer: Pointer, where: Sequence[str] = ()) -> Shown:
    """The verified release of a pointer that was read before; raises ReleaseRejected."""
    return built(unit, pointer.digest, bytes_of(store, unit, pointer, where), pointer.revision)


def bytes_of(store: Store, unit: str, pointer: Pointer, where: Sequence[str] = ()) -> bytes:
    """The bytes that a pointer names, unchecked; raises ReleaseRejected when they are missing."""
    data = store.release(pointer.digest)
    if data is None:
        raise ReleaseRejected(
            "C610",
            f"the live release {short(pointer.digest)} of {unit} is missing in {store.address}",
            "go back to one that is there: "
            + join(["promptops", "rollback", unit, *(where or ("--env", store.environment))]),
        )
    return data


def built(unit: str, digest: str, data: bytes, revision: int | None = None) -> Shown:
    """A release from its bytes."""
    return Shown(
        unit, digest, revision, read_release(data, digest, unit), release_document(data, digest)
    )
