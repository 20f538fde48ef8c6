"""Which release a running conversation goes on with, given the token of the one it began with.

1. The same digest as now, or policy `follow`: the present release.
2. `follow_on_rollback` (the default), and the old one is held now: the present release. A rollback
   holds what it leaves, so it reaches open conversations; a deployment does not disturb them. In
   safe mode all but the safe release counts as held.
3. The old one is not known to this process: the present release, and the caller says so.
4. Otherwise, and with `pin` even when it is held: the release it began with.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Literal, NamedTuple, get_args

from promptops.errors import UsageError

Policy = Literal["follow_on_rollback", "pin", "follow"]
DEFAULT_POLICY: Policy = "follow_on_rollback"

_VERSION = "p1"
_MAX_LENGTH = 200
_PREFIX = "sha256:"


class Token(NamedTuple):
    """The release that a conversation began with."""

    unit: str
    digest: str
    revision: int

    def __str__(self) -> str:
        """Opaque, url-safe, at most 200 characters, and checked against damage when read."""
        digest = bytes.fromhex(self.digest.removeprefix(_PREFIX))
        content = digest + self.revision.to_bytes(8) + self.unit.encode()
        whole = binascii.crc32(content).to_bytes(4) + content
        return _VERSION + urlsafe_b64encode(whole).decode().rstrip("=")


def read_token(text: object) -> Token | None:
    """None for what is no whole token of this version: a cookie is anybody's to change."""
    if not isinstance(text, str) or len(text) > _MAX_LENGTH or not text.startswith(_VERSION):
        return None
    coded = text.removeprefix(_VERSION)
    try:
        whole = urlsafe_b64decode(coded + "=" * (-len(coded) % 4))
        content = whole[4:]
        digest, revision, unit = content[:32], content[32:40], content[40:].decode()
    except ValueError:
        return None
    token = Token(unit, _PREFIX + digest.hex(), int.from_bytes(revision))
    # Decoding ignores what is not base64, so only the one right spelling is taken.
    return token if unit and str(token) == text else None


def decide(
    policy: Policy, began: str, present: str, *, held: bool, known: bool
) -> Literal["began", "present", "unknown"]:
    """By the digests of the two releases; raises UsageError for a policy that is none."""
    check_policy(policy)
    if began == present or policy == "follow" or (policy == "follow_on_rollback" and held):
        return "present"
    return "began" if known else "unknown"


def check_policy(policy: Policy) -> None:
    if policy not in get_args(Policy):
        raise UsageError(
            f"{policy!r} is no policy for a conversation",
            f"use one of {', '.join(get_args(Policy))}",
        )
