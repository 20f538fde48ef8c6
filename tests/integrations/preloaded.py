"""An app that makes its client when it is imported: in gunicorn's master, before the fork."""

import os
from typing import Annotated

from fastapi import Depends, FastAPI

from promptops import Client
from promptops.client.live import LiveRelease
from promptops.integrations.fastapi import lifespan, prompt
from tests.integrations.workers import POLL

# Without hints, so that it is the poll of each worker that is seen.
client = Client(
    os.environ["PROMPTOPS_STORE"], environment="production", app="helpdesk", poll=POLL, hint=False
)
app = FastAPI(lifespan=lifespan(lambda: client))


@app.get("/")
async def which(live: Annotated[LiveRelease, Depends(prompt("greeter"))]) -> dict[str, object]:
    return {"pid": os.getpid(), "digest": live.digest}
