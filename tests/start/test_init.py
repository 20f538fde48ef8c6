"""From an empty folder to a unit that is live."""

import zipfile
from pathlib import Path

import pytest

from promptops.source.shipped import schema_text
from tests.cli.projects import PYTHON, Project, new_folder

ROOT = Path(__file__).parents[2]
WORKFLOWS = [
    "promptops-check.yml",
    "promptops-deploy.yml",
    "promptops-rollback.yml",
    "promptops-rehearse.yml",
]


def files(project: Project) -> dict[str, bytes]:
    """Everything that lies there, but for git's own."""
    return {
        str(path.relative_to(project.root)): path.read_bytes()
        for path in project.root.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(project.root).parts
    }


def test_what_init_makes_is_valid_and_goes_live_after_a_commit(fresh_repository: Project) -> None:
    assert fresh_repository.run("init").code == 0
    assert fresh_repository.run("validate", "--strict").code == 0
    fresh_repository.commit("Add promptops")
    assert fresh_repository.run("deploy", "--all", "--env", "local").code == 0
    status = fresh_repository.run("status", "--env", "local", "-o", "json").json
    assert [(unit["unit"], unit["state"]) for unit in status["units"]] == [("hello", "in sync")]
    assert fresh_repository.git("status", "--porcelain") == ""


def test_init_says_what_it_made_and_what_to_type_next(fresh_repository: Project) -> None:
    said = fresh_repository.here("init").out
    for path in files(fresh_repository):
        assert f"made        {path}\n" in said
    assert said.endswith("  promptops deploy --all --env local\n")


def test_init_in_a_folder_without_git_says_to_make_a_repository(empty_folder: Project) -> None:
    assert "git init" in empty_folder.here("init", "-o", "json").json["next"]


def test_init_overwrites_nothing_and_says_so(fresh_repository: Project) -> None:
    fresh_repository.write("promptops.yaml", "apiVersion: promptops/v1\nenvironments: {}\n")
    fresh_repository.write(".vscode/settings.json", '{"mine": true}\n')
    fresh_repository.write(".pre-commit-config.yaml", "repos: []\n")
    fresh_repository.write(".github/workflows/promptops-deploy.yml", "name: mine\n")
    fresh_repository.write("schemas/manifest.v1.json", "{}\n")
    mine = files(fresh_repository)
    done = fresh_repository.here("init", "--github", "-o", "json")
    assert done.code == 0
    now = files(fresh_repository)
    assert {path: now[path] for path in mine} == mine
    left = {file["path"]: file["why"] for file in done.json["files"] if file["what"] == "left"}
    assert set(left) == set(mine)
    assert "promptops schema manifest > schemas/manifest" in left["schemas/manifest.v1.json"]


def test_a_second_init_changes_nothing(begun: Project) -> None:
    before = files(begun)
    done = begun.here("init", "-o", "json")
    assert {file["what"] for file in done.json["files"]} == {"left"}
    assert files(begun) == before


def test_init_keeps_the_lines_of_a_gitignore_and_adds_its_own_once(
    fresh_repository: Project,
) -> None:
    fresh_repository.write(".gitignore", "dist/")
    fresh_repository.here("init")
    fresh_repository.here("init")
    assert (fresh_repository.root / ".gitignore").read_text() == "dist/\n.promptops/\n"


def test_init_writes_through_no_link(fresh_repository: Project, tmp_path: Path) -> None:
    (fresh_repository.root / ".pre-commit-config.yaml").symlink_to(tmp_path / "elsewhere")
    assert fresh_repository.here("init").code == 0
    assert not (tmp_path / "elsewhere").exists()


def test_workflows_are_refused_where_github_would_not_read_them(fresh_repository: Project) -> None:
    below = fresh_repository.at("services/ai")
    done = below.here("init", "--github")
    assert done.code == 2
    assert "folder: services/ai" in done.err
    assert list(below.root.iterdir()) == []


def test_the_workflows_pin_the_version_that_wrote_them(fresh_repository: Project) -> None:
    fresh_repository.here("init", "--github")
    version = fresh_repository.here("--version").out.split()[1]
    for name in WORKFLOWS:
        text = (fresh_repository.root / ".github/workflows" / name).read_text()
        assert f'pip install --quiet "promptops-deploy=={version}"' in text


@pytest.mark.parametrize("name", ["support-triage", "1e3", "null", "0755", "a.b_c"])
def test_a_new_unit_is_valid_whatever_its_name(begun: Project, name: str) -> None:
    done = begun.here("new", name)
    assert done.code == 0
    assert done.out.endswith(f"  promptops validate manifests/{name}\n")
    assert begun.here("validate", "--strict", f"manifests/{name}").code == 0


