"""The language server that editors use for YAML, driven over its standard input and output.

`python -m tests.editors.language_server` installs it, which the tests do too.
"""

import fcntl
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
INSTALLED = Path(sys.prefix) / "yaml-language-server"
PATIENCE = 20.0


def install() -> Path:
    """The server's program, installed from the lock file once per virtual environment.

    Raises FileNotFoundError without node and npm, CalledProcessError when npm cannot install.
    """
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise FileNotFoundError(f"there is no {program} on the PATH")
    INSTALLED.mkdir(exist_ok=True)
    with (INSTALLED / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ready = INSTALLED / "ready"
        wanted = (HERE / "package-lock.json").read_text()
        if not ready.exists() or ready.read_text() != wanted:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / name, INSTALLED / name)
            subprocess.run(
                ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                cwd=INSTALLED,
                check=True,
                timeout=120,
                stdout=subprocess.DEVNULL,
            )
            ready.write_text(wanted)
    return INSTALLED / "node_modules/yaml-language-server/bin/yaml-language-server"


class LanguageServer:
    """One server, for the workspace at `root`; `settings` are what an editor would send."""

    def __init__(self, root: Path, settings: dict[str, Any]) -> None:
        self.root = root
        self._settings = settings
        self._process = subprocess.Popen(
            ["node", str(install()), "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._messages: queue.Queue[dict[str, Any]] = queue.Queue()
        self._said: dict[str, list[dict[str, Any]]] = {}
        self._last = 0
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self._ask(
            "initialize",
            {
                "processId": os.getpid(),
                "rootUri": root.as_uri(),
                "workspaceFolders": [{"uri": root.as_uri(), "name": "workspace"}],
                "capabilities": {
                    "workspace": {"configuration": True},
                    "textDocument": {
                        "completion": {"completionItem": {"documentationFormat": ["markdown"]}},
                        "hover": {"contentFormat": ["markdown"]},
                    },
                },
            },
        )
        self._tell("initialized", {})

    def diagnostics(self, path: str, text: str) -> dict[int, list[str]]:
        """What the editor underlines in a file with this text, by line from 1."""
        uri = self._open(path, text)
        until = time.monotonic() + PATIENCE
        while uri not in self._said and time.monotonic() < until:
            self._take(until)
        found: dict[int, list[str]] = {}
        for item in self._said[uri]:
            found.setdefault(item["range"]["start"]["line"] + 1, []).append(item["message"])
        return found

    def completion(self, path: str, text: str) -> list[str]:
        """What is offered at the `¦` in the text."""
        uri, position = self._place(path, text)
        answer = self._ask(
            "textDocument/completion", {"textDocument": {"uri": uri}, "position": position}
        )
        return [item["label"] for item in answer["items"]]

    def hover(self, path: str, text: str) -> str:
        """What is shown for the word behind the `¦` in the text, as Markdown."""
        uri, position = self._place(path, text)
        answer = self._ask(
            "textDocument/hover", {"textDocument": {"uri": uri}, "position": position}
        )
        return str(answer["contents"]["value"])

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._listener.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _place(self, path: str, text: str) -> tuple[str, dict[str, int]]:
        before, _, after = text.partition("¦")
        uri = self._open(path, before + after)
        line = before.count("\n")
        return uri, {"line": line, "character": len(before) - before.rfind("\n") - 1}

    def _open(self, path: str, text: str) -> str:
        """A `*` in the path makes it a new document, of which nothing was said yet."""
        self._last += 1
        uri = (self.root / path.replace("*", f"case-{self._last}")).as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": self._last, "text": text}
        self._tell("textDocument/didOpen", {"textDocument": document})
        return uri

    def _ask(self, method: str, params: dict[str, Any]) -> Any:
        self._last += 1
        wanted = self._last
        self._send({"id": wanted, "method": method, "params": params})
        until = time.monotonic() + PATIENCE
        while True:
            message = self._take(until)
            if message.get("id") == wanted and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def _take(self, until: float) -> dict[str, Any]:
        """The next message; what the server asks is answered, what it says is remembered."""
        message = self._messages.get(timeout=max(0.01, until - time.monotonic()))
        if message.get("method") == "textDocument/publishDiagnostics":
            self._said[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif "method" in message and "id" in message:
            self._send({"id": message["id"], "result": self._answer(message)})
        return message

    def _answer(self, message: dict[str, Any]) -> Any:
        if message["method"] != "workspace/configuration":
            return None
        return [self._settings.get(item.get("section")) for item in message["params"]["items"]]

    def _tell(self, method: str, params: dict[str, Any]) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
        self._process.stdin.flush()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        stream = self._process.stdout
        while header := stream.readline():
            size = int(header.split(b":")[1])
            while stream.readline().strip():
                pass
            self._messages.put(json.loads(stream.read(size)))


if __name__ == "__main__":
    install()
