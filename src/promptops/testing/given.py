"""What a test gives as a release: a text, a file, or a whole release."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from promptops.client.live import LiveRelease, UnknownInputs, live_release
from promptops.errors import UsageError
from promptops.manifest.canonical import canonical_bytes
from promptops.manifest.digest import digest_of
from promptops.manifest.release import API_VERSION, read_release
from promptops.manifest.template import TemplateError, compile_template

MANIFEST = "manifest.yaml"
# As the schema of manifests has it.
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


def check_unit_name(unit: object) -> None:
    """Raises UsageError for what no manifest could be called."""
    if not _NAME.fullmatch(str(unit)):
        raise UsageError(f"{unit!r} is no unit's name", 'write it as "support-triage"')


@dataclass(frozen=True, slots=True)
class Given:
    """Exactly one of them is set; raises UsageError otherwise.

    `text` is the template of one user message, whose slots are inputs of type string. `file` is a
    unit's folder or its manifest, a release as JSON, or a template in any other text file.
    `release` is a release's bytes or document.
    """

    text: str | None = None
    file: str | PathLike[str] | None = None
    release: bytes | Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        given = [name for name in self.__slots__ if getattr(self, name) is not None]
        if len(given) != 1:
            raise UsageError(
                f"a release comes from one of text, file and release; given: "
                f"{' and '.join(given) or 'none'}",
                'write text="…", or file="manifests/UNIT", or release=document',
            )
        for name, kinds in _KINDS.items():
            value = getattr(self, name)
            if value is not None and not isinstance(value, kinds):
                raise UsageError(
                    f"{name} is {type(value).__name__}",
                    f"pass {' or '.join(kind.__name__ for kind in kinds)}",
                )

    def data(self, unit: str, environment: str = "") -> bytes:
        """The bytes of the release; raises PromptopsError for what is none of this unit."""
        if self.text is not None:
            return _from_text(unit, self.text)
        if self.file is not None:
            return _from_file(unit, Path(self.file), environment)
        if isinstance(self.release, bytes):
            return self.release
        return _from_document(self.release)


_KINDS: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "file": (str, PathLike),
    "release": (bytes, Mapping),
}


def compiled(unit: str, data: bytes, revision: int = 0) -> LiveRelease:
    """What a client would make of these bytes."""
    digest = digest_of(data)
    return live_release(read_release(data, digest, unit), digest, revision, UnknownInputs(), set())


def _from_text(unit: str, text: str) -> bytes:
    try:
        names = compile_template(text).names
    except TemplateError as error:
        raise UsageError(f"the text for {unit} is no template: {error}") from error
    return _from_document(
        {
            "apiVersion": API_VERSION,
            "unit": unit,
            "model": {"provider": "openai", "id": "test-model", "version": "test"},
            "params": {},
            "prompt": {
                "id": unit,
                "version": "test",
                "messages": [{"role": "user", "content": text}],
                "examples": [],
            },
            "inputs": {name: {"type": "string"} for name in names},
        }
    )


def _from_file(unit: str, path: Path, environment: str) -> bytes:
    if path.is_dir() or path.name == MANIFEST:
        # YAML, schemas and git, which no other test of an app needs.
        from promptops.delivery.build import InvalidUnits, build_folder  # noqa: PLC0415

        try:
            built = build_folder(path, environment)
        except InvalidUnits as error:
            first = next(each for each in error.findings if each.severity == "error")
            where = f"{first.file}:{first.place.line}:{first.place.column}"
            raise UsageError(
                f"{where}: {first.message} [{first.code}]", first.hint, code=first.code
            ) from error
        if built.unit != unit:
            raise UsageError(f"{path} is the unit {built.unit}, not {unit}")
        return built.data
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or error}",
            "name a unit's folder, a release as JSON, or a text file",
        ) from error
    if path.suffix != ".json":
        return _from_text(unit, text)
    try:
        return _from_document(json.loads(text))
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}") from error


def _from_document(document: Any) -> bytes:
    try:
        return canonical_bytes(document)
    except ValueError as error:
        raise UsageError(f"the release is no JSON document: {error}") from error
