"""Git repositories with units in them, to compare and to plan."""

from pathlib import Path

from benchmarks.processes import output

SOURCE = Path(__file__).parent.parent / "manifests"
PROJECT = """\
apiVersion: promptops/v1
environments:
  local: {store: "sqlite:///.promptops/local.db", create: true}
"""


def new_repository(folder: Path) -> None:
    """A project without units, in a repository without commits."""
    folder.mkdir()
    git(folder, "init", "--quiet", "--template=")
    (folder / "promptops.yaml").write_text(PROJECT, "utf-8")


def write_unit(folder: Path, source: str, name: str) -> Path:
    """A copy of one of this repository's units under another name; its folder."""
    unit = folder / "manifests" / name
    unit.mkdir(parents=True)
    for file in (SOURCE / source).iterdir():
        text = file.read_text("utf-8").replace(f"name: {source}\n", f"name: {name}\n")
        (unit / file.name).write_text(text, "utf-8")
    return unit


def commit(folder: Path) -> None:
    """Everything that lies there."""
    git(folder, "add", "--all")
    who = ["-c", "user.name=benchmarks", "-c", "user.email=benchmarks@localhost"]
    git(folder, *who, "-c", "commit.gpgsign=false", "commit", "--quiet", "--message", "units")


def git(folder: Path, *arguments: str) -> str:
    return output(["git", *arguments], folder)
