"""An app's start until its client serves: whole processes, against what Python itself takes."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.processes import python
from benchmarks.rounds import alternate
from benchmarks.servers import redis_server
from benchmarks.table import Bound, Row
from benchmarks.unit import ENVIRONMENT, UNIT, deploy
from promptops.live.opening import open_store

ROUNDS = 15
# Langfuse brings OpenTelemetry along, and redis-py loads it wherever it is installed; that would
# make an app without Langfuse pay for Langfuse.
START = """
import sys
sys.modules["opentelemetry"] = None
from promptops import Client
client = Client({url!r}, environment={environment!r})
client.wait_ready(5)
client.get({unit!r})
"""


def rows() -> Iterator[Row]:
    with TemporaryDirectory() as name, redis_server() as server:
        folder = Path(name)
        for kind, url, against, program, bound in (
            ("SQLite", f"sqlite:///{folder}/store.db", "`python -c pass`", "pass", Bound(3)),
            ("Redis", server.url, '`python -c "import langfuse"`', "import langfuse", Bound(0.5)),
        ):
            store = open_store(url, ENVIRONMENT)
            deploy(store, 0)
            store.close()
            start = START.format(url=url, environment=ENVIRONMENT, unit=UNIT)
            yield Row(
                f"`import promptops`, a client on {kind} and its first `get`, whole process",
                against,
                alternate(python(start, folder), python(program, folder), ROUNDS),
                bound,
            )
