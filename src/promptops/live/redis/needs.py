"""The commands that a role calls, each on the keys that it calls it on."""

from promptops.live.redis.acl import Role
from promptops.live.redis.keys import Keys

_ANY = "x"


def needs(keys: Keys, role: Role) -> list[list[str]]:
    """As they would be sent; what is in them matters to nobody but the ACL."""
    release, client = keys.release + _ANY, keys.client + _ANY
    found = [
        ["HMGET", keys.head, _ANY],
        ["HGETALL", keys.pointers],
        ["XREVRANGE", keys.history, "+", "-"],
        ["GETRANGE", release, "0", "1"],
        ["STRLEN", release],
        ["GET", release],
        ["SUBSCRIBE", keys.channel],
    ]
    if role == "client":
        return found
    found += [
        ["SMEMBERS", keys.clients],
        ["EVALSHA", _ANY, "0"],
        ["EVAL", _ANY, "0"],
        ["SET", release, _ANY, "NX"],
        ["HSET", keys.head, _ANY, _ANY],
        ["HINCRBY", keys.head, _ANY, "1"],
        ["HSET", keys.pointers, _ANY, _ANY],
        ["XADD", keys.history, "*", _ANY, _ANY],
        ["HSET", keys.rehearsals, _ANY, _ANY],
        ["PUBLISH", keys.channel, _ANY],
    ]
    if role == "operator":
        found += [
            ["DEL", keys.head, keys.pointers, keys.history],
            ["UNLINK", release],
            ["WATCH", keys.head],
            ["MULTI"],
            ["EXEC"],
            ["DEL", client],
        ]
    return found
