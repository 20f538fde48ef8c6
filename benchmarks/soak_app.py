"""The app of the soak: its client is made in gunicorn's master, and every part of an answer says
from which release it is."""

import os
from typing import Annotated

from fastapi import Depends, FastAPI

from promptops import Client
from promptops.client.live import LiveRelease
from promptops.integrations.fastapi import lifespan, prompt

client = Client.from_env()
app = FastAPI(lifespan=lifespan(lambda: client))


@app.get("/")
async def request(live: Annotated[LiveRelease, Depends(prompt("greeter"))]) -> dict[str, object]:
    return {
        "worker": os.getpid(),
        "revision": live.revision,
        "digest": live.digest,
        "request": live.as_openai_chat(question="Which?"),
    }
