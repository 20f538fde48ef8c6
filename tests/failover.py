"""A primary, a replica and three sentinels that watch them, all of them a test's own."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from tests.servers import VALKEY, Server
from tests.waiting import eventually

WATCH = """\
sentinel monitor main 127.0.0.1 {port} 2
sentinel down-after-milliseconds main 300
sentinel failover-timeout main 1000
"""


@dataclass(frozen=True, slots=True)
class Watched:
    """`url` names the sentinels."""

    primary: Server
    replica: Server
    sentinels: list[Server]

    @property
    def url(self) -> str:
        return (
            "redis+sentinel://" + ",".join(f"127.0.0.1:{s.port}" for s in self.sentinels) + "/main"
        )

    def promoted(self) -> bool:
        """Whether the replica is the primary now."""
        return bool(self.replica.ask("ROLE")[0] == b"master")

    def in_step(self) -> bool:
        """Whether the replica has all that the primary wrote."""
        replicas = self.primary.ask("ROLE")[2]
        return [int(each[2]) for each in replicas] == [int(self.primary.ask("ROLE")[1])]

    def fail_over(self) -> None:
        """As an operator asks for it; returns when it is done."""
        self.sentinels[0].ask("SENTINEL", "FAILOVER", "main")
        assert eventually(self.promoted, 10)


@contextlib.contextmanager
def replicated(binary: str = VALKEY) -> Iterator[tuple[Server, Server]]:
    """A primary, and a replica that follows it."""
    with contextlib.ExitStack() as stack:

        def start(*options: str) -> Server:
            server = Server(binary, options)
            stack.callback(server.close)
            return server.start()

        primary = start("--repl-diskless-sync-delay", "0")
        replica = start("--replicaof", f"127.0.0.1 {primary.port}")
        assert eventually(lambda: len(primary.ask("ROLE")[2]) == 1, 10)
        # One that is listed may still be loading what it got.
        primary.ask("PUBLISH", "anybody", "there?")
        assert primary.ask("WAIT", 1, 10_000) == 1
        yield primary, replica


@contextlib.contextmanager
def watched(binary: str = VALKEY, sentinels: int = 3) -> Iterator[Watched]:
    with contextlib.ExitStack() as stack:
        primary, replica = stack.enter_context(replicated(binary))
        watching = []
        for _ in range(sentinels):
            watching.append(Server(binary, ["--sentinel"], WATCH.format(port=primary.port)))
            stack.callback(watching[-1].close)
            watching[-1].start()

        def agreed() -> bool:
            """Each knows the two others and the replica."""
            known = [each.ask("SENTINEL", "MASTER", "main") for each in watching]
            facts = [dict(zip(said[::2], said[1::2], strict=True)) for said in known]
            return all(
                (each[b"num-other-sentinels"], each[b"num-slaves"]) == (b"2", b"1")
                for each in facts
            )

        assert eventually(agreed, 20)
        yield Watched(primary, replica, watching)
