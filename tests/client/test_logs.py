"""What a log says: what happened, never a prompt, an input or a password."""

import logging
import re
import subprocess
import sys

import pytest

from promptops import InputError
from promptops.client.callbacks import Changed
from promptops.live.store import Store
from promptops.manifest.document import Json
from tests.client.conftest import Starter
from tests.client.releases import point, put_live, triage
from tests.client.waiting import until, until_refused
from tests.deployments import release
from tests.servers import Server

BODY = "The staff discount is BLUEFIN"
INPUT = "My card is 4111-1111"
SECRETS = re.compile("BLUEFIN|4111|discount")

# Everything that can be said is said, also by the libraries below, while the server goes away,
# comes back, and takes the user's password away.
TALKS = """
import logging, sys, time
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
from promptops import Client
client = Client(sys.argv[1], environment="production", app="helpdesk", poll=0.1)
client.wait_ready(20)
print("ready", flush=True)
sys.stdin.read()
try:
    print(repr(client.status()), client.health(), repr(client), flush=True)
    client.get("nothing")
finally:
    client.close()
"""


def body(text: str) -> Json:
    messages: list[Json] = [
        {"role": "system", "content": text},
        {"role": "user", "content": "{{ ticket }}"},
    ]
    prompt: Json = {"id": "greeter", "version": "1", "messages": messages, "examples": []}
    return triage(unit="greeter", prompt=prompt)


def test_no_prompt_and_no_input_is_in_any_line(
    embedded: Store, embedded_url: str, started: Starter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    put_live(embedded, body(BODY))
    client = started(embedded_url, poll=0.05)

    def raises(changed: Changed) -> None:
        raise RuntimeError("the app's own trouble")

    client.on_change(raises)
    live = client.get("greeter")
    live.request(ticket=INPUT, unknown=INPUT)
    with pytest.raises(InputError):
        live.request(ticket=INPUT * 100)
    client.get("greeter", token=f"broken {INPUT}")
    bad = [
        BODY.encode(),
        release("farewell", BODY),
        release("greeter", f"{BODY} {{{{ never closed"),
        release("greeter", f"{{{{ {BODY} }}}} {{{{ {BODY}! }}}}"),
        release("greeter", BODY).replace(b'"promptops/v1"', b'"' + b"x" * 9000 + b'"'),
        release("greeter", BODY).replace(b'"model"', b'"mdoel"'),
    ]
    for number, data in enumerate(bad):
        # Between them all is well, so that each is a change of state, which has a line.
        point(embedded, {"greeter": embedded.put(data)})
        until(lambda: client.status().state == "ERROR")
        put_live(embedded, body(f"{BODY} {number}"))
        until(lambda: client.status().state == "READY")

    said = [each.getMessage() for each in caplog.records]
    assert sum(each.startswith("ERROR: ") for each in said) == len(bad)
    assert not [each for each in caplog.text.splitlines() if SECRETS.search(each)]
    assert max(map(len, said)) < 400


def test_no_password_is_in_any_line_however_much_is_said(
    on_redis: Store, redis_server: Server, started: Starter
) -> None:
    allowed = ("~{promptops:*", "&{promptops:*", "+@all")
    redis_server.ask("ACL", "SETUSER", "app", "on", ">correct-horse", *allowed)
    url = redis_server.url.replace("redis://", "redis://app:correct-horse@")
    watch = started(redis_server.url, poll=0.1)
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", TALKS, url], stdin=pipe, stdout=pipe, stderr=pipe, text=True
    ) as app:
        assert app.stdout is not None
        assert app.stdout.readline() == "ready\n"
        redis_server.restart()
        until_refused(watch, 1)
        redis_server.ask("ACL", "SETUSER", "app", "on", ">battery-staple", *allowed)
        until(lambda: watch.status().errors > 3)
        redis_server.kill()
        until_refused(watch, 2)
        said, log = app.communicate(timeout=30)
    assert "redis://***@127.0.0.1" in said + log
    assert "UnknownUnit" in log, "a traceback too"
    assert "correct-horse" not in said + log
