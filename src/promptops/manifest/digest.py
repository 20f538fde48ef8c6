"""The name of a release: SHA-256 over exactly its stored bytes."""

import hashlib
import re

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def digest_of(data: bytes) -> str:
    """`sha256:` and 64 lower-case hex digits."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def is_digest(text: str) -> bool:
    """Whether `text` is a whole digest, not a prefix of one."""
    return _DIGEST.fullmatch(text) is not None


def short(digest: str) -> str:
    """The first twelve hex digits, for people; commands take them back as a prefix."""
    return digest.removeprefix("sha256:")[:12]
