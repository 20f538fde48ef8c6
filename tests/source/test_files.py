"""The work tree gives plain files below its root, and nothing else, at once."""

import os
import socket
import time
from pathlib import Path

import pytest

from promptops.source.files import WorkTree
from promptops.source.tree import Entry, FileRefused


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with everything in it that a repository should not hold."""
    folder = tmp_path / "root"
    (folder / "unit").mkdir(parents=True)
    (folder / "unit" / "system.md").write_bytes(b"Say hello.\n")
    (tmp_path / "secret.md").write_bytes(b"outside\n")
    (folder / "link.md").symlink_to("unit/system.md")
    (folder / "outside.md").symlink_to("../secret.md")
    (folder / "linked").symlink_to("unit")
    (folder / "zero").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe")
    return folder


def test_a_plain_file_is_read_whole(root: Path) -> None:
    assert WorkTree(root).read("unit/system.md", 11) == b"Say hello.\n"
    assert WorkTree(root).read("./unit/system.md", 11) == b"Say hello.\n"


@pytest.mark.parametrize(
    "path",
    [
        "link.md",
        "outside.md",
        "linked/system.md",
        "zero",
        "pipe",
        "pipe/x",
        "unit",
        "unit/missing.md",
        "unit/System.md",
        "Unit/system.md",
        "unit/system.md/x",
        "../secret.md",
        "unit/../../secret.md",
        "/etc/passwd",
        "",
        ".",
        "unit/a\0b",
        "a\0b/c",
        "x" * 300,
    ],
)
def test_everything_else_is_refused_at_once(root: Path, path: str) -> None:
    started = time.perf_counter()
    with pytest.raises(FileRefused) as refused:
        WorkTree(root).read(path, 1000)
    assert time.perf_counter() - started < 0.5
    assert refused.value.code == "E402"
    assert refused.value.message
    assert refused.value.hint


def test_a_socket_is_refused(root: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "socket"))
        with pytest.raises(FileRefused) as refused:
            WorkTree(root).read("socket", 1000)
    assert refused.value.code == "E402"


def test_a_file_over_the_limit_is_refused_by_its_size(root: Path) -> None:
    with pytest.raises(FileRefused) as refused:
        WorkTree(root).read("unit/system.md", 10)
    assert refused.value.code == "E102"
    assert "11 bytes; the limit is 10" in refused.value.message


def test_refusals_leave_no_descriptor_open(root: Path) -> None:
    tree = WorkTree(root)
    before = len(list(Path("/dev/fd").iterdir()))
    for path in ("link.md", "linked/system.md", "missing/x", "unit", "pipe", "unit/system.md"):
        for _ in range(20):
            try:
                tree.read(path, 5)
            except FileRefused:
                tree.list(path)
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_a_folder_is_listed_by_name_without_following_links(root: Path) -> None:
    entries = WorkTree(root).list("")
    assert entries == sorted(entries, key=lambda entry: entry.name)
    assert Entry("unit", is_folder=True) in entries
    assert Entry("linked", is_folder=False) in entries
    assert WorkTree(root).list(".") == entries


def test_what_is_no_folder_has_an_empty_list(root: Path) -> None:
    for path in ("missing", "unit/system.md", "linked", "../root"):
        assert WorkTree(root).list(path) == []
    assert WorkTree(root / "missing").list("") == []


def test_files_are_shown_as_one_would_type_them(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root.parent)
    assert WorkTree(root).shown("unit/system.md") == "root/unit/system.md"
    monkeypatch.chdir(root / "unit")
    assert WorkTree(root).shown("unit/system.md") == "system.md"
