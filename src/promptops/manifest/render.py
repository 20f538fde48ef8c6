"""Fill a release's prompt with inputs: the checks, then one join per message."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from promptops.closest import closest
from promptops.errors import InputError, ReleaseRejected
from promptops.manifest.release import Input, Message, Release
from promptops.manifest.template import TemplateError, compile_template

_KINDS: Mapping[str, tuple[type, ...]] = MappingProxyType(
    {"string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,)}
)
# Of these exact types the text is `str(value)`; a truth value goes the careful way.
_EXACTLY: Mapping[str, tuple[type, ...]] = MappingProxyType(
    {"integer": (int,), "number": (int, float), "boolean": ()}
)
_Slot = tuple[int, str, int]  # where among the parts, the input's name, how long it may be
_Number = tuple[int, str, int, tuple[type, ...]]  # the same, and the types to take as they are


def refuse_unknown(unit: str, names: Iterable[str], known: Iterable[str]) -> None:
    """What `promptops render` and tests do with names that the release does not have."""
    name = next(iter(names))
    known = sorted(known)
    close = closest(name, known)
    raise InputError(
        f"{unit} has no input '{name}'",
        f"did you mean '{close}'?" if close else f"its inputs are: {', '.join(known) or 'none'}",
    )


class Renderer:
    """A release's messages, compiled once.

    Calling it with inputs gives `[{"role", "content"}]`: system messages, examples, the rest.
    A missing input, one of another type or one too long raises InputError; names that the release
    does not declare go to `on_unknown(unit, names, known)`, which may raise. Making one raises
    ReleaseRejected for a prompt that is no template, or that uses an input it does not declare.
    """

    __slots__ = ("_defaults", "_inputs", "_messages", "_names", "_on_unknown", "_unit")

    def __init__(
        self,
        release: Release,
        on_unknown: Callable[[str, Iterable[str], Iterable[str]], None] = refuse_unknown,
    ) -> None:
        self._unit = release.unit
        self._on_unknown = on_unknown
        self._inputs = release.inputs
        self._defaults = {
            name: spec.default for name, spec in release.inputs.items() if not spec.required
        }
        prompt = release.prompt
        system = _leading_system(prompt.messages)
        try:
            compiled = [_compiled(message, release.inputs) for message in prompt.messages]
        except (TemplateError, KeyError) as error:
            raise ReleaseRejected(
                "C601", f"a prompt of {release.unit} cannot be filled: {_why(error)}"
            ) from error
        self._messages = (
            *compiled[:system],
            *((message.role, [message.content], (), ()) for message in prompt.examples),
            *compiled[system:],
        )
        # How many names a call has when it can be filled straight away. An input without a slot
        # (W303) would not be checked on that way, so no call of such a unit has.
        slots = {slot[1] for *_, texts, numbers in self._messages for slot in (*texts, *numbers)}
        self._names = len(slots) if slots == set(release.inputs) else -1

    @property
    def required(self) -> frozenset[str]:
        """The names of the inputs that have no default."""
        return frozenset(self._inputs) - frozenset(self._defaults)

    def __call__(self, inputs: Mapping[str, object]) -> list[dict[str, str]]:
        given: Mapping[str, Any] = {**self._defaults, **inputs} if self._defaults else inputs
        if len(given) != self._names:
            return self._carefully(inputs, given)
        messages = []
        # One pass, three times as fast as checking first. The join refuses what is no string; what
        # to say of a value that does not fit is found out the careful way.
        try:
            for role, parts, texts, numbers in self._messages:
                filled = parts.copy()
                for index, name, limit in texts:
                    filled[index] = value = given[name]
                    if len(value) > limit:
                        return self._carefully(inputs, given)
                for index, name, limit, kinds in numbers:
                    value = given[name]
                    if type(value) not in kinds or len(text := str(value)) > limit:
                        return self._carefully(inputs, given)
                    filled[index] = text
                messages.append({"role": role, "content": "".join(filled)})
        except (KeyError, TypeError):
            return self._carefully(inputs, given)
        return messages

    def _carefully(
        self, inputs: Mapping[str, object], given: Mapping[str, object]
    ) -> list[dict[str, str]]:
        """The same, input by input, with an error for the first that is not right."""
        if len(given) > len(self._inputs):
            unknown = [name for name in inputs if name not in self._inputs]
            self._on_unknown(self._unit, unknown, list(self._inputs))
        values: dict[str, str] = {}
        for name, spec in self._inputs.items():
            if name not in given:
                raise self._missing(name, inputs)
            values[name] = self._checked(name, given[name], spec)
        messages = []
        for role, parts, texts, numbers in self._messages:
            filled = parts.copy()
            for index, name, _ in texts:
                filled[index] = values[name]
            for index, name, _, _ in numbers:
                filled[index] = values[name]
            messages.append({"role": role, "content": "".join(filled)})
        return messages

    def _missing(self, name: str, inputs: Mapping[str, object]) -> InputError:
        unknown = [given for given in inputs if given not in self._inputs]
        close = closest(name, unknown)
        hint = f"you passed '{close}': is that the one?" if close else f"pass {name}=…"
        return InputError(f"{self._unit} needs the input '{name}'", hint)

    def _checked(self, name: str, value: object, spec: Input) -> str:
        """The text of a value that is not a plain string within its limit, or InputError."""
        if not isinstance(value, _KINDS[spec.type]) or (
            isinstance(value, bool) and spec.type != "boolean"
        ):
            raise InputError(
                f"{self._unit}: input '{name}' is {type(value).__name__}, not {spec.type}",
                f"pass {'an' if spec.type == 'integer' else 'a'} {spec.type}",
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
    """Numbers and truth values as JSON writes them; strings, enumerated ones too, as they are."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _leading_system(messages: tuple[Message, ...]) -> int:
    count = 0
    while count < len(messages) and messages[count].role in {"system", "developer"}:
        count += 1
    return count


def _compiled(
    message: Message, inputs: Mapping[str, Input]
) -> tuple[str, list[str], tuple[_Slot, ...], tuple[_Number, ...]]:
    parts = list(compile_template(message.content).parts)
    slots = [(index, parts[index], inputs[parts[index]]) for index in range(1, len(parts), 2)]
    texts = tuple(
        (index, name, _limit(spec)) for index, name, spec in slots if spec.type == "string"
    )
    numbers = tuple(
        (index, name, _limit(spec), _EXACTLY[spec.type])
        for index, name, spec in slots
        if spec.type != "string"
    )
    return message.role, parts, texts, numbers


def _limit(spec: Input) -> int:
    return spec.max_length or 1 << 62


def _why(error: TemplateError | KeyError) -> str:
    """Without words of the prompt: it goes into logs."""
    if isinstance(error, KeyError):
        return str(error)
    said = (
        "a slot is not the name of an input" if each.kind == "expression" else each.message
        for each in error.problems
    )
    return "; ".join(dict.fromkeys(said))
