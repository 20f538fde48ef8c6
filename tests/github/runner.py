"""A small GitHub runner: reads the YAML of a workflow or an action and executes its `run:` steps.

Actions of others (`uses:`) are not executed: the folder is checked out and Python set up already.
An expression that a test gives no value for is an error, so no step gets anything unseen.
"""

import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.github.log import Command, commands_in

_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
# How GitHub starts bash: without `shell:` in a workflow, and with `shell: bash`.
_SHELLS = {None: ["bash", "-e"], "bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"]}
_AFTER = re.compile(r"!cancelled\(\) && steps\.(\w+)\.outcome != 'skipped'")


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step: its outcome as GitHub names it, and what it left."""

    name: str
    outcome: str
    log: str = ""
    summary: str = ""
    outputs: dict[str, str] = field(default_factory=dict)

    @property
    def commands(self) -> list[Command]:
        return commands_in(self.log)


@dataclass(frozen=True, slots=True)
class Job:
    """A job that has ended; `temp` is what its steps knew as RUNNER_TEMP."""

    steps: list[StepResult]
    temp: Path

    @property
    def passed(self) -> bool:
        return all(step.outcome != "failure" for step in self.steps)

    @property
    def log(self) -> str:
        return "".join(step.log for step in self.steps)

    @property
    def summary(self) -> str:
        return "".join(step.summary for step in self.steps)

    def step(self, name: str) -> StepResult:
        return next(step for step in self.steps if step.name == name)


def steps_of(file: Path) -> list[dict[str, Any]]:
    """The steps of an action, or of the only job of a workflow."""
    document = yaml.safe_load(file.read_text("utf-8"))
    if "runs" in document:
        return list(document["runs"]["steps"])
    (job,) = document["jobs"].values()
    return list(job["steps"])


@dataclass(frozen=True, slots=True)
class Runner:
    """A machine with `folder` checked out; `variables` are what GitHub sets for every step.

    Every run has a folder of its own below `temp`.
    """

    folder: Path
    temp: Path
    variables: Mapping[str, str]

    def run(self, file: Path, values: Mapping[str, str]) -> Job:
        """Execute the steps; `values` gives each expression its value."""
        temp = Path(tempfile.mkdtemp(dir=self.temp))
        results: list[StepResult] = []
        outcomes: dict[str, str] = {}
        for number, step in enumerate(steps_of(file)):
            name = step.get("name", step.get("uses", ""))
            if not _wanted(step.get("if"), results, outcomes):
                result = StepResult(name, "skipped")
            elif "uses" in step:
                result = StepResult(name, "success")
            else:
                result = self._run_step(name, step, values, temp / f"step-{number}")
            results.append(result)
            outcomes[step.get("id", "")] = result.outcome
        return Job(results, temp)

    def _run_step(
        self, name: str, step: dict[str, Any], values: Mapping[str, str], temp: Path
    ) -> StepResult:
        temp.mkdir()
        files = {key: temp / key for key in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.touch()
        files["RUNNER_TEMP"] = temp.parent
        script = temp / "script.sh"
        assert not _EXPRESSION.search(step["run"]), "an expression in a script is an injection"
        script.write_text(step["run"], "utf-8")
        given = {key: _filled(str(text), values) for key, text in step.get("env", {}).items()}
        done = subprocess.run(
            [*_SHELLS[step.get("shell")], str(script)],
            cwd=self.folder / _filled(step.get("working-directory", "."), values),
            env={**self.variables, **{key: str(file) for key, file in files.items()}, **given},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        lines = files["GITHUB_OUTPUT"].read_text("utf-8").splitlines()
        outputs = {key: value for key, _, value in (line.partition("=") for line in lines)}
        summary = files["GITHUB_STEP_SUMMARY"].read_text("utf-8")
        outcome = "failure" if done.returncode else "success"
        return StepResult(name, outcome, done.stdout, summary, outputs)


def _wanted(condition: str | None, results: list[StepResult], outcomes: dict[str, str]) -> bool:
    if condition is None:
        return all(result.outcome != "failure" for result in results)
    match = _EXPRESSION.fullmatch(condition)
    assert match is not None, condition
    after = _AFTER.fullmatch(match[1])
    assert after is not None, f"the runner does not know the condition {match[1]}"
    return outcomes[after[1]] != "skipped"


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _EXPRESSION.sub(lambda found: values[found[1]], text)
