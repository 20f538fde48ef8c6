"""The last known good copy: whole or the one before, whatever happens to writer and file."""

import fcntl
import os
import random
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from promptops.client.copy_file import Copy, decode, encode
from promptops.client.disk import read_bundle, write_bundle
from promptops.client.kept import Kept
from promptops.delivery.pin import read_copies
from promptops.errors import StoreCorrupt, StoreUnreachable
from promptops.live.records import Head
from tests.client import copies
from tests.client.copies import copy, disk, write
from tests.deployments import digest


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A folder that is not there yet."""
    return tmp_path / "state" / "cache"


@contextmanager
def folder_locked(folder: Path) -> Iterator[None]:
    """As by a writer that was stopped in the middle."""
    handle = os.open(folder, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    yield
    os.close(handle)


def refused(folder: Path, environment: str = "production", namespace: str = "promptops") -> str:
    with pytest.raises(StoreCorrupt) as raised:
        disk(folder, environment, namespace).read()
    assert raised.value.hint
    return raised.value.code


def file_of(folder: Path) -> Path:
    return Path(disk(folder).path())


def test_a_copy_is_read_as_it_was_written(cache: Path) -> None:
    write(cache, copy())
    assert disk(cache).read() == copy()
    assert disk(cache).read().state.pointers["greeter"].digest == digest("greeter", "Hello")


def test_folder_and_file_are_for_their_owner_alone(cache: Path) -> None:
    before = os.umask(0)
    try:
        write(cache, copy())
    finally:
        os.umask(before)
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert stat.S_IMODE(file_of(cache).stat().st_mode) == 0o600
    assert [path.name for path in cache.iterdir()] == ["promptops@production.copy"]


def test_where_nothing_was_saved_nothing_is_read(cache: Path) -> None:
    with pytest.raises(StoreUnreachable, match=f"{file_of(cache)}: no such file or directory"):
        disk(cache).read()
    assert not cache.exists()


@pytest.mark.parametrize("left", [0, 1, 16, 17, 80, 150, 400, -1])
def test_a_copy_that_is_cut_off_is_c620(cache: Path, left: int) -> None:
    write(cache, copy())
    file_of(cache).write_bytes(file_of(cache).read_bytes()[:left])
    assert refused(cache) == "C620"


@pytest.mark.parametrize(
    "garbage",
    [
        b"\0" * 500,
        b"garbage\n",
        b"promptops-copy/2 1 sha256:0\nx",
        b"promptops-copy/1 \xff sha256:0\nx",
        b"promptops-copy/1 1 2 3\n",
        b"promptops-copy/1" + b"x" * 5000,
    ],
    ids=range(6),
)
def test_what_is_no_copy_is_c621(cache: Path, garbage: bytes) -> None:
    write(cache, copy())
    file_of(cache).write_bytes(garbage)
    assert refused(cache) == "C621"


def test_what_stands_behind_a_copy_and_is_no_change_is_c620_and_the_copy_counts(
    cache: Path, tmp_path: Path
) -> None:
    write(cache, copy())
    with file_of(cache).open("ab") as file:
        file.write(b"x")
    found = disk(cache).read()
    assert found == copy()
    said = "is damaged behind revision 1: what came after that is lost, maybe a rollback"
    assert found.lost is not None
    assert (found.lost.code, found.lost.message) == ("C620", f"{file_of(cache)} {said}")
    # An operator who pins without a store is warned.
    assert read_copies(disk(cache), None) == ([copy()], [f"{file_of(cache)} {said}"])
    # What never has changes is sound as a whole or not at all.
    file_of(cache).rename(disk(cache).path("pins"))
    with pytest.raises(StoreCorrupt) as pins:
        disk(cache).read("pins")
    bundle = Path(disk(cache).path("pins")).rename(tmp_path / "prompts.bundle")
    with pytest.raises(StoreCorrupt) as bundled:
        read_bundle(str(bundle), "production")
    assert (pins.value.code, bundled.value.code) == ("C621", "C621")


def test_a_release_with_another_digest_in_a_file_with_the_right_one_is_c621(cache: Path) -> None:
    kept = Kept(digest("greeter", "Hi"), 1)
    wrong = Copy("production", "promptops", Head(1, 1), {"greeter": kept}, {kept[0]: b"{}"})
    write(cache, wrong)
    assert refused(cache) == "C621"


def test_a_folder_or_a_pipe_in_the_place_of_the_file_is_refused_at_once(cache: Path) -> None:
    cache.mkdir(parents=True)
    os.mkfifo(file_of(cache))
    assert refused(cache) == "C621"
    file_of(cache).unlink()
    file_of(cache).mkdir()
    assert refused(cache) == "C621"
    os.mkfifo(cache / "bundle")
    with pytest.raises(StoreCorrupt, match="is no file"):
        read_bundle(str(cache / "bundle"), "production")


@pytest.mark.soak(short=1000, full=20_000)
def test_every_flipped_bit_is_noticed(times: int) -> None:
    data = encode(copy())
    chance = random.Random(5)  # noqa: S311
    found = set()
    for _ in range(times):
        at = chance.randrange(len(data) * 8)
        flipped = bytearray(data)
        flipped[at // 8] ^= 1 << at % 8
        try:
            decode(bytes(flipped), "it")
            found.add(f"bit {at} was not noticed")
        except StoreCorrupt as error:
            found.add(error.code)
    assert found <= {"C620", "C621"}


@pytest.mark.parametrize(
    ("environment", "namespace"), [("staging", "promptops"), ("production", "other")]
)
def test_a_copy_of_another_environment_or_namespace_is_c622(
    cache: Path, environment: str, namespace: str
) -> None:
    write(cache, copy())
    file_of(cache).rename(disk(cache, environment, namespace).path())
    assert refused(cache, environment, namespace) == "C622"


def test_environments_and_namespaces_in_one_folder_are_apart(cache: Path) -> None:
    names = [("a", "b.c"), ("a.b", "c"), ("production", "x"), ("production", "y")]
    for number, (environment, namespace) in enumerate(names):
        made = copy(1, f"Hello {number}", environment=environment, namespace=namespace)
        write(cache, made)
    for number, (environment, namespace) in enumerate(names):
        found = disk(cache, environment, namespace).read()
        assert found.units["greeter"].digest == digest("greeter", f"Hello {number}")


def test_a_folder_that_everybody_can_write_to_is_c623(cache: Path) -> None:
    write(cache, copy())
    before = file_of(cache).read_bytes()
    cache.chmod(0o777)
    assert refused(cache) == "C623"
    with pytest.raises(StoreCorrupt) as raised:
        write(cache, copy(2))
    assert (raised.value.code, file_of(cache).read_bytes()) == ("C623", before)


def test_a_folder_behind_a_symbolic_link_is_c623(cache: Path, tmp_path: Path) -> None:
    write(cache, copy())
    link = tmp_path / "link"
    link.symlink_to(cache)
    for folder in (link, tmp_path / "link/"):
        assert refused(folder) == "C623"
    with pytest.raises(StoreCorrupt) as raised:
        write(link, copy(2))
    assert (raised.value.code, disk(cache).read()) == ("C623", copy())


def test_a_file_that_everybody_can_write_to_is_c623(cache: Path) -> None:
    write(cache, copy())
    file_of(cache).chmod(0o666)
    assert refused(cache) == "C623"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_c623(cache: Path) -> None:
    write(cache, copy())
    os.chown(cache, 12345, 12345)
    assert refused(cache) == "C623"


def test_a_symbolic_link_in_the_place_of_the_file_is_not_followed(
    cache: Path, tmp_path: Path
) -> None:
    write(cache, copy())
    elsewhere = tmp_path / "elsewhere"
    file_of(cache).rename(elsewhere)
    file_of(cache).symlink_to(elsewhere)
    with pytest.raises(StoreUnreachable):
        disk(cache).read()
    write(cache, copy(2))
    assert not file_of(cache).is_symlink()
    assert decode(elsewhere.read_bytes(), "it") == copy()


def test_a_full_disk_leaves_the_copy_before_and_no_temporary(
    cache: Path, processes: ProcessPoolExecutor
) -> None:
    write(cache, copy())
    said = processes.submit(copies.write_on_a_full_disk, str(cache)).result(30)
    assert said == f"{file_of(cache)}: file too large"
    assert disk(cache).read() == copy()
    assert len(list(cache.iterdir())) == 1


def test_temporaries_of_killed_writers_are_swept(cache: Path) -> None:
    write(cache, copy())
    left = cache / ".promptops-1-abc"
    left.write_bytes(b"half")
    os.utime(left, (time.time() - 4000,) * 2)
    write(cache, copy(2))
    assert [path.name for path in cache.iterdir()] == ["promptops@production.copy"]


@pytest.mark.parametrize("appended", [False, True])
def test_many_writers_never_go_back(
    cache: Path, processes: ProcessPoolExecutor, appended: bool
) -> None:
    spans = [(1 + number % 4 * 20, 41 + number % 4 * 20) for number in range(8)]
    running = [
        processes.submit(copies.write_revisions, str(cache), *span, appended=appended)
        for span in spans
    ]
    seen = [0]
    while not all(each.done() for each in running):
        if file_of(cache).exists():
            seen.append(disk(cache).read().head.revision)
    for each in running:
        each.result()
    assert seen == sorted(seen)
    assert disk(cache).read().head.revision >= 80
    assert len(list(cache.iterdir())) == 1


def test_a_writer_that_hangs_keeps_others_from_writing_and_not_from_reading(cache: Path) -> None:
    write(cache, copy())
    with folder_locked(cache):
        assert disk(cache).read() == copy()
        began = time.monotonic()
        with pytest.raises(StoreUnreachable, match="another process writes there"):
            write(cache, copy(2))
        assert time.monotonic() - began < 1
    write(cache, copy(2))
    assert disk(cache).read() == copy(2)


@pytest.mark.soak(short=40, full=3000)
@pytest.mark.parametrize("how", ["write_without_end", "append_without_end"])
def test_a_writer_that_is_killed_leaves_a_whole_copy(cache: Path, how: str, times: int) -> None:
    copies.grown(cache)
    chance = random.Random(7)  # noqa: S311
    last = 0
    for _ in range(times):
        with subprocess.Popen(
            [sys.executable, "-m", "tests.client.copies", how, str(cache)], stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(chance.uniform(0, 0.03))
            writer.send_signal(signal.SIGKILL)
        revision = disk(cache).read().head.revision  # neither missing nor corrupt
        assert revision >= last
        last = revision
    assert last > 1
    assert len(list(cache.iterdir())) <= 2


def test_a_bundle_is_a_file_that_others_may_read(tmp_path: Path) -> None:
    path = tmp_path / "prompts.bundle"
    write_bundle(str(path), copy())
    assert read_bundle(str(path), "production") == copy()
    assert stat.S_IMODE(path.stat().st_mode) & 0o044 == 0o044
    with pytest.raises(StoreCorrupt) as raised:
        read_bundle(str(path), "staging")
    assert raised.value.code == "C622"
