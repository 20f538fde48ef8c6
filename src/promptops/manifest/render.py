"""Fill a release's prompt with inputs: the checks, then one join per message."""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType

from promptops.errors import InputError
from promptops.manifest.release import Input, Message, Release
from promptops.manifest.template import compile_template

_KINDS: Mapping[str, tuple[type, ...]] = MappingProxyType(
    {"string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,)}
)


def refuse_unknown(unit: str, names: Iterable[str], known: Iterable[str]) -> None:
    """What `promptops render` and tests do with names that the release does not have."""
    name = next(iter(names))
    known = sorted(known)
    close = get_close_matches(name, known, n=1)
    raise InputError(
        f"{unit} has no input '{name}'",
        f"did you mean '{close[0]}'?" if close else f"its inputs are: {', '.join(known) or 'none'}",
    )


class Renderer:
    """A release's messages, compiled once.

    Calling it with inputs gives `[{"role", "content"}]`: system messages, examples, the rest.
    A missing input, one of another type or one too long raises InputError; names that the release
    does not declare go to `on_unknown(unit, names, known)`, which may raise.
    """

    __slots__ = ("_checks", "_defaults", "_messages", "_on_unknown", "_unit")

    def __init__(
        self,
        release: Release,
        on_unknown: Callable[[str, Iterable[str], Iterable[str]], None] = refuse_unknown,
    ) -> None:
        self._unit = release.unit
        self._on_unknown = on_unknown
        self._defaults = {
            name: spec.default for name, spec in release.inputs.items() if not spec.required
        }
        # What a string may be at most is compared on every call: one number, never a None.
        self._checks = tuple(
            (name, spec.type == "string", spec.max_length or 1 << 62, spec)
            for name, spec in release.inputs.items()
        )
        prompt = release.prompt
        system = _leading_system(prompt.messages)
        self._messages = (
            *(_compiled(message) for message in prompt.messages[:system]),
            *((message.role, [message.content], ()) for message in prompt.examples),
            *(_compiled(message) for message in prompt.messages[system:]),
        )

    def __call__(self, inputs: Mapping[str, object]) -> list[dict[str, str]]:
        given = {**self._defaults, **inputs} if self._defaults else inputs
        if len(given) > len(self._checks):
            known = [name for name, *_ in self._checks]
            self._on_unknown(self._unit, [name for name in inputs if name not in known], known)
        values: dict[str, str] = {}
        for name, is_text, limit, spec in self._checks:
            try:
                value = given[name]
            except KeyError:
                raise self._missing(name, inputs) from None
            if is_text and type(value) is str and len(value) <= limit:
                values[name] = value
            else:
                values[name] = self._checked(name, value, spec)
        messages = []
        for role, parts, slots in self._messages:
            filled = parts.copy()
            for index, name in slots:
                filled[index] = values[name]
            messages.append({"role": role, "content": "".join(filled)})
        return messages

    def _missing(self, name: str, inputs: Mapping[str, object]) -> InputError:
        unknown = [given for given in inputs if given not in {known for known, *_ in self._checks}]
        close = get_close_matches(name, unknown, n=1)
        hint = f"you passed '{close[0]}': is that the one?" if close else f"pass {name}=…"
        return InputError(f"{self._unit} needs the input '{name}'", hint)

    def _checked(self, name: str, value: object, spec: Input) -> str:
        """The text of a value that is not a plain string within its limit, or InputError."""
        if not isinstance(value, _KINDS[spec.type]) or (
            isinstance(value, bool) and spec.type != "boolean"
        ):
            raise InputError(
                f"{self._unit}: input '{name}' is {type(value).__name__}, not {spec.type}",
                f"pass a {spec.type}",
            )
        text = _as_text(value)
        if spec.max_length is not None and len(text) > spec.max_length:
            raise InputError(
                f"{self._unit}: input '{name}' has {len(text)} characters, over its limit of "
                f"{spec.max_length}",
                "shorten it, or raise maxLength in the manifest",
            )
        return text


def _as_text(value: object) -> str:
    """Numbers and truth values as JSON writes them; strings as they are."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _leading_system(messages: tuple[Message, ...]) -> int:
    count = 0
    while count < len(messages) and messages[count].role == "system":
        count += 1
    return count


def _compiled(message: Message) -> tuple[str, list[str], tuple[tuple[int, str], ...]]:
    parts = compile_template(message.content).parts
    return message.role, list(parts), tuple((i, parts[i]) for i in range(1, len(parts), 2))
