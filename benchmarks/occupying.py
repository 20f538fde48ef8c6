"""Resident memory that a client adds to an app: ours with three units, against Langfuse's."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.processes import ENVIRON, output
from benchmarks.rounds import alternate
from benchmarks.servers import prompt_api, redis_server
from benchmarks.table import Bound, Row, size
from benchmarks.unit import ENVIRONMENT, TEXT, deploy_many, names
from promptops.live.opening import open_store

UNITS = 3
ROUNDS = 7
OURS = """
from promptops import Client
client = Client({url!r}, environment={environment!r})
client.wait_ready(60)
for unit in {units!r}: client.get(unit)
"""
THEIRS = """
import httpx
from langfuse import Langfuse
sdk = Langfuse(public_key="pk", secret_key="sk", base_url={url!r}, tracing_enabled=False,
               httpx_client=httpx.Client(trust_env=False))
for unit in {units!r}: sdk.get_prompt(unit, type="chat", cache_ttl_seconds=3600)
"""
# The client's own threads have come to rest by then.
REST = """
import sys, time
time.sleep(0.5)
print("ready", flush=True)
sys.stdin.read()
"""


def rows() -> Iterator[Row]:
    units = names(UNITS)
    with TemporaryDirectory() as name, redis_server() as server, prompt_api(TEXT) as api:
        langfuse = added(THEIRS.format(url=f"http://127.0.0.1:{api.server_port}", units=units))
        for kind, url, bound in (
            ("SQLite", f"sqlite:///{Path(name)}/store.db", Bound(0.25)),
            ("Redis", server.url, Bound(0.6)),
        ):
            store = open_store(url, ENVIRONMENT)
            deploy_many(store, UNITS)
            store.close()
            ours = added(OURS.format(url=url, environment=ENVIRONMENT, units=units))
            yield Row(
                f"memory that a client on {kind} with {UNITS} units adds to a process",
                "Langfuse SDK, as many prompts",
                alternate(ours, langfuse, ROUNDS, warm_up=False),
                bound,
                said=size,
            )


def added(program: str) -> Callable[[], float]:
    """Bytes that a program adds to what Python itself has resident."""
    return lambda: _resident(program) - bare()


def bare() -> float:
    """Bytes that Python itself has resident."""
    return _resident("")


def _resident(program: str) -> float:
    command = [sys.executable, "-c", program + REST]
    with subprocess.Popen(
        command, env=ENVIRON, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        if process.stdout.readline() != "ready\n":
            raise RuntimeError(f"it did not become ready: {program}")
        return resident(process.pid)


def resident(process: int) -> float:
    """Bytes that a process has in memory, as the operating system counts them."""
    return 1024 * float(output(["ps", "-o", "rss=", "-p", str(process)], Path.cwd()))