def test_a_new_unit_belongs_to_whom_git_knows(begun: Project) -> None:
    begun.here("new", "triage")
    assert (
        'owners: ["ada@example.com"]' in (begun.root / "manifests/triage/manifest.yaml").read_text()
    )


@pytest.mark.parametrize("name", ["Hello", "-x", "../up", "a/b", "a" * 64, ""])
def test_a_unit_by_an_impossible_name_is_refused(begun: Project, name: str) -> None:
    before = files(begun)
    assert begun.here("new", "--", name).code == 2
    assert files(begun) == before


def test_a_unit_that_is_there_is_not_made_again(begun: Project) -> None:
    done = begun.here("new", "hello")
    assert done.code == 2
    assert "manifests/hello is there already" in done.err


def test_a_new_unit_goes_where_the_project_keeps_its_manifests(fresh_repository: Project) -> None:
    fresh_repository.write(
        "promptops.yaml", "apiVersion: promptops/v1\nmanifests: ai/prompts\nenvironments: {}\n"
    )
    assert fresh_repository.here("init").code == 0
    text = (fresh_repository.root / "ai/prompts/hello/manifest.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=../../../schemas/manifest.v1.json\n")


@pytest.mark.parametrize("arguments", [(), ("manifest",), ("project",)])
def test_schema_prints_what_the_checks_use(
    empty_folder: Project, arguments: tuple[str, ...]
) -> None:
    printed = empty_folder.here("schema", *arguments)
    assert printed.out == schema_text((*arguments, "manifest")[0])


def test_the_wheel_carries_the_templates(tmp_path: Path) -> None:
    project = new_folder(tmp_path)
    made = project.shell(
        PYTHON, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", ".", str(ROOT)
    )
    assert made.code == 0, made.err
    with zipfile.ZipFile(next(project.root.glob("*.whl"))) as wheel:
        inside = {name.removeprefix("promptops/") for name in wheel.namelist()}
    package = ROOT / "src" / "promptops"
    templates = {
        str(path.relative_to(package))
        for path in (package / "templates").rglob("*")
        if path.is_file()
    }
    assert len(templates) == 9
    assert templates <= inside


def test_init_stops_at_a_file_called_manifests_and_lists_what_it_made(
    fresh_repository: Project,
) -> None:
    fresh_repository.write("manifests", "")
    done = fresh_repository.here("init")
    assert done.code == 2
    assert "a file lies where a folder is needed" in done.err
    for path in files(fresh_repository).keys() - {"manifests"}:
        assert path in done.err


# Python buffers what it writes: the limit is hit when the text leaves, as on a full disk.
FULL = (
    "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10)); "
    "from promptops.cli.main import run; sys.exit(run(sys.argv[1:]))"
)


@pytest.mark.parametrize(
    "command", [("init",), ("new", "x"), ("plan", "--env", "local", "--out", "plan.json")]
)
def test_what_cannot_be_written_whole_is_not_there(
    begun: Project, command: tuple[str, ...]
) -> None:
    if command == ("init",):
        (begun.root / "promptops.yaml").unlink()
    before = files(begun)
    done = begun.shell(PYTHON, "-c", FULL, *command)
    assert done.code == 2, done.err
    assert "cannot be written: File too large" in done.err
    assert files(begun) == before


def test_a_gate_on_a_full_disk_says_so(begun: Project) -> None:
    gate = ("gate", "--base", "HEAD", "--env", "local", "--offline")
    done = begun.here(*gate, "--out", "/dev/full")
    assert done.code == 2
    assert "free some space on that disk" in done.err


def test_the_workflows_deploy_the_default_branch_to_the_last_environment(
    fresh_repository: Project,
) -> None:
    fresh_repository.git("symbolic-ref", "HEAD", "refs/heads/trunk")
    fresh_repository.write(
        "promptops.yaml",
        "apiVersion: promptops/v1\nenvironments:\n"
        '  staging: {store: "redis://staging"}\n  live: {store: "${LIVE_URL}"}\n'
        '  local: {store: "sqlite:///x.db", create: true}\n',
    )
    done = fresh_repository.here("init", "--github")
    assert "Environments → live, secret PROMPTOPS_STORE" in done.out
    folder = fresh_repository.root / ".github/workflows"
    text = "".join((folder / name).read_text() for name in WORKFLOWS)
    assert "production" not in text.lower()
    assert "branches: [trunk]" in text
    assert "LIVE_URL: ${{ secrets.PROMPTOPS_STORE }}" in text
    fresh_repository.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/dev")
    (folder / WORKFLOWS[1]).unlink()
    fresh_repository.here("init", "--github")
    assert "branches: [dev]" in (folder / WORKFLOWS[1]).read_text()
