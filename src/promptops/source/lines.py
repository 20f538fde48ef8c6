"""Findings with the lines that they are about: all text passes here that findings show."""

from collections.abc import Iterable
from dataclasses import replace

from promptops.finding import Finding
from promptops.source.secrets import check_secrets, masked, secrets_of, without
from promptops.source.tree import Tree


def with_lines(
    findings: Iterable[Finding],
    files: Iterable[tuple[str, bytes]],
    tree: Tree,
    *,
    tell_secrets: bool = False,
) -> list[Finding]:
    """Findings with their lines, which come from a commit as well as a disk.

    What they quote of a secret is covered; those about the secrets themselves join them where
    `tell_secrets` asks for it.
    """
    found = list(findings)
    if not found and not tell_secrets:
        return []
    texts = {
        tree.shown(path): data.decode("utf-8-sig", "replace").replace("\r\n", "\n")
        for path, data in files
    }
    secrets = {file: some for file, text in texts.items() if (some := secrets_of(text))}
    if secrets:
        values = [texts[file][one.start : one.end] for file in secrets for one in secrets[file]]
        found = [without(finding, values) for finding in found]
        for file, some in secrets.items():
            found += check_secrets(texts[file], file, some) if tell_secrets else ()
            texts[file] = masked(texts[file], some)
    if not found:
        return found
    lines = {file: text.split("\n") for file, text in texts.items()}
    return [
        replace(finding, source=_line(lines[finding.file], finding.place.line))
        if finding.file in lines
        else finding
        for finding in found
    ]


def _line(lines: list[str], number: int) -> str:
    return lines[number - 1] if number <= len(lines) else ""
