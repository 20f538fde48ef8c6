"""Where a store is: `sqlite:///relative.db`, `sqlite:////absolute.db`, `redis://`, `rediss://`,
`unix://`, `redis+sentinel://`, `redis+cluster://` (`rediss+…` with TLS), and `memory:name` for
tests. A password never leaves this module in a message or a representation.
"""

import re
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from promptops.errors import UsageError

_FORMS = (
    "use sqlite:///relative.db, sqlite:////absolute.db, redis://[user:password@]host:port/db, "
    "rediss://…, unix://[user:password@]/path/to.sock?db=0, "
    "redis+sentinel://[user:password@]host:port,host:port/primary/db or "
    "redis+cluster://[user:password@]host:port,host:port"
)
_NAMESPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_OPTIONS = {"ns", "db", "ca", "cert", "key"}
_SENTINEL = {"redis+sentinel", "rediss+sentinel"}
_CLUSTER = {"redis+cluster", "rediss+cluster"}
_OPTIONS_OF_SENTINELS = {"sentinel_user", "sentinel_password"}

Place = tuple[str, int]


_ENVIRONMENT = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


# An environment of this name beside another one is made for a drill and thrown away after it.
SCRATCH = "~drill"


def check_environment_name(name: object, *, scratch: bool = False) -> None:
    """Raises UsageError for a name that the project file would not take either.

    With `scratch`, that of a drill is one too.
    """
    plain = name.removesuffix(SCRATCH) if scratch and isinstance(name, str) else name
    if not isinstance(plain, str) or not _ENVIRONMENT.fullmatch(plain):
        raise UsageError(
            f"{name!r} cannot be the name of an environment",
            "use lower-case letters, digits, '.', '_' and '-', at most 63, such as production",
        )


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed store URL; `str()` shows it without user and password.

    `path` is a file for sqlite, a socket for unix, and a name for memory and for the primary that
    sentinels watch; `seeds` are hosts and ports of sentinels, or of nodes of a cluster; `ca`,
    `cert` and `key` are files for TLS.
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
    seeds: tuple[Place, ...] = ()
    sentinel_username: str | None = field(default=None, repr=False)
    sentinel_password: str | None = field(default=None, repr=False)

    @property
    def tls(self) -> bool:
        return self.scheme.startswith("rediss")

    @property
    def has_sentinels(self) -> bool:
        return self.scheme in _SENTINEL

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
        places = self.seeds or ((self.host, self.port),)
        shown = ",".join(f"[{h}]:{p}" if ":" in h else f"{h}:{p}" for h, p in places)
        if self.has_sentinels:
            shown += f"/{self.path}"
        if self.scheme not in _CLUSTER:
            shown += f"/{self.db}"
        return f"{self.scheme}://{secret}{shown}"

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
    except ValueError:
        raise _unreadable() from None
    options = _options(parts)
    if parts.scheme in _SENTINEL | _CLUSTER:
        return _led(parts, options)
    port = _port(parts)
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
    return Address(
        scheme=parts.scheme,
        path=unquote(parts.path) if parts.scheme == "unix" else "",
        host=parts.hostname or "",
        port=port or 6379,
        db=_number(db),
        **_of_redis(parts, options),
    )


def _led(parts: SplitResult, options: dict[str, str]) -> Address:
    """Of several hosts, which urlsplit does not take apart."""
    with_sentinels = parts.scheme in _SENTINEL
    name, _, db = parts.path.strip("/").partition("/") if with_sentinels else ("", "", "")
    if with_sentinels and not _NAMESPACE.fullmatch(name):
        raise UsageError("a redis+sentinel:// store needs the name of its primary", _FORMS)
    db = options.get("db") or db or "0"
    if not with_sentinels and (parts.path.strip("/") or db) not in {"", "0"}:
        raise UsageError("a cluster has database 0 and no other", _FORMS)
    hosts = parts.netloc.rpartition("@")[2].split(",")
    return Address(
        scheme=parts.scheme,
        path=name,
        db=_number(db),
        seeds=tuple(_place(host, 26379 if with_sentinels else 6379) for host in hosts),
        sentinel_username=options.get("sentinel_user") or None,
        sentinel_password=options.get("sentinel_password") or None,
        **_of_redis(parts, options),
    )


def _place(text: str, port: int) -> Place:
    try:
        parts = urlsplit(f"//{text}")
    except ValueError:
        raise _unreadable() from None
    _check_host(parts.hostname)
    return parts.hostname or "", _port(parts) or port


def _port(parts: SplitResult) -> int | None:
    try:
        port = parts.port
    except ValueError:
        raise _unreadable() from None
    if port == 0:
        raise _unreadable()
    return port


def _options(parts: SplitResult) -> dict[str, str]:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    known = _OPTIONS | (_OPTIONS_OF_SENTINELS if parts.scheme in _SENTINEL else set())
    if set(options) - known:
        raise UsageError(
            "the store URL has an option that is not known",
            f"known are: {', '.join(sorted(known))}",
        )
    return options


def _of_redis(parts: SplitResult, options: dict[str, str]) -> dict[str, Any]:
    namespace = options.get("ns", "promptops")
    if not _NAMESPACE.fullmatch(namespace):
        raise UsageError("the store URL has an unusable namespace", "use letters, digits, . _ -")
    return {
        "username": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password) if parts.password else None,
        "namespace": namespace,
        **{name: options.get(name) for name in ("ca", "cert", "key")},
    }


def _number(db: str) -> int:
    if not db.isascii() or not db.isdigit() or len(db) > 5:
        raise UsageError("the store URL names a database that is not a number", _FORMS)
    return int(db)


def _unreadable() -> UsageError:
    return UsageError("the store URL cannot be read", _FORMS)


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
