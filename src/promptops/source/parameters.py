"""Parameters that the call of the manifest's provider does not know."""

from collections.abc import Iterator

from promptops.finding import Finding
from promptops.manifest.parameters import unknown_to
from promptops.source.complaints import Placed


def check_parameters(document: Placed) -> Iterator[Finding]:
    """The app's request leaves them out, so the author believes in what never arrives."""
    model, params = (document.value.get(part) for part in ("model", "params"))
    provider = model.get("provider") if isinstance(model, dict) else None
    if not isinstance(provider, str) or not isinstance(params, dict):
        return
    for name in unknown_to(provider, params):
        said = f"params.{name} is unknown to {provider}: a request leaves it out"
        hint = f"delete {name}, or send what {provider} calls it in extra_body"
        yield Finding("W226", document.file, document.key_place(("params", name)), said, hint)
