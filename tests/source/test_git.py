"""Git, read only: which commit is meant, what is in it, which is older, and nothing else is run."""

from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest

from promptops.errors import UsageError
from promptops.source.git import Repository
from promptops.source.tree import Entry, FileRefused
from tests.cli.projects import Project, clean_variables, new_project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """greeter and farewell in one commit; one stands in that folder."""
    project = new_project(tmp_path / "project", clean_variables(tmp_path / "home"))
    with chdir(project.root):
        yield project


@pytest.fixture
def repository(project: Project) -> Repository:
    return Repository.around(project.root)


# --- repositories ---------------------------------------------------------------------------------


def test_a_repository_is_found_from_a_folder_below(project: Project) -> None:
    assert Repository.around(project.root / "manifests/greeter").root == project.root


def test_a_linked_work_tree_is_a_repository_of_its_own(project: Project, tmp_path: Path) -> None:
    project.git("worktree", "add", "--quiet", "-b", "fix", str(tmp_path / "fix"))
    commit = Project(tmp_path / "fix", project.variables).says("greeter", "Good evening.")
    linked = Repository.around(tmp_path / "fix")
    assert linked.root == tmp_path / "fix"
    assert linked.commit("HEAD") == commit != project.head


def test_no_repository(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        Repository.around(tmp_path)
    assert (refused.value.code, refused.value.message) == (
        "E407",
        f"{tmp_path} is not in a git repository",
    )


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        Repository.around(tmp_path / "nowhere")
    assert refused.value.code == "E407"


def test_a_bare_repository(project: Project, tmp_path: Path) -> None:
    project.git("clone", "--quiet", "--bare", str(project.root), str(tmp_path / "bare.git"))
    with pytest.raises(UsageError) as refused:
        Repository.around(tmp_path / "bare.git")
    assert (refused.value.code, refused.value.message) == (
        "E407",
        f"{tmp_path}/bare.git is in a bare repository",
    )


def test_a_repository_that_is_broken(project: Project) -> None:
    (project.root / ".git/HEAD").write_text("nonsense\n")
    with pytest.raises(UsageError) as refused:
        Repository.around(project.root)
    assert refused.value.code == "E407"


# --- names of commits -----------------------------------------------------------------------------


def test_a_commit_has_many_names(project: Project, repository: Repository) -> None:
    commit = project.says("greeter", "Good evening.")
    project.git("tag", "--annotate", "v1", "--message", "one")
    project.git("branch", "feature/a.b-c")
    for name in ("HEAD", "main", "v1", "feature/a.b-c", "refs/heads/main", commit, commit[:8], "@"):
        assert repository.commit(name) == commit, name


OPTIONS = [
    "--upload-pack=touch${IFS}canary",
    "--output=canary",
    "--exec=touch",
    "--git-dir=.",
    "--all",
    "-c",
    "-",
]
HOSTILE = [
    "$(touch${IFS}canary)",
    "`touch${IFS}canary`",
    ";touch${IFS}canary;",
    "|touch${IFS}canary",
    "&&touch${IFS}canary",
    "a'b",
    'a"b',
    "x\N{RIGHT-TO-LEFT OVERRIDE}y",
    "ünïcödé",
    "!touch",
    "%s%n",
    "#comment",
    "main}",
    "a=b",
    "refs/heads/main",
]


@pytest.mark.parametrize("name", [*OPTIONS, *HOSTILE])
def test_a_hostile_name_of_a_branch_is_a_name_and_nothing_else(
    project: Project, repository: Repository, name: str
) -> None:
    commit = project.says("greeter", "Good evening.")
    ref = project.root / ".git/refs/heads" / name
    ref.parent.mkdir(parents=True, exist_ok=True)
    ref.write_text(commit + "\n")
    if name in OPTIONS:
        with pytest.raises(UsageError) as refused:
            repository.commit(name)
        assert refused.value.message == f"'{name}' is no git revision"
    else:
        assert repository.commit(name) == commit
    assert not list(project.root.rglob("canary"))


@pytest.mark.parametrize(
    "name",
    [
        *("", "-", "--", "-x", "v9", "HEAD~9", "HEAD:promptops.yaml", "HEAD^{tree}", "main..main"),
        *("main main", "0" * 40, "f" * 7, "HEAD\n", ":/nobody wrote this"),
    ],
)
def test_what_is_no_commit_is_a_usage_error(repository: Repository, name: str) -> None:
    with pytest.raises(UsageError) as refused:
        repository.commit(name)
    assert refused.value.code == "E406"


# --- age ------------------------------------------------------------------------------------------


@pytest.fixture
def three_commits(project: Project) -> tuple[str, str, str]:
    """first ← second, and beside on a branch of its own from first."""
    first = project.head
    second = project.says("greeter", "Good evening.")
    project.git("checkout", "--quiet", "-b", "beside", first)
    return first, second, project.says("greeter", "Good day.")


def test_an_ancestor_is_older_and_nothing_else_is(
    three_commits: tuple[str, str, str], repository: Repository
) -> None:
    first, second, beside = three_commits
    assert repository.is_older(first, second) is True
    assert repository.is_older(first, beside) is True
    assert repository.is_older(second, first) is False
    assert repository.is_older(second, beside) is False
    assert repository.is_older(second, second) is False


@pytest.mark.parametrize("live", ["c0ffee", "", "HEAD", "--all", "0" * 40])
def test_a_commit_that_is_not_here_has_no_age(repository: Repository, live: str) -> None:
    assert repository.is_older(repository.commit("HEAD"), live) is None


def test_a_shallow_clone_does_not_know_what_lies_behind_it(
    three_commits: tuple[str, str, str], project: Project, tmp_path: Path
) -> None:
    first, second, _ = three_commits
    shallow = tmp_path / "shallow"
    project.git(
        *("clone", "--quiet", "--depth", "1", "--branch", "main"),
        *(f"file://{project.root}", str(shallow)),
    )
    repository = Repository.around(shallow)
    assert repository.commit("HEAD") == second
    assert repository.is_older(second, first) is None
    with pytest.raises(UsageError) as refused:
        repository.commit("HEAD~1")
    assert refused.value.code == "E405"
    assert refused.value.hint.endswith("(in CI: fetch-depth: 0)")


# --- files of a commit ----------------------------------------------------------------------------


def test_the_files_are_those_of_the_commit(project: Project, repository: Repository) -> None:
    tree = repository.files(project.head, project.root)
    project.write("manifests/greeter/system.md", "Only half written\n")
    project.write("manifests/newcomer/manifest.yaml", "")
    assert tree.read("manifests/greeter/system.md", 100) == b"Good morning.\n"
    assert tree.list("manifests") == [Entry("farewell", True), Entry("greeter", True)]
    assert tree.list("manifests/greeter") == [
        Entry("manifest.yaml", False),
        Entry("system.md", False),
    ]
    assert tree.list(".") == [Entry("manifests", True), Entry("promptops.yaml", False)]
    assert tree.list("nowhere") == tree.list("promptops.yaml") == []


def test_a_tree_can_begin_below_the_top(project: Project, repository: Repository) -> None:
    tree = repository.files(project.head, project.root / "manifests")
    assert tree.read("greeter/system.md", 100) == b"Good morning.\n"
    assert tree.shown("greeter/system.md") == "manifests/greeter/system.md"
    with pytest.raises(FileRefused) as refused:
        tree.read("manifests/greeter/system.md", 100)
    assert refused.value.code == "E402"


def test_a_file_that_may_be_run_is_a_file(project: Project, repository: Repository) -> None:
    project.write("manifests/greeter/run.md", "Run.\n").chmod(0o755)
    commit = project.commit("executable")
    assert repository.files(commit, project.root).read("manifests/greeter/run.md", 9) == b"Run.\n"


@pytest.fixture
def odd_files(project: Project, tmp_path: Path) -> str:
    """A commit with a link to a file, a link to a folder, and a submodule."""
    (project.root / "link.md").symlink_to("manifests/greeter/system.md")
    (project.root / "passwd").symlink_to("/etc/passwd")
    (project.root / "linked").symlink_to("manifests")
    other = Project(tmp_path / "other", project.variables)
    other.git("init", "--quiet")
    other.write("README.md", "other")
    other.commit("other")
    project.git(
        *("-c", "protocol.file.allow=always", "submodule", "--quiet", "add"),
        *(str(other.root), "sub"),
    )
    return project.commit("odd files")


@pytest.mark.parametrize(
    ("path", "code", "message"),
    [
        ("manifests/greeter/nothing.md", "E402", "nothing.md is not in the commit"),
        ("manifests/greeter", "E402", "manifests/greeter is a folder"),
        ("link.md", "E402", "link.md is a symbolic link"),
        ("passwd", "E402", "passwd is a symbolic link"),
        ("linked/greeter/system.md", "E402", "linked/greeter/system.md is not in the commit"),
        ("sub", "E402", "sub is a submodule"),
        ("sub/README.md", "E402", "sub/README.md is not in the commit"),
        ("../project/promptops.yaml", "E402", "../project/promptops.yaml is not in the commit"),
        ("MANIFESTS/greeter/system.md", "E402", "is not in the commit"),
        ("promptops.yaml", "E102", "promptops.yaml has "),
    ],
)
def test_only_plain_files_of_the_commit_are_read(
    project: Project, repository: Repository, odd_files: str, path: str, code: str, message: str
) -> None:
    with pytest.raises(FileRefused) as refused:
        repository.files(odd_files, project.root).read(path, 20)
    assert refused.value.code == code
    assert message in refused.value.message
    assert refused.value.hint


def test_an_object_that_the_clone_lacks_is_said_to_be_missing(
    project: Project, repository: Repository
) -> None:
    for name in ("HEAD:manifests/greeter/system.md", "HEAD:manifests/greeter"):
        missing = project.git("rev-parse", name)
        (project.root / ".git/objects" / missing[:2] / missing[2:]).unlink()
        tree = repository.files(project.head, project.root)
        with pytest.raises(UsageError) as refused:
            tree.read("manifests/greeter/system.md", 100)
        assert (refused.value.code, refused.value.message) == (
            "E407",
            f"the clone {project.root} lacks an object of commit {project.head[:12]}",
        )
    with pytest.raises(UsageError):
        tree.list("manifests/greeter")
