"""A unit before and after: what changes, how much that means, and what to look at twice."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from promptops.delivery.look import Shown
from promptops.manifest.contract import Grade, Impact, Reason, grade
from promptops.manifest.difference import Difference, differences, unknown_fields
from promptops.manifest.release import Release

LONGEST_QUOTE = 200

# A line end inside a sentence is where somebody wrapped it; a blank line or a list item ends it.
_SENTENCE_END = re.compile(
    r"(?<=[.!?…])\s+|(?<=[。！？])|\n\s*\n|\n(?=[ \t]*(?:[-*+#>|]|[0-9]+[.)][ \t]))"
)
_HEADING = re.compile(r"^#.*$", re.MULTILINE)
_RULE = re.compile(r"\b(never|must|not|cannot|\w+n['’]t)\b", re.IGNORECASE)
_BULLET = re.compile(r"^[\s>#*+-]+|[\s*]+$")


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to look at twice; the code is a word for scripts, or that of a finding."""

    code: str
    message: str
    hint: str = ""

    def as_json(self) -> dict[str, str]:
        return {"code": self.code, "message": self.message, "hint": self.hint}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One unit before and after; None on the side where it is not there."""

    unit: str
    before: Shown | None
    after: Shown | None
    grade: Grade
    changes: tuple[Difference, ...]
    notices: tuple[Notice, ...]

    @property
    def digest_before(self) -> str | None:
        return None if self.before is None else self.before.digest

    @property
    def digest_after(self) -> str | None:
        return None if self.after is None else self.after.digest

    @property
    def release_before(self) -> Release | None:
        return None if self.before is None else self.before.release

    @property
    def release_after(self) -> Release | None:
        return None if self.after is None else self.after.release

    @property
    def held(self) -> bool:
        """Whether a deployment leaves it alone."""
        return any(notice.code in {"held", "safe-mode"} for notice in self.notices)

    @property
    def refused(self) -> bool:
        """Whether a deployment is refused, of all units, because of this one."""
        stale = any(notice.code in {"older", "unknown-commit"} for notice in self.notices)
        return stale and not self.held

    def as_json(self) -> dict[str, Any]:
        """`{"unit", "from", "to", "impact", "changes", "warnings"}`."""
        return {
            "unit": self.unit,
            "from": self.digest_before,
            "to": self.digest_after,
            "impact": self.grade.impact.word,
            "changes": [change.as_json() for change in self.changes],
            "warnings": [notice.as_json() for notice in self.notices],
        }


def compare(
    unit: str, before: Shown | None, after: Shown | None, notices: Iterable[Notice] = ()
) -> Comparison:
    """Compare two releases of a unit; `notices` are those that the caller knows of."""
    old = None if before is None else before.release
    new = None if after is None else after.release
    changes = differences(
        None if before is None else before.document, None if after is None else after.document
    )
    graded = grade(old, new)
    if old is not None and new is not None:
        graded = _with_unknown(graded, changes)
    found = [*notices, *same_version(old, new), *_removed_rules(old, new)]
    return Comparison(unit, before, after, graded, changes, tuple(found))


def same_version_before(
    live: Release, new: Release, past: Iterable[tuple[int, Release]]
) -> Iterator[Notice]:
    """W232 when an earlier release (revision, release) had the new one's version and another text.

    Where the live one has that version, the comparison with it says so.
    """
    for revision, release in past if _version(live) != _version(new) else ():
        if _version(release) == _version(new) and _texts(release) != _texts(new):
            yield Notice(
                "W232",
                f"prompt.version {new.prompt.version} was another text at revision {revision}",
                "one version, one text: raise prompt.version, so that logs can tell them apart",
            )
            return


def _with_unknown(graded: Grade, changes: tuple[Difference, ...]) -> Grade:
    """What a newer promptops wrote may mean anything to a caller."""
    unknown = tuple(
        Reason(Impact.MAJOR, field, f"this version of promptops does not know what {field} means")
        for field in unknown_fields(changes)
    )
    return Grade(Impact.MAJOR, (*unknown, *graded.reasons)) if unknown else graded


def same_version(old: Release | None, new: Release | None) -> Iterator[Notice]:
    """W232 when the text changes and its version does not."""
    if old is None or new is None or _texts(old) == _texts(new) or _version(old) != _version(new):
        return
    yield Notice(
        "W232",
        f"the prompt's text changes and prompt.version stays {new.prompt.version}",
        "raise prompt.version, so that logs can tell the two texts apart",
    )


def _version(release: Release) -> tuple[str, str]:
    return release.prompt.id, release.prompt.version


def _texts(release: Release) -> list[str]:
    return [turn.content for turn in (*release.prompt.messages, *release.prompt.examples)]


def _removed_rules(old: Release | None, new: Release | None) -> Iterator[Notice]:
    """Sentences with never, must or not that do not stand anywhere in the new prompt."""
    if old is None or new is None:
        return
    kept = {_plain(sentence) for sentence in _sentences(new)}
    for sentence in dict.fromkeys(_sentences(old)):
        if _RULE.search(sentence) and _plain(sentence) not in kept:
            shown = " ".join(sentence.split())
            cut = shown if len(shown) <= LONGEST_QUOTE else shown[: LONGEST_QUOTE - 1] + "…"
            yield Notice(
                "removed-rule",
                f"a rule is gone or reworded: “{cut}”",
                "make sure that this is meant",
            )


def _sentences(release: Release) -> Iterator[str]:
    for message in release.prompt.messages:
        for sentence in _SENTENCE_END.split(_HEADING.sub(r"\g<0>\n", message.content)):
            if found := _BULLET.sub("", sentence):
                yield found


def _plain(sentence: str) -> str:
    """A sentence as it is compared: spaces, case and the marks of a list make no other rule."""
    return " ".join(sentence.casefold().split()).rstrip(".!?…")
