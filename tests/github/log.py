"""What GitHub's runner would make of the output of a step.

As actions/runner does it (ActionCommand.cs, ActionCommandManager.cs): a command is a line that
begins with `::`, or has `##[` anywhere; between `stop-commands` and its token nothing is one.
"""

import re
from dataclasses import dataclass

_KNOWN = {
    *("error", "warning", "notice", "debug", "group", "endgroup", "echo", "add-mask", "set-output"),
    *("set-env", "add-path", "save-state", "stop-commands", "add-matcher", "remove-matcher"),
}
_NEW = re.compile(r"\s*::(?P<name>[^ :]*)(?: (?P<properties>.*?))?::(?P<data>.*)", re.DOTALL)
_OLD = re.compile(r"##\[(?P<name>[^ \]]*)(?P<properties>[^\]]*)\](?P<data>.*)", re.DOTALL)
_ESCAPES = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))


@dataclass(frozen=True, slots=True)
class Command:
    """One command that the runner would carry out."""

    name: str
    properties: dict[str, str]
    data: str


def commands_in(output: str) -> list[Command]:
    found: list[Command] = []
    token = None
    for line in re.split(r"\r\n|\r|\n", output):
        match = _NEW.match(line)
        if token is not None:
            token = None if match and match["name"] == token else token
            continue
        if match is None or match["name"] not in _KNOWN:
            match = _OLD.search(line)
        if match is None or match["name"] not in _KNOWN:
            continue
        command = Command(match["name"], _properties(match["properties"]), _plain(match["data"]))
        if command.name == "stop-commands":
            token = command.data
        else:
            found.append(command)
    return found


def _properties(text: str | None) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in (text or "").split(","))
    return {name.strip(): _plain(value) for name, _, value in pairs if value}


def _plain(text: str) -> str:
    for escape, mark in _ESCAPES:
        text = text.replace(escape, mark)
    return text
