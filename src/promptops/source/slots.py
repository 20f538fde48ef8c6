"""Templates and declared inputs must agree, both ways."""

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from promptops.closest import closest
from promptops.finding import Finding, Place
from promptops.manifest.template import TemplateError, compile_template
from promptops.source.document import Document, Path
from promptops.source.text import place_at

_Locate = Callable[[int, int], Place]  # offset and width in a message → place in its file


def check_slots(
    document: Document,
    messages: list[tuple[Path, Any]],
    texts: Mapping[str, str],
    folder: str,
    *,
    all_used: bool = True,
) -> Iterator[Finding]:
    """What is wrong between the messages' templates and `inputs`.

    `all_used` asks for every input to be used; safe mode may do with fewer. `texts` are the prompt
    files by name; `folder` is how messages name the unit's folder.
    """
    inputs = document.get(("inputs",))
    declared = inputs if isinstance(inputs, dict) else {}
    used: set[str] = set()
    all_known = all_used
    for path, message in messages:
        found = text_of(document, path, message, texts, folder)
        if found is None:
            all_known = False
            continue
        text, file, locate = found
        try:
            names = compile_template(text).names
        except TemplateError as error:
            all_known = False
            yield from _problems(error, file, locate)
            continue
        used.update(names)
        for name in names:
            if name not in declared:
                yield _undeclared(name, declared, file, locate(*_first_use(text, name)))
    if all_known:
        for name in declared:
            if name not in used:
                place = document.key_place(("inputs", name))
                message = f"the input '{name}' is used in no message: what callers pass is lost"
                hint = f"write {{{{ {name} }}}} where it belongs, or delete it"
                yield Finding("W303", document.file, place, message, hint)


def text_of(
    document: Document, path: Path, message: Any, texts: Mapping[str, str], folder: str
) -> tuple[str, str, _Locate] | None:
    """A message's text, the file it stands in, and how to find places in it."""
    if not isinstance(message, dict):
        return None
    text, name = message.get("text"), message.get("file")
    if isinstance(text, str):
        where = (*path, "text")
        return text, document.file, lambda offset, width: document.inside(where, offset, width)
    if isinstance(name, str) and name in texts:
        content = texts[name]
        file = posixpath.join(folder, name)
        return content, file, lambda offset, width: place_at(content, offset, width)
    return None


def _problems(error: TemplateError, file: str, locate: _Locate) -> Iterator[Finding]:
    for problem in error.problems:
        place = locate(problem.offset, problem.width)
        if problem.kind == "unbalanced":
            hint = r"write {{ name }} for an input and \{{ for two literal braces"
            yield Finding("E301", file, place, problem.message, hint)
        else:
            hint = r"a slot holds one name, no logic; write \{{ for two literal braces"
            yield Finding("E304", file, place, problem.message, hint)


def _undeclared(name: str, declared: Iterable[str], file: str, place: Place) -> Finding:
    close = closest(name, declared)
    message = f"'{name}' is used and not declared: nobody would pass it"
    hint = (
        f"did you mean {close}?" if close else f"declare it: inputs: {{{name}: {{type: string}}}}"
    )
    return Finding("E302", file, place, message, hint)


def _first_use(text: str, name: str) -> tuple[int, int]:
    use = re.search(rf"(?<!\\)\{{\{{[ \t]*{name}[ \t]*\}}\}}", text)
    return (0, 1) if use is None else (use.start(), use.end() - use.start())
