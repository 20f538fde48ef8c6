"""Is a version of an index still there, and is a model still served? Asked of those who know.

What was not asked is unknown, and unknown is no pass.
"""

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from promptops.delivery.asking import Answer, NoAnswer, ask
from promptops.delivery.running import NotStarted, run
from promptops.source.rehearsal import CommandProbe, Condition, HttpProbe, ModelList, Rehearsal

_PLACEHOLDER = re.compile(r"\{(index|version)\}")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_LONGEST = 200
_MODELS_WITHIN = 10.0

State = Literal["ok", "failed", "unknown"]


@dataclass(frozen=True, slots=True)
class Probed:
    """What a look found; `message` is one line, and `seconds` is how long it took."""

    state: State
    message: str
    seconds: float = 0.0

    def as_json(self) -> dict[str, str | float]:
        return {"state": self.state, "message": self.message, "seconds": round(self.seconds, 3)}


@dataclass(frozen=True, slots=True)
class Served:
    """The models that a provider lists; `models` is None when its list could not be read."""

    provider: str
    models: frozenset[str] | None
    message: str
    is_whole: bool = True
    seconds: float = 0.0


class _Unset(Exception):
    """A variable that a header needs is not set."""


def probe(
    rehearsal: Rehearsal, index: str, version: str, folder: Path, variables: Mapping[str, str]
) -> Probed:
    """Ask for a version of an index; `folder` is where commands run.

    `variables` are those of the process, for the headers of requests.
    """
    asked = rehearsal.probe_of(index)
    if asked is None:
        return Probed("unknown", f"no probe is configured for the index {index}")
    filled = {"index": index, "version": version}
    found: list[Probed] = []
    if asked.http is not None:
        http = asked.http
        found.append(_timed(lambda: _by_http(http, filled, variables)))
    if asked.command is not None:
        command = asked.command
        found.append(_timed(lambda: _by_command(command, filled, folder)))
    worst = next(
        (each for state in ("failed", "unknown") for each in found if each.state == state), None
    )
    seconds = sum(each.seconds for each in found)
    if worst is not None:
        return Probed(worst.state, worst.message, seconds)
    return Probed("ok", "; ".join(each.message for each in found), seconds)


def look_at_models(models: ModelList, variables: Mapping[str, str]) -> Served:
    """Which models a provider serves today, by its list."""
    started = time.monotonic()
    named: frozenset[str] | None = None
    is_whole = True
    try:
        key = _expanded(models.key, variables)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        answer = ask(models.url, _as_client(headers), _MODELS_WITHIN)
        if answer.status == 200:
            named, is_whole, message = _listed(answer.data)
        else:
            message = _unexpected(answer, 200)
    except (_Unset, NoAnswer) as none:
        message = str(none)
    where = f"{_without_query(models.url)}: {_line(message)}"
    return Served(models.provider, named, where, is_whole, time.monotonic() - started)


def is_served(served: Served, provider: str, model: str) -> Probed:
    """Whether a model is in the list; unknown when the list is of another provider, or none."""
    if provider != served.provider:
        return Probed("unknown", f"no list of models is configured for {provider}")
    if served.models is None:
        return Probed("unknown", served.message)
    if model in served.models:
        return Probed("ok", f"{provider} lists {model}")
    if not served.is_whole:
        return Probed("unknown", f"{provider} does not list {model} among its first models")
    return Probed("failed", f"{provider} lists {len(served.models)} models, and {model} is none")


def _timed(look: Callable[[], tuple[State, str]]) -> Probed:
    started = time.monotonic()
    state, message = look()
    return Probed(state, _line(message), time.monotonic() - started)


def _by_http(
    probe: HttpProbe, filled: Mapping[str, str], variables: Mapping[str, str]
) -> tuple[State, str]:
    encoded = {name: quote(value, safe="") for name, value in filled.items()}
    url = _filled(probe.url, encoded)
    where = _without_query(url)
    body = None if probe.body is None else json.dumps(dict(probe.body)).encode()
    try:
        headers = {name: _expanded(value, variables) for name, value in probe.headers}
        answer = ask(url, _as_client(headers), probe.timeout, body)
    except _Unset as unset:
        return "unknown", f"{where}: {unset}"
    except NoAnswer as none:
        return "failed", f"{where}: {none.message}"
    if answer.status != probe.status:
        return "failed", f"{where}: {_unexpected(answer, probe.status)}"
    said = _objection(answer.data, probe.conditions) if probe.conditions else ""
    return ("failed", f"{where}: {said}") if said else ("ok", f"{where}: as expected")


