"""FastAPI: a client for the app's lifetime, and a unit as a dependency.

>>> app = FastAPI(lifespan=lifespan())
>>> @app.post("/triage")
... async def triage(live: Annotated[LiveRelease, Depends(prompt("support-triage"))]): ...
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI, HTTPException, Request

from promptops.client.client import Client
from promptops.client.live import LiveRelease
from promptops.errors import NotReady, UnknownUnit, UsageError

log = logging.getLogger("promptops")
State = dict[str, Client]


def lifespan(
    make: Callable[[], Client] = Client.from_env, *, ready: float = 5.0
) -> Callable[[FastAPI], AbstractAsyncContextManager[State]]:
    """Make a client in each worker, after the fork, and close it at the end.

    Waits up to `ready` seconds for the first snapshot, and starts all the same: the app may have
    more to do than what needs a prompt. In a lifespan of your own, yield what this one yields.
    """

    @asynccontextmanager
    async def alive(_: FastAPI) -> AsyncIterator[State]:
        client = make()
        try:
            await client.ready(ready)
        except NotReady as error:
            log.warning("starting without prompts: %s", error)
        try:
            yield {"promptops": client}
        finally:
            await asyncio.to_thread(client.close)

    return alive


def prompt(unit: str) -> Callable[[Request], Awaitable[LiveRelease]]:
    """The live release of a unit, one for the whole request; 503 while there is none."""

    async def live(request: Request) -> LiveRelease:  # async: a read needs no thread
        client: Client | None = getattr(request.state, "promptops", None)
        if client is None:
            raise UsageError("the app has no client", "write FastAPI(lifespan=lifespan())")
        try:
            return client.get(unit)
        except NotReady as error:
            raise HTTPException(503, f"no release of {unit} yet", {"Retry-After": "1"}) from error
        except UnknownUnit as error:  # retired, or never there
            raise HTTPException(503, error.message, {"Retry-After": "1"}) from error

    return live
