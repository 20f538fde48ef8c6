"""YAML, read strictly: one pass over the parser's events refuses, builds and keeps every place.

Nothing is composed or constructed by the YAML library: its loader crashes the process on deep
nesting, expands aliases without limit and turns `no` into false. Events come one by one, so a
bomb is refused before it is built.
"""

import re
import unicodedata
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from promptops.finding import Finding
from promptops.source.document import BROKEN, Document, Span, Spot, span
from promptops.source.escapes import suspects_of
from promptops.source.scalars import Refusal, is_plain_key, plain_value
from promptops.source.syntax import directive_at, explain, template_value
from promptops.source.text import MOST_FINDINGS, is_suspect, place_at

MAX_DEPTH = 32
MAX_NODES = 20_000
MAX_KEY = 128

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# libyaml 0.2.6 looks ahead and gives up before we have seen the level at which it is too deep.
_TOO_DEEP = "maximum nesting depth"
_COMMENT = re.compile(r"[ \t]+#")
_COLLECTIONS = (MappingStartEvent, SequenceStartEvent)
_ENDS = (MappingEndEvent, SequenceEndEvent)

_Event = Any  # the stubs of yaml leave the attributes of events untyped


class _Stop(Exception):
    """Reading on makes no sense; the finding that says why is there."""


def read_yaml(
    text: str, file: str, free_text: frozenset[str] = frozenset(), loader: Any = None
) -> tuple[Document | None, list[Finding]]:
    """The document in a text that `read_text` let through, and what is to be said about it.

    `free_text` are the keys whose values are prose: a comment behind an unquoted one is suspicious
    (W112), and a zero-width character in it is a warning. The document is None when it cannot be
    read to its end; with other errors it holds BROKEN where a value has none.
    `loader` takes the place of the fast one.
    """
    findings: list[Finding] = []
    try:
        return _Reader(text, file, free_text, findings, loader or _Loader).document(), findings
    except _Stop:
        return None, findings
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        if loader is None and _TOO_DEEP in str(error):
            return read_yaml(text, file, free_text, yaml.SafeLoader)
        # An unquoted template breaks the syntax further on, which is the same mistake.
        if not any(finding.code == "E111" for finding in findings):
            findings.append(explain(text, file, error))
        return None, findings


