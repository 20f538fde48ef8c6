"""Whatever is in the files, findings come out: no exception, no long wait, no heap of memory."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptops.manifest.digest import digest_of
from promptops.manifest.release import read_release
from promptops.manifest.render import Renderer
from promptops.source.files import WorkTree
from promptops.source.resolve import resolve
from promptops.source.tree import Entry, FileRefused
from promptops.source.unit import read_unit
from tests.source.bombs import bombs, plant

GOLDEN = Path(__file__).parent.parent / "golden"
ROOT = Path(__file__).parents[2]
# What a hand slips on, and what bends YAML.
PIECES = [
    *(ROOT / "tests" / "source" / "pieces.txt").read_text("utf-8").split(),
    *["\n", "\t", " ", "  ", "\r", "\0", "\ufeff", "\u200b", "\u202e", "\x85"],
]


class Memory:
    """A tree of one unit, kept in memory."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    def read(self, path: str, limit: int) -> bytes:
        if path not in self.files:
            raise FileRefused("E402", f"{path} is missing", "add it")
        return self.files[path][: limit + 1]

    def list(self, path: str) -> list[Entry]:
        names = [name.removeprefix(f"{path}/") for name in self.files]
        return [Entry(name, is_folder=False) for name in names]

    def shown(self, path: str) -> str:
        return path


def unit_files(name: str) -> dict[str, bytes]:
    unit = GOLDEN / name
    return {
        f"{name}/{path.relative_to(unit)}": path.read_bytes()
        for path in unit.rglob("*")
        if path.is_file()
    }


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, dict[str, bytes]]:
    name = draw(st.sampled_from(["tools", "environments", "block-texts", "structured-answer"]))
    files = unit_files(name)
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from(sorted(files)))
        data = files[path]
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from([0, 0, 1, 3, 20])))
        piece = draw(st.one_of(st.sampled_from(PIECES).map(str.encode), st.binary(max_size=3)))
        files[path] = data[:start] + piece + data[end:]
    return name, files


@settings(max_examples=1500, deadline=None)
@given(mutated())
def test_a_mutated_unit_gives_findings_or_a_release_that_works(
    unit: tuple[str, dict[str, bytes]],
) -> None:
    name, files = unit
    read = read_unit(Memory(files), name)
    for finding in read.findings:
        assert finding.message
        assert finding.hint
        assert min(finding.place.line, finding.place.column, finding.place.width) >= 1
    if read.ok:
        data = resolve(read, "staging")
        Renderer(read_release(data, digest_of(data), name))


@pytest.mark.parametrize("name", bombs())
def test_256_kib_of_anything_take_a_second_and_200_mb_at_most(name: str, tmp_path: Path) -> None:
    plant(name, tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "tests.source.bombs", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        preexec_fn=_with_little_memory,
    )
    assert done.returncode == 0, done.stderr
    seconds, megabytes, _ = json.loads(done.stdout)
    assert seconds < 1
    assert megabytes < 200


def _with_little_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (256 << 20, 256 << 20))


def test_the_bombs_that_must_be_refused_are(tmp_path: Path) -> None:
    for name, code in {
        "deep flow": "E119",
        "nested keys": "E119",
        "small maps": "E120",
        "billion laughs": "E116",
        "deep JSON": "E119",
    }.items():
        folder = tmp_path / name
        folder.mkdir()
        plant(name, folder)
        findings = read_unit(WorkTree(folder), "greeting").findings
        assert {finding.code for finding in findings} == {code}
