"""The servers of a run: Redis on a port and in a folder of its own, and Langfuse's prompt API."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# `make lint` needs no peers: what they are called is known to mypy only after `make bench`.
import httpx  # type: ignore[import-not-found, unused-ignore]
from langfuse import Langfuse  # type: ignore[import-not-found, unused-ignore]

from tests.servers import SERVERS, Server

# Redis where it is on the PATH, else the Valkey that comes with the tests.
SERVER = SERVERS.get("redis") or SERVERS["valkey"]
PATH = "/api/public/v2/prompts/"


@contextmanager
def redis_server() -> Iterator[Server]:
    """An empty server of our own."""
    server = Server(SERVER)
    try:
        yield server.start()
    finally:
        server.close()


class PromptApi(ThreadingHTTPServer):
    """What Langfuse's server answers when its SDK asks for a prompt; `fetched` counts that."""

    def __init__(self, text: str) -> None:
        super().__init__(("127.0.0.1", 0), _PromptRequest)
        self.fetched = 0
        self._text = text

    def answer(self, name: str) -> bytes:
        return json.dumps(
            {
                "type": "chat",
                "name": name,
                "version": 1,
                "prompt": [{"type": "chatmessage", "role": "system", "content": self._text}],
                "config": {},
                "labels": ["production"],
                "tags": [],
            }
        ).encode()


class _PromptRequest(BaseHTTPRequestHandler):
    server: PromptApi

    def do_GET(self) -> None:
        path, _, _ = self.path.partition("?")
        found = path.startswith(PATH)
        self.server.fetched += found
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(self.server.answer(path.removeprefix(PATH)) if found else b"{}")

    def log_message(self, *_: object) -> None:
        """Nothing: a request is no news here."""


@contextmanager
def prompt_api(text: str) -> Iterator[PromptApi]:
    """Langfuse's API on this machine, with this text under every name."""
    api = PromptApi(text)
    threading.Thread(target=api.serve_forever, daemon=True).start()
    try:
        yield api
    finally:
        api.shutdown()
        api.server_close()


@contextmanager
def langfuse_sdk(name: str, text: str) -> Iterator[Langfuse]:
    """Langfuse's SDK with the prompt in its cache, fetched once and only from this machine."""
    with prompt_api(text) as api:
        sdk = Langfuse(
            public_key=f"pk-{api.server_port}",  # the SDK shares what it holds by this key
            secret_key="sk",  # noqa: S106 - the server on this machine asks for none
            base_url=f"http://127.0.0.1:{api.server_port}",
            tracing_enabled=False,
            httpx_client=httpx.Client(trust_env=False),  # a proxy does not know this machine
        )
        try:
            sdk.get_prompt(name, type="chat", cache_ttl_seconds=3600)
            yield sdk
            if api.fetched != 1:
                raise RuntimeError(f"{api.fetched} fetches: what we timed was not cached")
        finally:
            sdk.shutdown()
