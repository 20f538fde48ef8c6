"""Copies of an environment, and processes that write them."""

import os
import resource
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from promptops.client.copy_file import Change, Contents, Copy, contents_of
from promptops.client.disk import Disk
from promptops.client.journal import Journal
from promptops.client.kept import Kept
from promptops.errors import StoreUnreachable
from promptops.live.address import parse_address
from promptops.live.records import Head
from promptops.manifest.digest import digest_of
from tests.deployments import digest, release


def copy(
    revision: int = 1,
    text: str = "Hello",
    *,
    environment: str = "production",
    namespace: str = "promptops",
) -> Copy:
    """greeter says `text` since the revision."""
    return Copy(
        environment,
        namespace,
        Head(1, revision),
        {"greeter": Kept(digest("greeter", text), revision)},
        {digest("greeter", text): release("greeter", text)},
    )


def disk(folder: Path, environment: str = "production", namespace: str = "promptops") -> Disk:
    return Disk(str(folder), environment, namespace)


def saved(folder: Path, environment: str = "production", namespace: str = "promptops") -> Disk:
    """The only copy, of whatever store."""
    [found] = disk(folder, environment, namespace).copies()
    return found


def write(folder: Path, made: Copy, url: str = "") -> None:
    """If it is newer than what is there, as a client of this store would."""
    place = Disk.of(str(folder), made.environment, parse_address(url)) if url else None
    (place or disk(folder, made.environment, made.namespace)).write(
        lambda present: None if present and present.head >= made.head else made
    )


def grown(folder: Path) -> Journal:
    """Of a copy of 2 MB, behind which there is room for many changes."""
    journal = Journal(disk(folder))
    much = release("other", "Hello " * 350_000)
    other = Kept(digest_of(much), 1)
    made = copy()
    keep(
        journal,
        replace(
            made,
            units={**made.units, "other": other},
            releases={**made.releases, other.digest: much},
        ),
    )
    return journal


def keep(journal: Journal, made: Copy) -> None:
    """If it is newer than what is there, as a client would."""
    journal.save(lambda there: None if there.head >= made.head else _added(made, there))


def _added(made: Copy, there: Contents) -> Change:
    units = {unit: kept for unit, kept in made.units.items() if there.units.get(unit) != kept}
    new = {kept.digest for kept in units.values()} - there.digests
    return Change(made.head, units, {}, {}, {digest: made.releases[digest] for digest in new})


def write_without_end(folder: str) -> None:
    """As many workers do, until somebody kills the process; it says when it begins."""
    sys.stdout.write("begins\n")
    sys.stdout.flush()
    revision = 0
    while True:
        revision += 1
        disk(Path(folder)).write(
            lambda present: copy(present.head.revision + 1 if present else 1, "Hello " * 4000)
        )


def append_without_end(folder: str) -> None:
    """The same by a writer that adds what changed."""
    sys.stdout.write("begins\n")
    sys.stdout.flush()
    journal = Journal(disk(Path(folder)))
    while True:
        journal.save(_next_one)


def append_over_cut_offs(folder: str) -> None:
    """The same where every other writer is killed in the middle."""
    sys.stdout.write("begins\n")
    sys.stdout.flush()
    file = Path(disk(Path(folder)).path())
    journal = Journal(disk(Path(folder)))
    while True:
        journal.save(_next_one)
        there = contents_of(file.read_bytes(), "it")
        whole = there.append(_next_one(there))
        with file.open("ab") as opened:
            opened.write(whole[: len(whole) // 2])


def _next_one(there: Contents) -> Change:
    revision = there.head.revision + 1
    return _added(copy(revision, f"{revision} " + "Hello " * 20_000), there)


def append_when_asked(folder: str) -> None:
    """Add each revision that standard input names; say how many bytes were read and written."""
    journal = Journal(disk(Path(folder)))
    for line in sys.stdin:
        before = _read_and_written()
        keep(journal, copy(int(line), f"Hello {line}"))
        after = _read_and_written()
        sys.stdout.write(f"{after[0] - before[0]} {after[1] - before[1]}\n")
        sys.stdout.flush()


def _read_and_written() -> tuple[int, int]:
    """Bytes, as the kernel counts them for this process."""
    facts = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(facts["rchar"]), int(facts["wchar"])


def write_revisions(folder: str, first: int, last: int, *, appended: bool = False) -> None:
    """One of several writers that hold revisions in an order of their own."""
    journal = Journal(disk(Path(folder)))
    for revision in range(first, last):
        made = copy(revision, f"Hello {revision}")
        # Another writer may be busy for too long; a client tries again at the next poll.
        with suppress(StoreUnreachable):
            if appended:
                keep(journal, made)
            else:
                write(Path(folder), made)


def write_on_a_full_disk(folder: str, size: int = 100, *, appended: bool = False) -> str:
    """What a process says that may write no file of more bytes than this."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    journal = Journal(disk(Path(folder)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
    try:
        if appended:
            keep(journal, copy(2, "Hello again"))
        else:
            write(Path(folder), copy(2, "Hello again"))
    except StoreUnreachable as error:
        return error.message
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    return f"written by {os.getpid()}"


if __name__ == "__main__":
    ways = (write_without_end, append_without_end, append_over_cut_offs, append_when_asked)
    {each.__name__: each for each in ways}[sys.argv[1]](sys.argv[2])
