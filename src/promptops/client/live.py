"""What `Client.get` answers with: one live release, immutable and ready to render."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from promptops.client.conversation import Token
from promptops.client.passed import WatchedRenderer
from promptops.client.shapes import anthropic, litellm, openai_chat, openai_responses
from promptops.client.shapes.call import Call, call_of
from promptops.manifest.answer import Answers
from promptops.manifest.document import Frozen
from promptops.manifest.release import Message, Model, Release, Retriever
from promptops.manifest.render import Renderer

log = logging.getLogger("promptops")

MOST_WARNED = 1000


class UnknownInputs:
    """Counts inputs that a release does not know, and warns once per unit and name, of so many.

    An app that already passes a new input must survive the rollback to a release without it.
    """

    def __init__(self) -> None:
        self.count = 0
        self._warned: set[tuple[str, str]] = set()

    def __call__(self, unit: str, names: Iterable[str], known: Iterable[str]) -> None:
        for name in names:
            self.count += 1
            if (unit, name) not in self._warned and len(self._warned) < MOST_WARNED:
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
    `params`, `tools` and `output_schema` are read-only all the way down. Changing anything raises.
    """

    unit: str
    digest: str
    revision: int
    model: Model
    params: Mapping[str, Frozen]
    retriever: Retriever | None
    messages: tuple[Message, ...]
    tools: tuple[Frozen, ...]
    output_schema: Frozen
    _render: WatchedRenderer = field(repr=False)
    _answers: Answers = field(repr=False, compare=False)

    def __hash__(self) -> int:
        return hash((self.unit, self.digest, self.revision))

    def __deepcopy__(self, _: object) -> "LiveRelease":
        return self  # nothing of it can change

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a live release cannot be pickled; pass its unit or token on, and get it there"
        )

    @property
    def token(self) -> str:
        """This release as an opaque string to keep with a conversation, for `Client.get`."""
        return str(Token(self.unit, self.digest, self.revision))

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

    def request(self, /, **inputs: object) -> dict[str, Any]:
        """Keyword arguments of the provider's call: `as_anthropic` for Anthropic, else chat.

        Messages with the few-shot examples, parameters, tools and output schema. Raises InputError
        as `render` does.
        """
        call = self._call(inputs)
        if self.model.provider == "anthropic":
            return anthropic.arguments(call)
        return openai_chat.arguments(call)

    def as_openai_chat(self, /, **inputs: object) -> dict[str, Any]:
        """For `OpenAI().chat.completions.create`, and for servers that take the same.

        `top_k` goes into `extra_body`. No place has an output schema whose root is no object.
        """
        return openai_chat.arguments(self._call(inputs))

    def as_openai_responses(self, /, **inputs: object) -> dict[str, Any]:
        """For `OpenAI().responses.create`.

        No place have `stop`, `seed`, the penalties, `top_k`, and an output schema whose root is no
        object.
        """
        return openai_responses.arguments(self._call(inputs))

    def as_anthropic(self, /, **inputs: object) -> dict[str, Any]:
        """For `Anthropic().messages.create`; `max_tokens` is 1024 where the manifest names none.

        `temperature`, `top_p` and `top_k` go into `extra_body`. No place have `seed`, the
        penalties, and an output schema that is recursive or has open objects.
        """
        return anthropic.arguments(self._call(inputs))

    def as_litellm(self, /, **inputs: object) -> dict[str, Any]:
        """For `litellm.completion`; the model is `provider/id`.

        No place has an output schema whose root is no object.
        """
        return litellm.arguments(self._call(inputs))

    def parse(self, text: str) -> Any:
        """The value of a model's answer, read as JSON and checked against the output schema.

        Raises AnswerError with `path` and `reason` of the first thing that does not fit, UsageError
        when this release has no output schema.
        """
        return self._answers(text)

    def _call(self, inputs: Mapping[str, object]) -> Call:
        messages = self._render(inputs)
        return call_of(self.unit, self.model, self.params, self.tools, self.output_schema, messages)


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
        tools=release.tools,
        output_schema=release.output_schema,
        _render=WatchedRenderer(Renderer(release, on_unknown), seen),
        _answers=Answers(release.unit, release.output_schema),
    )
