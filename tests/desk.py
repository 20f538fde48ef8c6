"""A folder in which somebody works with git and promptops, as processes."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

NOTHING: Mapping[str, str] = MappingProxyType({})
PYTHON = sys.executable
PROMPTOPS = str(Path(sys.executable).with_name("promptops"))

# How this machine reaches its package registries.
_REGISTRY = re.compile(r"(PIP_|NPM_CONFIG_|SSL_CERT_|(HTTPS?|NO)_PROXY$)", re.IGNORECASE)


def tool(name: str) -> str:
    """A command that is installed beside this Python."""
    return str(Path(sys.executable).with_name(name))


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Desk:
    """`variables` is the whole environment of the processes: nothing of the machine's is in it."""

    def __init__(self, root: Path, variables: Mapping[str, str]) -> None:
        self.root = root
        self.variables = dict(variables)
        root.mkdir(parents=True, exist_ok=True)

    @classmethod
    def empty(cls, folder: Path) -> "Desk":
        """Ada's, with a home of its own and nothing in it."""
        home = folder / "home"
        home.mkdir()
        (home / ".gitconfig").write_text(
            "[user]\n\tname = Ada\n\temail = ada@example.com\n[init]\n\tdefaultBranch = main\n"
        )
        variables = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}
        variables |= {name: value for name, value in os.environ.items() if _REGISTRY.match(name)}
        return cls(folder / "desk", variables | {"GIT_CONFIG_NOSYSTEM": "1"})

    def copy(self, folder: Path) -> "Desk":
        """The same files and the same home, elsewhere."""
        shutil.copytree(self.root, folder / "desk", symlinks=True)
        return Desk(folder / "desk", self.variables)

    def run(
        self, *arguments: str, cwd: Path | None = None, variables: Mapping[str, str] = NOTHING
    ) -> Ended:
        """promptops, to its end."""
        return self.shell(PROMPTOPS, *arguments, cwd=cwd, variables=variables)

    def shell(
        self, *command: str, cwd: Path | None = None, variables: Mapping[str, str] = NOTHING
    ) -> Ended:
        """Any command, to its end; `variables` come on top of the desk's."""
        done = subprocess.run(
            command,
            cwd=cwd or self.root,
            env={**self.variables, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def git(self, *arguments: str) -> str:
        done = self.shell("git", *arguments)
        assert done.code == 0, done.err
        return done.out.strip()

    def write(self, path: str, text: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8", newline="")
        return file

    def commit(self, message: str) -> str:
        """Everything that lies there; the commit's id."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")
