"""A project with two units in a real git repository, to plan and to compare."""

from pathlib import Path
from typing import Any, Self

from tests.cli.projects import Project, clean_variables

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


class PlanProject(Project):
    """Production is in the store that was named."""

    @classmethod
    def new(cls, root: Path, store_url: str) -> Self:
        project = cls(root, clean_variables(root.with_name("home")))
        project.write(
            "promptops.yaml",
            "apiVersion: promptops/v1\nenvironments:\n"
            f"  production: {{store: '{store_url}', create: true}}\n"
            f"  staging: {{store: 'sqlite:///.promptops/staging.db', create: true}}\n",
        )
        project.write(".gitignore", ".promptops/\nplan.json\n")
        for unit in ("greeter", "farewell"):
            project.write(f"manifests/{unit}/manifest.yaml", MANIFEST.format(unit=unit))
            project.write(f"manifests/{unit}/system.md", SYSTEM.format(unit=unit))
        project.git("init", "--quiet")
        project.commit("first")
        return project

    def edit(self, path: str, before: str, after: str) -> None:
        """Replace a text that must be there in a file below manifests."""
        file = self.root / "manifests" / path
        text = file.read_text("utf-8")
        assert before in text
        file.write_text(text.replace(before, after), "utf-8")

    def deploy_all(self) -> None:
        done = self.run("deploy", "--all", "--env", "production")
        assert done.code == 0, done.err

    def plan(self, *arguments: str) -> Any:
        """The plan of production as JSON."""
        done = self.run("plan", "--env", "production", "-o", "json", *arguments)
        assert done.code == 0, done.err
        return done.json
