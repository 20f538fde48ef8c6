"""The library inside the app: reads what is live from memory, never from the network."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, Self

from promptops.client.callbacks import Changed
from promptops.client.conversation import Policy
from promptops.client.live import LiveRelease
from promptops.client.pins import read_pins
from promptops.client.refresher import Refresher, introduce
from promptops.client.sources import Sources
from promptops.errors import NotReady, PromptopsError, UnknownUnit, UsageError
from promptops.live.absent import AbsentStore
from promptops.live.address import check_environment_name
from promptops.live.opening import open_store
from promptops.live.store import CLIENT, Store
from promptops.version import VERSION

PATIENCE_WITH_THE_STORE = 1.0


@dataclass(frozen=True, slots=True)
class Status:
    """How a client is: READY, STALE (serving on without news from the store) or NOT_READY.

    `source` is store, disk or bundle, empty before anything was read; `store` is its address.
    `pins` are the units that an operator keeps at a digest. `age` is the time in seconds since the
    store last confirmed what is served. A client that is closed, or whose refresher was lost in a
    fork, is STALE by its age.
    """

    state: Literal["NOT_READY", "READY", "STALE"]
    reason: str
    source: str
    store: str
    epoch: int | None
    revision: int | None
    age: float | None
    errors: int
    unknown_inputs: int
    units: dict[str, str]
    pins: dict[str, str]


class Client:
    """The live releases of one environment, in memory.

    A daemon thread polls the store every `poll` seconds (± 10 %) and at every hint; `get` is a
    dictionary look-up without lock or I/O. `hint=False` saves a connection, `presence=False` keeps
    the client out of `promptops status`. `cache` is a folder for a copy that stands in for a store
    which is away, `bundle` a file from `promptops bundle` that stands in for both; without them
    PROMPTOPS_CACHE and PROMPTOPS_BUNDLE count, and with one of them the URL may be missing. Raises
    UsageError when the URL cannot be read; a store that is away is no error here.
    """

    def __init__(
        self,
        url: str | None,
        *,
        environment: str,
        app: str = "",
        cache: str | os.PathLike[str] | None = None,
        bundle: str | os.PathLike[str] | None = None,
        presence: bool = True,
        hint: bool = True,
        poll: float = 2.0,
    ) -> None:
        check_environment_name(environment)
        cache = os.fspath(os.environ.get("PROMPTOPS_CACHE", "") if cache is None else cache)
        bundle = os.fspath(os.environ.get("PROMPTOPS_BUNDLE", "") if bundle is None else bundle)
        stands_in = not url and (cache or bundle)
        store: Store = (
            AbsentStore(environment) if stands_in else open_store(url or "", environment, CLIENT)
        )
        self._store = str(store.address)
        self._environment = environment
        self._started = time.monotonic()
        self._refresher = Refresher(
            store,
            introduce(app, VERSION) if presence else None,
            poll=poll,
            hint=hint,
            sources=Sources(store, cache, bundle),
            pins=read_pins(os.environ.get("PROMPTOPS_PIN", "")),
        )
        self._shown = self._refresher.shown
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
                "set PROMPTOPS_STORE to the URL of the store, PROMPTOPS_ENV to the environment",
            )
        return cls(
            os.environ.get("PROMPTOPS_STORE"),
            environment=os.environ["PROMPTOPS_ENV"],
            app=os.environ.get("PROMPTOPS_APP", ""),
        )

    def get(
        self, unit: str, token: str | None = None, policy: Policy = "follow_on_rollback"
    ) -> LiveRelease:
        """The live release of a unit, from memory.

        With the `token` of the release that a conversation began with, that one: always (`pin`),
        until it is rolled back or held (`follow_on_rollback`), or not at all (`follow`); when this
        process does not know it, or the token is broken, the present one. Raises NotReady before
        the first snapshot, UnknownUnit for a name that is not live.
        """
        # The options have places too: by name only, they would cost every read half a look-up more.
        try:
            live = self._shown.units[unit]
        except KeyError:
            raise self._absent(unit) from None
        if token is None:
            return live
        return self._refresher.earlier.goes_on(live, token, policy)

    def wait_ready(self, seconds: float) -> None:
        """Block until the first snapshot is there; raises NotReady after `seconds`."""
        until = time.monotonic() + seconds
        # What stands in for the store is there at once; the store has the first word all the same.
        patience = self._started + PATIENCE_WITH_THE_STORE - time.monotonic()
        self._refresher.settled.wait(max(0.0, min(seconds, patience)))
        if not self._refresher.ready.wait(max(0.0, until - time.monotonic())):
            raise self._not_ready(f"after {seconds:g} s")

    def status(self) -> Status:
        """What is served, from where, how old, and what went wrong last."""
        refresher = self._refresher
        snapshot, error, checked = refresher.snapshot, refresher.error, refresher.checked
        head = snapshot.head
        age = None if checked is None else time.monotonic() - checked
        limit = 3 * refresher.poll + 1
        if head is None:
            state: Literal["NOT_READY", "READY", "STALE"] = "NOT_READY"
        else:
            current = error is None and not refresher.closing.is_set()
            state = "READY" if current and age is not None and age < limit else "STALE"
        return Status(
            state=state,
            reason=self._reason(state, error),
            source=refresher.sources.source,
            store=self._store,
            epoch=None if head is None else head.epoch,
            revision=None if head is None else head.revision,
            age=age,
            errors=refresher.errors,
            unknown_inputs=refresher.unknown_inputs.count,
            units={unit: live.digest for unit, live in snapshot.units.items()},
            pins=dict(refresher.pins.held),
        )

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

    def _reason(self, state: str, error: PromptopsError | None) -> str:
        said = self._trouble(state, error)
        return "; ".join(filter(None, [said, self._refresher.pins.why]))

    def _trouble(self, state: str, error: PromptopsError | None) -> str:
        if error is not None:
            return error.message
        if self._refresher.closing.is_set():
            return "the client is closed"
        return "nothing was refreshed for a while" if state == "STALE" else ""

    def _absent(self, unit: str) -> PromptopsError:
        if not self._refresher.ready.is_set():
            return self._not_ready("yet")
        units = sorted(self._refresher.snapshot.units)
        close = get_close_matches(unit, units, n=1)
        return UnknownUnit(
            f"no unit '{unit}' is live in {self._environment}",
            f"did you mean '{close[0]}'?" if close else f"live are: {', '.join(units) or 'none'}",
        )

    def _not_ready(self, when: str) -> NotReady:
        error = self._refresher.error
        tried = error.message if error else "no answer so far"
        return NotReady(
            f"nothing of {self._environment} was read {when}; tried the store {self._store}: "
            f"{tried}{self._refresher.sources.tried()}",
            error.hint if error else "call wait_ready(seconds) before the first get",
        )
