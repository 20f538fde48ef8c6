"""One app of a drill: follows the scratch environment until its standard input ends."""

import pickle
import sys

from promptops import Client
from promptops.delivery.drill.processes import APP


def main() -> None:
    address, environment = pickle.load(sys.stdin.buffer)  # noqa: S301 - from who started us
    with Client(address, environment=environment, app=APP, cache="", bundle=""):
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
