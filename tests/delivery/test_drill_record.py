"""What is kept of a drill, and when it is too old to rely on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from promptops.delivery.drill.record import Record, kept, warning

AT = datetime(2026, 11, 20, 10, tzinfo=UTC)
RECORD = Record(
    at="2026-11-20T10:00:00.000Z",
    actor="Ada <ada@example.com>",
    clients=20,
    units=3,
    forward_seconds=0.4,
    back_seconds=0.5,
    slowest=0.1,
    confirmed=20,
    version="0.1.0",
)
FAILED = replace(RECORD, back_seconds=None, slowest=None, confirmed=17)


@pytest.mark.parametrize("record", [RECORD, FAILED])
def test_a_record_is_read_as_it_was_written(record: Record) -> None:
    assert kept({"~drill": record.to_json(), "greeter": "{}"}) == record


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "null",
        "[" * 100_000,
        RECORD.to_json().replace("20,", '"20",', 1),
        RECORD.to_json().replace("0.4", "true"),
        RECORD.to_json().replace("0.4", "NaN"),
        RECORD.to_json().replace("0.4", "1e999"),
        RECORD.to_json().replace("2026-11-20T10:00:00.000Z", "yesterday"),
        RECORD.to_json().replace("2026-11-20T10:00:00.000Z", "2026-11-20T10:00:00"),
    ],
)
def test_what_somebody_else_wrote_is_no_record(text: str) -> None:
    assert kept({"~drill": text}) is None


@pytest.mark.parametrize("protected", [True, False])
@pytest.mark.parametrize(
    ("days", "said"), [(0, ""), (90, ""), (91, "the last drill is 91 days old"), (-1, "")]
)
def test_a_drill_is_good_for_ninety_days(days: int, said: str, protected: bool) -> None:
    assert warning(RECORD, AT + timedelta(days=days), protected=protected) == said


def test_a_protected_environment_wants_one() -> None:
    assert warning(None, AT, protected=True) == "the way back was never drilled"
    assert warning(None, AT, protected=False) == ""


def test_a_drill_that_failed_is_no_evidence() -> None:
    assert warning(FAILED, AT, protected=False) == (
        "the last drill failed: 17 of 20 clients confirmed, 2026-11-20T10:00:00.000Z"
    )
