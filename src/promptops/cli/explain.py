"""explain: what a code means, why it is there, and what to write."""

from importlib.resources import files

import click

from promptops.cli.options import output_option
from promptops.cli.output import emit, table
from promptops.closest import closest
from promptops.errors import UsageError
from promptops.source.severity import nearest_code

_PAGES = files("promptops").joinpath("explain")


@click.command()
@click.argument("code", required=False)
@output_option
def explain(code: str | None, output: str) -> None:
    """Print the page of a code, a word in brackets, a client's state or an exception: what it
    means, why, and what to do.

    Without CODE all codes are listed.

    \b
    promptops explain E302
    promptops explain held
    promptops explain
    """
    titles = _titles()
    if code is None:
        emit(output, titles, table(list(titles.items())))
        return
    known = _known(code, titles)
    page = _PAGES.joinpath(f"{known}.md").read_text("utf-8").rstrip()
    emit(output, {"code": known, "title": titles[known], "page": page}, page)


def _titles() -> dict[str, str]:
    """The first line of every page, by code."""
    found = {}
    for page in sorted(_PAGES.iterdir(), key=lambda item: item.name.removesuffix(".md")):
        if page.name.endswith(".md"):
            first = page.read_text("utf-8").partition("\n")[0]
            found[page.name.removesuffix(".md")] = first.partition(": ")[2]
    return found


def _known(code: str, titles: dict[str, str]) -> str:
    given = code.strip("[] ")
    names = {_plain(title): title for title in titles}
    if _plain(given) in names:
        return names[_plain(given)]
    close = nearest_code(given)
    if close is None:
        found = closest(_plain(given), names)
        close = found and names[found]
    raise UsageError(
        f"there is no code '{code}'",
        f"did you mean {close}?" if close else "promptops explain lists all",
    )


def _plain(name: str) -> str:
    """NotReady is raised by a client that is NOT_READY: one page has both."""
    return name.casefold().replace("_", "")
