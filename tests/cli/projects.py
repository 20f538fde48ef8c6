"""A git repository with a promptops project in it, and commands run there as processes."""

import io
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from promptops.cli.main import run
from promptops.delivery.checkout import from_commit
from promptops.delivery.deploy import Conditions, deploy
from promptops.delivery.deployment import Deployment
from promptops.delivery.rollback import rollback
from promptops.live.moves import Intent
from promptops.live.store import Store
from promptops.source.project import Project as Read
from promptops.source.project import read_project
from tests.cli import warm
from tests.servers import SERVERS

PYTHON = sys.executable
PROMPTOPS = warm.PROMPTOPS

# How this machine reaches its package registries.
_REGISTRY = re.compile(r"(PIP_|NPM_CONFIG_|SSL_CERT_|(HTTPS?|NO)_PROXY$)", re.IGNORECASE)

# Without it a test of a command runs on SQLite alone.
everywhere = pytest.mark.parametrize("backend", ["sqlite", *SERVERS], indirect=True)
on_redis = pytest.mark.parametrize("backend", ["valkey"], indirect=True)

PROJECT = """\
apiVersion: promptops/v1
environments:
  local: {store: "sqlite:///.promptops/local.db", create: true, allow_dirty: true}
  production: {store: "${PRODUCTION_STORE}"}
"""

MANIFEST = """\
apiVersion: promptops/v1
name: NAME
description: Says a word or two.
owners: [ada@example.com]
model: {provider: openai, id: gpt-4o-mini-2024-07-18, version: "2024-07-18"}
params: {temperature: 0.2}
prompt:
  id: NAME
  version: "1.0.0"
  messages:
    - {role: system, file: system.md}
    - {role: user, text: "To {{ guest }}, {{ times }} times, loud: {{ loud }}"}
inputs:
  guest: {type: string, maxLength: 40}
  times: {type: integer, default: 1}
  loud: {type: boolean, default: false}
environments:
  staging: {params: {temperature: 0.7}}
"""

ADA = "Ada <ada@example.com>"
AT = "2026-11-20T10:00:00.000Z"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.out, f"nothing on standard output; exit code {self.code}: {self.err}"
        return json.loads(self.out)


def end_of(process: "subprocess.Popen[str]") -> Ended:
    """Waits for it."""
    out, err = process.communicate(timeout=30)
    return Ended(process.returncode, out, err)


