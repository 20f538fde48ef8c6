"""The name of a release: SHA-256 over exactly its stored bytes."""

import re
import sys

from promptops.errors import UsageError

# Python's own, as its `random` takes it too: hashlib loads OpenSSL, which was more than a quarter
# of the memory that a client on SQLite adds to an app.
try:
    if sys.version_info >= (3, 12):
        from _sha2 import sha256  # type: ignore[import-not-found, unused-ignore]
    else:
        from _sha256 import sha256  # type: ignore[import-not-found, unused-ignore]
except ImportError:  # a Python that was built without it
    from hashlib import sha256

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_HEX = re.compile(r"[0-9a-f]{1,64}")
_FEWEST = 6


def digest_of(data: bytes) -> str:
    """`sha256:` and 64 lower-case hex digits."""
    # Where something else has loaded OpenSSL, it costs nothing more and is five times as fast.
    fastest = getattr(sys.modules.get("hashlib"), "sha256", sha256)
    return f"sha256:{fastest(data).hexdigest()}"


def is_digest(text: str) -> bool:
    """Whether `text` is a whole digest, not a prefix of one."""
    return _DIGEST.fullmatch(text) is not None


def beginning(text: str) -> str | None:
    """The hex digits with which a digest, or a commit, begins as somebody typed it.

    None for what begins neither; raises UsageError for too few of them.
    """
    digits = text.lower().removeprefix("sha256:")
    if not _HEX.fullmatch(digits):
        return None
    if len(digits) < _FEWEST:
        raise UsageError(f"'{text}' is too short", f"write at least {_FEWEST} hex digits of it")
    return digits


def short(digest: str) -> str:
    """The first twelve hex digits, for people; commands take them back as a prefix."""
    return digest.removeprefix("sha256:")[:12]
