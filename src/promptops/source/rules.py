"""What a schema cannot say about a manifest: names, inputs, pins, templates, attached schemas.

A rule takes the document and what its files hold, and gives findings. It looks only at parts that
have the right type; the schema has complained about the others.
"""

import posixpath
from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import Any

from promptops.finding import Finding
from promptops.manifest.answer_schema import AnswerSchema, UnknownKeyword
from promptops.source.attachments import Attachments
from promptops.source.complaints import Placed, dotted, mistyped, shown
from promptops.source.document import BROKEN, Document, Path, find
from promptops.source.json_schema import Problem, problems_of
from promptops.source.models import check_dates
from promptops.source.parameters import check_parameters
from promptops.source.personal import personal_data_in
from promptops.source.pins import check_ids, check_names, check_versions
from promptops.source.samples import TYPES, check_samples, fits, is_scalar
from promptops.source.schema import can_be_id
from promptops.source.slots import check_slots, text_of
from promptops.source.strict_json import places_in_json
from promptops.source.text import MOST_FINDINGS

_CHARACTERS_OF_A_TOKEN = 4  # of English text; an estimate
_PARTS = ("messages", "examples")


def check_rules(document: Document, name: str, attachments: Attachments) -> list[Finding]:
    """All rules over one manifest; `name` is that of its folder."""
    messages, examples = (list(_turns(document, ("prompt", part))) for part in _PARTS)
    safe, safe_examples = (list(_turns(document, ("safe", "prompt", part))) for part in _PARTS)
    prompts = [messages, *([safe] if safe else [])]
    folder = posixpath.dirname(document.file)
    rules = (
        _name(document, name),
        check_pins(document),
        _blank(document, [*messages, *examples, *safe, *safe_examples]),
        check_slots(document, messages, attachments.texts, folder),
        check_slots(document, safe, attachments.texts, folder, all_used=False),
        check_samples(document, prompts, attachments.texts, folder),
        check_dates(document),
        _defaults(document),
        _schemas(document, attachments, folder),
        _personal(document, [*examples, *safe_examples], attachments, folder),
        check_length(document, attachments.texts),
        check_parameters(document),
    )
    return [finding for rule in rules for finding in islice(rule, MOST_FINDINGS)]


def check_pins(document: Placed, sections: set[str] | None = None) -> list[Finding]:
    """The rules on ids and versions, for all of a document or for some top-level keys."""
    rules = (check_ids, check_names, check_versions)
    return [finding for rule in rules for finding in rule(document, sections)]


def _name(document: Document, name: str) -> Iterator[Finding]:
    written = document.get(("name",))
    if isinstance(written, str) and written.strip() != name:
        message = f"the name is {shown(written)} and the folder is {shown(name)}: apps ask by one"
        hint = "rename the folder"
        if can_be_id(name):
            hint = f"write name: {name}, or rename the folder"
        yield Finding("E220", document.file, document.place(("name",)), message, hint)


def _turns(document: Document, path: Path) -> Iterator[tuple[Path, Any]]:
    turns = document.get(path)
    for index, turn in enumerate(turns if isinstance(turns, list) else []):
        yield (*path, index), turn


def _blank(document: Document, messages: list[tuple[Path, Any]]) -> Iterator[Finding]:
    for path, message in messages:
        text = message.get("text") if isinstance(message, dict) else None
        if isinstance(text, str) and not text.strip():
            place = document.place((*path, "text"))
            said = f"{dotted(path)} is blank: the model would be asked nothing"
            yield Finding("E217", document.file, place, said, "write the message, or remove it")


def _personal(
    document: Document,
    examples: list[tuple[Path, Any]],
    attachments: Attachments,
    folder: str,
) -> Iterator[Finding]:
    """Owners and messages may name the team's address; examples are mostly copied from users."""
    for path, message in examples:
        found = text_of(document, path, message, attachments.texts, folder)
        if found is None:
            continue
        text, file, locate = found
        for kind, offset, width in personal_data_in(text):
            said = f"{kind} in an example: it goes to the provider with every request"
            hint = "write made-up data, such as ada@example.com"
            yield Finding("W502", file, locate(offset, width), said, hint)


