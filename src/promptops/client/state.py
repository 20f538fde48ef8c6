"""How a client is: one word, why, and one line in the log when that changes."""

import logging
import threading
import time
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from promptops.client.published import Published
from promptops.errors import PromptopsError, StoreCorrupt, StoreError
from promptops.live.records import Head

log = logging.getLogger("promptops")

SAME_STATE_EVERY = 30.0
MOST_REASONS = 2

State = Literal["NOT_READY", "READY", "STALE", "ERROR", "FATAL"]


class Thread(Protocol):
    restarts: int
    error: str

    def is_alive(self) -> bool: ...


class Refreshed(Protocol):
    """What is looked at to tell how a client is."""

    published: Published
    error: PromptopsError | None
    checked: float | None
    poll: float
    closing: threading.Event

    @property
    def thread(self) -> Thread: ...


class Verdict(NamedTuple):
    """NOT_READY: there is nothing to serve yet · READY: what is live is served · STALE: served on
    without news of the store · ERROR: something of what the store says is refused, and the release
    before is served on · FATAL: nothing refreshes, because no thread can be started.
    """

    state: State
    reason: str = ""
    code: str = ""


def judge(client: Refreshed) -> Verdict:
    """The state of a client now."""
    error = client.error
    if client.closing.is_set():
        state: State = "NOT_READY" if client.published.snapshot.head is None else "STALE"
        before = f"; before that: {error.message}" if error else ""
        return Verdict(state, f"the client is closed{before}")
    if client.thread.error:
        return Verdict("FATAL", f"nothing refreshes: {client.thread.error}")
    return _open(client)


def _open(client: Refreshed) -> Verdict:
    error, refused = client.error, client.published.snapshot.refused
    age = None if client.checked is None else time.monotonic() - client.checked
    own = [each for each in refused.values() if not each.because]
    if client.published.snapshot.head is None or (own and not client.published.snapshot.units):
        why = (error.message, error.code) if error else ("", "")
        return Verdict("NOT_READY", *((own[0].reason, own[0].code) if own and not error else why))
    if error is not None:
        unanswered = isinstance(error, StoreError) and not isinstance(error, StoreCorrupt)
        return Verdict("STALE" if unanswered else "ERROR", error.message, error.code)
    if age is None:
        return Verdict("STALE", "the store has not answered yet")
    if age >= 3 * client.poll + 1:
        return Verdict("STALE", "nothing was refreshed for a while")
    if own:
        more = f" (and {len(own) - 1} more)" if len(own) > 1 else ""
        return Verdict("ERROR", own[0].reason + more, own[0].code)
    return Verdict("READY")


@dataclass(slots=True)
class Told:
    """What the log was told last: a line for every new state, few for new reasons of the same."""

    verdict: Verdict = field(default_factory=lambda: Verdict("NOT_READY"))
    reasons: list[float] = field(default_factory=list)

    def tell(self, verdict: Verdict, head: Head | None) -> None:
        before, now = self.verdict, time.monotonic()
        if verdict.state == before.state:
            # Another reason is told at once, and a state that finds a new one at every poll is not.
            self.reasons = [at for at in self.reasons if now - at < SAME_STATE_EVERY]
            if verdict.reason == before.reason or len(self.reasons) >= MOST_REASONS:
                return
            self.reasons.append(now)
        quiet = before.state == "NOT_READY" and verdict.state == "READY" and not before.reason
        self.verdict = verdict
        if quiet:
            return
        if verdict.state == "READY":
            log.warning("READY again; serving revision %s", head and head.revision)
        else:
            code = f" [{verdict.code}]" if verdict.code else ""
            goes_on = "" if verdict.state == "NOT_READY" else "; serving on what is known"
            log.warning("%s: %s%s%s", verdict.state, verdict.reason, code, goes_on)
