"""An environment in Redis 7 or Valkey: the one place that knows the keys and imports redis."""

from promptops.live.redis.listener import RedisListener
from promptops.live.redis.store import RedisStore

__all__ = ["RedisListener", "RedisStore"]
