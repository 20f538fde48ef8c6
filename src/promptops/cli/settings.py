"""Where a command works: the project around the current folder, and the environment named."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from promptops.errors import PromptopsError, UsageError
from promptops.live.address import Address, check_environment_name, parse_address
from promptops.live.opening import open_store
from promptops.live.store import Store
from promptops.source.project import PROJECT_FILE, EnvironmentSettings, Project, find_project


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment that was named, with the store that keeps it."""

    name: str
    address: Address
    create: bool = False
    allow_dirty: bool = False
    settings: EnvironmentSettings | None = None

    def open(self, replicas: int = 0) -> Store:
        return open_store(self.address, self.name, replicas=replicas)


def project_here(hint: str) -> Project:
    """The project around the current folder; raises UsageError, with the hint, without one."""
    project = find_project(Path.cwd())
    if project is None:
        raise UsageError(f"there is no {PROJECT_FILE} here or in a folder above", hint)
    return project


def environment(name: str | None, store: str | None) -> Environment:
    """The environment of `--env` and `--store`, completed from the project file.

    With a store named, neither project file nor git is needed. Raises UsageError.
    """
    if store:
        if not name:
            raise UsageError("--store needs an environment", "add --env NAME")
        check_environment_name(name)
        return Environment(name, parse_address(store))
    project = project_here("run this in your project, or say --store URL --env NAME")
    if not name:
        names = ", ".join(project.environments)
        raise UsageError("say which environment", f"add --env NAME; {project.shown} has: {names}")
    project.check_environment(name)
    settings = project.environments[name]
    address = project.address_of(name, os.environ).relative_to(str(project.root))
    return Environment(name, address, settings.create, settings.allow_dirty, settings)


def named(name: str | None) -> str:
    """The environment of `--env`, where nothing else says what it is called; raises UsageError."""
    if not name:
        raise UsageError("say which environment", "add --env NAME")
    check_environment_name(name)
    return name


def is_protected(place: Environment) -> bool:
    """Whether the project says so, where one is at hand: a store that is named changes nothing.

    A project file that cannot be read stops no rollback.
    """
    if place.settings is not None:
        return place.settings.protected
    with suppress(PromptopsError, OSError):
        project = find_project(Path.cwd())
        if project is not None and place.name in project.environments:
            return project.environments[place.name].protected
    return False


def in_ci() -> bool:
    """Whether this is a run of CI: every one sets the variable CI."""
    return os.environ.get("CI", "").casefold() in {"true", "1"}


def check_name(name: str) -> None:
    """Where there is a project, the environment must be one of its own; raises UsageError."""
    project = find_project(Path.cwd())
    if project is not None:
        project.check_environment(name)