def _by_command(probe: CommandProbe, filled: Mapping[str, str], folder: Path) -> tuple[State, str]:
    words = [_filled(word, filled) for word in probe.words]
    try:
        ran = run(words, folder, probe.timeout)
    except NotStarted as not_started:
        return "failed", not_started.message
    if ran.code is None:
        return "failed", f"{words[0]} did not end within {probe.timeout:g} s"
    if ran.code:
        return "failed", ran.said or f"{words[0]} ended with exit code {ran.code}"
    return "ok", ran.said or f"{words[0]} ended with exit code 0"


def _objection(data: bytes, conditions: tuple[Condition, ...]) -> str:
    """What an answer lacks; empty when every condition holds."""
    document, said = _json(data)
    if said:
        return said
    return next(filter(None, (_unmet(document, each) for each in conditions)), "")


def _unmet(document: Any, condition: Condition) -> str:
    pointer = condition.pointer
    try:
        value = _at(document, pointer)
    except LookupError:
        return f"the answer has no {pointer}"
    found = _short(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if condition.at_least is not None and not (is_number and value >= condition.at_least):
        return f"{pointer} is {found}; it must be at least {condition.at_least:,}"
    wanted = condition.equals
    # In Python, and not in JSON, true is 1.
    is_same = value == wanted and isinstance(value, bool) == isinstance(wanted, bool)
    if wanted is not None and not is_same:
        return f"{pointer} is {found}; it must be {_short(wanted)}"
    return ""


def _at(document: Any, pointer: str) -> Any:
    """What stands at a JSON Pointer (RFC 6901); raises LookupError."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, list) and _INDEX.fullmatch(name):
            document = document[int(name)]
        elif isinstance(document, dict) and name in document:
            document = document[name]
        else:
            raise LookupError(pointer)
    return document


def _listed(data: bytes) -> tuple[frozenset[str] | None, bool, str]:
    """The ids of a list of models, whether they are all, and what is so."""
    document, said = _json(data)
    items = document.get("data") if isinstance(document, dict) else None
    if not isinstance(items, list):
        return None, True, said or "the answer is no list of models"
    ids = (item.get("id") for item in items if isinstance(item, dict))
    named = frozenset(one for one in ids if isinstance(one, str))
    return named, not document.get("has_more"), f"{len(named)} models"


def _json(data: bytes) -> tuple[Any, str]:
    try:
        return json.loads(data, parse_constant=_no_number), ""
    except (ValueError, RecursionError):
        return None, "the answer is not JSON"


def _no_number(text: str) -> None:
    """`Infinity` is at least anything, and no JSON."""
    raise ValueError(text)


def _unexpected(answer: Answer, wanted: int) -> str:
    to = f", to {answer.leads_to}, which is not followed" if answer.leads_to else ""
    return f"the answer has status {answer.status}{to}; expected is {wanted}"


def _as_client(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "User-Agent": "promptops",
        **headers,
    }


def _filled(text: str, values: Mapping[str, str]) -> str:
    """In one pass: what is filled in is never looked at again."""
    return _PLACEHOLDER.sub(lambda found: values[found[1]], text)


def _expanded(text: str, variables: Mapping[str, str]) -> str:
    """Raises _Unset, and NoAnswer for what would end a header."""
    for name in _VARIABLE.findall(text):
        if not variables.get(name):
            raise _Unset(f"{name} is not set, so that nothing was asked")
        if not (variables[name].isascii() and variables[name].isprintable()):
            raise NoAnswer(f"{name} holds a line break or another character that no header takes")
    return _VARIABLE.sub(lambda found: variables[found[1]], text)


def _without_query(url: str) -> str:
    return urlsplit(url)._replace(query="", fragment="").geturl()


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:59] + "…"


def _line(text: str) -> str:
    """One line that can be stored and shown anywhere."""
    plain = "".join(mark if mark.isprintable() else " " for mark in text)
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 1] + "…"
