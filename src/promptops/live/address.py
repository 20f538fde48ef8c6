"""Where a store is: `sqlite:///relative.db`, `sqlite:////absolute.db`, `redis://`, `rediss://`,
`unix://`, and `memory:name` for tests. A password never leaves this module in a message or a
representation.
"""

import re
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from urllib.parse import parse_qsl, unquote, urlsplit

from promptops.errors import UsageError

_FORMS = (
    "use sqlite:///relative.db, sqlite:////absolute.db, redis://[user:password@]host:port/db, "
    "rediss://… or unix://[user:password@]/path/to.sock?db=0"
)
_NAMESPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_OPTIONS = {"ns", "db", "ca", "cert", "key"}


_ENVIRONMENT = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


def check_environment_name(name: str) -> None:
    """Raises UsageError for a name that the project file would not take either."""
    if not _ENVIRONMENT.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be the name of an environment",
            "use lower-case letters, digits, '.', '_' and '-', at most 63, such as production",
        )


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed store URL; `str()` shows it without user and password.

    `path` is a file for sqlite, a socket for unix and a name for memory;
    `ca`, `cert` and `key` are files for TLS.
    """

    scheme: str
    path: str = ""
    host: str = ""
    port: int = 6379
    db: int = 0
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    namespace: str = "promptops"
    ca: str | None = None
    cert: str | None = None
    key: str | None = None

    def __str__(self) -> str:
        if self.scheme == "none":
            return "(none)"
        if self.scheme == "sqlite":
            return f"sqlite:///{self.path}"
        if self.scheme == "memory":
            return f"memory:{self.path}"
        secret = "***@" if self.password or self.username else ""
        if self.scheme == "unix":
            return f"unix://{secret}{self.path}?db={self.db}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{secret}{host}:{self.port}/{self.db}"

    def relative_to(self, folder: str) -> "Address":
        """A relative SQLite path starts at `folder`; other addresses stay as they are."""
        if self.scheme != "sqlite":
            return self
        return replace(self, path=str(PurePosixPath(folder) / self.path))


def parse_address(text: str) -> Address:
    """Raises UsageError, whose message never repeats what stands before the host."""
    if "#" in text:
        raise UsageError(
            "the store URL has a '#'", "write %23 for a '#' inside a user name or password"
        )
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        raise UsageError("the store URL cannot be read", _FORMS) from None
    if port == 0:
        raise UsageError("the store URL cannot be read", _FORMS)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = sorted(set(options) - _OPTIONS)
    if unknown:
        raise UsageError(
            "the store URL has an option that is not known",
            f"known are: {', '.join(sorted(_OPTIONS))}",
        )
    if parts.scheme == "sqlite":
        return _sqlite(parts.netloc, parts.path, options)
    if parts.scheme == "memory":
        return _memory(parts.netloc, parts.path, options)
    if parts.scheme not in {"redis", "rediss", "unix"}:
        raise UsageError("the store URL names no kind of store that promptops knows", _FORMS)
    if parts.scheme == "unix":
        if parts.hostname or port or not parts.path.startswith("/"):
            raise UsageError("a unix:// store needs the absolute path of a socket", _FORMS)
        db = options.get("db", "0")
    else:
        _check_host(parts.hostname)
        db = options.get("db") or parts.path.strip("/") or "0"
    if not db.isascii() or not db.isdigit() or len(db) > 5:
        raise UsageError("the store URL names a database that is not a number", _FORMS)
    namespace = options.get("ns", "promptops")
    if not _NAMESPACE.fullmatch(namespace):
        raise UsageError("the store URL has an unusable namespace", "use letters, digits, . _ -")
    return Address(
        scheme=parts.scheme,
        path=unquote(parts.path) if parts.scheme == "unix" else "",
        host=parts.hostname or "",
        port=port or 6379,
        db=int(db),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        namespace=namespace,
        ca=options.get("ca"),
        cert=options.get("cert"),
        key=options.get("key"),
    )


def _check_host(host: str | None) -> None:
    if not host:
        raise UsageError("the store URL names no host", _FORMS)
    try:
        # The resolver would raise UnicodeError, which is no OSError, for an empty or long label.
        host.encode("idna")
    except UnicodeError:
        raise UsageError("the store URL names a host that cannot be", _FORMS) from None


def _sqlite(netloc: str, path: str, options: dict[str, str]) -> Address:
    if netloc or not path.startswith("/") or path.endswith("/") or options:
        raise UsageError(
            "a sqlite store needs the path of a file",
            "sqlite:///relative.db has three slashes, sqlite:////absolute.db four",
        )
    return Address(scheme="sqlite", path=unquote(path[1:]))


def _memory(netloc: str, path: str, options: dict[str, str]) -> Address:
    if netloc or options or not (path == "" or _NAMESPACE.fullmatch(path)):
        raise UsageError("a memory store has a name and no more", "memory: or memory:my-test")
    return Address(scheme="memory", path=path)
