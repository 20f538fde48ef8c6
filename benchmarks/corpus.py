"""Many manifests made from this repository's three, each of 2 to 3 KB and with its texts inside."""

from pathlib import Path
from typing import Any

import yaml

SOURCE = Path(__file__).parent.parent / "manifests"
SIZES = range(2_000, 3_000)


class _Dumper(yaml.CSafeDumper):
    """Writes texts of several lines as people do, below a `|`."""


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _text)


def write_manifests(folder: Path, count: int) -> list[Path]:
    """`folder/<unit>/manifest.yaml`, `count` times; the files."""
    units = sorted(path.parent for path in SOURCE.glob("*/manifest.yaml"))
    files = []
    for number in range(count):
        unit = units[number % len(units)]
        text = _manifest(unit, f"{unit.name}-{number:04}", number)
        files.append(folder / f"{unit.name}-{number:04}" / "manifest.yaml")
        files[-1].parent.mkdir(parents=True)
        if files[-1].write_text(text, "utf-8") not in SIZES:
            raise RuntimeError(f"{files[-1]} has {len(text)} characters")
    return files


def _manifest(unit: Path, name: str, number: int) -> str:
    """The unit under another name, with another part of its system message."""
    facts = yaml.load((unit / "manifest.yaml").read_text("utf-8"), yaml.CSafeLoader)
    facts["name"] = name
    # An answer's schema is a second file, and check-jsonschema would not read it.
    facts.pop("output", None)
    prompt = facts["prompt"]
    prompt["examples"] = prompt.get("examples", [])[:2]
    system, user = ((unit / turn["file"]).read_text("utf-8") for turn in prompt["messages"])
    lines = system.splitlines(keepends=True)
    start = number % len(lines)
    room = SIZES.stop - number % 500 - len(_written(facts, system, user)) + len(system)
    part = ""
    for line in lines[start:] + lines[:start]:
        if len(part) + len(line) > room:
            break
        part += line
    return _written(facts, part, user)


def _written(facts: dict[str, Any], system: str, user: str) -> str:
    turns = [{"role": "system", "text": system}, {"role": "user", "text": user}]
    used = {
        name: spec for name, spec in facts["inputs"].items() if f"{{{{ {name} }}}}" in system + user
    }
    whole = facts | {"prompt": facts["prompt"] | {"messages": turns}, "inputs": used}
    return yaml.dump(whole, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
