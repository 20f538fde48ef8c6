"""Apps with a client, as the tests of the client have them."""

from tests.client.conftest import embedded, embedded_url, started

__all__ = ["embedded", "embedded_url", "started"]
