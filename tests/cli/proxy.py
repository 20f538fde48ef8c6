"""A TCP proxy before a Redis server, which can do something in the very moment of a swap."""

import contextlib
import re
import socket
import threading
from collections.abc import Callable

# The swap is the only script that writes; the reading one is called by EVALSHA_RO.
_SWAP = re.compile(rb"\$\d+\r\n(EVALSHA|EVAL)\r\n")


class Proxy:
    """Passes everything on, new connections to `server_port`, but once:

    `before_swap` is called when a swap was asked for and the server has not seen it yet;
    `before_answer` when the server has answered it and promptops does not know yet;
    `instead_of_answer` likewise, and then the connection is cut. `asked` counts requests, and
    `connections` those who came.
    """

    def __init__(self, port: int) -> None:
        self.server_port = port
        self.asked = self.connections = 0
        self.before_swap: Callable[[], object] | None = None
        self.before_answer: Callable[[], object] | None = None
        self.instead_of_answer: Callable[[], object] | None = None
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """One connection; a request is answered before the next one comes."""
        swapping = threading.Event()
        there = ("127.0.0.1", self.server_port)
        with contextlib.suppress(OSError), client, socket.create_connection(there) as server:
            back = threading.Thread(target=self._pass_back, args=(server, client, swapping))
            back.start()
            while request := client.recv(1 << 16):
                self.asked += 1
                if _SWAP.search(request):
                    swapping.set()
                    act, self.before_swap = self.before_swap, None
                    _do(act)
                server.sendall(request)
            # The server gets to see that the client has gone, as it would without a proxy.
            server.shutdown(socket.SHUT_WR)
            back.join(30)

    def _pass_back(
        self, server: socket.socket, client: socket.socket, swapping: threading.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while answer := server.recv(1 << 16):
                if swapping.is_set():
                    swapping.clear()
                    act, self.before_answer = self.before_answer, None
                    _do(act)
                    if self.instead_of_answer is not None:
                        self.instead_of_answer()
                        self.instead_of_answer = None
                        break
                client.sendall(answer)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)


def _do(act: Callable[[], object] | None) -> None:
    if act is not None:
        act()
