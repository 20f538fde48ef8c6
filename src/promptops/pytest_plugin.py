"""The fixture `prompts`, for every project that has promptops installed.

pytest loads this in all of them, so it imports nothing before the fixture is asked for.
"""

from collections.abc import Iterator

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from promptops.testing import Prompts


@pytest.fixture
def prompts() -> Iterator["Prompts"]:
    """Prompts of this test alone: `prompts.pin(unit, text=…)`, `prompts.calls`, `prompts.store`."""
    from promptops.testing import Prompts  # noqa: PLC0415 - see above

    with Prompts() as prompts:
        yield prompts
