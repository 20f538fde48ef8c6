"""An editor shows mistakes where they are, offers what fits, and explains what stands there."""

import json
from pathlib import Path
from typing import Any

import pytest

from promptops.source.shipped import schema_text
from tests.editors.language_server import LanguageServer

MANIFEST = "manifests/*/manifest.yaml"
SCHEMA = json.loads(schema_text("manifest"))
PROJECT_SCHEMA = json.loads(schema_text("project"))


@pytest.fixture
def manifest(editor: LanguageServer) -> str:
    """The first unit's, as init wrote it."""
    return (editor.root / "manifests/hello/manifest.yaml").read_text("utf-8")


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


@pytest.mark.parametrize("path", ["manifests/hello/manifest.yaml", "promptops.yaml"])
def test_what_init_writes_has_no_mistakes(editor: LanguageServer, path: str) -> None:
    assert editor.diagnostics(path, (editor.root / path).read_text("utf-8")) == {}


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("temperature: 0.2", "temprature: 0.2", "temprature is not allowed"),
        ("temperature: 0.2", "temperature: 7", "maximum of 2"),
        ("role: user", "role: usr", "Valid values"),
        ("apiVersion: promptops/v1", "apiVersion: promptops/v2", "promptops/v1"),
        ("type: string", "type: text", "Valid values"),
    ],
)
def test_a_mistake_is_shown_at_its_line(
    editor: LanguageServer, manifest: str, right: str, wrong: str, says: str
) -> None:
    text = manifest.replace(right, wrong)
    found = editor.diagnostics(MANIFEST, text)
    assert list(found) == [line_of(text, wrong)]
    assert says in " ".join(found[line_of(text, wrong)])


def test_the_settings_of_init_find_the_schema_without_a_line_that_names_it(
    editor: LanguageServer, manifest: str
) -> None:
    text = manifest.partition("\n")[2].replace("owners:", "owner:")
    assert (
        "Property owner is not allowed."
        in editor.diagnostics(MANIFEST, text)[line_of(text, "owner:")]
    )


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("¦", set(SCHEMA["properties"])),
        ("model:\n  ¦", {"provider", "id", "version"}),
        ("params:\n  ¦", {"temperature", "top_p", "max_tokens", "stop", "reasoning_effort"}),
        ("params:\n  reasoning_effort: ¦", {"none", "minimal", "low", "medium", "high"}),
        ("prompt:\n  messages:\n    - role: ¦", {"system", "developer", "user", "assistant"}),
        ("inputs:\n  question:\n    type: ¦", {"string", "integer", "number", "boolean"}),
        ("environments:\n  staging:\n    params:\n      ¦", {"temperature", "max_tokens"}),
    ],
)
def test_keys_and_values_are_offered(
    editor: LanguageServer, manifest: str, text: str, offered: set[str]
) -> None:
    modeline = manifest.partition("\n")[0] + "\n"
    assert offered <= set(editor.completion(MANIFEST, modeline + text))


def test_the_project_file_is_explained_too(editor: LanguageServer) -> None:
    text = (editor.root / "promptops.yaml").read_text("utf-8")
    # Beside the real one, where the line that names the schema fits as well.
    shown = editor.hover("*.yaml", text.replace("manifests:", "¦manifests:"))
    assert PROJECT_SCHEMA["properties"]["manifests"]["description"] in shown


@pytest.mark.parametrize(
    ("word", "described"),
    [
        ("name:", SCHEMA["properties"]["name"]),
        ("owners:", SCHEMA["properties"]["owners"]),
        ("provider:", SCHEMA["properties"]["model"]["properties"]["provider"]),
        ("temperature:", SCHEMA["properties"]["params"]["properties"]["temperature"]),
    ],
)
def test_what_stands_there_is_explained_in_the_words_of_the_schema(
    editor: LanguageServer, manifest: str, word: str, described: dict[str, Any]
) -> None:
    shown = editor.hover(MANIFEST, manifest.replace(word, f"¦{word}", 1))
    assert described["title"] in shown
    assert described["description"] in shown


def test_the_manifests_of_this_project_have_no_mistakes(installed: None) -> None:
    root = Path(__file__).parents[2]
    server = LanguageServer(root, {"yaml": {"validate": True, "schemaStore": {"enable": False}}})
    try:
        for manifest in root.glob("manifests/*/manifest.yaml"):
            path = str(manifest.relative_to(root))
            assert server.diagnostics(path, manifest.read_text("utf-8")) == {}, path
    finally:
        server.end()
