"""What counts as one version, and what as a name that floats."""

import pytest

from promptops.source.pins import is_pinned


@pytest.mark.parametrize(
    "version",
    [
        "2024-07-18",
        "20250929",
        "0613",
        "2411",
        "gpt-4o-mini-2024-07-18",
        "gemini-2.0-flash-001",
        "1.10",
        "v2",
        "3",
        "anthropic.claude-v2:1",
        "a3f9c21",
    ],
)
def test_a_date_a_number_or_a_commit_pins_a_version(version: str) -> None:
    assert is_pinned(version)


@pytest.mark.parametrize(
    "version",
    ["gpt-4o", "gpt-4", "claude-3-opus", "llama-3-8b", "o3", "sonnet", "mistral-large", "defaced"],
)
def test_a_family_of_models_is_no_version(version: str) -> None:
    assert not is_pinned(version)
