"""Samples: inputs as callers pass them, which must fill the prompt and safe mode's."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from promptops.closest import closest
from promptops.finding import Finding
from promptops.manifest.template import TemplateError, compile_template
from promptops.source.complaints import dotted, mistyped, shown
from promptops.source.document import Document, Path
from promptops.source.personal import personal_data_in
from promptops.source.slots import text_of

MOST_CHARACTERS = 1 << 20  # of a rendered prompt; no model reads more, and an app would send it
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


def check_samples(
    document: Document,
    prompts: list[list[tuple[Path, Any]]],
    texts: Mapping[str, str],
    folder: str,
) -> Iterator[Finding]:
    """Values that do not fit (E307), prompts that become too long (E306), personal data (W502).

    `prompts` are the messages that a sample fills, once for each mode.
    """
    samples, inputs = document.get(("samples",)), document.get(("inputs",))
    declared = inputs if isinstance(inputs, dict) else {}
    prompt_sizes = [_sizes(document, prompt, texts, folder) for prompt in prompts]
    for index, sample in enumerate(samples if isinstance(samples, list) else ()):
        path: Path = ("samples", index, "inputs")
        given = sample.get("inputs") if isinstance(sample, dict) else None
        if not isinstance(given, dict):
            continue
        problems = list(_values(document, path, given, declared))
        yield from problems
        longest = max((_rendered(sizes, given, declared) for sizes in prompt_sizes), default=0)
        if not problems and longest > MOST_CHARACTERS:
            said = f"{_name(sample, index)} renders to {longest:,} characters; the limit is "
            hint = "shorten its values, or use them fewer times in the prompt"
            place = document.place(path[:2])
            yield Finding("E306", document.file, place, f"{said}{MOST_CHARACTERS:,}", hint)


def is_scalar(value: object) -> bool:
    return isinstance(value, str | int | float)


def fits(value: object, wanted: str) -> bool:
    """Whether a scalar is of the type that an input declares."""
    if isinstance(value, bool):
        return wanted == "boolean"
    if wanted == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, TYPES[wanted])


def _values(
    document: Document, path: Path, given: Mapping[str, Any], declared: Mapping[str, Any]
) -> Iterator[Finding]:
    for name, value in given.items():
        where = (*path, name)
        spec = declared.get(name)
        if name not in declared:
            close = closest(name, declared)
            hint = f"did you mean {close}?" if close else "delete it, or declare it in inputs"
            said = f"{dotted(where)}: the unit has no input '{name}'"
            yield Finding("E307", document.file, document.key_place(where), said, hint)
        elif isinstance(spec, dict) and is_scalar(value):
            yield from _value(document, where, value, spec)
    for name, spec in declared.items():
        if name not in given and isinstance(spec, dict) and "default" not in spec:
            said = f"{dotted(path)} lacks '{name}', which every caller must pass"
            hint = f"add {name}, or give the input a default"
            yield Finding("E307", document.file, document.place(path), said, hint)


def _value(
    document: Document, path: Path, value: str | float, spec: Mapping[str, Any]
) -> Iterator[Finding]:
    wanted, limit, place = spec.get("type"), spec.get("maxLength"), document.place(path)
    if isinstance(wanted, str) and wanted in TYPES and not fits(value, wanted):
        _, said, hint = mistyped(dotted(path), document.raw(path), value, wanted)
        yield Finding("E307", document.file, place, said, hint)
    elif isinstance(limit, int) and len(str(value)) > limit:
        said = f"{dotted(path)} has {len(str(value))} characters; the input's maxLength is {limit}"
        hint = "shorten the value, or raise maxLength"
        yield Finding("E307", document.file, place, said, hint)
    elif isinstance(value, str):
        for kind, offset, width in personal_data_in(value):
            said = f"{kind} in a sample: it is stored with every release"
            hint = "write made-up data, such as ada@example.com"
            yield Finding("W502", document.file, document.inside(path, offset, width), said, hint)


def _sizes(
    document: Document, prompt: list[tuple[Path, Any]], texts: Mapping[str, str], folder: str
) -> Counter[str]:
    """How often a prompt uses each input; its own characters stand under no name."""
    sizes: Counter[str] = Counter()
    for path, message in prompt:
        found = text_of(document, path, message, texts, folder)
        try:
            parts = compile_template(found[0]).parts if found else ()
        except TemplateError:
            continue  # it has its finding
        sizes.update(parts[1::2])
        sizes[""] += sum(map(len, parts[::2]))
    return sizes


def _rendered(sizes: Counter[str], given: Mapping[str, Any], declared: Mapping[str, Any]) -> int:
    """How long a prompt becomes; to render it would take as much memory as it likes."""
    total = sizes[""]
    for name, spec in declared.items():
        default = spec.get("default", "") if isinstance(spec, dict) else ""
        total += sizes[name] * len(str(given.get(name, default)))
    return total


def _name(sample: Mapping[str, Any], index: int) -> str:
    name = sample.get("name")
    return f"the sample {shown(name)}" if isinstance(name, str) else f"samples[{index}]"
