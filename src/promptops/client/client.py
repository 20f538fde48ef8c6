"""The library inside the app: reads what is live from memory, never from the network."""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NoReturn, Self

from promptops.client.accept import Refusal
from promptops.client.callbacks import Changed
from promptops.client.live import LiveRelease
from promptops.client.passed import PassedInputs
from promptops.client.refresher import Refresher, introduce
from promptops.client.state import State, judge
from promptops.errors import NotReady, PromptopsError, Stale, UnknownUnit, UsageError
from promptops.live.address import check_environment_name
from promptops.live.opening import open_store
from promptops.live.store import CLIENT
from promptops.version import VERSION


@dataclass(frozen=True, slots=True)
class Status:
    """How a client is; the states are told in `promptops.client.state.Verdict`.

    `age` is the time in seconds since the store last confirmed what is served. `errors` counts
    polls without an accepted answer, `rejected` what was refused, `restarts` threads that died or
    could not be started. `refused` has the units of which something else is live than is served.
    """

    state: State
    reason: str
    code: str
    source: str
    epoch: int | None
    revision: int | None
    age: float | None
    last_error: str
    errors: int
    rejected: int
    restarts: int
    unknown_inputs: int
    units: dict[str, str]
    refused: dict[str, Refusal]


class Client:
    """The live releases of one environment, in memory.

    A daemon thread polls the store every `poll` seconds (± 10 %) and at every hint; `get` is a
    dictionary look-up without lock or I/O. `inputs` registers what the app passes (unit → names):
    a release that requires more is not taken. `hint=False` saves a connection, `presence=False`
    keeps the client out of `promptops status`. Raises UsageError when the URL cannot be read; a
    store that is away is no error here. A forked child follows by itself.
    """

    def __init__(
        self,
        url: str,
        *,
        environment: str,
        app: str = "",
        inputs: Mapping[str, Iterable[str]] | None = None,
        presence: bool = True,
        hint: bool = True,
        poll: float = 2.0,
    ) -> None:
        check_environment_name(environment)
        store = open_store(url, environment, CLIENT)
        self._source = str(store.address)
        self._environment = environment
        self._refresher = Refresher(
            store,
            introduce(app, VERSION) if presence else None,
            PassedInputs(inputs),
            poll=poll,
            hint=hint,
        )
        self._refresher.start()

    @classmethod
    def from_env(cls) -> Self:
        """A client from PROMPTOPS_STORE, PROMPTOPS_ENV and, optionally, PROMPTOPS_APP."""
        missing = [
            name for name in ("PROMPTOPS_STORE", "PROMPTOPS_ENV") if not os.environ.get(name)
        ]
        if missing:
            raise UsageError(
                f"{' and '.join(missing)} not set in the environment",
                "set PROMPTOPS_STORE to the URL of the store, PROMPTOPS_ENV to the environment",
            )
        return cls(
            os.environ["PROMPTOPS_STORE"],
            environment=os.environ["PROMPTOPS_ENV"],
            app=os.environ.get("PROMPTOPS_APP", ""),
        )

    def get(self, unit: str, *, max_age: float | None = None) -> LiveRelease:
        """The live release of a unit, from memory.

        Raises NotReady before the first snapshot, UnknownUnit for a name that is not live; with
        `max_age`, Stale when the store last confirmed it more seconds ago than that.
        """
        if max_age is not None:
            self._check_age(max_age)
        try:
            return self._refresher.snapshot.units[unit]
        except KeyError:
            raise self._absent(unit) from None

    def wait_ready(self, seconds: float) -> None:
        """Block until the first snapshot is there; raises NotReady after `seconds`."""
        self._refresher.ensure()
        if not self._refresher.ready.wait(seconds):
            raise self._not_ready(f"after {seconds:g} s")

    def status(self) -> Status:
        """What is served, from where, how old, and what went wrong last."""
        refresher = self._refresher
        refresher.ensure()
        verdict, snapshot = judge(refresher), refresher.snapshot
        return Status(
            state=verdict.state,
            reason=verdict.reason,
            code=verdict.code,
            source=self._source,
            epoch=snapshot.head.epoch if snapshot.head else None,
            revision=snapshot.head.revision if snapshot.head else None,
            age=self._age(),
            last_error=refresher.last_error,
            errors=refresher.errors,
            rejected=refresher.rejected,
            restarts=refresher.thread.restarts,
            unknown_inputs=refresher.unknown_inputs.count,
            units={unit: live.digest for unit, live in snapshot.units.items()},
            refused=dict(snapshot.refused),
        )

    def health(self) -> dict[str, object]:
        """For /healthz: `ok` while there is something to serve and something that refreshes it."""
        status = self.status()
        return {
            "ok": status.state not in {"NOT_READY", "FATAL"},
            "state": status.state,
            "reason": status.reason,
            "revision": status.revision,
            "age": status.age,
        }

    def on_change(self, callback: Callable[[Changed], object]) -> None:
        """Call back after every change of what is served, in a thread of its own."""
        self._refresher.callbacks.add(callback)

    def close(self) -> None:
        """Withdraw the presence and end the thread; what was read can still be used."""
        self._refresher.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a promptops Client cannot be pickled: it has a thread and a connection; make one in "
            "each process, with Client(…) or Client.from_env()"
        )

    def _age(self) -> float | None:
        checked = self._refresher.checked
        return None if checked is None else time.monotonic() - checked

    def _check_age(self, max_age: float) -> None:
        self._refresher.ensure()
        age = self._age()
        if age is not None and age > max_age:
            raise Stale(
                f"what {self._environment} serves was last confirmed {age:.1f} s ago, more than "
                f"{max_age:g} s",
                judge(self._refresher).reason,
            )

    def _absent(self, unit: str) -> PromptopsError:
        self._refresher.ensure()
        if not self._refresher.ready.is_set():
            return self._not_ready("yet")
        refusal = self._refresher.snapshot.refused.get(unit)
        if refusal is not None:
            return NotReady(f"{unit} has no release to serve: {refusal.reason}", code=refusal.code)
        units = sorted(self._refresher.snapshot.units)
        close = get_close_matches(unit, units, n=1)
        return UnknownUnit(
            f"no unit '{unit}' is live in {self._environment}",
            f"did you mean '{close[0]}'?" if close else f"live are: {', '.join(units) or 'none'}",
        )

    def _not_ready(self, when: str) -> NotReady:
        verdict, error = judge(self._refresher), self._refresher.error
        return NotReady(
            f"nothing of {self._environment} was read {when}; tried the store {self._source}: "
            f"{verdict.reason or 'no answer so far'}",
            error.hint if error else "call wait_ready(seconds) before the first get",
        )
