"""A reason of several lines: no line of it begins one of ours, which a runner would obey."""

import pytest

from tests.cli.projects import Project, short

PLACE = ("--env", "production")
REASON = "too brief\n::error::x\n##[error]y"


@pytest.fixture
def held(deployed_twice: Project) -> Project:
    """What is live is held, and the release before it is live."""
    back = ("rollback", "greeter", *PLACE, "--reason", REASON)
    assert deployed_twice.here(*back).code == 0
    return deployed_twice


@pytest.mark.parametrize(
    "command",
    [
        ("deploy", "greeter"),
        ("deploy", "--all"),
        ("plan",),
        ("history",),
        ("status",),
        ("rollback", "greeter"),
        ("rollback", "greeter", "--to", "2"),
        ("hold", "greeter", "LIVE", "--reason", REASON),
    ],
    ids=" ".join,
)
def test_a_reason_stays_in_its_line(held: Project, command: tuple[str, ...]) -> None:
    live = short(held.digest("greeter", commit="HEAD~1"))
    done = held.here(*(live if word == "LIVE" else word for word in command), *PLACE)
    said = done.out + done.err
    assert said
    assert not [line for line in said.splitlines() if line.lstrip().startswith("::")]
    assert "##[" not in said
