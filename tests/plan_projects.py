"""A project with two units in a real git repository, to plan and to compare."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptops.source.project import Project as Read
from promptops.source.project import read_project

MANIFEST = """\
apiVersion: promptops/v1
name: {unit}
description: Greets somebody.
owners: [team@example.com]
model: {{provider: openai, id: gpt-4o-mini-2024-07-18, version: "2024-07-18"}}
params: {{temperature: 0.2}}
prompt:
  id: {unit}
  version: "1.0.0"
  messages:
    - {{role: system, file: system.md}}
    - {{role: user, text: "{{{{ name }}}}"}}
inputs:
  name: {{type: string, maxLength: 100}}
retriever: {{index: kb, version: "2026-11-01"}}
environments:
  production: {{params: {{temperature: 0.1}}}}
"""
SYSTEM = "You are {unit}.\n\nYou must be kind.\nNever lie.\n"


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class PlanProject:
    """A work tree with a repository of its own; production is in the store that was named."""

    root: Path

    @classmethod
    def new(
        cls, root: Path, store_url: str, units: tuple[str, ...] = ("greeter", "farewell")
    ) -> "PlanProject":
        project = cls(root)
        project.write(
            "promptops.yaml",
            "apiVersion: promptops/v1\nenvironments:\n"
            f"  production: {{store: '{store_url}', create: true}}\n"
            f"  staging: {{store: 'sqlite:///.promptops/staging.db', create: true}}\n",
        )
        project.write(".gitignore", ".promptops/\nplan.json\n")
        for unit in units:
            project.write(f"manifests/{unit}/manifest.yaml", MANIFEST.format(unit=unit))
            project.write(f"manifests/{unit}/system.md", SYSTEM.format(unit=unit))
        project.git("init", "-q", "-b", "main")
        project.commit("first")
        return project

    def read(self) -> Read:
        return read_project(self.root)

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")

    def edit(self, path: str, before: str, after: str) -> None:
        """Replace a text that must be there in a file below manifests."""
        file = self.root / "manifests" / path
        text = file.read_text("utf-8")
        assert before in text
        file.write_text(text.replace(before, after), "utf-8")

    def commit(self, message: str = "change") -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
        done = subprocess.run(
            ["git", *identity, "-c", "commit.gpgsign=false", *arguments],
            cwd=self.root,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def promptops(self, *arguments: str, **variables: str) -> Done:
        """Run a command in a process of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "promptops.cli", *arguments],
            cwd=self.root,
            check=False,
            capture_output=True,
            env={**_variables(), **variables},
            text=True,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def deploy(self, *arguments: str) -> None:
        done = self.promptops("deploy", *(arguments or ("--all",)), "--env", "production")
        assert done.code == 0, done.err

    def plan(self, *arguments: str) -> Any:
        """The plan of production as JSON."""
        done = self.promptops("plan", "--env", "production", "-o", "json", *arguments)
        assert done.code == 0, done.err
        return done.json


def _variables() -> dict[str, str]:
    """The environment without what would change a command's mind."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PROMPTOPS", "GIT_", "GITHUB_"))
    }
