"""Would going back work? What was found about a release, and the verdict that follows from it.

Pure: time, answers of probes and what clients say are arguments. Rollback reads these verdicts from
the store, so nothing here knows git.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from promptops.errors import InputError, ReleaseRejected
from promptops.manifest.contract import breaks
from promptops.manifest.digest import short
from promptops.manifest.release import Input, Release
from promptops.manifest.render import Renderer
from promptops.manifest.way_back import Sample, forward_only_of

Verdict = Literal["ready", "ready with warnings", "blocked", "unknown"]
Weight = Literal["error", "warning", "unknown"]
# What each present client passes to a unit; empty when none says so.
Callers = tuple[frozenset[str], ...]

SOON = timedelta(days=30)
_INVENTED = {"string": "a", "integer": 1, "number": 1.0, "boolean": True}


@dataclass(frozen=True, slots=True)
class Hindrance:
    """What stands against going back to a release; `unknown` is what nobody could tell."""

    code: str
    severity: Weight
    message: str
    hint: str = ""

    def as_json(self) -> dict[str, str]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a look at the world outside said."""

    state: Literal["passed", "failed", "unknown"]
    said: str = ""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A release that one could go to, and what stands against that.

    `revision` is None for a safe release, which was never live by itself.
    """

    digest: str
    revision: int | None
    findings: tuple[Hindrance, ...] = ()

    @property
    def verdict(self) -> Verdict:
        weights = {finding.severity for finding in self.findings}
        if "error" in weights:
            return "blocked"
        if "unknown" in weights:
            return "unknown"
        return "ready with warnings" if weights else "ready"

    @property
    def why(self) -> str:
        """The reasons for which it is blocked, in one line."""
        errors = (finding for finding in self.findings if finding.severity == "error")
        return "; ".join(finding.message for finding in errors)

    def as_json(self) -> dict[str, Any]:
        return {
            "digest": self.digest,
            **({} if self.revision is None else {"revision": self.revision}),
            "verdict": self.verdict,
            "findings": [finding.as_json() for finding in self.findings],
        }


@dataclass(frozen=True, slots=True)
class WayBack:
    """What one could go back to from the live release of a unit, newest first.

    `safe` is the safe release that belongs to the live one, None where there is none.
    """

    unit: str
    live: str
    targets: tuple[Rehearsed, ...]
    safe: Rehearsed | None = None

    @property
    def best(self) -> Rehearsed | None:
        """The newest that is ready: what was not proven is no way back."""
        return next((each for each in self.targets if each.verdict.startswith("ready")), None)

    def to(self, digest: str) -> Rehearsed | None:
        """What was found of going back to a release; None when it was not looked at."""
        return next((each for each in self.targets if each.digest == digest), None)

    @property
    def lost(self) -> bool:
        """Whether there are earlier releases and none of them is ready."""
        return bool(self.targets) and self.best is None

    @property
    def unknown(self) -> bool:
        """Whether none is ready and nobody could tell of one of them."""
        return self.lost and any(each.verdict == "unknown" for each in self.targets)

    @property
    def unsafe(self) -> bool:
        """Whether there is a safe release and it is blocked."""
        return self.safe is not None and self.safe.verdict == "blocked"

    def as_json(self) -> dict[str, Any]:
        return {
            "unit": self.unit,
            "live": self.live,
            "best": self.best and self.best.digest,
            "targets": [target.as_json() for target in self.targets],
            "safe": self.safe and self.safe.as_json(),
        }


def against_forward_only(
    digest: str, revision: int | None, document: Mapping[str, Any] | None
) -> Iterator[Hindrance]:
    """Whether a release that one goes back past says that this is no way back.

    `revision` is None where it is not live yet, `document` where it cannot be read.
    """
    name = "the manifest"
    if revision is not None:
        name = f"release {short(digest)}, live since revision {revision},"
    if document is None:
        said = f"{name} cannot be read, so nobody knows whether it says forward_only"
        yield Hindrance("forward-only", "unknown", said)
    elif why := forward_only_of(document):
        hint = "undo first what it did: going back does not"
        yield Hindrance("forward-only", "error", f"{name} says forward_only: {why}", hint)


def unpassed(old: Release | None, new: Release, callers: Callers) -> tuple[str, ...]:
    """The inputs that `new` requires and some caller does not pass.

    Where no client says what it passes, callers are known by what `old` requires. Where they do,
    what is live is no witness: it may be what they refuse.
    """
    return tuple(
        name
        for name, spec in new.inputs.items()
        if spec.required
        and not (
            all(name in passed for passed in callers)
            if callers
            else old is not None and _requires(old, name)
        )
    )


def _requires(release: Release, name: str) -> bool:
    spec = release.inputs.get(name)
    return spec is not None and spec.required


def said_of(names: Iterable[str], callers: Callers) -> str:
    """Which inputs are required, and who does not pass them."""
    listed = ", ".join(f"inputs.{name}" for name in names)
    if not callers:
        return f"it requires {listed}, which callers of the live release need not pass"
    without = sum(any(name not in passed for name in names) for passed in callers)
    return f"it requires {listed}, which {without} of {len(callers)} present clients do not pass"


def against_callers(live: Release, target: Release, callers: Callers) -> Iterator[Hindrance]:
    """Why those who call the live release could not call the target."""
    if names := unpassed(live, target, callers):
        hint = "pass them again, or go to a release that does not need them"
        yield Hindrance("callers", "error", said_of(names, callers), hint)
    for reason in breaks(live, target):
        name = reason.field.removeprefix("inputs.")
        if reason.field == name:
            # A tool that is never called hinders nobody.
            gone = name == "tools" and reason.message.endswith(" is gone")
            yield Hindrance(
                "answers", "warning" if gone else "error", f"{reason.field}: {reason.message}"
            )
        elif (was := live.inputs.get(name)) and (now := target.inputs.get(name)):
            # Inputs that the target does not know are ignored by clients.
            yield from _taken_otherwise(reason.field, was, now)


def _taken_otherwise(field: str, was: Input, now: Input) -> Iterator[Hindrance]:
    if was.type != now.type and (was.type, now.type) != ("integer", "number"):
        yield Hindrance(
            "callers", "error", f"{field} is {now.type} there, and callers pass {was.type}"
        )
    if now.max_length is not None and now.max_length < (was.max_length or 1 << 62):
        yield Hindrance(
            "callers",
            "warning",
            f"{field} may have {now.max_length} characters there: a longer one is refused",
        )


def against_rendering(target: Release, samples: Iterable[Sample]) -> Iterator[Hindrance]:
    """Whether its prompts can be filled with what callers pass; what is missing is invented.

    That callers do not pass something is said by the contract.
    """
    try:
        render = Renderer(target, lambda *_: None)
    except ReleaseRejected as error:
        yield Hindrance(error.code, "error", error.message)
        return
    invented = {
        name: _INVENTED.get(spec.type, "") for name, spec in target.inputs.items() if spec.required
    }
    for sample in samples or (Sample("", {}),):
        try:
            render({**invented, **sample.inputs})
        except InputError as error:
            said = (
                f"with the sample '{sample.name}': {error.message}" if sample.name else str(error)
            )
            yield Hindrance("unrenderable", "error", said, error.hint)


def against_model(target: Release, retires: date | None, today: date) -> Iterator[Hindrance]:
    """Whether its model is still served, as far as a date says."""
    if retires is None or retires - today > SOON:
        return
    gone = retires < today  # the date is its last day, as validate has it (E226)
    yield Hindrance(
        "retired",
        "error" if gone else "warning",
        f"its model {target.model.id} {'was retired' if gone else 'retires'} on {retires}",
        "" if gone else "deploy a release with another model before that day",
    )


def against_index(
    live: Release | None, target: Release, probed: Outcome | None
) -> Iterator[Hindrance]:
    """Whether the index that it asks is there; `probed` is None where no probe is configured.

    What the live release asks as well is as good there as here.
    """
    wanted = target.retriever
    if wanted is None:
        return
    name = f"index {wanted.index} {wanted.version}"
    if probed is not None:
        yield from against(probed, name, code="probe-failed")
    elif (
        live is None
        or live.retriever is None
        or ((live.retriever.index, live.retriever.version) != (wanted.index, wanted.version))
    ):
        hint = f"add a probe of {wanted.index} to rehearsal.probes in promptops.yaml"
        yield Hindrance("no-probe", "unknown", f"no probe is configured for the {name}", hint)


def against(outcome: Outcome | None, what: str, *, code: str) -> Iterator[Hindrance]:
    """What a look at the world outside means."""
    if outcome is not None and outcome.state != "passed":
        weight: Weight = "error" if outcome.state == "failed" else "unknown"
        yield Hindrance(code, weight, f"{what}: {outcome.said}")
