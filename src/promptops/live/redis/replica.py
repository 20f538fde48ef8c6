"""Whether the server that answers is a replica that lost its primary, and says what may be old.

Nothing else tells: such a replica answers as it did before, and no hint comes for what it misses.
"""

from typing import Any

import redis

ASK_EVERY = 10


class Role:
    """What ROLE says: asked at every tenth read, every one of a replica, never after a refusal."""

    def __init__(self) -> None:
        self._reads = 0
        self._replica = False
        self._permitted = True

    def lost_its_primary(self, connection: Any) -> bool:
        """False also where nobody may ask."""
        due = self._replica or self._reads % ASK_EVERY == 0
        self._reads += 1
        if not (due and self._permitted):
            return False
        try:
            connection.send_command("ROLE")
            said = connection.read_response()
        except redis.ResponseError:
            self._permitted = False
            return False
        self._replica = said[0] == b"slave"
        return self._replica and said[3] != b"connected"
