"""One client process among many: writes what it serves, and since when, to standard output.

Run as `python -m benchmarks.follower URL ENVIRONMENT UNIT`; answers a line of its standard input
with the seconds that its processor has worked, and ends with it. The
monotonic clock is the same for all processes of a machine.
"""

import os
import sys
import time

from promptops import Client


def follow(url: str, environment: str, unit: str) -> None:
    with Client(url, environment=environment, app="benchmarks") as client:

        def tell(_: object) -> None:
            digest, at = client.get(unit).digest, time.monotonic()
            # One write of one short line, so that lines of many processes never mix in a pipe.
            os.write(sys.stdout.fileno(), f"{os.getpid()} {digest} {at}\n".encode())

        client.on_change(tell)
        client.wait_ready(60)
        tell(None)
        for _ in sys.stdin:
            os.write(sys.stdout.fileno(), f"{os.getpid()} worked {time.process_time()}\n".encode())


if __name__ == "__main__":
    follow(*sys.argv[1:])
