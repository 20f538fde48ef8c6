"""A TCP proxy that can lose what passes over its connections, or lead to another server."""

import contextlib
import selectors
import socket
import threading
import time


class Proxy(threading.Thread):
    """Stands before a server, or before another one after `switch`.

    `lose_hints` swallows both ways on connections that subscribed, `silent` on all there are and
    come, `mute` only the hints themselves, so that a channel seems to work.
    """

    def __init__(self, port: int) -> None:
        super().__init__(name="proxy", daemon=True)
        self._target = ("127.0.0.1", port)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.subscriptions = 0
        self.silent = False
        self.mute = False
        self._peers: dict[socket.socket, socket.socket] = {}
        self._subscribed: set[socket.socket] = set()
        self._lost: set[socket.socket] = set()
        self._moved = threading.Event()
        self._closing = threading.Event()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def lose_hints(self) -> None:
        self._lost |= self._subscribed

    def lose_everything(self) -> None:
        """On all lines that stand; those that come pass."""
        self._lost |= set(self._peers)

    def switch(self, port: int) -> None:
        """As a name does that comes to mean another server: who is connected has to come again."""
        self._target = ("127.0.0.1", port)
        self._moved.set()
        while self._moved.is_set() and self.is_alive():
            time.sleep(0.001)

    def close(self) -> None:
        self._closing.set()
        self.join()

    def run(self) -> None:
        with selectors.DefaultSelector() as waiting, self._server:
            waiting.register(self._server, selectors.EVENT_READ)
            while not self._closing.is_set():
                for key, _ in waiting.select(0.05):
                    line = key.fileobj
                    if line is self._server:
                        self._accept(waiting)
                    elif isinstance(line, socket.socket) and not self._pass_on(line):
                        self._hang_up(line, waiting)
                if self._moved.is_set():
                    self._moved.clear()
                    self._hang_up_all(waiting)
            self._hang_up_all(waiting)

    def _accept(self, waiting: selectors.BaseSelector) -> None:
        inner = self._server.accept()[0]
        try:
            outer = socket.create_connection(self._target)
        except OSError:  # nobody is there: whoever asks hears it by the end of the line
            inner.close()
            return
        self._peers |= {inner: outer, outer: inner}
        waiting.register(inner, selectors.EVENT_READ)
        waiting.register(outer, selectors.EVENT_READ)

    def _pass_on(self, line: socket.socket) -> bool:
        """False at the end of the line."""
        peer = self._peers.get(line)
        if peer is None:  # hung up a moment ago
            return True
        with contextlib.suppress(OSError):
            data = line.recv(1 << 16)
            if b"SUBSCRIBE" in data:
                self.subscriptions += 1
                self._subscribed |= {line, peer}
            hint = self.mute and line in self._subscribed and b"message" in data
            if data and line not in self._lost and not self.silent and not hint:
                peer.sendall(data)
            return bool(data)
        return False

    def _hang_up(self, line: socket.socket, waiting: selectors.BaseSelector) -> None:
        for end in (line, self._peers[line]):
            waiting.unregister(end)
            end.close()
            del self._peers[end]
            self._lost.discard(end)
            self._subscribed.discard(end)

    def _hang_up_all(self, waiting: selectors.BaseSelector) -> None:
        while self._peers:
            self._hang_up(next(iter(self._peers)), waiting)
