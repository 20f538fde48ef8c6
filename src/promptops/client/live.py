"""What `Client.get` answers with: one live release, immutable and ready to render."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from promptops.client.passed import WatchedRenderer
from promptops.client.request import call_arguments
from promptops.manifest.document import Frozen
from promptops.manifest.release import Message, Model, Release, Retriever
from promptops.manifest.render import Renderer

log = logging.getLogger("promptops")


class UnknownInputs:
    """Counts inputs that a release does not know, and warns once per unit and name.

    An app that already passes a new input must survive the rollback to a release without it.
    """

    def __init__(self) -> None:
        self.count = 0
        self._warned: set[tuple[str, str]] = set()

    def __call__(self, unit: str, names: Iterable[str], known: Iterable[str]) -> None:
        for name in names:
            self.count += 1
            if (unit, name) not in self._warned:
                self._warned.add((unit, name))
                log.warning(
                    "%s has no input '%s'; it is ignored (its inputs: %s)",
                    unit,
                    name,
                    ", ".join(known),
                )


@dataclass(frozen=True, slots=True)
class LiveRelease:
    """A release as it is live: what to call the model with, and which release that is.

    `revision` is the environment's at which this unit last changed. `messages` are the templates;
    `params` is read-only all the way down. Changing anything raises.
    """

    unit: str
    digest: str
    revision: int
    model: Model
    params: Mapping[str, Frozen]
    retriever: Retriever | None
    messages: tuple[Message, ...]
    _render: WatchedRenderer = field(repr=False)

    @property
    def required(self) -> frozenset[str]:
        """The names of the inputs that have no default."""
        return self._render.required

    def render(self, /, **inputs: object) -> list[dict[str, str]]:
        """The messages with the inputs filled in: `[{"role", "content"}]`, fresh on every call.

        Values are put in as they are. Raises InputError for one that is missing, of another type
        or too long; one that the release does not know is ignored, with one warning and a count.
        """
        return self._render(inputs)

    def request(self, /, **inputs: object) -> dict[str, object]:
        """Keyword arguments of the provider's call: model, messages, parameters.

        In the shape of chat completions, or of the provider's own where it has one. Raises
        InputError as `render` does.
        """
        return call_arguments(self.model, self.params, self._render(inputs))


def live_release(
    release: Release, digest: str, revision: int, on_unknown: UnknownInputs, seen: set[str]
) -> LiveRelease:
    """Compile a release for reading; `seen` gets the names of the inputs that it is given."""
    return LiveRelease(
        unit=release.unit,
        digest=digest,
        revision=revision,
        model=release.model,
        params=release.params,
        retriever=release.retriever,
        messages=release.prompt.messages,
        _render=WatchedRenderer(Renderer(release, on_unknown), seen),
    )
