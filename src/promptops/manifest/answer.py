"""An answer of the model: its text read as JSON and checked against the release's output schema."""

import json
from typing import Any, NoReturn

from promptops.errors import AnswerError, UsageError
from promptops.manifest.answer_schema import AnswerSchema, UnknownKeyword
from promptops.manifest.assertions import Failure, Path
from promptops.manifest.document import Frozen, thaw


class Answers:
    """Reads the answers of one release; its schema is taken in with the first."""

    __slots__ = ("_output_schema", "_schema", "_unit")

    def __init__(self, unit: str, output_schema: Frozen) -> None:
        self._unit = unit
        self._output_schema = output_schema
        self._schema: AnswerSchema | None = None

    def __call__(self, text: str) -> Any:
        """The answer's value. Raises AnswerError, or UsageError when answers cannot be checked."""
        schema = self._schema = self._schema or self._taken_in()
        if not isinstance(text, str):
            # A model that calls a tool, or refuses, answers without a text.
            reason = f"is no text but {type(text).__name__}"
            raise AnswerError(f"the answer to {self._unit} {reason}", reason=reason)
        try:
            value = json.loads(text, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise self._no_json(text, error) from error
        try:
            failure = next(schema.failures(value), None)
        except RecursionError:
            failure = ((), "is nested too deep to be checked")
        if failure is not None:
            raise self._other(failure)
        return value

    def _taken_in(self) -> AnswerSchema:
        if self._output_schema is None:
            raise UsageError(
                f"this release of {self._unit} has no output schema: its answer is free text",
                "use the text as it is, or add output.schema to the manifest",
            )
        try:
            return AnswerSchema(thaw(self._output_schema))
        except UnknownKeyword as error:
            raise UsageError(
                f"{self._unit}: {error}", "say it in the output schema by other keywords"
            ) from error

    def _no_json(self, text: str, error: Exception) -> AnswerError:
        if isinstance(error, json.JSONDecodeError):
            reason = f"is no JSON: {error.msg}, line {error.lineno} column {error.colno}"
        elif isinstance(error, RecursionError):
            reason = "is no JSON that can be read: it is nested too deep"
        else:
            reason = f"is no JSON that can be read: {str(error).partition(';')[0]}"
        fenced = text.lstrip().startswith("```")
        hint = "it stands in a code fence: ask for bare JSON in the prompt" if fenced else ""
        return AnswerError(f"the answer to {self._unit} {reason}", hint, reason=reason)

    def _other(self, failure: Failure) -> AnswerError:
        path, reason = failure
        where = f"{_shown(path)} " if path else ""
        return AnswerError(
            f"the answer to {self._unit} does not fit its schema: {where or 'it '}{reason}",
            path=path,
            reason=reason,
        )


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


def _shown(path: Path) -> str:
    """As one would write it after the answer: `items[0].team`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")
