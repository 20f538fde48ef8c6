"""Who pays for what: reading calls nothing, and verifying is the refresher's work."""

import sys
import threading
from types import FrameType

from promptops.live.store import Store
from promptops.manifest.digest import digest_of
from tests.client.conftest import Starter
from tests.client.waiting import until_served
from tests.deployments import deploy


def test_reading_calls_nothing_else_and_digests_are_checked_in_the_background(
    embedded: Store, embedded_url: str, started: Starter
) -> None:
    deploy(embedded, greeter="Hello")
    checked: list[str] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is digest_of.__code__:
            checked.append(threading.current_thread().name)

    threading.setprofile(note)
    try:
        client = started(embedded_url)
    finally:
        threading.setprofile(None)
    deployed = deploy(embedded, greeter="Good morning")
    until_served(client, deployed.revision)
    assert checked == ["promptops-refresh"] * 2, "once for each release that went live"

    called: list[str] = []

    def list_calls(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            called.append(frame.f_code.co_qualname)

    get = client.get
    sys.setprofile(list_calls)
    try:
        for _ in range(100):
            get("greeter")
    finally:
        sys.setprofile(None)
    assert called == ["Client.get"] * 100
    assert len(checked) == 2
