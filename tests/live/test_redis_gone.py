"""A server that hangs, dies, returns, or is none: every call ends in its time and says why."""

import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest

from promptops.errors import OutcomeUnknown, PromptopsError, StoreDenied, StoreUnreachable
from promptops.live import moves
from promptops.live.presence import Presence
from promptops.live.records import Entry, Head, Pointer
from promptops.live.store import CLIENT, Store, Swap, Timeouts
from tests.conftest import Opener
from tests.deployments import deploy, digest, intent, release
from tests.servers import Server, free_port

IMPATIENT = Timeouts(connect=0.2, answer=0.2)
Act = Callable[[Store], object]


def a_swap(store: Store) -> Callable[[], Swap]:
    """Ready to be done: greeter shall say Hi."""
    state = store.read()
    wanted = {"greeter": store.put(release("greeter", "Hi"))}
    proposal = moves.deploy(state, wanted, intent(), skip_held=False, request="")
    entry, pointers = proposal.entry, proposal.pointers
    assert entry is not None
    return lambda: store.swap(state.head, entry, pointers)


CALLS: dict[str, Act] = {
    "read": lambda store: store.read(),
    "read since": lambda store: store.read(Head(1, 1)),
    "put": lambda store: store.put(b"{}"),
    "release": lambda store: store.release(digest("greeter", "Hello")),
    "history": lambda store: store.history(),
    "announce": lambda store: store.announce(Presence("a", "b", "c", 1, "0", 1, 1), 9),
    "withdraw": lambda store: store.withdraw("ann"),
    "clients": lambda store: store.clients(),
    "listen": lambda store: store.listen(),
}


@pytest.fixture
def durable_server() -> Iterator[Server]:
    """Remembers every write, across kill -9 too."""
    server = Server(options=["--appendonly", "yes", "--appendfsync", "always"])
    try:
        yield server.start()
    finally:
        server.close()


def ends_in_time(store: Store, name: str) -> str:
    """The message that a call ends with, soon after the store's patience."""
    start = time.monotonic()
    with pytest.raises(StoreUnreachable) as gone:
        CALLS[name](store)
    assert time.monotonic() - start < 0.6, name
    assert gone.value.hint == "check the store's URL and that Redis runs there"
    return gone.value.message


def test_every_call_to_a_hung_server_ends_in_its_time(redis_server: Server, opened: Opener) -> None:
    store = opened(redis_server.url, timeouts=IMPATIENT)
    deploy(store, greeter="Hello")
    redis_server.stop()
    for name in CALLS:
        assert ends_in_time(store, name) == f"{store.address} does not answer: no answer in time"


def test_the_first_call_to_a_hung_server_ends_in_its_time(
    redis_server: Server, opened: Opener
) -> None:
    redis_server.stop()
    for name in ("read", "listen"):
        store = opened(redis_server.url, timeouts=IMPATIENT)
        assert ends_in_time(store, name) == f"{store.address} does not answer: no answer in time"


def test_a_swap_whose_answer_is_lost_is_unknown_and_may_be_done_again(
    redis_server: Server, opened: Opener
) -> None:
    store = opened(redis_server.url, timeouts=IMPATIENT)
    deploy(store, greeter="Hello")
    swap = a_swap(store)
    redis_server.stop()

    start = time.monotonic()
    with pytest.raises(OutcomeUnknown, match=r"to the swap was lost: .* no answer in time"):
        swap()
    assert time.monotonic() - start < 0.6

    # The request waits in the server's socket, and is done when the server wakes.
    redis_server.cont()
    assert swap().outcome == "same"
    assert store.read().head == Head(1, 2)
    assert len(store.history()) == 2


def test_a_swap_that_was_never_sent_is_no_riddle(redis_server: Server, opened: Opener) -> None:
    store = opened(redis_server.url, timeouts=IMPATIENT)
    deploy(store, greeter="Hello")
    swap = a_swap(store)
    redis_server.kill()
    with pytest.raises(StoreUnreachable):
        swap()


