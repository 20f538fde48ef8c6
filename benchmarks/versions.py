"""A prompt whose every part says which version it is, deployed and rolled back by the commands."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.processes import installed, output
from benchmarks.repository import commit, new_repository

UNIT = "greeter"
MANIFEST = """\
apiVersion: promptops/v1
name: greeter
description: Says in every part which version it is.
owners: [benchmarks@localhost]
model: {provider: openai, id: gpt-4o-mini-2024-07-18, version: "2024-07-18"}
params: {seed: NUMBER}
prompt:
  id: greeter
  version: "1.0.NUMBER"
  messages:
    - {role: system, text: "Version NUMBER"}
    - {role: user, text: "{{ question }}"}
inputs:
  question: {type: string, maxLength: 100}
"""


@dataclass(frozen=True, slots=True)
class Moved:
    """A command that ended well: when it was typed, how long it took, which revision it made."""

    typed: float
    seconds: float
    revision: int


@dataclass
class Versions:
    """The project in a folder of its own, and what was deployed from it: digest → number."""

    folder: Path
    store: str
    deployed: dict[str, int] = field(default_factory=dict)
    # What answers were made of; an answer may come before its command has ended.
    seen: set[tuple[str, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        new_repository(self.folder)
        (self.folder / "promptops.yaml").write_text(
            f'apiVersion: promptops/v1\nenvironments:\n  production: {{store: "{self.store}"}}\n'
        )
        (self.folder / "manifests" / UNIT).mkdir(parents=True)

    def deploy(self, number: int) -> Moved:
        manifest = self.folder / "manifests" / UNIT / "manifest.yaml"
        manifest.write_text(MANIFEST.replace("NUMBER", str(number)), "utf-8")
        commit(self.folder)
        moved, digest = self._promptops("deploy", *([] if self.deployed else ["--create"]))
        self.deployed[digest] = number
        return moved

    def rollback(self) -> Moved:
        return self._promptops("rollback")[0]

    def objection(self, answer: Mapping[str, Any]) -> str:
        """What is wrong with an answer, whose parts must all be of one version."""
        request = answer["request"]
        number, system = request["seed"], request["messages"][0]["content"]
        self.seen.add((answer["digest"], number))
        return "" if system == f"Version {number}" else f"{system} with the seed {number}"

    def foreign(self) -> set[tuple[str, int]]:
        """What was served and is no release that was deployed."""
        return self.seen - self.deployed.items()

    def _promptops(self, command: str, *options: str) -> tuple[Moved, str]:
        typed = time.monotonic()
        arguments = [command, UNIT, "--env", "production", "--json", *options]
        done = json.loads(output([installed("promptops"), *arguments], self.folder))
        moved = Moved(typed, time.monotonic() - typed, done["revision"])
        return moved, done["changes"][0]["to"]
