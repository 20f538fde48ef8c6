"""The shipped schemas, checked over documents with places."""

from pathlib import Path

import pytest

from promptops.source.document import Document
from promptops.source.schema import check_schema
from promptops.source.strict_yaml import read_yaml

ROOT = Path(__file__).parents[2]
GOLDEN = sorted(path.parent for path in (ROOT / "tests" / "golden").glob("*/manifest.yaml"))


def document_of(path: Path) -> Document:
    document, _ = read_yaml(path.read_text("utf-8"), path.name)
    assert document is not None
    return document


@pytest.mark.parametrize("folder", GOLDEN, ids=lambda folder: folder.name)
def test_nothing_is_said_about_good_manifests(folder: Path) -> None:
    assert check_schema(document_of(folder / "manifest.yaml"), "manifest") == []


def test_the_project_file_has_a_schema_of_its_own() -> None:
    assert check_schema(document_of(ROOT / "promptops.yaml"), "project") == []
    bad, _ = read_yaml("apiVersion: promptops/v1\nenvironments: {local: {create: yes}}\n", "p.yaml")
    assert bad is not None
    found = {finding.code: finding.place.column for finding in check_schema(bad, "project")}
    assert found == {"E202": 32, "E211": 23}
