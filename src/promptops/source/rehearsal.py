"""What the project file says about rehearsals: how many releases, and what to ask of the world."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from promptops.finding import Finding, Place
from promptops.source.complaints import dotted, shown
from promptops.source.document import Document, Path
from promptops.source.durations import check_durations, seconds_of

PLACEHOLDERS = ("index", "version")
ANY_INDEX = "*"
_BRACED = re.compile(r"\{(\w*)\}")


@dataclass(frozen=True, slots=True)
class Condition:
    """What must stand at a JSON Pointer of an answer; None is not asked."""

    pointer: str
    equals: str | float | bool | None = None
    at_least: float | None = None


@dataclass(frozen=True, slots=True)
class HttpProbe:
    """A request; `${NAME}` in the values of `headers` is not yet expanded."""

    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, Any] | None = None
    status: int = 200
    conditions: tuple[Condition, ...] = ()
    timeout: float = 2.0


@dataclass(frozen=True, slots=True)
class CommandProbe:
    """A program and its arguments, run without a shell."""

    words: tuple[str, ...]
    timeout: float = 10.0


@dataclass(frozen=True, slots=True)
class Probe:
    """How to ask for a version of an index; where there are both, both must pass."""

    http: HttpProbe | None = None
    command: CommandProbe | None = None


@dataclass(frozen=True, slots=True)
class ModelList:
    """The `/models` of an API like OpenAI's; `${NAME}` in `key` is not yet expanded."""

    url: str
    key: str = ""
    provider: str = "openai"


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """`probes` go by the name of an index; `*` stands for those that are not named."""

    last: int = 3
    probes: Mapping[str, Probe] = field(default_factory=lambda: MappingProxyType({}))
    models: ModelList | None = None

    def probe_of(self, index: str) -> Probe | None:
        return self.probes.get(index) or self.probes.get(ANY_INDEX)


def read_rehearsal(document: Document) -> tuple[Rehearsal, list[Finding]]:
    """That of a project file that has passed its schema, and what is wrong in it.

    What is wrong is left out, so that nobody is kept from a rollback by a probe.
    """
    written = document.value.get("rehearsal", {})
    findings: list[Finding] = []
    probes: dict[str, Probe] = {}
    for index, probe in written.get("probes", {}).items():
        problems = list(_problems_of_probe(document, ("rehearsal", "probes", index), probe))
        findings += problems
        if not problems:
            probes[index] = _probe(probe)
    models = None
    if "models" in written:
        path: Path = ("rehearsal", "models", "url")
        problems = list(_problems_of_url(document, path, written["models"]["url"], ()))
        findings += problems
        models = None if problems else ModelList(**written["models"])
    return Rehearsal(written.get("last", 3), MappingProxyType(probes), models), findings


def _probe(written: Mapping[str, Any]) -> Probe:
    http = command = None
    if "http" in written:
        asked = dict(written["http"])
        http = HttpProbe(
            asked["url"],
            tuple(asked.get("headers", {}).items()),
            asked.get("body"),
            asked.get("status", 200),
            tuple(Condition(pointer, **each) for pointer, each in asked.get("json", {}).items()),
            seconds_of(asked.get("timeout", "2s")),
        )
    if "command" in written:
        seconds = seconds_of(written.get("timeout", "10s"))
        command = CommandProbe(tuple(written["command"]), seconds)
    return Probe(http, command)


def _problems_of_probe(
    document: Document, path: Path, probe: Mapping[str, Any]
) -> Iterator[Finding]:
    yield from check_durations(document, [(*path, "timeout"), (*path, "http", "timeout")])
    http, words = probe.get("http", {}), probe.get("command", ())
    if not http and not words:
        said = f"{dotted(path)} has neither http nor command: nothing would be asked"
        yield _finding(document, "E211", document.place(path), said, "add http or command")
    if http:
        yield from _problems_of_url(document, (*path, "http", "url"), http["url"], PLACEHOLDERS)
    for number, word in enumerate(words):
        yield from _unknown_placeholders(document, (*path, "command", number), word, PLACEHOLDERS)
    for pointer in http.get("json", {}):
        if pointer and not pointer.startswith("/"):
            place = document.key_place((*path, "http", "json", pointer))
            said = f"{shown(pointer)} is no JSON Pointer: they begin with /"
            hint = f"write /{pointer.replace('.', '/')}"
            yield _finding(document, "E213", place, said, hint)


def _problems_of_url(
    document: Document, path: Path, url: str, placeholders: tuple[str, ...]
) -> Iterator[Finding]:
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
        is_usable = is_usable and parts.port != 0  # what is no number raises
    except ValueError:
        is_usable = False
    place = document.place(path)
    if not is_usable or not url.isprintable() or " " in url:
        said = f"{dotted(path)} is {shown(url)}, which no request can be sent to"
        yield _finding(
            document, "E213", place, said, "write it with http:// or https:// and a host"
        )
    elif "@" in parts.netloc or "{" in parts.netloc:
        said = f"{dotted(path)} has more than a host before its path"
        hint = "send a password in headers, as ${NAME}; write the host out"
        yield _finding(document, "E213", place, said, hint)
    yield from _unknown_placeholders(document, path, url, placeholders)


def _unknown_placeholders(
    document: Document, path: Path, text: str, known: tuple[str, ...]
) -> Iterator[Finding]:
    for name in dict.fromkeys(_BRACED.findall(text)):
        if name not in known:
            said = f"{dotted(path)} has {{{name}}}, which stands for nothing"
            names = " and ".join(f"{{{each}}}" for each in known)
            hint = f"what is filled in: {names}" if known else "delete it: nothing is filled in"
            yield _finding(document, "E212", document.place(path), said, hint)


def _finding(document: Document, code: str, place: Place, message: str, hint: str) -> Finding:
    return Finding(code, document.file, place, message, hint)
