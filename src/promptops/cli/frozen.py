"""What is said about a freeze: the same in status, plan and gate."""

from promptops.cli import suggested
from promptops.cli.output import in_line
from promptops.live.freezing import why
from promptops.live.records import Freeze


def frozen_lines(freeze: Freeze | None, environment: str) -> list[str]:
    """That nothing but a rollback passes, and how that ends; nothing where nothing is frozen."""
    if freeze is None:
        return []
    end = suggested.command("unfreeze", *suggested.where(environment))
    return [in_line(f"{why(freeze)}; to end that: {end}")]
