"""After a rollback: the commit that makes git say what is live. A rollback never waits for it."""

from promptops.errors import UsageError
from promptops.live.records import Entry
from promptops.manifest.digest import short
from promptops.source.git import Repository
from promptops.source.project import Project
from promptops.source.reverting import Prepared, prepare


def revert(project: Project, environment: str, entry: Entry) -> Prepared | None:
    """On a new branch, each unit's folder as of the commit that it went back to.

    None when git says so already. Raises UsageError where git cannot tell.
    """
    repository = Repository.around(project.root)
    folders = {
        _folder(project, repository, change.unit): _commit(change.unit, change.commit)
        for change in entry.changes
    }
    settings = project.environments.get(environment)
    base = _base(repository, settings.branch if settings else "")
    branch = f"promptops/rollback-{environment}-{entry.revision}"
    return prepare(repository, base, folders, branch, _message(environment, entry), entry.actor)


def _folder(project: Project, repository: Repository, unit: str) -> str:
    folder = (project.root / project.manifests / unit).resolve()
    return folder.relative_to(repository.root.resolve()).as_posix()


def _commit(unit: str, commit: str | None) -> str:
    if commit is None:
        raise UsageError(
            f"what {unit} went back to was deployed from no commit", "change the manifest by hand"
        )
    return commit


def _base(repository: Repository, branch: str) -> str:
    """What is merged: the branch at origin, or here, or what is checked out."""
    names = (f"refs/remotes/origin/{branch}", f"refs/heads/{branch}") if branch else ()
    return next(filter(None, map(repository.find, names)), None) or repository.commit("HEAD")


def _message(environment: str, entry: Entry) -> str:
    units = ", ".join(entry.units)
    lines = [f"Go back with {units}, as {environment} has done", ""]
    lines += [f"{entry.reason}", ""] if entry.reason else []
    lines.append(f"promptops rollback, revision {entry.revision} of {environment}, {entry.actor}:")
    for change in entry.changes:
        left, now = short(change.before or ""), short(change.after)
        if left != now:
            lines.append(f"- {change.unit}: {left} → {now}, from commit {str(change.commit)[:12]}")
    return "\n".join(lines)
