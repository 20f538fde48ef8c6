"""For the tests of an app: pin a prompt, keep a store in memory, see what was rendered.

>>> with pinned("support-triage", text="Say {{ word }}"), recording() as calls:
...     run_the_app()
>>> calls[0].inputs
"""

from promptops.testing.fixture import Prompts
from promptops.testing.memory import MemoryStore
from promptops.testing.pin import pinned
from promptops.testing.record import Call, recording

__all__ = ["Call", "MemoryStore", "Prompts", "pinned", "recording"]
