"""GitHub's REST API on this machine, as far as comments and issues go."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

TOKEN = "ghs_0123456789abcdef"
BOT = "github-actions[bot]"


class Api:
    """Comments of pull request 7 of acme/prompts, and its issues; `mood` is how it answers.

    read only: as the token of a fork · down: 503 · elsewhere: a redirect to `elsewhere`.
    """

    def __init__(self) -> None:
        self.mood: Literal["well", "read only", "down", "elsewhere", "no JSON"] = "well"
        self.elsewhere = ""
        self.comments: list[dict[str, Any]] = []
        self.issues: list[dict[str, Any]] = []
        self.requests: list[tuple[str, str]] = []
        self.tokens: set[str | None] = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/api/v3"

    def comment(self, author: str, body: str) -> dict[str, Any]:
        """Somebody comments."""
        comment = {"id": 1000 + len(self.comments), "user": {"login": author}, "body": body}
        self.comments.append(comment)
        return comment

    def issue(self, author: str, title: str, body: str, **facts: Any) -> dict[str, Any]:
        """Somebody opens one."""
        issue = {"number": 7 + len(self.issues), "user": {"login": author}, "state": "open"}
        self.issues.append(issue | {"title": title, "body": body} | facts)
        return self.issues[-1]

    def by(self, author: str) -> list[str]:
        return [comment["body"] for comment in self.comments if comment["user"]["login"] == author]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, target: str, token: str | None, body: Any) -> tuple[int, Any]:
        """Status and JSON."""
        parts = urlsplit(target)
        path = parts.path.removeprefix("/api/v3")
        self.requests.append((method, path))
        self.tokens.add(token)
        if self.mood == "down":
            return 503, {"message": f"No server is available. {token}"}
        if self.mood == "read only" and method != "GET":
            return 403, {"message": "Resource not accessible by integration"}
        return self._found(method, path, parse_qs(parts.query), body)

    def _found(
        self, method: str, path: str, asked: dict[str, list[str]], body: Any
    ) -> tuple[int, Any]:
        match method, path:
            case "GET", "/repos/acme/prompts/issues/7/comments":
                return 200, _page(self.comments, asked)
            case "POST", "/repos/acme/prompts/issues/7/comments":
                return 201, self.comment(BOT, body["body"])
            case "GET", "/repos/acme/prompts/issues":
                found = [issue for issue in self.issues if [issue["state"]] == asked["state"]]
                return 200, _page(found, asked)
            case "POST", "/repos/acme/prompts/issues":
                return 201, self.issue(BOT, body["title"], body["body"])
            case "PATCH", _:
                parent, _, number = path.removeprefix("/repos/acme/prompts/").rpartition("/")
                found = {"issues": self.issues, "issues/comments": self.comments}.get(parent, [])
                for each in found:
                    if str(each.get("number", each.get("id"))) == number:
                        each.update(body)
                        return 200, each
        return 404, {"message": "Not Found"}


def _page(listed: list[dict[str, Any]], asked: dict[str, list[str]]) -> list[dict[str, Any]]:
    size, page = int(asked["per_page"][0]), int(asked["page"][0])
    return listed[size * (page - 1) : size * page]


def _handler(api: Api) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size)) if size else None
            header = self.headers.get("Authorization")
            token = header.removeprefix("Bearer ") if header else None
            if api.mood == "elsewhere":
                api.requests.append((self.command, self.path))
                self.send_response(302)
                self.send_header("Location", api.elsewhere)
                self.end_headers()
                return
            status, answer = api.answer(self.command, self.path, token, body)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"<html>" if api.mood == "no JSON" else json.dumps(answer).encode())

        do_GET = do_POST = do_PATCH = _handle  # noqa: N815 - http.server looks these up

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its signature
            pass

    return Handler
