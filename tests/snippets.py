"""The snippets of the documentation, word for word."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def snippets(page: str, chapter: str = "", language: str = "python") -> list[str]:
    text = (DOCS / page).read_text("utf-8")
    if chapter:
        text = text.partition(f"\n## {chapter}\n")[2].partition("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
