"""Services for feature flags as they would serve a prompt: it is what the flag gives."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import ldclient  # type: ignore[import-not-found, unused-ignore]
from growthbook import GrowthBook  # type: ignore[import-not-found, unused-ignore]
from ldclient.config import Config  # type: ignore[import-not-found, unused-ignore]
from ldclient.integrations.test_data import (  # type: ignore[import-not-found, unused-ignore]
    TestData,
)

from benchmarks.rounds import loop

USER = "user-1"
TIMES = 100


@contextmanager
def launchdarkly(flag: str, prompt: str) -> Iterator[Callable[[], float]]:
    """`variation` of LaunchDarkly's SDK, whose flags come from memory; it reports no events."""
    source = TestData.data_source()
    source.update(source.flag(flag).variations(prompt, "").variation_for_all(0))
    sdk = ldclient.LDClient(Config("sdk", update_processor_class=source, send_events=False))
    names = {"sdk": sdk, "context": ldclient.Context.create(USER)}
    yield _timed(f"sdk.variation({flag!r}, context, None)", names, prompt)
    sdk.close()  # type: ignore[no-untyped-call, unused-ignore]


def growthbook(feature: str, prompt: str) -> Callable[[], float]:
    """The value of a feature for a user, through an instance of his own as GrowthBook has it."""
    names = {"GrowthBook": GrowthBook, "features": {feature: {"defaultValue": prompt}}}
    instance = f"GrowthBook(attributes={{'id': {USER!r}}}, features=features)"
    return _timed(f"{instance}.get_feature_value({feature!r}, None)", names, prompt)


def growthbook_kept(feature: str, prompt: str) -> Callable[[], float]:
    """The same through one instance that is kept, which serves no other user."""
    instance = GrowthBook(attributes={"id": USER}, features={feature: {"defaultValue": prompt}})
    return _timed(f"kept.get_feature_value({feature!r}, None)", {"kept": instance}, prompt)


def _timed(statement: str, names: dict[str, object], prompt: str) -> Callable[[], float]:
    if eval(statement, dict(names)) != prompt:  # noqa: S307 - a statement of this file
        raise RuntimeError(f"{statement} gives something else than the prompt")
    return loop(statement, names, TIMES)