def check_length(document: Placed, texts: Mapping[str, str]) -> Iterator[Finding]:
    """A prompt that fills the model's context before any input is in it."""
    model, prompt = (document.value.get(part) for part in ("model", "prompt"))
    window = model.get("context_window") if isinstance(model, dict) else None
    if not isinstance(window, int) or isinstance(window, bool) or not isinstance(prompt, dict):
        return
    characters = 0
    turns = [prompt.get(part) for part in ("messages", "examples")]
    for message in chain.from_iterable(part for part in turns if isinstance(part, list)):
        if isinstance(message, dict):
            text = message.get("text", texts.get(str(message.get("file"))))
            characters += len(text) if isinstance(text, str) else 0
    tokens = characters // _CHARACTERS_OF_A_TOKEN
    if tokens > window:
        place = document.place(("model", "context_window"))
        said = f"the prompt has ~{tokens:,} tokens; the model's context_window is {window:,}"
        hint = "shorten the prompt, or take a model with a larger context"
        yield Finding("W218", document.file, place, said, hint)


def _defaults(document: Document) -> Iterator[Finding]:
    inputs = document.get(("inputs",))
    for name, spec in inputs.items() if isinstance(inputs, dict) else ():
        if not isinstance(spec, dict) or spec.get("default") is None:
            continue
        wanted, value, path = spec.get("type"), spec["default"], ("inputs", name, "default")
        if not isinstance(wanted, str) or wanted not in TYPES or not is_scalar(value):
            continue
        if not fits(value, wanted):
            code, message, hint = mistyped(dotted(path), document.raw(path), value, wanted)
            yield Finding(code, document.file, document.place(path), message, hint)
        limit = spec.get("maxLength")
        if isinstance(value, str) and isinstance(limit, int) and len(value) > limit:
            message = f"{dotted(path)} has {len(value)} characters; its maxLength is {limit}"
            hint = "shorten the default, or raise maxLength"
            yield Finding("E213", document.file, document.place(path), message, hint)


def _schemas(document: Document, attachments: Attachments, folder: str) -> Iterator[Finding]:
    paths: list[Path] = [("output", "schema")]
    tools = document.get(("tools",))
    paths += [("tools", index, "schema") for index in range(len(tools or ()))]
    seen: set[str] = set()
    for path in paths:
        written = document.get(path)
        if isinstance(written, dict):
            if next(find(written, BROKEN), None) is None:
                problems = problems_of(written)
                for inner, message, hint in problems:
                    place = document.place((*path, *inner))
                    yield Finding("E224", document.file, place, message, hint)
                if not problems:
                    yield from _unchecked(document, path, written)
        elif isinstance(written, str) and written in attachments.schemas and written not in seen:
            seen.add(written)
            file = posixpath.join(folder, written)
            problems = problems_of(attachments.schemas[written])
            yield from schema_findings(problems, attachments.texts[written], file)
            if not problems:
                yield from _unchecked(document, path, attachments.schemas[written])


def _unchecked(document: Document, path: Path, schema: Any) -> Iterator[Finding]:
    """What `live.parse` would say of the answer's schema; tools' arguments are not checked."""
    if path[0] != "output":
        return
    try:
        AnswerSchema(schema)
    except UnknownKeyword as unknown:
        hint = "say it by other keywords, or delete what says nothing"
        yield Finding("W227", document.file, document.place(path), str(unknown), hint)


def schema_findings(problems: list[Problem], text: str, file: str) -> Iterator[Finding]:
    """The problems of a schema in a file of its own, at their places."""
    places = places_in_json(text, [path for path, *_ in problems])
    for place, (_, message, hint) in zip(places, problems, strict=True):
        yield Finding("E224", file, place, message, hint)