class _Reader:
    """A walk over the events of one file; its recursion ends at MAX_DEPTH."""

    __slots__ = (
        "_empty_seen",
        "_file",
        "_findings",
        "_free_text",
        "_next",
        "_nodes",
        "_text",
        "_wary",
    )

    def __init__(
        self,
        text: str,
        file: str,
        free_text: frozenset[str],
        findings: list[Finding],
        loader: Any,
    ) -> None:
        self._text = text
        self._file = file
        self._free_text = free_text
        self._findings = findings
        self._nodes = 0
        self._empty_seen = False
        self._wary = is_suspect(text)
        self._next = loader(text).get_event

    def document(self) -> Document:
        self._next()
        start = self._next()
        if type(start) is StreamEndEvent:
            raise self._empty()
        if start.version or start.tags:
            self._findings.append(directive_at(self._text, self._file, start.start_mark.index))
            raise _Stop
        event = self._next()
        value, spots = self._node(event, 1, None)
        self._next()
        end = self._next()
        if type(end) is not StreamEndEvent:
            message = "a second YAML document: only one of them would be used"
            hint = "keep one document per file, without a second ---"
            raise self._stop("E113", end.start_mark.index, message, hint)
        if isinstance(value, dict):
            return Document(self._file, self._text, value, spots, self._empty_seen)
        if value is BROKEN:
            raise _Stop
        if value is None and event.start_mark.index == event.end_mark.index:
            raise self._empty()
        kind = "a list" if isinstance(value, list) else "a single value"
        message = f"the file holds {kind}, not a mapping of keys to values"
        raise self._stop("E114", event.start_mark.index, message, "write `key: value` lines")

    def _node(self, event: _Event, depth: int, key: str | None) -> tuple[Any, Spot]:
        kind = type(event)
        self._count(event)
        if kind is ScalarEvent:
            return self._scalar(event, key)
        if kind is AliasEvent:
            message = "an alias: what it stands for is written elsewhere, and may be a bomb"
            self._report("E116", event, message, "write the value out")
            return BROKEN, _span(event, event)
        self._check_depth(event, depth)
        if kind is MappingStartEvent:
            value, spot = self._mapping(event, depth)
        else:
            value, spot = self._sequence(event, depth)
        if event.tag is not None or event.anchor is not None:
            value = self._decorated(event, value)
        return value, spot

    def _mapping(self, start: _Event, depth: int) -> tuple[Any, Spot]:
        value: dict[str, Any] = {}
        keys: dict[str, Span] = {}
        spots: dict[str, Spot] = {}
        composed: dict[str, str] = {}
        merged = False
        event = self._next()
        if type(event) is MappingStartEvent and self._opens_template(start, event):
            return self._template(start)
        while type(event) is not MappingEndEvent:
            key = self._key(event, depth)
            if key is not None and (key in keys or not key.isascii()):
                key = self._new_key(key, event, keys, composed)
            item, spot = self._node(self._next(), depth + 1, key)
            if key == "<<" and not event.style:
                merged = True
            elif key is not None:
                value[key], spots[key], keys[key] = item, spot, _span(event, event)
            event = self._next()
        return BROKEN if merged else value, (_span(start, event), keys, spots)

    def _sequence(self, start: _Event, depth: int) -> tuple[list[Any], Spot]:
        value: list[Any] = []
        spots: list[Spot] = []
        while type(event := self._next()) is not SequenceEndEvent:
            item, spot = self._node(event, depth + 1, None)
            value.append(item)
            spots.append(spot)
        return value, (_span(start, event), {}, spots)

    def _scalar(self, event: _Event, key: str | None) -> tuple[Any, Span]:
        value, style = event.value, event.style
        start, end = event.start_mark.index, event.end_mark.index
        if event.tag is not None or event.anchor is not None:
            return self._decorated(event, value), span(start, end)
        if not style:
            self._empty_seen = self._empty_seen or not value
            value = plain_value(value)
            if type(value) is Refusal:
                self._report(value.code, event, value.message, value.hint)
                return BROKEN, span(start, end)
            if key in self._free_text and type(value) is str:
                self._check_comment(end)
        if (self._wary or style == '"') and type(value) is str and is_suspect(value):
            self._check_characters(value, event, is_prose=key in self._free_text)
        return value, span(start, end)

    def _key(self, event: _Event, depth: int) -> str | None:
        """The text of a key; None, with a finding, when it is none."""
        self._count(event)
        hint = "write a key as plain text, or in quotes"
        if type(event) is not ScalarEvent:
            self._skip(event, depth + 1)
            self._report("E118", event, "a key that is no text but a collection or an alias", hint)
            return None
        key: str = event.value
        if event.tag is not None or event.anchor is not None:
            self._decorated(event, key)
        elif key == "<<" and not event.style:
            message = "a merge key: what the mapping holds is written elsewhere"
            self._report("E116", event, message, "write the keys out")
        elif not event.style and not is_plain_key(key):
            message = f"the key {key} is no text for every YAML reader" if key else "an empty key"
            self._report("E118", event, message, f"quote it: '{key}'" if key else hint)
            return None
        if len(key) > MAX_KEY:
            message = f"a key of {len(key):,} characters; the limit is {MAX_KEY}"
            self._report("E121", event, message, "shorten it; long text belongs into a value")
        if not key.isprintable() and is_suspect(key):
            self._check_characters(key, event, is_prose=False)
        return key

    def _new_key(
        self, key: str, event: _Event, keys: dict[str, Span], composed: dict[str, str]
    ) -> str | None:
        """The key, or None with a finding when the mapping has it, or its twin, already."""
        first = key
        if key not in keys:
            first = composed.setdefault(unicodedata.normalize("NFC", key), key)
            if first == key:
                return key
        line = place_at(self._text, keys[first] >> 20).line
        twice = f"the key '{key}' is given on line {line} and again on line "
        message = f"{twice}{event.start_mark.line + 1}: only one would count"
        self._report("E115", event, message, "delete or rename one of them")
        return None

    def _decorated(self, event: _Event, value: Any) -> Any:
        """What is left of a value that has a tag (nothing) or an anchor (all of it)."""
        if event.anchor is not None:
            message = "an anchor: values must stand where they are read"
            self._report("E116", event, message, f"delete &{event.anchor}, write values out")
        if event.tag is None:
            return value
        message = "a YAML tag: it would decide by itself how the value is read"
        self._report("E117", event, message, "delete it; quote the value if it is text")
        return BROKEN

    def _opens_template(self, outer: _Event, inner: _Event) -> bool:
        return bool(self._text.startswith("{{", outer.start_mark.index)) and (
            inner.start_mark.index == outer.start_mark.index + 1
        )

    def _template(self, start: _Event) -> tuple[Any, Spot]:
        self._findings.append(template_value(self._text, self._file, start.start_mark.index))
        end = self._skip(start, 1, opened=2)
        return BROKEN, _span(start, end)

    def _skip(self, event: _Event, depth: int, opened: int = 0) -> _Event:
        """Read past a node whose value has no use, or past `opened` collections to their end."""
        level = opened or int(type(event) in _COLLECTIONS)
        while level:
            event = self._next()
            self._count(event)
            level += (type(event) in _COLLECTIONS) - (type(event) in _ENDS)
            self._check_depth(event, depth + level - 1)
        return event

    def _check_characters(self, value: str, event: _Event, *, is_prose: bool) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        found = suspects_of(value, self._text, self._file, start, end, is_prose=is_prose)
        self._findings.extend(found)

    def _check_comment(self, end: int) -> None:
        comment = _COMMENT.match(self._text, end)
        if comment is not None:
            at = comment.end() - 1
            message = "the text after ' #' is a comment and not part of the value"
            hint = "quote the value, or delete the comment"
            self._findings.append(
                Finding("W112", self._file, place_at(self._text, at), message, hint)
            )

    def _count(self, event: _Event) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            message = f"more than {MAX_NODES:,} values: no prompt needs that many"
            raise self._stop("E120", event.start_mark.index, message, "make the file smaller")

    def _check_depth(self, event: _Event, depth: int) -> None:
        if depth > MAX_DEPTH:
            message = f"nested deeper than {MAX_DEPTH} levels, which crashes some readers"
            raise self._stop("E119", event.start_mark.index, message, "make it flatter")

    def _report(self, code: str, event: _Event, message: str, hint: str) -> None:
        start, end = event.start_mark, event.end_mark
        width = end.column - start.column if end.line == start.line else 1
        place = place_at(self._text, start.index, width)
        self._findings.append(Finding(code, self._file, place, message, hint))
        if len(self._findings) >= MOST_FINDINGS:
            raise _Stop

    def _empty(self) -> _Stop:
        return self._stop("E101", 0, "the file is empty", "write it, or delete the file")

    def _stop(self, code: str, at: int, message: str, hint: str) -> _Stop:
        self._findings.append(Finding(code, self._file, place_at(self._text, at), message, hint))
        return _Stop()


def _span(first: _Event, last: _Event) -> Span:
    return span(first.start_mark.index, last.end_mark.index)
