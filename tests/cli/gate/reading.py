"""What one types, and what one reads then."""

from tests.cli.projects import Ended, Project

GATE = ("gate", "--base", "main", "--env", "production")


def range_of(project: Project) -> str:
    base, commit = project.git("rev-parse", "main", "HEAD").split()
    return f"{base[:12]}..{commit[:12]}"


def notes(done: Ended) -> list[str]:
    """The lines between the units and the verdict."""
    return done.out.split("\n\n")[-2].splitlines()
