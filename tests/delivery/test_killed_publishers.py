"""kill -9 at any moment of a deployment: it happened or did not, and to try again is safe."""

from concurrent.futures import ProcessPoolExecutor

import pytest

from tests.delivery.publishers import kill_publishers

# In short a thousand over SQLite and Valkey, which always run.
AT_ONCE = 100  # a new environment after so many: to try again means to look through its history


@pytest.mark.soak(short=500, full=10_000)
def test_a_publisher_that_is_killed_has_published_or_has_not(
    store_url: str, processes: ProcessPoolExecutor, times: int
) -> None:
    happened = told = 0
    for start in range(0, times, AT_ONCE):
        points = min(AT_ONCE, times - start)
        running = processes.submit(kill_publishers, store_url, f"after-{start}", points)
        more_happened, more_told = running.result(timeout=300)
        happened, told = happened + more_happened, told + more_told
    # The kills fell before, behind, and in between.
    assert 0 < told <= happened < times
