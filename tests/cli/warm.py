"""promptops as processes that begin where its imports end, forked from one that has made them.

Nine tenths of the processor time of a command are its imports. What begins here is as much a
process of its own as the installed command: folder, variables, arguments and streams are its own,
and nothing is the test's. What is about the start itself, or measures it, starts the installed
command instead.
"""

import atexit
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

PYTHON = sys.executable
PROMPTOPS = str(Path(PYTHON).with_name("promptops"))

_LONGEST = 100_000
# What an interpreter, a library or GitPython looks at when it starts, and never again.
_AT_THE_START = ("PATH", "LANG", "LC_", "PYTHON", "GIT_PYTHON", "TZ")


@dataclass(frozen=True, slots=True)
class Running:
    """A command, until `end` is asked for."""

    pid: int
    _parent: socket.socket
    _out: IO[bytes]
    _err: IO[bytes]

    def send_signal(self, number: signal.Signals) -> None:
        # The number is no other process's: nobody waits for this one before it is told to.
        os.kill(self.pid, number)

    def end(self, seconds: float) -> tuple[int, str, str]:
        """Its exit code, or minus the signal that ended it, and what its two streams got."""
        with self._parent, self._out, self._err:
            self._parent.settimeout(seconds)
            self._parent.send(b"end")
            try:
                code = int(self._parent.recv(32))
            except TimeoutError:
                self.send_signal(signal.SIGKILL)
                raise
            self._out.seek(0)
            self._err.seek(0)
            return code, self._out.read().decode(), self._err.read().decode()


def fits(arguments: Sequence[str], folder: Path, variables: Mapping[str, str]) -> bool:
    """Whether such a command is the same here as when it is started as it is installed."""
    same = _looked_at(variables) == _looked_at(_variables())
    return same and len(_request(arguments, folder, variables)) < _LONGEST


def start(arguments: Sequence[str], folder: Path, variables: Mapping[str, str]) -> Running:
    """Standard input has nothing in it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 - `end` closes them
    with theirs, Path(os.devnull).open("rb") as nothing:
        handed = [each.fileno() for each in (nothing, out, err, theirs)]
        socket.send_fds(_parent(), [_request(arguments, folder, variables)], handed)
    return Running(int(ours.recv(32)), ours, out, err)


def _request(arguments: Sequence[str], folder: Path, variables: Mapping[str, str]) -> bytes:
    return json.dumps([[PROMPTOPS, *arguments], str(folder), dict(variables)]).encode()


def _looked_at(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name.startswith(_AT_THE_START)}


def _variables() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}


@cache
def _parent() -> socket.socket:
    """The line to the process that has imported everything; it ends with this one."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        nothing, line = subprocess.DEVNULL, theirs.fileno()
        process = subprocess.Popen(
            [PYTHON, __file__, str(line)],
            env=_variables(),
            stdin=nothing,
            stdout=nothing,
            pass_fds=[line],
        )

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


# --- in that process ------------------------------------------------------------------------------


def _serve(line: socket.socket) -> bytes:
    """A process for each request, which alone returns, with the request."""
    while True:
        request, handed, _, _ = socket.recv_fds(line, 2 * _LONGEST, 4)
        with suppress(ChildProcessError):  # there is none
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not request:
            os._exit(0)
        if os.fork() == 0:
            line.close()
            return _with_a_parent(request, handed)
        for each in handed:
            os.close(each)


def _with_a_parent(request: bytes, handed: list[int]) -> bytes:
    """Returns in a child, with its streams; the parent says how it ended."""
    *streams, asked = handed
    child = os.fork()
    if child == 0:
        os.close(asked)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        return request
    try:
        os.write(asked, str(child).encode())
        os.read(asked, 32)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.write(asked, str(code).encode())
    finally:
        os._exit(0)


def _main() -> None:
    # First, as in the installed command: it is what answers signals until the command begins.
    command = importlib.import_module("promptops.cli.__main__")
    from promptops.cli.main import COMMANDS

    for name in sorted({module for module, _ in COMMANDS.values()}):
        importlib.import_module(f"promptops.cli.{name}")
    importlib.import_module("promptops.live.redis")
    importlib.import_module("promptops.live.sqlite")
    sys.path[0] = str(Path(PROMPTOPS).parent)
    gc.freeze()
    sys.argv, folder, variables = json.loads(_serve(socket.socket(fileno=int(sys.argv[1]))))
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    try:
        command.main()
    except SystemExit as ended:
        # As an interpreter ends, but for taking apart all that it shares with its parent.
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(ended.code or 0))


if __name__ == "__main__":
    _main()
