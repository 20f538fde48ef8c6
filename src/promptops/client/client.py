"""The library inside the app: reads what is live from memory, never from the network."""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn, Self

from promptops.client.announcing import introduce
from promptops.client.arguments import (
    check_callback,
    check_poll,
    check_seconds,
    check_switch,
    path_of,
    store_of,
)
from promptops.client.callbacks import Changed
from promptops.client.conversation import DEFAULT_POLICY, Policy, check_policy
from promptops.client.lasting import TRY_EVERY
from promptops.client.leaving import close_in_time
from promptops.client.live import LiveRelease
from promptops.client.overlay import pinned_units
from promptops.client.passed import PassedInputs
from promptops.client.refresher import Refresher
from promptops.client.sources import Sources, said
from promptops.client.state import judge
from promptops.client.status import Status
from promptops.closest import closest
from promptops.errors import NotReady, PromptopsError, Stale, UnknownUnit, UsageError
from promptops.live.address import Address, check_environment_name
from promptops.version import VERSION

PATIENCE_WITH_THE_STORE = 1.0
LOOK_EVERY = 0.005
SLICE = 0.25
CALL_FIRST = "call wait_ready(seconds) before the first get"


class Client:
    """The live releases of one environment, in memory.

    A daemon thread polls the store every `poll` seconds (± 10 %) and at every hint; `get` is a
    dictionary look-up without lock or I/O. `cache` is a folder for a copy that stands in for a
    store which is away, `bundle` a file from `promptops bundle` that stands in for both; without
    them PROMPTOPS_CACHE and PROMPTOPS_BUNDLE count, and with one of them the URL may be missing.
    `inputs` registers what the app passes (unit → names): a release that requires more is not
    taken. `hint=False` saves a connection, `presence=False` keeps the client out of `promptops
    status`. Raises UsageError when the URL cannot be read; a store that is away is no error here.
    A forked child follows by itself.
    """

    def __init__(  # noqa: PLR0913 - one for each option, by name
        self,
        url: str | Address | None,
        *,
        environment: str,
        app: str = "",
        cache: str | os.PathLike[str] | None = None,
        bundle: str | os.PathLike[str] | None = None,
        inputs: Mapping[str, Iterable[str]] | None = None,
        presence: bool = True,
        hint: bool = True,
        poll: float = 2.0,
    ) -> None:
        check_environment_name(environment, scratch=True)
        check_poll(poll)
        check_switch("presence", presence)
        check_switch("hint", hint)
        cache = path_of("cache", cache, "PROMPTOPS_CACHE")
        bundle = path_of("bundle", bundle, "PROMPTOPS_BUNDLE")
        store = store_of(url, environment, stands_in=bool(cache or bundle))
        self._store = str(store.address)
        self._environment = environment
        self._started = time.monotonic()
        self._refresher = Refresher(
            store,
            introduce(app, VERSION) if presence else None,
            PassedInputs(inputs),
            poll=poll,
            hint=hint,
            sources=Sources(store, cache, bundle),
            pins=os.environ.get("PROMPTOPS_PIN", ""),
        )
        self._shown = self._refresher.published.shown
        close_in_time(self, self._refresher)
        self._refresher.start()

    @classmethod
    def from_env(cls) -> Self:
        """A client from PROMPTOPS_STORE, PROMPTOPS_ENV and, optionally, PROMPTOPS_APP.

        With PROMPTOPS_CACHE or PROMPTOPS_BUNDLE, PROMPTOPS_STORE may be missing.
        """
        stands_in = os.environ.get("PROMPTOPS_CACHE") or os.environ.get("PROMPTOPS_BUNDLE")
        needed = ("PROMPTOPS_ENV",) if stands_in else ("PROMPTOPS_STORE", "PROMPTOPS_ENV")
        missing = [name for name in needed if not os.environ.get(name)]
        if missing:
            raise UsageError(
                f"{' and '.join(missing)} not set in the environment",
                "set PROMPTOPS_STORE to the URL of the store (or PROMPTOPS_CACHE or "
                "PROMPTOPS_BUNDLE, which stand in for it), PROMPTOPS_ENV to the environment",
            )
        return cls(
            os.environ.get("PROMPTOPS_STORE"),
            environment=os.environ["PROMPTOPS_ENV"],
            app=os.environ.get("PROMPTOPS_APP", ""),
        )

    def get(
        self,
        unit: str,
        token: str | None = None,
        policy: Policy = DEFAULT_POLICY,
        max_age: float | None = None,
    ) -> LiveRelease:
        """The live release of a unit, from memory.

        With the `token` of the release that a conversation began with, that one: always (`pin`),
        until it is rolled back or held (`follow_on_rollback`), or not at all (`follow`); when this
        process does not know it, or the token is broken, the present one. Raises NotReady before
        the first snapshot, UnknownUnit for a name that is not live, and Stale when the store did
        not confirm what is served within `max_age` seconds.
        """
        # The options have places too: by name only, they would cost every read half a look-up more.
        try:
            live = self._shown.units[unit]
        except KeyError:
            raise self._absent(unit) from None
        if token is None and max_age is None and policy is DEFAULT_POLICY:
            return live
        check_policy(policy)
        if max_age is not None:
            self._check_age(unit, max_age)
        return live if token is None else self._refresher.earlier.goes_on(live, token, policy)

    def wait_ready(self, seconds: float) -> None:
        """Block until there is something to serve; raises NotReady after `seconds`.

        In a test there is nothing to wait for where something is pinned, nor of an empty `memory:`.
        """
        check_seconds("seconds", seconds)
        if self._in_a_test():
            return
        self._refresher.ensure()
        until = time.monotonic() + seconds
        # What stands in for the store is there at once; the store has the first word all the same.
        patience = self._started + PATIENCE_WITH_THE_STORE - time.monotonic()
        self._refresher.settled.wait(max(0.0, min(seconds, patience)))
        while not self._refresher.published.ready.wait(
            max(0.0, min(TRY_EVERY, until - time.monotonic()))
        ):
            if self._refresher.closing.is_set() or not time.monotonic() < until:
                raise self._not_ready(f"after {seconds:g} s", waited=True)
            self._refresher.ensure()

    async def ready(self, seconds: float = 10.0) -> Self:
        """`wait_ready` for asyncio: the event loop goes on meanwhile."""
        # Who awaits this has loaded it, and nobody else needs it.
        from asyncio import sleep  # noqa: PLC0415

        check_seconds("seconds", seconds)
        if self._in_a_test():
            return self
        self._refresher.ensure()
        until = time.monotonic() + seconds
        patience = min(until, self._started + PATIENCE_WITH_THE_STORE)
        while not self._refresher.settled.is_set() and time.monotonic() < patience:
            await sleep(LOOK_EVERY)
        while not self._refresher.published.ready.is_set():
            if self._refresher.closing.is_set() or not time.monotonic() < until:
                raise self._not_ready(f"after {seconds:g} s", waited=True)
            self._refresher.ensure()
            await sleep(LOOK_EVERY)
        return self

    def status(self) -> Status:
        """What is served, from where, how old, and what went wrong last."""
        refresher = self._refresher
        refresher.ensure()
        verdict, snapshot = judge(refresher), refresher.published.snapshot
        doubt = refresher.sources.doubt
        return Status(
            environment=self._environment,
            state=verdict.state,
            reason="; ".join(
                filter(None, [verdict.reason, said(doubt) if doubt else "", refresher.pins.why])
            ),
            code=verdict.code or (doubt.code if doubt else ""),
            source=refresher.sources.source,
            store=self._store,
            epoch=snapshot.head.epoch if snapshot.head else None,
            revision=snapshot.head.revision if snapshot.head else None,
            age=None if refresher.checked is None else time.monotonic() - refresher.checked,
            last_error=refresher.last_error,
            errors=refresher.errors,
            rejected=refresher.rejected,
            restarts=refresher.thread.restarts,
            unknown_inputs=refresher.unknown_inputs.count,
            units={unit: live.digest for unit, live in snapshot.units.items()},
            refused=dict(snapshot.refused),
            pins=dict(refresher.pins.held),
            retired=dict(snapshot.retired),
        )

    def health(self) -> dict[str, object]:
        """For /healthz: `ok` while there is something to serve and something that refreshes it."""
        status = self.status()
        return {
            "ok": (status.state not in {"NOT_READY", "FATAL"} or self._in_a_test())
            and not self._refresher.closing.is_set(),
            "state": status.state,
            "reason": status.reason,
            "source": status.source,
            "revision": status.revision,
            "age": status.age,
        }

    def on_change(self, callback: Callable[[Changed], object]) -> None:
        """Call back after every change of what is served, in a thread of its own.

        Raises UsageError for what cannot be called there, such as an `async def`.
        """
        check_callback(callback)
        self._refresher.published.callbacks.add(callback)

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

    def _check_age(self, unit: str, max_age: float) -> None:
        check_seconds("max_age", max_age)
        refresher = self._refresher
        refresher.ensure()
        if unit in pinned_units():
            return
        behind = refresher.behind if unit not in refresher.pins.held else {}
        confirmed = behind.get(unit, refresher.checked)
        age = None if confirmed is None else time.monotonic() - confirmed
        if age is not None and age <= max_age:
            return
        when = "not yet confirmed" if age is None else f"last confirmed {age:.1f} s ago"
        refusal = refresher.published.snapshot.refused.get(unit)
        raise Stale(
            f"the release of {unit} that {self._environment} serves was {when} by its store; "
            f"max_age is {max_age:g} s",
            judge(refresher).reason or (refusal.reason if refusal else ""),
        )

    def _absent(self, unit: str) -> PromptopsError:
        self._refresher.ensure()
        published = self._refresher.published
        if not published.ready.is_set():
            return self._not_ready("yet")
        refusal = published.snapshot.refused.get(unit)
        if refusal is not None:
            return NotReady(
                f"{unit} has no release to serve: {refusal.reason}",
                f"promptops explain {refusal.code}",
                code=refusal.code,
            )
        retired = published.snapshot.retired.get(unit)
        if retired is not None:
            return UnknownUnit(
                f"{unit} was retired in {self._environment} at {retired.at}: {retired.reason}",
                "ask for another unit, or deploy it again",
            )
        units = sorted(published.snapshot.units)
        close = closest(str(unit), units)
        return UnknownUnit(
            f"no unit '{unit}' is live in {self._environment}",
            f"did you mean '{close}'?" if close else f"live are: {', '.join(units) or 'none'}",
        )

    def _in_a_test(self) -> bool:
        """Whether nothing that a wait could bring would change what a test gets."""
        pinned = bool(self._shown.units) and not self._refresher.published.ready.is_set()
        return pinned or (self._store == "memory:" and self._refresher.has_nothing_to_follow())

    def _not_ready(self, when: str, *, waited: bool = False) -> NotReady:
        verdict, error = judge(self._refresher), self._refresher.error
        return NotReady(
            f"nothing of {self._environment} was read {when}; tried the store {self._store}: "
            f"{verdict.reason or 'no answer so far'}{self._refresher.sources.tried()}",
            _hint(error, verdict.code) if error or verdict.code or waited else CALL_FIRST,
        )


def _hint(error: PromptopsError | None, code: str) -> str:
    explained = f"promptops explain {code}" if code else ""
    return (error.hint if error else "") or explained
