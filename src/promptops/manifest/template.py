r"""Templates know `{{ name }}` and nothing else: no logic, no attributes, no filters.

- `\{{` and `\}}` write literal double braces.
- Single braces are literal, and so is a `}}` that closes two of them, as nested JSON does.
- In a run of more than two opening braces the last two open the slot: `{{{ name }}}` is a slot in
  single braces.
- A value is put in as it is and never scanned again.
"""

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

_TOKEN = re.compile(r"\\\{\{|\\\}\}|\{+|\}\}|\}")
_SLOT = re.compile(r"\{\{[ \t]*([A-Za-z_][A-Za-z0-9_]*)[ \t]*\}\}")


class Problem(NamedTuple):
    """What is wrong at a character offset of the text, and over how many characters."""

    kind: Literal["unbalanced", "expression"]
    offset: int
    width: int
    message: str


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled text: literal parts at even indexes, names of inputs at odd ones."""

    parts: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names used, in order of first use."""
        return tuple(dict.fromkeys(self.parts[1::2]))


class TemplateError(ValueError):
    """The text is no template; `problems` says where."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


def compile_template(text: str) -> Template:
    """Compile `text`, or raise TemplateError with every problem in it."""
    parts: list[str] = []
    literal: list[str] = []
    problems: list[Problem] = []
    position = depth = 0
    while (token := _TOKEN.search(text, position)) is not None:
        literal.append(text[position : token.start()])
        position, found = token.end(), token.group()
        if found.startswith("\\"):
            literal.append(found[1:])
        elif found == "}":
            literal.append(found)
            depth = max(0, depth - 1)
        elif found == "}}":
            literal.append(found)
            if depth < 2:
                problems.append(Problem("unbalanced", token.start(), 2, "'}}' closes nothing"))
            depth = max(0, depth - 2)
        elif found == "{":
            literal.append(found)
            depth += 1
        else:
            start = token.end() - 2
            literal.append(text[token.start() : start])
            depth += start - token.start()
            slot = _SLOT.match(text, start)
            if slot is not None:
                parts += ["".join(literal), slot.group(1)]
                literal = []
                position = slot.end()
            else:
                problem, position = _broken_slot(text, start)
                problems.append(problem)
    if problems:
        raise TemplateError(problems)
    literal.append(text[position:])
    parts.append("".join(literal))
    return Template(tuple(parts))


def _broken_slot(text: str, start: int) -> tuple[Problem, int]:
    """Say what is wrong with the `{{` at `start`, and where to go on."""
    opening = text.find("{{", start + 2)
    end = text.find("}}", start + 2, opening if opening >= 0 else len(text))
    if end < 0:
        return Problem("unbalanced", start, 2, "'{{' is never closed"), start + 2
    inside = text[start + 2 : end].strip()
    shown = inside if len(inside) <= 40 else inside[:39] + "…"
    return Problem(
        "expression",
        start,
        end + 2 - start,
        f"'{{{{ {shown} }}}}' is not the name of an input" if shown else "'{{ }}' names no input",
    ), end + 2
