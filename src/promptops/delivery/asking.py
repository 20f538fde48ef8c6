"""One HTTP request whose answer nobody can count on: bounded in time, in size and in where it goes.

A timeout of a socket begins again with every byte and leaves out looking up a name. So the request
is made in a thread of its own, which is left alone when the time is over.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

MOST_BYTES = 4 << 20
_AT_ONCE = 1 << 16
_WEB = ("http", "https")


class NoAnswer(Exception):
    """Nothing came, or nothing that can be used; `message` says what is so."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said; `leads_to` is the host of a redirect that was not followed."""

    status: int
    data: bytes
    leads_to: str = ""


class SameHostOnly(HTTPRedirectHandler):
    """Follows a GET on the same host; anything else would carry a key away or lose the body."""

    def redirect_request(
        self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        here, there = urlsplit(req.full_url), urlsplit(newurl)
        if req.get_method() != "GET" or (here.scheme, here.netloc) != (there.scheme, there.netloc):
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def ask(url: str, headers: Mapping[str, str], timeout: float, body: bytes | None = None) -> Answer:
    """The answer, whatever its status; a body is sent by POST. Raises NoAnswer.

    `timeout` are the seconds for all of it.
    """
    deadline = time.monotonic() + timeout
    late = NoAnswer(f"no whole answer within {timeout:g} s")
    came: list[Answer | NoAnswer] = []

    def work() -> None:
        try:
            came.append(_answer(Request(url, body, dict(headers)), timeout, deadline))  # noqa: S310 - looked at below
        except NoAnswer as none:
            came.append(none)
        except (OSError, HTTPException, ValueError) as error:
            why = getattr(error, "reason", None) or error
            # A socket's own limit ends in the same moment as the wait for all of it.
            out_of_time = isinstance(why, TimeoutError)
            came.append(late if out_of_time else NoAnswer(f"no usable answer: {why}"))

    if urlsplit(url).scheme not in _WEB:
        raise NoAnswer("this is no address of the web")
    thread = threading.Thread(target=work, name="promptops-ask", daemon=True)
    thread.start()
    thread.join(timeout)
    if not came:
        raise late
    if isinstance(came[0], NoAnswer):
        raise came[0]
    return came[0]


def _answer(request: Request, timeout: float, deadline: float) -> Answer:
    try:
        with build_opener(SameHostOnly).open(request, timeout=timeout) as answer:
            return Answer(answer.status, _read(answer, deadline))
    except HTTPError as answer:
        with answer:
            to = urlsplit(answer.headers.get("Location", "")).netloc
            return Answer(answer.code, _read(answer, deadline), to)


def _read(answer: Any, deadline: float) -> bytes:
    data = b""
    while part := answer.read1(_AT_ONCE):
        data += part
        if len(data) > MOST_BYTES:
            raise NoAnswer(f"the answer has more than {MOST_BYTES:,} bytes")
        if time.monotonic() > deadline:
            raise NoAnswer("the answer did not end in time")
    promised = answer.headers.get("Content-Length", "")
    if promised.isdecimal() and len(data) < int(promised):
        raise NoAnswer("the answer broke off")
    return data
