"""Prometheus: the text for `/metrics`, without a dependency.

>>> Response(metrics(client), media_type=CONTENT_TYPE)
"""

from promptops.client.client import Client
from promptops.integrations.figures import Figure, figures

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def metrics(client: Client) -> str:
    """All figures of a client, and `promptops_unit_info` with the digest of each unit."""
    status = client.status()
    where = f'environment="{_quoted(status.environment)}"'
    lines: list[str] = []
    for figure in figures(client):
        name = _name(figure)
        lines += [f"# HELP {name} {figure.help}", f"# TYPE {name} {figure.kind}"]
        lines.append(f"{name}{{{where}}} {figure.value:.17g}")
    info = "promptops_unit_info"
    lines += [f"# HELP {info} Release that a unit is served as", f"# TYPE {info} gauge"]
    for unit, digest in sorted(status.units.items()):
        lines.append(f'{info}{{{where},unit="{_quoted(unit)}",digest="{_quoted(digest)}"}} 1')
    return "\n".join(lines) + "\n"


def _name(figure: Figure) -> str:
    ending = "_seconds" if figure.unit == "s" else ""
    return f"promptops_{figure.name}{ending}{'_total' if figure.kind == 'counter' else ''}"


def _quoted(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
