"""A Celery app that makes its client when it is imported: before the pool forks."""

import os
import time
from pathlib import Path

from celery import Celery

from promptops import Client
from tests.integrations.workers import POLL, connections

mail = Path(os.environ["MAIL"])
client = Client(
    os.environ["PROMPTOPS_STORE"], environment="production", app="helpdesk", poll=POLL, hint=False
)
# Letters in a folder: a broker without a server, and without sockets among those that are counted.
app = Celery("tasks", broker="filesystem://", backend=f"file://{mail}/results")
app.conf.broker_transport_options = {
    "data_folder_in": f"{mail}/letters",
    "data_folder_out": f"{mail}/letters",
    "control_folder": f"{mail}/control",
    "polling_interval": 0.05,
}


@app.task
def follow(wanted: str) -> tuple[int, float, list[str]]:
    """Who serves the digest at last, when, and over which connections."""
    until = time.monotonic() + 20
    while client.get("greeter").digest != wanted and time.monotonic() < until:
        time.sleep(0.005)
    return os.getpid(), time.monotonic(), sorted(connections(os.getpid()))
