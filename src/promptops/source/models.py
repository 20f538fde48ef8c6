"""When models end: `model.retires` of a manifest, and `models.yaml` of the project."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from promptops.finding import Finding, Place
from promptops.source.complaints import dotted, shown
from promptops.source.document import Document, Path
from promptops.source.merged import Merged
from promptops.source.strict_yaml import read_yaml
from promptops.source.text import MAX_BYTES, read_text
from promptops.source.tree import FileRefused, Tree

MODELS_FILE = "models.yaml"
SOON = timedelta(days=30)
Catalogue = tuple[tuple[str, date], ...]  # model ids and their last days; other processes take it

_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_RETIRES: Path = ("model", "retires")
_ID: Path = ("model", "id")
_LAYERS = ("safe", "environments", "model")  # the topmost first


def read_catalogue(tree: Tree) -> tuple[Catalogue, list[Finding], bytes]:
    """The dates of `models.yaml` beside the project file, what is wrong there, and its bytes.

    All are empty where there is no such file.
    """
    if all(entry.name != MODELS_FILE for entry in tree.list(".")):
        return (), [], b""
    shown_as = tree.shown(MODELS_FILE)
    try:
        data = tree.read(MODELS_FILE, MAX_BYTES)
    except FileRefused as refused:
        return (), [Finding(refused.code, shown_as, Place(), refused.message, refused.hint)], b""
    text, findings = read_text(data, shown_as, "list of models")
    document = None
    if text is not None:
        document, found = read_yaml(text, shown_as)
        findings += found
    if document is None:
        return (), findings, data
    for model in document.value:
        findings += _problems(document, (model,))
    dates = ((model, date_of(written)) for model, written in document.value.items())
    return tuple((model, day) for model, day in dates if day is not None), findings, data


def check_dates(document: Document) -> Iterator[Finding]:
    """Dates of a manifest that are none (E213)."""
    environments = document.get(("environments",))
    names = environments if isinstance(environments, dict) else ()
    for layer in [(), ("safe",), *(("environments", name) for name in names)]:
        if isinstance(document.get((*layer, *_RETIRES)), str):
            yield from _problems(document, (*layer, *_RETIRES))


def date_of(written: Any) -> date | None:
    """The date that a text is as YYYY-MM-DD; None for anything else."""
    if not isinstance(written, str) or not _DATE.fullmatch(written):
        return None
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None


def retirement_of(merged: Merged, catalogue: Catalogue) -> tuple[date, Path] | None:
    """When the model of a manifest ends, and the path that says so or names the model.

    A date in the manifest goes before the catalogue's, unless it is that of another model: one
    that an overlay has replaced.
    """
    model = merged.value.get("model")
    model = model if isinstance(model, dict) else {}
    own = date_of(model.get("retires"))
    said_in, named_in = (_LAYERS.index(str(merged.origin(path)[0])) for path in (_RETIRES, _ID))
    if own is not None and said_in <= named_in:
        return own, _RETIRES
    listed = dict(catalogue).get(str(model.get("id")))
    return None if listed is None else (listed, _ID)


def check_retirement(merged: Merged, catalogue: Catalogue, today: date) -> Iterator[Finding]:
    """A model that has ended (E226), or that ends within 30 days (W228)."""
    found = retirement_of(merged, catalogue)
    if found is None or found[0] > today + SOON:
        return
    day, path = found
    said = f"the model {shown(merged.value['model'].get('id'))}"
    by = "" if path == _RETIRES else f", says {MODELS_FILE}"
    hint = "take a model that is served, or correct the date"
    if day < today:
        message = f"{said} was retired on {day}{by}: calls of it fail"
        yield Finding("E226", merged.file, merged.place(path), message, hint)
        return
    days = (day - today).days
    when = "today" if not days else "tomorrow" if days == 1 else f"in {days} days"
    message = f"{said} is retired on {day}, {when}{by}"
    yield Finding("W228", merged.file, merged.place(path), message, hint)


def _problems(document: Document, path: Path) -> Iterator[Finding]:
    written = document.get(path)
    if date_of(written) is None:
        message = f"{dotted(path)} is {shown(written)}, which is no date"
        hint = "write the last day of the model as YYYY-MM-DD, such as '2027-03-31'"
        yield Finding("E213", document.file, document.place(path), message, hint)
