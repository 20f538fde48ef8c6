"""GitHub's REST API, as much as is needed. The token goes to one host and into no message."""

import json
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, build_opener

from promptops.cli.output import printable
from promptops.delivery.asking import SameHostOnly
from promptops.errors import UsageError

SECONDS = 10.0
_MOST_BYTES = 16 * 1024 * 1024
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class ApiFailed(Exception):
    """No answer, or one that is no success; `status` is None where none came."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class Api:
    """The API at `url`, as whoever the token names."""

    url: str
    token: str = field(repr=False)

    @classmethod
    def at(cls, url: str, token: str) -> "Api":
        """Raises UsageError for an address that would show the token to the network."""
        parts = urlsplit(url)
        secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        if not secure or not parts.hostname or "@" in parts.netloc:
            raise UsageError(
                "GITHUB_API_URL is no https:// address", "it is set by GitHub's runner"
            )
        if not (token.isascii() and token.isprintable()):
            raise UsageError(
                "GITHUB_TOKEN is no token", "it holds a line break or other characters"
            )
        return cls(url.rstrip("/"), token)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer's JSON; raises ApiFailed."""
        request = Request(  # noqa: S310 - the scheme is checked above
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "User-Agent": "promptops",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
        try:
            with build_opener(SameHostOnly).open(request, timeout=SECONDS) as answer:
                return json.loads(answer.read(_MOST_BYTES))
        except HTTPError as error:
            raise ApiFailed(f"{error.code} {self._reason(error)}", error.code) from None
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise ApiFailed(self._clean(f"no usable answer: {reason}")) from None

    def _reason(self, error: HTTPError) -> str:
        try:
            said = json.loads(error.read(_MOST_BYTES))["message"]
        except (OSError, HTTPException, ValueError, KeyError, TypeError):
            said = error.reason
        return self._clean(str(said))

    def _clean(self, text: str) -> str:
        return printable(text.replace(self.token, "***"))[:200]
