"""Whatever is in the files, findings come out: no exception, no long wait, no heap of memory."""

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptops.source.files import WorkTree
from promptops.source.unit import read_unit
from tests.source.bombs import bombs, plant
from tests.source.mutants import GOLDEN, PIECES, Files, check, unit_files

ROOT = Path(__file__).parents[2]
PARTS = 8


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, Files]:
    name = draw(st.sampled_from(["tools", "environments", "block-texts", "structured-answer"]))
    files = unit_files(GOLDEN / name)
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from(sorted(files)))
        data = files[path]
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from([0, 0, 1, 3, 20])))
        piece = draw(st.one_of(st.sampled_from(PIECES).map(str.encode), st.binary(max_size=3)))
        files[path] = data[:start] + piece + data[end:]
    return name, files


@pytest.mark.soak(short=1500, full=30_000)
def test_a_mutated_unit_gives_findings_or_a_release_that_works(times: int) -> None:
    @settings(max_examples=times, deadline=None)
    @given(mutated())
    def gives(unit: tuple[str, Files]) -> None:
        check(*unit)

    gives()


@pytest.mark.soak(short=200, full=100_000 // PARTS)
@pytest.mark.parametrize("part", range(PARTS))
def test_many_mutants_take_a_second_and_200_mb_at_most(part: int, times: int) -> None:
    done = in_little_memory("tests.source.mutants", f"part-{part}", str(times))
    assert done["seconds"] < 1
    assert done["megabytes"] < 200
    assert len(done["codes"]) > 20


@pytest.mark.parametrize("name", bombs())
def test_256_kib_of_anything_take_a_second_and_200_mb_at_most(name: str, tmp_path: Path) -> None:
    plant(name, tmp_path)
    done = in_little_memory("tests.source.bombs", str(tmp_path))
    assert done["seconds"] < 1
    assert done["megabytes"] < 200


def in_little_memory(program: str, *arguments: str) -> dict[str, Any]:
    """What a program of these tests says at its end."""
    done = subprocess.run(
        [sys.executable, "-m", program, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
        preexec_fn=_with_little_memory,
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


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
