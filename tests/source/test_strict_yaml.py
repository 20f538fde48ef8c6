"""Values and places that come out of YAML; what is refused stands in tests/bad."""

from typing import Any

import pytest

from promptops.finding import Place
from promptops.source.document import Document
from promptops.source.strict_yaml import read_yaml


def document_of(text: str) -> Document:
    document, findings = read_yaml(text, "file.yaml")
    assert document is not None
    assert not findings
    return document


def value_of(scalar: str) -> Any:
    return document_of(f"key: {scalar}\n").value["key"]


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-7", -7),
        ("9007199254740991", 2**53 - 1),
        ("0.2", 0.2),
        ("1e3", 1000.0),
        ("-1.5E-2", -0.015),
        ("-0", 0),
        ("-0.0", 0),
    ],
)
def test_what_json_knows_is_no_text(scalar: str, value: object) -> None:
    read = value_of(scalar)
    assert read == value
    assert type(read) is type(value) or read == 0
    assert str(read) != "-0.0"


@pytest.mark.parametrize(
    "scalar",
    [
        "True",
        "TRUE",
        "False",
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
        "NULL",
        "Null",
        "2026-11-01",
        "2024-07-18T10:00:00Z",
        "12:30",
        "22:22",
        "190:20:30",
        "+1",
        ".5",
        "1.",
        "0x1F",
        "0o17",
        "0b1",
        "1_000",
        "1,000",
        "1e",
        "1.e3",
        "--",
        "=",
        "<<",
        "inf",
        "NaN",
        ".infinity",
        "é1",
    ],
)
def test_everything_else_is_the_text_that_was_written(scalar: str) -> None:
    assert value_of(scalar) == scalar


@pytest.mark.parametrize("scalar", ["'true'", '"true"', "'1.10'", '"null"', "'0755'", "'.nan'"])
def test_quotes_make_text(scalar: str) -> None:
    assert value_of(scalar) == scalar[1:-1]


def test_a_zero_is_never_negative() -> None:
    assert str(value_of("-0.0")) == "0"
    assert str(value_of("-0")) == "0"


NESTED = """\
# a comment
model:
  id: gpt   # behind
  version: "1.10"
list: [a, {b: 2}]
text: |
  Say {{ a }}
  and {{ b }} {{ a }}
empty:
written: ~
"""


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ((), Place(2, 1, 6)),
        (("model",), Place(3, 3, 18)),
        (("model", "id"), Place(3, 7, 3)),
        (("model", "version"), Place(4, 12, 6)),
        (("list", 1), Place(5, 11, 6)),
        (("list", 1, "b"), Place(5, 15, 1)),
        (("list", 9, "b"), Place(5, 7, 11)),
        (("text",), Place(6, 7, 1)),
        (("empty",), Place(9, 7, 1)),
        (("nowhere", "at", "all"), Place(2, 1, 6)),
    ],
)
def test_every_value_keeps_its_place(path: tuple[str | int, ...], place: Place) -> None:
    assert document_of(NESTED).place(path) == place


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("model",), Place(2, 1, 5)),
        (("model", "version"), Place(4, 3, 7)),
        (("list", 1, "b"), Place(5, 12, 1)),
        (("list", 1), Place(5, 11, 6)),
    ],
)
def test_every_key_keeps_its_place(path: tuple[str | int, ...], place: Place) -> None:
    assert document_of(NESTED).key_place(path) == place


def test_a_value_is_shown_as_it_was_spelled() -> None:
    document = document_of(NESTED)
    assert document.raw(("model", "version")) == '"1.10"'
    assert document.raw(("list", 1)) == "{b: 2}"


def test_an_empty_value_is_told_from_a_null_that_was_written() -> None:
    document = document_of(NESTED)
    assert document.is_empty(("empty",))
    assert not document.is_empty(("written",))
    assert list(document.empty_paths()) == [("empty",)]


@pytest.mark.parametrize(
    "spelled",
    [
        '"Say {{ a }}\\nand {{ b }} {{ a }}"',
        "'Say {{ a }}\n\n  and {{ b }} {{ a }}'",
        "Say {{ a }}\n\n  and {{ b }} {{ a }}",
        "|-\n  Say {{ a }}\n  and {{ b }} {{ a }}",
        ">-\n  Say {{ a }}\n\n  and {{ b }} {{ a }}",
    ],
)
def test_a_part_of_a_text_is_found_in_the_file_in_every_style(spelled: str) -> None:
    document = document_of(f"text: {spelled}\n")
    value = document.value["text"]
    assert value == "Say {{ a }}\nand {{ b }} {{ a }}"
    for number, offset in enumerate([4, 16, 24]):
        place = document.inside(("text",), offset, 7)
        line = document.text.split("\n")[place.line - 1]
        assert line[place.column - 1 :].startswith(value[offset : offset + 7])
        assert document.text[: _offset(document.text, place)].count("{{") == number


def _offset(text: str, place: Place) -> int:
    lines = text.split("\n")[: place.line - 1]
    return sum(len(line) + 1 for line in lines) + place.column - 1


def test_columns_count_characters_and_not_bytes() -> None:
    assert document_of("é: {ü: 😀😀, x: 1}\n").place(("é", "x")) == Place(1, 15, 1)