class Project:
    """A folder in which a person works: files, git, and promptops as a process.

    `variables` is the whole environment of the processes: nothing of the machine's is in it.
    """

    def __init__(self, root: Path, variables: Mapping[str, str]) -> None:
        self.root = root
        self.variables = dict(variables)
        root.mkdir(parents=True, exist_ok=True)

    def copy(self, root: Path) -> "Project":
        """The same files elsewhere, and the same person; made faster than anew."""
        shutil.copytree(self.root, root, symlinks=True)
        return Project(root, self.variables)

    def at(self, folder: str) -> "Project":
        """The same person in a folder below."""
        return Project(self.root / folder, self.variables)

    def run(self, *arguments: str, **variables: str) -> Ended:
        """promptops, to its end, in a process that begins behind the imports where it can."""
        facts = (arguments, self.root, self.variables | variables)
        if not warm.fits(*facts):
            return self.installed(*arguments, **variables)
        return Ended(*warm.start(*facts).end(120))

    def installed(self, *arguments: str, **variables: str) -> Ended:
        """promptops from the start of its process, for what counts or measures that."""
        return self.shell(PROMPTOPS, *arguments, **variables)

    def here(self, *arguments: str, **variables: str) -> Ended:
        """promptops in the test's own process: ten times as fast, for what is about words."""
        before = dict(os.environ)
        out, err = io.StringIO(), io.StringIO()
        os.environ.clear()
        os.environ.update(self.variables | variables)
        try:
            with redirect_stdout(out), redirect_stderr(err), chdir(self.root):
                code = run([*arguments])
        finally:
            os.environ.clear()
            os.environ.update(before)
        return Ended(code, out.getvalue(), err.getvalue())

    def shell(self, *command: str, **variables: str) -> Ended:
        """Any command, to its end."""
        done = subprocess.run(
            command,
            cwd=self.root,
            env=self.variables | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """promptops, running."""
        return subprocess.Popen(
            [PROMPTOPS, *arguments],
            cwd=self.root,
            env=self.variables | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def signalled(
        self, number: signal.Signals, seconds: float, *arguments: str, installed: bool
    ) -> Ended:
        """promptops, which gets a signal after so many seconds; begun by `run` or `installed`."""
        if installed:
            process = self.start(*arguments)
            time.sleep(seconds)
            process.send_signal(number)
            return end_of(process)
        running = warm.start(arguments, self.root, self.variables)
        time.sleep(seconds)
        running.send_signal(number)
        return Ended(*running.end(30))

    def on_a_terminal(self, *arguments: str, **variables: str) -> str:
        """What a person sees of promptops: standard output and errors are a terminal."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [PROMPTOPS, *arguments],
            cwd=self.root,
            env=self.variables | {"TERM": "xterm"} | variables,
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        seen = b""
        try:
            while part := os.read(ours, 1 << 16):
                seen += part
        except OSError:  # the other end is closed
            pass
        finally:
            os.close(ours)
            process.wait(20)
        return seen.decode()

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env=self.variables,
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        return done.stdout.strip()

    def write(self, path: str, text: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8", newline="")
        return file

    def unit(self, name: str, prompt: str, folder: str = "manifests") -> None:
        """Write a unit, without a commit."""
        self.write(f"{folder}/{name}/manifest.yaml", MANIFEST.replace("NAME", name))
        self.write(f"{folder}/{name}/system.md", prompt + "\n")

    def says(self, unit: str, prompt: str) -> str:
        """Change a unit's prompt and commit it; the commit's id."""
        self.write(f"manifests/{unit}/system.md", prompt + "\n")
        return self.commit(f"{unit}: {prompt}")

    def commit(self, message: str = "change") -> str:
        """Everything that lies there; the commit's id."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.head

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    def read(self) -> Read:
        return read_project(self.root)

    def digest(self, unit: str, environment: str = "production", commit: str = "HEAD") -> str:
        """Of the release that a commit makes."""
        return from_commit(self.read(), (unit,), environment, commit).built[0].digest

    def deploy(self, store: Store, *units: str, commit: str = "HEAD") -> Deployment:
        """As the command does it, without the process: to set a situation up."""
        checkout = from_commit(self.read(), units, store.environment, commit)
        releases = {item.unit: (item.digest, item.data) for item in checkout.built}
        safe = {item.unit: item.safe for item in checkout.built if item.safe}
        return deploy(store, releases, intent(checkout.commit), Conditions(create=True), safe=safe)

    def rollback(self, store: Store, *units: str, to: str | None = None) -> Deployment:
        return rollback(store, units, to, intent(reason="invents refunds"))


def new_folder(folder: Path) -> Project:
    """With nothing in it; the home of whoever works there is beside it."""
    return Project(folder / "work", clean_variables(folder / "home"))


def new_project(root: Path, variables: Mapping[str, str]) -> Project:
    """greeter and farewell, committed."""
    project = Project(root, variables)
    project.git("init", "--quiet", "--template=")
    project.write("promptops.yaml", PROJECT)
    project.unit("greeter", "Good morning.")
    project.unit("farewell", "Good night.")
    project.commit("greeter and farewell")
    return project


def intent(commit: str | None = None, reason: str = "") -> Intent:
    return Intent(uuid4().hex, ADA, AT, reason, commit)


def clean_variables(home: Path, **more: str) -> dict[str, str]:
    """The environment of a person at a laptop: no CI, no settings of promptops."""
    registries = {name: value for name, value in os.environ.items() if _REGISTRY.match(name)}
    home.mkdir(exist_ok=True)
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Ada\n\temail = ada@example.com\n[init]\n\tdefaultBranch = main\n"
    )
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        **registries,
        **more,
    }


def tool(name: str) -> str:
    """A command that is installed beside this Python."""
    return str(Path(PYTHON).with_name(name))


def short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]
