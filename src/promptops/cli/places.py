"""Findings by the paths that GitHub knows: from the top of what it checked out."""

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from promptops.finding import Finding
from promptops.source.files import top_of_git


def from_the_top(findings: Iterable[Finding]) -> list[Finding]:
    """The findings, their files by the path from the workspace of a run, or from git's top.

    A file that lies outside keeps the name that it has from here.
    """
    here = Path.cwd()
    workspace = os.environ.get("GITHUB_WORKSPACE")
    tops = [Path(workspace).resolve()] if workspace else []
    top = next((top for top in (*tops, top_of_git(here)) if top and here.is_relative_to(top)), here)

    def named(file: str) -> str:
        path = Path(os.path.normpath(here / file))
        return path.relative_to(top).as_posix() if path.is_relative_to(top) else file

    return [replace(finding, file=named(finding.file)) for finding in findings]