def test_a_server_that_wakes_again_serves_the_same_store_object(
    redis_server: Server, opened: Opener
) -> None:
    store = opened(redis_server.url, timeouts=IMPATIENT)
    deploy(store, greeter="Hello")
    redis_server.stop()
    for _ in range(3):
        with pytest.raises(StoreUnreachable):
            store.read()
    redis_server.cont()
    assert store.read().pointers["greeter"].digest == digest("greeter", "Hello")
    assert store.release(digest("greeter", "Hello")) == release("greeter", "Hello")
    assert [entry.revision for entry in store.history()] == [1]


def test_the_same_store_object_works_after_a_crash_and_a_restart(
    durable_server: Server, opened: Opener
) -> None:
    store = opened(durable_server.url, timeouts=CLIENT)
    deploy(store, greeter="Hello")
    listener = store.listen()
    for number in range(3):
        durable_server.kill()
        with pytest.raises(StoreUnreachable, match=r"Connection refused|Connection closed"):
            store.read()
        durable_server.start()
        assert store.read().head == Head(1, number + 1)
        assert deploy(store, greeter=f"Hello {number}") == Head(1, number + 2)
    with pytest.raises(StoreUnreachable):
        listener.wait(5)
    listener.close()


def test_a_restart_between_two_calls_is_not_noticed(durable_server: Server, opened: Opener) -> None:
    store = opened(durable_server.url)
    deploy(store, greeter="Hello")
    swap = a_swap(store)
    durable_server.restart()
    assert swap().outcome == "won"
    durable_server.restart()
    assert store.read().head == Head(1, 2)


def test_a_server_that_came_back_empty_is_an_empty_environment(
    redis_server: Server, opened: Opener
) -> None:
    store = opened(redis_server.url)
    deploy(store, greeter="Hello")
    redis_server.restart()
    assert store.read(Head(1, 1)).head is None
    assert store.read(Head(1, 1)).whole


def test_a_host_that_swallows_connections_is_given_up_in_time(opened: Opener) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        port = deaf.getsockname()[1]
        # Nobody accepts; once the queue is full, further connections get no answer at all.
        queue = [socket.socket() for _ in range(3)]
        for each in queue:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        store = opened(f"redis://127.0.0.1:{port}", timeouts=IMPATIENT)
        for name in ("read", "put", "listen"):
            ends_in_time(store, name)
        for each in queue:
            each.close()


def test_another_program_on_the_port_is_named_as_such(opened: Opener) -> None:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        line.listen(8)
        web = threading.Thread(target=answer_as_a_web_server, args=(line,))
        web.start()
        store = opened(f"redis://127.0.0.1:{line.getsockname()[1]}", timeouts=CLIENT)
        with pytest.raises(StoreUnreachable, match="does not speak as Redis does"):
            store.read()
        web.join()


def answer_as_a_web_server(line: socket.socket) -> None:
    visitor, _ = line.accept()
    with visitor:
        visitor.recv(4096)
        visitor.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")


def test_tls_to_a_server_without_it_is_said(redis_server: Server, opened: Opener) -> None:
    store = opened(f"rediss://127.0.0.1:{redis_server.port}", timeouts=CLIENT)
    with pytest.raises(StoreUnreachable, match="does not answer"):
        store.read()


def test_a_certificate_file_that_is_not_there_is_said(redis_server: Server, opened: Opener) -> None:
    store = opened(f"rediss://127.0.0.1:{redis_server.port}?ca=/no/such/ca.pem", timeouts=CLIENT)
    with pytest.raises(StoreUnreachable):
        store.read()


PASSWORDS = ["Wr0ngSecret", "p@ss/w:rd?x=#1%&[é]'\"`$(x)", "%2F%2f a\tb"]


