"""What a project asks of its units beyond the rules for all: policies, severities, models served.

They are read beside the promptops.yaml that names them. A deployment takes those of the work tree,
also when the commit is an older one: what is allowed today is what the team says today. A gate
takes those of the commit that it judges.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from promptops.finding import Finding, errors_in
from promptops.source.attachments import read_named
from promptops.source.document import Path
from promptops.source.json_schema import problems_of
from promptops.source.lines import with_lines
from promptops.source.models import MODELS_FILE, Catalogue, read_catalogue
from promptops.source.project import PROJECT_FILE, InvalidProject, Project
from promptops.source.rules import schema_findings
from promptops.source.severity import Rule, ruled
from promptops.source.text import Kind


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy schema that has passed its checks: how messages name its file, and its JSON."""

    file: str
    text: str


@dataclass(frozen=True, slots=True)
class Standard:
    """What is asked of units, as plain data that other processes can take.

    `looks` are the environments to look at, each with the policies in force there; `models` are
    the days on which models end. Without `today` nothing is said about those.
    """

    rules: tuple[Rule, ...] = ()
    looks: tuple[tuple[str, tuple[Policy, ...]], ...] = ()
    models: Catalogue = ()
    today: date | None = None


def standard_of(project: Project, environment: str, today: date | None = None) -> Standard:
    """What is asked of a unit that goes live in an environment.

    That is only what is common where the project does not name the environment. Raises
    InvalidProject when a policy or a rule cannot be applied.
    """
    policies, models, findings = _read(project, [environment])
    if errors := errors_in(findings):
        raise InvalidProject(errors[0].file, findings)
    looks = ((environment, policies.in_force(environment)),)
    return Standard(project.rules, looks, models, today or this_day())


def standard_everywhere(
    project: Project, environment: str | None, today: date | None = None
) -> tuple[Standard, list[Finding]]:
    """What is asked of a unit in every environment of its project, and what is wrong with that.

    These are the common policies; in `environment` its own ones are asked too. Raises UsageError
    when the project does not have that one.
    """
    if environment is not None:
        project.check_environment(environment)
    policies, models, findings = _read(project, project.environments)
    looks = (
        (name, policies.in_force(name) if name == environment else policies.common)
        for name in project.environments
    )
    return Standard(project.rules, tuple(looks), models, today or this_day()), findings


def this_day() -> date:
    """The day in UTC, so that it is the same for all who ask at one time."""
    return datetime.now(UTC).date()


@dataclass(frozen=True, slots=True)
class _Policies:
    common: tuple[Policy, ...]
    own: dict[str, tuple[Policy, ...]]

    def in_force(self, environment: str) -> tuple[Policy, ...]:
        return tuple(dict.fromkeys([*self.common, *self.own.get(environment, ())]))


def _read(
    project: Project, environments: Iterable[str]
) -> tuple[_Policies, Catalogue, list[Finding]]:
    """The policies for all and for some environments; a broken one is in the findings only.

    With them the days on which models end.
    """
    tree = project.tree
    named = [name for name in environments if name in project.environments]
    read = read_named(tree, "", project.document, _references(project, named))
    findings = list(read.findings)
    policies: dict[str, Policy] = {}
    for name, schema in read.schemas.items():
        file, text = tree.shown(name), read.texts[name]
        problems = problems_of(schema, applied=True)
        findings += schema_findings(problems, text, file)
        if not problems:
            policies[name] = Policy(file, text)
    models, about_models, listed = read_catalogue(tree)
    findings += about_models
    files = [
        (PROJECT_FILE, project.document.text.encode()),
        (MODELS_FILE, listed),
        *read.files,
    ]
    told = with_lines(findings, files, tree, tell_secrets=True)
    # The project file's own secrets are told twice then, and said once.
    found = list(dict.fromkeys([*project.findings, *ruled(told, project.rules)]))
    own = {name: _those(policies, project.environments[name].policy) for name in named}
    return _Policies(_those(policies, project.policies), own), models, found


def _references(project: Project, environments: Iterable[str]) -> Iterator[tuple[Path, str, Kind]]:
    paths: list[Path] = [("policy",)]
    paths += [("environments", name, "policy") for name in environments]
    for path in paths:
        for index, name in enumerate(project.document.get(path) or ()):
            yield (*path, index), name, "JSON Schema"


def _those(policies: dict[str, Policy], names: Iterable[str]) -> tuple[Policy, ...]:
    return tuple(policies[name] for name in names if name in policies)
