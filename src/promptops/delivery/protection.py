"""What a protected environment asks of a deployment; a rollback is never asked."""

from collections.abc import Iterable, Iterator

from promptops.errors import Refused
from promptops.source.git import Repository
from promptops.source.project import Project

_WAY_OUT = 'in an emergency: --break-glass "WHY", which the history shows'


def check_allowed(
    project: Project,
    environment: str,
    commits: Iterable[str | None],
    *,
    in_ci: bool,
    way_out: str = _WAY_OUT,
) -> None:
    """Raises Refused unless it is CI that deploys, and commits of the environment's branch."""
    settings = project.environments.get(environment)
    if settings is None or not settings.protected:
        return
    branch = settings.branch
    if not in_ci:
        raise Refused(
            "protected",
            f"{environment} is protected: it is deployed from CI, and this is none",
            f"merge it to {branch} and let CI deploy (it sets CI=true); {way_out}",
        )
    repository = Repository.around(project.root)
    tips = list(_tips(repository, branch))
    if not tips:
        raise Refused(
            "protected",
            f"{environment} takes commits on {branch} only, a branch that this clone has not",
            f"git fetch origin {branch} (in CI: fetch-depth: 0); {way_out}",
        )
    for commit in commits:
        if commit is None or not any(_holds(repository, tip, commit) for tip in tips):
            what = "the work tree" if commit is None else f"commit {commit[:12]}"
            raise Refused(
                "protected",
                f"{environment} takes commits on {branch} only, and {what} is not on it",
                f"merge it to {branch} first; {way_out}",
            )


def _tips(repository: Repository, branch: str) -> Iterator[str]:
    """Where the branch ends, here and at origin; a tag of that name is no branch."""
    for name in (f"refs/heads/{branch}", f"refs/remotes/origin/{branch}"):
        tip = repository.find(name)
        if tip is not None:
            yield tip


def _holds(repository: Repository, tip: str, commit: str) -> bool:
    return commit == tip or repository.is_older(commit, tip) is True