def forms(server: Server, password: str) -> Iterator[str]:
    """URLs that carry the password, none of which is let in."""
    secret = quote(password, safe="")
    here = f"127.0.0.1:{server.port}"
    yield f"redis://:{secret}@{here}"
    yield f"redis://default:{secret}@{here}/0"
    yield f"redis://nobody:{secret}@{here}/3?ns=mine"
    yield f"redis://nobody:{secret}@localhost:{server.port}?db=1"
    yield f"rediss://nobody:{secret}@{here}"
    yield f"unix://nobody:{secret}@{server.socket}"
    yield f"unix://:{secret}@{server.socket}?db=2"
    yield f"redis://nobody:{secret}@127.0.0.1:{free_port()}"
    yield f"redis://nobody:{secret}@[::1]:{free_port()}"
    yield f"redis+cluster://nobody:{secret}@{here},127.0.0.1:{free_port()}"
    yield f"redis+sentinel://nobody:{secret}@{here}/main?sentinel_password={secret}"
    yield f"rediss+sentinel://{here}/main?sentinel_user=nobody&sentinel_password={secret}"
    yield f"redis://nobody:{secret}@no.such.host.invalid"
    yield f"unix://nobody:{secret}@/no/such.sock"
    yield f"redis://{secret}@{here}"


@pytest.mark.parametrize("password", PASSWORDS)
def test_no_error_shows_the_password(redis_server: Server, opened: Opener, password: str) -> None:
    redis_server.ask("ACL", "SETUSER", "default", "resetpass", ">another")
    for url in forms(redis_server, password):
        store = opened(url, timeouts=IMPATIENT)
        for call in (CALLS["read"], CALLS["listen"], nameless_swap):
            with pytest.raises(PromptopsError) as refused:
                call(store)
            shown = "".join(traceback.format_exception(refused.value))
            shown += repr(refused.value) + str(store.address) + repr(store.address) + repr(store)
            for spelling in {password, quote(password, safe="")}:
                assert spelling not in shown, url


def nameless_swap(store: Store) -> object:
    pointer = Pointer(digest("greeter", "Hello"), 1, "2026-11-20T10:00:00Z")
    entry = Entry(1, "deploy", "2026-11-20T10:00:00Z", "tester", None, "", "op", "", ())
    return store.swap(None, entry, {"greeter": pointer})


@pytest.mark.parametrize("user", ["", "nobody"])
def test_a_wrong_password_is_said_with_the_way_out(
    redis_server: Server, opened: Opener, user: str
) -> None:
    redis_server.ask("ACL", "SETUSER", "default", "resetpass", ">right")
    url = redis_server.url.replace("redis://", f"redis://{user}:wrong@")
    for call in (*CALLS.values(), nameless_swap):
        with pytest.raises(StoreDenied) as refused:
            call(opened(url, timeouts=CLIENT))
        assert refused.value.message == (
            f"redis://***@127.0.0.1:{redis_server.port}/0 refused the user or the password"
        )
        assert refused.value.hint == "check the user and the password in the store's URL"


def test_a_missing_password_is_said_with_the_way_out(redis_server: Server, opened: Opener) -> None:
    redis_server.ask("ACL", "SETUSER", "default", "resetpass", ">right")
    with pytest.raises(StoreDenied) as refused:
        opened(redis_server.url).read()
    assert refused.value.hint == "check the user and the password in the store's URL"


def test_a_password_with_special_characters_is_let_in(redis_server: Server, opened: Opener) -> None:
    for number, password in enumerate(PASSWORDS):
        redis_server.ask("ACL", "SETUSER", f"us/er@{number}", "on", f">{password}", "~*", "+@all")
        user = f"{quote(f'us/er@{number}', safe='')}:{quote(password, safe='')}"
        assert opened(f"redis://{user}@127.0.0.1:{redis_server.port}").read().head is None
        assert opened(f"unix://{user}@{redis_server.socket}").read().head is None
