"""An app as its developers write it, for uvicorn."""

from typing import Annotated

from fastapi import Depends, FastAPI, Response

from promptops import Client
from promptops.client.live import LiveRelease
from promptops.integrations.fastapi import lifespan, prompt
from promptops.integrations.prometheus import CONTENT_TYPE, metrics


def make() -> Client:
    return clients.setdefault("one", Client.from_env())


clients: dict[str, Client] = {}
app = FastAPI(lifespan=lifespan(make, ready=2))


@app.get("/greet/{name}")
async def greet(name: str, live: Annotated[LiveRelease, Depends(prompt("greeter"))]) -> str:
    return live.render(name=name)[0]["content"]


@app.get("/metrics")
async def figures() -> Response:
    return Response(metrics(clients["one"]), media_type=CONTENT_TYPE)
