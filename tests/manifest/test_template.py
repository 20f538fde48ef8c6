"""Templates: `{{ name }}` and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptops.manifest.template import TemplateError, compile_template


def filled(text: str, **values: str) -> str:
    parts = compile_template(text).parts
    return "".join(values[part] if index % 2 else part for index, part in enumerate(parts))


def kinds(text: str) -> list[tuple[str, int]]:
    with pytest.raises(TemplateError) as error:
        compile_template(text)
    return [(problem.kind, problem.offset) for problem in error.value.problems]


def test_a_slot_is_filled_with_and_without_spaces() -> None:
    assert filled("{{a}} {{ a }} {{\ta  }}", a="x") == "x x x"


def test_names_are_listed_once_in_the_order_of_first_use() -> None:
    assert compile_template("{{ b }}{{ a }}{{ b }}").names == ("b", "a")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no slots",
        "{",
        "}",
        "{ a }",
        '{"a": {"b": {"c": 1}}}',
        '{"a": {"b": 1}}',
        "function() { if (a) { return {} } }",
        "a { b } c } d",
        "line\r\nbreaks\n",
    ],
)
def test_single_braces_are_literal_as_in_json(text: str) -> None:
    assert filled(text) == text


def test_escaped_braces_are_literal_double_braces() -> None:
    assert filled(r"\{{ a \}} {{ a }}", a="x") == "{{ a }} x"


def test_a_backslash_elsewhere_stays() -> None:
    assert filled(r"C:\dir \{a} \n", a="") == r"C:\dir \{a} \n"


def test_the_last_two_of_three_braces_open_the_slot() -> None:
    assert filled("{{{ a }}}", a="x") == "{x}"
    assert filled('{"team": {{{ a }}}}', a="x") == '{"team": {x}}'


def test_json_around_a_slot_keeps_its_braces() -> None:
    assert filled('{"a": {"b": "{{ a }}"}}', a="x") == '{"a": {"b": "x"}}'


def test_values_are_never_scanned_again() -> None:
    hostile = "{{ b }} {x.__class__} \\{{ }}"
    assert filled("{{ a }}-{{ b }}", a=hostile, b="y") == f"{hostile}-y"


@pytest.mark.parametrize(
    ("text", "offset"),
    [("{{ a", 0), ("x {{ a }", 2), ("}}", 0), ("{{ a }} }}", 8), ("a }} b", 2)],
)
def test_unbalanced_braces_are_found_where_they_stand(text: str, offset: int) -> None:
    assert kinds(text) == [("unbalanced", offset)]


@pytest.mark.parametrize(
    "inside",
    [
        "a.b",
        "a[0]",
        "f()",
        "a | upper",
        "for x in y",
        "x.__class__",
        "cycler.__init__",
        "1a",
        "a b",
        "",
        "ä",
        "a-b",
        "a\nb",
    ],
)
def test_an_expression_is_no_slot(inside: str) -> None:
    assert kinds(f"ok {{{{ {inside} }}}}") == [("expression", 3)]


def test_every_problem_is_reported_with_its_width() -> None:
    with pytest.raises(TemplateError) as error:
        compile_template("{{ a.b }} {{ ok }} {{ }} {{ open")
    found = [(problem.kind, problem.offset, problem.width) for problem in error.value.problems]
    assert found == [("expression", 0, 9), ("expression", 19, 5), ("unbalanced", 25, 2)]


@given(st.text(alphabet="{}\\ ab\n"))
def test_any_text_is_a_template_or_has_problems(text: str) -> None:
    try:
        problems = []
        parts = compile_template(text).parts
    except TemplateError as error:
        problems, parts = error.problems, ("",)
    assert len(parts) % 2 == 1
    assert all(0 <= problem.offset < len(text) for problem in problems)


@given(st.text())
def test_any_value_comes_out_verbatim(value: str) -> None:
    assert filled("<{{ a }}>", a=value) == f"<{value}>"
