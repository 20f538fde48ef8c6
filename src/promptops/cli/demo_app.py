"""The app of `promptops demo`: a process of its own that asks for a prompt again and again.

Prints a line of JSON when it is ready, whenever another release is served, and at its end. Times
are of the system's monotonic clock, which all processes of a machine share.
"""

import json
import sys
import threading
import time

from promptops import Client


def main(url: str, environment: str, unit: str) -> None:
    """Read until standard input is closed."""
    reads = 0
    with Client(url, environment=environment, app="demo-app") as client:
        client.wait_ready(10)
        served = ""
        ended = threading.Event()
        threading.Thread(target=_until_closed, args=(ended,), daemon=True).start()
        while not ended.is_set():
            live = client.get(unit)
            reads += 1
            if live.digest != served:
                served = live.digest
                _say(
                    at=time.monotonic(),
                    digest=live.digest,
                    revision=live.revision,
                    ends_with=live.messages[0].content.rstrip().rsplit("\n", 1)[-1],
                )
            time.sleep(0.0005)
        _say(reads=reads, errors=client.status().errors)


def _until_closed(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


def _say(**facts: object) -> None:
    print(json.dumps(facts), flush=True)  # noqa: T201 - this process speaks through its output


if __name__ == "__main__":
    main(*sys.argv[1:])
