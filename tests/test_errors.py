"""Errors as worker processes hand them on: multiprocessing and task queues pickle them."""

import pickle
from collections.abc import Iterator

import pytest

from promptops.cli.streams import OutputLost
from promptops.delivery.build import InvalidUnits
from promptops.errors import PromptopsError, Refused, ReleaseRejected
from promptops.finding import Finding, Place
from promptops.source.project import InvalidProject
from promptops.source.writing import Unwritable

FINDING = Finding("E101", "manifest.yaml", Place(), "manifest is empty", "write one")
MADE_OF: dict[type[PromptopsError], tuple[object, ...]] = {
    InvalidProject: ("promptops.yaml", [FINDING]),
    InvalidUnits: ([FINDING],),
    OutputLost: ("standard output is full", "make room"),
    Refused: ("held", "it is held", "lift it"),
    Unwritable: ("gate.json", OSError(28, "No space left on device")),
    ReleaseRejected: ("C601", "it is not JSON", "deploy it anew"),
}


def kinds(kind: type[PromptopsError]) -> Iterator[type[PromptopsError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from kinds(below)


@pytest.mark.parametrize("kind", [*kinds(PromptopsError)])
@pytest.mark.parametrize("protocol", [0, pickle.HIGHEST_PROTOCOL])
def test_an_error_survives_being_pickled(kind: type[PromptopsError], protocol: int) -> None:
    error = kind(*MADE_OF.get(kind, ("it is so", "type this")))  # type: ignore[arg-type]
    error.add_note("while a task ran")
    again = pickle.loads(pickle.dumps(error, protocol))  # noqa: S301 - pickled here
    assert type(again) is kind
    assert (str(again), again.args, vars(again)) == (str(error), error.args, vars(error))
