"""A server that says just the bytes that a test wants, as slowly as it wants."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Say = Callable[[str], Iterable[bytes]]  # the request's line → the pieces of what is answered


@dataclass
class Heard:
    """Where the server is, and the whole heads of the requests that came."""

    url: str
    requests: list[str] = field(default_factory=list)


def http(body: bytes | str, status: str = "200 OK", *headers: str) -> bytes:
    data = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(data)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + data


def well(body: object) -> Say:
    return lambda _: [http(json.dumps(body))]


def dripping(data: bytes, pause: float = 0.05) -> Say:
    """One byte at a time: no socket's timeout ever passes."""

    def say(_: str) -> Iterator[bytes]:
        for byte in data:
            time.sleep(pause)
            yield bytes([byte])

    return say


@contextmanager
def server(say: Say) -> Iterator[Heard]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        heard = Heard(f"http://127.0.0.1:{listener.getsockname()[1]}")
        threading.Thread(target=_serve, args=(listener, say, heard), daemon=True).start()
        yield heard


def _serve(listener: socket.socket, say: Say, heard: Heard) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_answer, args=(connection, say, heard), daemon=True).start()


def _answer(connection: socket.socket, say: Say, heard: Heard) -> None:
    with connection, contextlib.suppress(OSError):
        head = b""
        while b"\r\n\r\n" not in head and (part := connection.recv(65536)):
            head += part
        heard.requests.append(head.decode("latin-1"))
        for piece in say(head.decode("latin-1").partition("\r\n")[0]):
            connection.sendall(piece)


def port_of_nobody() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
