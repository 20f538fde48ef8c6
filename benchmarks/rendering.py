"""`render` of the prompt against Jinja2, compiled beforehand, and Langfuse's `compile`."""

from collections.abc import Iterator

import jinja2  # type: ignore[import-not-found, unused-ignore]

from benchmarks.reading import ready_client
from benchmarks.rounds import alternate, loop
from benchmarks.servers import langfuse_sdk
from benchmarks.table import Bound, Row
from benchmarks.unit import TEXT, UNIT, VALUES

ROUNDS = 301
TIMES = 100


def rows() -> Iterator[Row]:
    # Jinja2's autoescape is for HTML; it would change the text and cost it time.
    environment = jinja2.Environment(keep_trailing_newline=True, autoescape=False)  # noqa: S701
    template = environment.from_string(TEXT)
    with ready_client() as (client, _), langfuse_sdk(UNIT, TEXT) as langfuse:
        live = client.get(UNIT)
        prompt = langfuse.get_prompt(UNIT, type="chat")
        messages = live.render(**VALUES)
        if prompt.compile(**VALUES) != messages:
            raise RuntimeError("Langfuse renders another text")
        if template.render(**VALUES) != messages[0]["content"]:
            raise RuntimeError("Jinja2 renders another text")
        what = f"`render`, {TEXT.count(chr(10))} lines with {len(VALUES)} slots"
        ours = loop("live.render(**values)", {"live": live, "values": VALUES}, TIMES)
        yield Row(
            what,
            "Jinja2, compiled beforehand",
            alternate(
                ours,
                loop("template.render(**values)", {"template": template, "values": VALUES}, TIMES),
                ROUNDS,
            ),
            Bound(3, faster=True),
        )
        yield Row(
            what,
            "Langfuse SDK, `compile`",
            alternate(
                ours,
                loop("prompt.compile(**values)", {"prompt": prompt, "values": VALUES}, TIMES),
                ROUNDS,
            ),
            Bound(6, faster=True),
        )
