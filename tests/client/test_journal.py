"""The last known good copy as it grows: a change costs its own bytes, and none is half there."""

import os
import random
import subprocess
import sys
from bisect import bisect_right
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from promptops.client.copy_file import CHANGE, Copy, contents_of, decode, encode
from promptops.client.journal import MOST_CHANGES, Journal
from promptops.client.kept import Kept
from promptops.errors import StoreCorrupt
from promptops.live.records import Head
from promptops.live.store import Store
from tests.client import copies
from tests.client.conftest import Starter
from tests.client.copies import copy, disk, keep, saved
from tests.client.test_standing_in import until_saved
from tests.deployments import deploy, digest, release


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def journal(cache: Path) -> Journal:
    """With greeter at revision 1 among so many others that it can grow for long."""
    made = copy()
    others = {f"other{number}": Kept(digest("other", f"Hi {number}"), 1) for number in range(40)}
    releases = {kept.digest: release("other", f"Hi {n}") for n, kept in enumerate(others.values())}
    journal = Journal(disk(cache))
    keep(
        journal,
        Copy(
            made.environment,
            made.namespace,
            made.head,
            {**made.units, **others},
            {**made.releases, **releases},
        ),
    )
    return journal


def file_of(cache: Path) -> Path:
    copies = disk(cache).copies()
    return Path((copies[0] if copies else disk(cache)).path())


def revisions(journal: Journal, *numbers: int) -> None:
    for number in numbers:
        keep(journal, copy(number, f"Hello {number}"))


def assert_greets(found: Copy, revision: int) -> None:
    assert found.head == Head(1, revision)
    assert found.units["greeter"] == Kept(digest("greeter", f"Hello {revision}"), revision)
    assert len(found.units) == 41
    assert len(found.releases) == 41


def lines(data: bytes) -> list[int]:
    """Where the changes begin."""
    found, at = [], data.find(CHANGE)
    while at >= 0:
        found.append(at)
        at = data.find(CHANGE, at + 1)
    return found


