"""What a user of Redis may do to one environment: the rules of `ACL SETUSER`, by role."""

import hashlib
from dataclasses import dataclass
from typing import Literal

from promptops.live.address import SCRATCH
from promptops.live.redis.keys import Keys

Role = Literal["client", "publisher", "operator"]

PLACEHOLDER = "#SHA256-OF-THE-PASSWORD"

# Category by category, because Redis 7.0 does not know the subcommands of its successors. ROLE and
# CLUSTER SLOTS are how a node is found behind sentinels and in a cluster.
_CONNECTING = "+@connection -@dangerous -@admin +role +cluster|slots"
_READING = (
    "+evalsha_ro +eval_ro +type +hmget +hget +hgetall +hkeys +hstrlen +xrange +xrevrange +strlen "
    "+get +getrange +smembers +pttl +subscribe +unsubscribe"
)
# INFO tells nothing of anybody's data; a deploy asks it whether Redis would lose what it writes.
_PUBLISHING = "+evalsha +eval +set +hset +hincrby +xadd +publish +srem +info +time +wait"
# What names no key is for everybody's keys: the categories take away what is dangerous, the rest
# stands here. SCAN stays, which tells names and no values: what is stored is found by it.
_EVERYTHING = (
    "+@all -@dangerous -@admin -@scripting -randomkey -dbsize +eval +evalsha +eval_ro "
    "+evalsha_ro +role +info +wait +cluster|slots"
)


@dataclass(frozen=True, slots=True)
class User:
    """A user with all of its rules; `password` says whether they hold one."""

    name: str
    rules: tuple[str, ...]
    password: bool

    @property
    def command(self) -> str:
        return " ".join(("ACL", "SETUSER", self.name, *self.rules))


def user(
    namespace: str, environment: str, role: Role, password: bytes | None, *, presence: bool = True
) -> User:
    """The user of a role, made from nothing: what it could before is taken away.

    Without a password there is a placeholder that Redis refuses. `presence` lets a client say that
    it is there.
    """
    keys = Keys(namespace, environment)
    all_ = f"{keys.tag}:*"
    secret = PLACEHOLDER if password is None else f"#{hashlib.sha256(password).hexdigest()}"
    rules = ["reset on", secret]
    if role == "operator":
        # And to the scratch environment of a drill.
        scratch = f"{Keys(namespace, environment + SCRATCH).tag}:*"
        rules += [f"~{all_} &{all_} ~{scratch} &{scratch}", _EVERYTHING]
    else:
        rules += [f"%R~{all_} &{keys.channel}", _CONNECTING, _READING]
    if role == "publisher":
        writes = [keys.head, keys.pointers, keys.history, keys.rehearsals, keys.clients]
        writes.append(f"{keys.release}*")
        # A script wants one pattern that lets it both read and write.
        rules += [*(f"~{key}" for key in writes), _PUBLISHING]
    if role == "client" and presence:
        # Selectors of their own: nobody may put something else in the place of the set.
        rules += [f"(%W~{keys.clients} +sadd +srem) (~{keys.client}* +set +del)"]
    name = f"promptops-{role}-{environment}"
    return User(name, tuple(" ".join(rules).split()), password is not None)
