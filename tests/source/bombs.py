"""Files of 256 KiB that are built to be slow, huge or deep; run as a program, reads one of them.

python -m tests.source.bombs FOLDER    →    {"seconds", "megabytes", "codes"}
"""

import json
import resource
import sys
import time
from collections.abc import Mapping
from pathlib import Path

LIMIT = 256 * 1024

HEAD = """apiVersion: promptops/v1
name: greeting
description: Says hello.
owners: [team]
model: {provider: openai, id: gpt-4o-mini-2024-07-18, version: "2024-07-18"}
"""
PROMPT = """prompt:
  id: greeting
  version: "1.0.0"
  messages: [{role: user, file: hello.md}]
"""


def _laughs() -> str:
    lines = ["params: {extra_body: {", '  a0: &a0 ["lol"],']
    lines += [f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]," for n in range(1, 20)]
    return HEAD + PROMPT + "\n".join([*lines, "}}\n"])


def _numbered(pattern: str, size: int = LIMIT - 2000) -> str:
    """`pattern` with # counted up, again and again."""
    count = size // (len(pattern) + 4)
    return "".join(pattern.replace("#", str(number)) for number in range(count))


def _manifests() -> dict[str, str]:
    return {
        "deep flow": "a: " + "[" * (LIMIT - 10),
        "deep flow in keys": "? " + "{? " * 80_000,
        "deep blocks": "".join(" " * n + "-\n" for n in range(700)),
        "nested keys": "? " * 130_000,
        "small maps": HEAD + PROMPT + "params: {extra_body: {a: [" + "{a: 1}," * 32_000 + "]}}\n",
        "billion laughs": _laughs(),
        "duplicate keys": HEAD + PROMPT + "a: 1\n" * 50_000,
        "unknown keys": HEAD + PROMPT + _numbered("key#: 1\n", 100_000),
        "non-ASCII keys": HEAD + PROMPT + _numbered("é#: 1\n", 80_000),
        "empty values": HEAD
        + PROMPT
        + "params: {extra_body: {"
        + _numbered("k#: ,", 80_000)
        + "}}\n",
        "wrong roles": HEAD
        + PROMPT.replace("[{role", "[" + "{role: x, text: y}," * 3_000 + "{role"),
        "environments": HEAD
        + PROMPT
        + "environments:\n"
        + _numbered("  e#: {params: {seed: 1}}\n", 80_000),
        "wrong environments": HEAD
        + PROMPT
        + "environments:\n"
        + _numbered("  e#: {params: {seed: x}, retriever: {top_k: 0}}\n", 100_000),
        "inputs": HEAD + PROMPT + "inputs:\n" + _numbered("  n#: {type: string}\n", 80_000),
        "escapes": HEAD + PROMPT + 'params: {extra_body: {a: "' + "\\u200b" * 40_000 + '"}}\n',
        "unclosed quote": HEAD + PROMPT + 'params: "' + "a\n" * 120_000,
        "long line": HEAD + PROMPT + "params: " + "a " * 125_000,
        "comments": HEAD + PROMPT + "# a\n" * 60_000,
        "conflict markers": HEAD + PROMPT + "=======\n" * 30_000,
        "spaces": HEAD + PROMPT + "a:" + " " * 250_000 + "b: c\n",
    }


def _prompts() -> dict[str, str]:
    return {
        "undeclared slots": _numbered("{{ n# }}"),
        "expressions": "{{ a.b }}" * 28_000,
        "opening braces": "{{ " * 87_000,
        "closing braces": "}}" * 130_000,
        "single braces": "{" * 260_000,
        "zero width": "\u200b" * 85_000,
        "right-to-left marks": "\u200f " * 60_000,
        "control characters": "\x01\n" * 130_000,
        "carriage returns": "\r\n" * 130_000,
    }


def _schemas() -> dict[str, str]:
    return {
        "deep JSON": "[" * LIMIT,
        "references": json.dumps(
            {
                "$defs": {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(6000)},
                "$ref": "#/$defs/d0",
            }
        ),
        "anchors": json.dumps(
            {"allOf": [{"$anchor": f"a{n}", "$ref": f"#a{n}"} for n in range(6000)]}
        ),
        "wrong types": json.dumps({"allOf": [{"type": "objekt"}] * 10_000}),
        "long pattern": json.dumps({"pattern": "(a|b|c|d)*" * 20_000}),
        "duplicate JSON keys": "{" + '"a": 1,' * 30_000 + '"a": 1}',
        "JSON numbers": "[" + "1," * 120_000 + "1" * 5000 + "]",
        "JSON escapes": '{"a": "' + "\\u0041" * 40_000 + '"}',
        "JSON strings": '["' + '\\"' * 120_000 + '"]',
    }


def bombs() -> Mapping[str, tuple[str, str]]:
    """By name: the file that is the bomb, and what it holds."""
    return {
        **{name: ("manifest.yaml", text) for name, text in _manifests().items()},
        **{name: ("hello.md", text) for name, text in _prompts().items()},
        **{name: ("answer.json", text) for name, text in _schemas().items()},
    }


def plant(name: str, folder: Path) -> None:
    """Write the unit `greeting` with one bomb in it."""
    file, text = bombs()[name]
    unit = folder / "greeting"
    unit.mkdir()
    (unit / "hello.md").write_text("Say hello.\n")
    output = "output: {schema: answer.json}\n" if file == "answer.json" else ""
    (unit / "manifest.yaml").write_text(HEAD + PROMPT + output)
    (unit / file).write_bytes(text.encode()[:LIMIT])


def most_memory() -> float:
    """The megabytes that this program had at most; on Linux ru_maxrss is its parent's if larger."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = [line for line in status.read_text().split("\n") if line.startswith("VmHWM:")]
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def main(folder: str) -> None:
    from promptops.source.files import WorkTree
    from promptops.source.unit import read_unit

    started = time.process_time()
    unit = read_unit(WorkTree(Path(folder)), "greeting")
    seconds = time.process_time() - started
    codes = sorted({finding.code for finding in unit.findings})
    sys.stdout.write(json.dumps({"seconds": seconds, "megabytes": most_memory(), "codes": codes}))


if __name__ == "__main__":
    main(sys.argv[1])
