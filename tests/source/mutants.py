"""Units as slips of hands and tools leave them; run as a program, checks many of them.

python -m tests.source.mutants SEED COUNT    →    {"seconds": slowest, "megabytes": peak, "codes"}
"""

import json
import sys
import time
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from random import Random

import click

from promptops.cli.findings import as_text
from promptops.cli.findings_markdown import as_markdown
from promptops.cli.github.workflow_commands import as_github
from promptops.cli.output import as_json
from promptops.cli.sarif import as_sarif
from promptops.finding import Finding
from promptops.manifest.digest import digest_of
from promptops.manifest.release import read_release
from promptops.manifest.render import Renderer
from promptops.source.resolve import resolve
from promptops.source.tree import Entry, FileRefused
from promptops.source.unit import read_unit
from tests.source.bombs import LIMIT, most_memory

TESTS = Path(__file__).parent.parent
GOLDEN = TESTS / "golden"
# What a hand slips on, and what bends YAML.
PIECES = [
    *(TESTS / "source" / "pieces.txt").read_text("utf-8").split(),
    *["\n", "\t", " ", "  ", "\r", "\0", "\ufeff", "\u200b", "\u202e", "\x85"],
]
Files = dict[str, bytes]


class Memory:
    """A tree of one unit, kept in memory."""

    def __init__(self, files: Files) -> None:
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


def unit_files(unit: Path) -> Files:
    return {
        f"{unit.name}/{path.relative_to(unit)}": path.read_bytes()
        for path in sorted(unit.rglob("*"))
        if path.is_file()
    }


def check(name: str, files: Files) -> Sequence[Finding]:
    """Findings with all that they need, which every format can show; or a release that works."""
    read = read_unit(Memory(files), name)
    for finding in read.findings:
        assert finding.message
        assert finding.hint
        assert min(finding.place.line, finding.place.column, finding.place.width) >= 1
    check_formats(read.findings)
    if read.ok:
        data = resolve(read, "staging")
        Renderer(read_release(data, digest_of(data), name))
    return read.findings


def check_formats(findings: Sequence[Finding]) -> None:
    """Nothing in them that a terminal or the runner of a workflow would obey."""
    text = click.unstyle("\n".join(map(as_text, findings)))
    github = as_github(findings)
    said = [
        text,
        github,
        # Our own, which keeps apart what GitHub would act on.
        as_markdown(findings, "counted").replace("\N{ZERO WIDTH SPACE}", ""),
        as_json(as_sarif(findings)),
        as_json([finding.as_json() for finding in findings]),
    ]
    for output in said:
        odd = {mark for mark in output if unicodedata.category(mark)[0] == "C"} - {"\n", "\t"}
        assert not odd, odd
        assert "##[" not in output
        output.encode()
    assert not any(line.startswith("::") for line in text.split("\n"))
    assert github.count("\n") == max(0, len(findings) - 1)


def mutant(dice: Random, seeds: Sequence[Files]) -> tuple[str, Files]:
    """The name and the files of a unit in which some bytes are others, at most 256 KiB a file."""
    files = dict(dice.choice(seeds))
    for _ in range(dice.randint(1, 5)):
        path = dice.choice(sorted(files))
        files[path] = _changed(dice, files[path], seeds)[:LIMIT]
    return next(iter(files)).partition("/")[0], files


def _changed(dice: Random, data: bytes, seeds: Sequence[Files]) -> bytes:
    start = dice.randint(0, len(data))
    end = min(len(data), start + dice.choice([0, 0, 1, 3, 20, 200]))
    part = data[start:end]
    kind = dice.randrange(8)
    if kind == 0:
        part = dice.randbytes(dice.randint(1, 3))
    elif kind == 1:
        part *= dice.choice([0, 2, 3, 100, 10_000])
    elif kind == 2:
        other = dice.choice(list(dice.choice(seeds).values()))
        begin = dice.randint(0, len(other))
        part = other[begin : begin + dice.choice([5, 50, 500])]
    elif kind == 3:
        lines = data.splitlines(keepends=True)
        dice.shuffle(lines)
        return b"".join(lines)
    elif kind == 4:
        part = chr(dice.choice([dice.randrange(0xD800), dice.randrange(0xE000, 0x110000)])).encode()
    else:
        part = dice.choice(PIECES).encode()
    return data[:start] + part + data[end:]


def main(seed: str, count: str) -> None:
    units = [*GOLDEN.iterdir(), *TESTS.glob("bad/*/greeting")]
    seeds = [unit_files(unit) for unit in sorted(units) if (unit / "manifest.yaml").is_file()]
    slowest, codes = 0.0, set()
    for number in range(int(count)):
        name, files = mutant(Random(f"{seed} {number}"), seeds)  # noqa: S311 - again the same ones
        started = time.process_time()
        try:
            codes |= {finding.code for finding in check(name, files)}
        except BaseException:
            sys.stderr.write(f"mutant {seed} {number}: {files}\n")
            raise
        seconds = time.process_time() - started
        if seconds > 1:
            sys.stderr.write(f"mutant {seed} {number} took {seconds:.1f} s\n")
        slowest = max(slowest, seconds)
    said = {"seconds": slowest, "megabytes": most_memory(), "codes": sorted(codes)}
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main(*sys.argv[1:])
