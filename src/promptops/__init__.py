"""promptops: ship prompts the way good teams ship code.

>>> from promptops import Client
>>> client = Client("redis://localhost:6379/0", environment="production", app="helpdesk")
>>> client.wait_ready(5)
>>> client.get("support-triage").request(ticket="Where is my parcel?", context="")
"""

from promptops.errors import (
    AnswerError,
    InputError,
    NotReady,
    PromptopsError,
    Stale,
    UnknownUnit,
    UsageError,
)
from promptops.version import VERSION

# As `typing` has it, which would be most of what the command line loads before it answers Ctrl-C.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from promptops.client.client import Client

__all__ = [
    "AnswerError",
    "Client",
    "InputError",
    "NotReady",
    "PromptopsError",
    "Stale",
    "UnknownUnit",
    "UsageError",
    "__version__",
]

__version__ = VERSION


def __getattr__(name: str) -> object:
    # The command line imports this package too, and never the client: it would cost every command
    # the client's start-up.
    if name == "Client":
        from promptops.client.client import Client  # noqa: PLC0415

        return Client
    raise AttributeError(f"module 'promptops' has no attribute '{name}'")