@contextmanager
def writer(cache: Path, how: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "tests.client.copies", how, str(cache)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def asked(process: "subprocess.Popen[str]", revision: int) -> tuple[int, int]:
    """Bytes that the process read and wrote in order to save a revision."""
    assert process.stdin is not None
    assert process.stdout is not None
    print(revision, file=process.stdin, flush=True)
    read, written = process.stdout.readline().split()
    return int(read), int(written)


def test_what_was_appended_is_read_and_the_file_stays_the_same(
    cache: Path, journal: Journal
) -> None:
    before = file_of(cache).stat()
    data = file_of(cache).read_bytes()
    revisions(journal, 2, 3)
    assert_greets(saved(cache).read(), 3)
    assert file_of(cache).stat().st_ino == before.st_ino
    assert file_of(cache).read_bytes().startswith(data)
    assert len(lines(file_of(cache).read_bytes())) == 2


def test_a_change_among_a_thousand_units_writes_what_one_among_three_does(
    embedded: Store, embedded_url: str, started: Starter, tmp_path: Path
) -> None:
    written = []
    for revision, count in ((1, 3), (3, 1000)):
        cache = tmp_path / str(count)
        deploy(embedded, **{f"unit{number:04}": "Hello " * 300 for number in range(count)})
        client = started(embedded_url, cache=cache, poll=0.1)
        until_saved(cache, revision)
        before = file_of(cache).stat()
        deploy(embedded, **{f"unit{count - 1:04}": f"Good day {count:04} " * 300})
        until_saved(cache, revision + 1)
        after = file_of(cache).stat()
        client.close()
        assert after.st_ino == before.st_ino
        written.append(after.st_size - before.st_size)
    assert abs(written[0] - written[1]) < 10
    assert written[1] < 10_000 < before.st_size / 100


def test_what_went_is_gone_and_what_was_refused_is_kept(
    embedded: Store, embedded_url: str, started: Starter, cache: Path
) -> None:
    deploy(embedded, **{f"unit{number}": f"Hello {number}" for number in range(9)})
    client = started(embedded_url, cache=cache, inputs={"unit1": []}, poll=0.1)
    until_saved(cache, 1)
    before = file_of(cache).stat()
    deploy(embedded, unit1="Hello {{ name }}")
    until_saved(cache, 2)
    assert saved(cache).read().refused.keys() == client.status().refused.keys() == {"unit1"}
    deploy(embedded, unit1="Hello again", unit2="Hi")
    until_saved(cache, 3)
    found = saved(cache).read()
    assert (found.refused, found.units["unit1"].digest) == ({}, digest("unit1", "Hello again"))
    assert [kept.revision for kept in found.past["unit1"]] == [1]
    assert file_of(cache).stat().st_ino == before.st_ino


@pytest.mark.skipif(
    not Path("/proc/self/io").exists(), reason="only Linux counts a process's bytes"
)
def test_a_writer_reads_only_what_another_one_appended(cache: Path, journal: Journal) -> None:
    size = file_of(cache).stat().st_size
    with ExitStack() as stack:
        one, other = (stack.enter_context(writer(cache, "append_when_asked")) for _ in range(2))
        asked(one, 2)  # reads all
        asked(other, 3)
        for revision in range(4, 24, 2):
            for process, number in ((one, revision), (other, revision + 1)):
                read, written = asked(process, number)
                assert max(read, written) < 3000 < size / 5
        read, written = asked(one, 23)  # as new as what is there
        assert written < 100  # its answer
        revisions(journal, 24)
    assert_greets(saved(cache).read(), 24)
    assert len(lines(file_of(cache).read_bytes())) == 23


@pytest.mark.soak(short=200, full=5000)
@pytest.mark.parametrize("how", ["append_without_end", "append_over_cut_offs"])
def test_a_reader_sees_no_change_by_halves(cache: Path, how: str, times: int) -> None:
    copies.grown(cache)
    last = 0
    with writer(cache, how) as process:
        assert process.stdout is not None
        process.stdout.readline()
        read = 0
        while read < times or last < 10:
            found = saved(cache).read()
            assert found.head.revision >= last
            last = found.head.revision
            read += 1


def test_the_file_is_written_anew_before_the_changes_outgrow_it(
    cache: Path, journal: Journal
) -> None:
    base = file_of(cache).stat().st_size
    inodes, most = set(), 0
    for number in range(2, 100):
        revisions(journal, number)
        inodes.add(file_of(cache).stat().st_ino)
        most = max(most, file_of(cache).stat().st_size)
    assert_greets(saved(cache).read(), 99)
    assert len(inodes) > 1
    assert base * 1.9 < most < base * 2.2


def test_many_small_changes_are_put_together_too(cache: Path) -> None:
    journal = Journal(disk(cache))
    keep(journal, copy(1, "Hello " * 50_000))
    for revision in range(2, MOST_CHANGES + 3):
        made = copy(1, "Hello " * 50_000)
        keep(journal, Copy("production", "promptops", Head(1, revision), made.units, made.releases))
    data = file_of(cache).read_bytes()
    assert lines(data) == []
    assert decode(data, "it").head.revision == MOST_CHANGES + 2


def test_a_change_that_is_cut_off_anywhere_is_not_there_yet(cache: Path, journal: Journal) -> None:
    revisions(journal, 2, 3)
    data = file_of(cache).read_bytes()
    for left in range(lines(data)[1], len(data)):
        assert_greets(decode(data[:left], "it"), 2)
    assert_greets(decode(data, "it"), 3)


@pytest.mark.parametrize("left", [1, 100, 200, -1])
@pytest.mark.parametrize("anew", [False, True])
def test_the_next_writer_puts_its_change_over_one_that_is_cut_off(
    cache: Path, journal: Journal, left: int, anew: bool
) -> None:
    revisions(journal, 2)
    whole = file_of(cache).read_bytes()
    revisions(Journal(disk(cache)), 3)
    data = file_of(cache).read_bytes()
    file_of(cache).write_bytes(data[: (len(whole) if left > 0 else len(data)) + left])
    before = file_of(cache).stat().st_ino
    revisions(Journal(disk(cache)) if anew else journal, 4)
    assert_greets(saved(cache).read(), 4)
    assert file_of(cache).stat().st_ino == before
    assert len(lines(file_of(cache).read_bytes())) == 2


def test_what_is_no_change_behind_a_copy_is_c621(cache: Path, journal: Journal) -> None:
    revisions(journal, 2, 3, 4)
    data = file_of(cache).read_bytes()
    first, second, third = lines(data)
    base, changes = data[:first], [data[first:second], data[second:third], data[third:]]
    other = encode(copy(7))
    for damaged in (
        data + b"x",
        data + b"promptops-change/2",
        data + b"x" * 5000,
        base + changes[1],
        base + changes[0] + changes[2],
        base + changes[1] + changes[0],
        base + changes[0] + changes[0],
        other + changes[0],
    ):
        with pytest.raises(StoreCorrupt) as raised:
            decode(damaged, "it")
        assert raised.value.code == "C621"


def test_no_flipped_bit_of_a_first_line_makes_a_change_look_cut_off(
    cache: Path, journal: Journal
) -> None:
    revisions(journal, 2, 3)
    data = file_of(cache).read_bytes()
    begins = lines(data)[1]
    for at in range(begins * 8, data.index(b"\n", begins) * 8 + 8):
        assert flipped(data, at) == "C621", at


@pytest.mark.soak(short=1000, full=20_000)
def test_every_flipped_bit_is_noticed_and_what_stands_before_it_is_whole(
    cache: Path, journal: Journal, times: int
) -> None:
    revisions(journal, *range(2, 12))
    data = file_of(cache).read_bytes()
    begins = [*lines(data), len(data)]
    sound = [decode(data[:end], "it") for end in begins]
    chance = random.Random(5)  # noqa: S311
    for at in (chance.randrange(len(data) * 8) for _ in range(times)):
        assert flipped(data, at) in {"C620", "C621"}
        if at >= begins[0] * 8:
            found = contents_of(with_flipped(data, at), "it")
            assert found.lost is not None
            assert found.lost.code == "C620"
            assert found.copy() == sound[bisect_right(begins, at // 8) - 1]


def flipped(data: bytes, at: int) -> str:
    """What is said of a file that must be sound as a whole, with one bit flipped."""
    try:
        decode(with_flipped(data, at), "it")
    except StoreCorrupt as error:
        return error.code
    return f"bit {at} was not noticed"


def with_flipped(data: bytes, at: int) -> bytes:
    damaged = bytearray(data)
    damaged[at // 8] ^= 1 << at % 8
    return bytes(damaged)


@pytest.mark.parametrize("anew", [False, True])
@pytest.mark.parametrize("revision", [3, 5, 6])
def test_a_file_with_a_damaged_change_is_written_anew_with_the_next_save(
    cache: Path, journal: Journal, anew: bool, revision: int
) -> None:
    revisions(journal, 2, 3, 4, 5)
    data = file_of(cache).read_bytes()
    file_of(cache).write_bytes(with_flipped(data, lines(data)[2] * 8 + 800))
    os.utime(file_of(cache), (0, 0))
    found = saved(cache).read()
    assert_greets(found, 3)
    assert found.lost is not None
    before = file_of(cache).stat().st_ino
    revisions(Journal(disk(cache)) if anew else journal, revision)
    found = saved(cache).read()
    assert_greets(found, revision)
    # Who knows of nothing newer leaves it as it is, with what it says of itself.
    assert (found.lost is None, file_of(cache).stat().st_ino != before) == (revision > 3,) * 2


@pytest.mark.parametrize("damage", ["replaced", "cut off", "in place", "removed"])
def test_what_others_did_to_the_file_is_made_good(
    cache: Path, journal: Journal, damage: str
) -> None:
    revisions(journal, 2)
    data = file_of(cache).read_bytes()
    if damage == "in place":
        with file_of(cache).open("r+b") as file:
            file.write(b"x")
        os.utime(file_of(cache), (0, 0))  # the clock of files may stand still for that long
    else:
        file_of(cache).unlink()
        if damage != "removed":
            file_of(cache).write_bytes(data[:100] if damage == "cut off" else encode(copy()))
    keep(journal, copy(3, "Hello 3"))
    found = saved(cache).read()
    assert (found.head.revision, found.units["greeter"].revision) == (3, 3)


def test_a_full_disk_leaves_the_changes_before(
    cache: Path, journal: Journal, processes: ProcessPoolExecutor
) -> None:
    data = file_of(cache).read_bytes()
    said = processes.submit(
        copies.write_on_a_full_disk, str(cache), len(data) + 100, appended=True
    ).result(30)
    assert said == f"{file_of(cache)}: file too large"
    assert file_of(cache).read_bytes() == data
    assert os.listdir(cache) == [file_of(cache).name]  # noqa: PTH208
    revisions(journal, 2)
    assert_greets(saved(cache).read(), 2)


def test_a_writer_knows_what_it_wrote_without_the_releases(cache: Path, journal: Journal) -> None:
    revisions(journal, 2, 3)
    known = journal._known
    assert known is not None
    read = contents_of(file_of(cache).read_bytes(), "it")
    assert (known.line, known.end, known.digests) == (read.line, read.end, read.digests)
    assert known.units == read.units
    assert known.releases == {}
