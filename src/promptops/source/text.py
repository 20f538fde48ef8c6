"""Bytes of a manifest, a prompt or a JSON Schema → text, or findings that say why not.

Reviewers approve what they see, and models read what is there: characters that make the two
differ are refused here, before anything is parsed.
"""

import re
from collections.abc import Iterator
from typing import Literal

from promptops.finding import Finding, Place

MAX_BYTES = 256 * 1024
MOST_FINDINGS = 100  # of one kind in one file; who has more needs another tool first

_LFS_POINTER = b"version https://git-lfs.github.com/spec/"

Kind = Literal["manifest", "project file", "prompt", "JSON Schema", "list of models"]

_FORBIDDEN = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff"
_HIDING = "\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f"
_ZERO_WIDTH = (
    "\xad\u034f\u061c\u115f\u1160\u180b-\u180e\u200b-\u200f\u2060-\u2064\u206a-\u206f"
    "\u3164\ufe00-\ufe0f\uffa0\ufff9-\ufffb\U000e0100-\U000e01ef"
)
_SUSPECT = re.compile(f"[{_FORBIDDEN}{_HIDING}{_ZERO_WIDTH}]")
_REFUSED = re.compile(f"[{_FORBIDDEN}]")
_HIDDEN = re.compile(f"[{_HIDING}]")
_INVISIBLE = re.compile(f"[{_ZERO_WIDTH}]")
_DIRECTION_MARKS = "\u200e\u200f\u061c"
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_MARKER = re.compile(r"^[ \t]*(<{7}|>{7}|\|{7})(?=[ \t]|$)", re.MULTILINE)


def read_text(data: bytes, file: str, kind: Kind) -> tuple[str | None, list[Finding]]:
    """The text of a file with LF line ends, and what is to be said about it.

    The text is None when there is no point in reading on. Zero-width characters are looked for in
    prompts only: in a manifest it depends on the value they stand in.
    """
    if len(data) > MAX_BYTES:
        return None, [
            Finding(
                "E102",
                file,
                Place(),
                f"the file has {len(data):,} bytes; the limit is {MAX_BYTES:,}",
                "a prompt this long costs on every call: shorten it or retrieve the long part",
            )
        ]
    if data.startswith(_LFS_POINTER):
        message = f"the {kind} is a pointer of Git LFS, not the file: the model would read that"
        hint = "store it without Git LFS (a commit's files are read as git has them)"
        return None, [Finding("E403", file, Place(), message, hint)]
    text, findings = _decoded(data, file)
    if text is None:
        return None, findings
    if "\r" in text:
        text, found = _line_ends(text, file)
        findings += found
    found = list(_suspects(text, file, in_prompt=kind == "prompt"))
    found += _conflict(text, file)
    findings += found
    if any(finding.code in {"E105", "E108", "E124"} for finding in findings):
        return None, findings
    if not text.strip() or (kind in {"manifest", "project file"} and _only_comments(text)):
        findings.append(_blank(file, kind))
        return None, findings
    return text, findings


def suspects_in(value: str) -> Iterator[tuple[str, int]]:
    """Code (E105, E106 or W106) and offset of every character that must not be in a string.

    A carriage return may be in a value, written as an escape: some stop sequences need it. W106
    stands for zero-width characters outside the emoji and scripts that are spelled with them.
    """
    right_to_left = _RIGHT_TO_LEFT.search(value) is not None
    for match in _SUSPECT.finditer(value):
        offset, character = match.start(), match.group()
        if _REFUSED.match(character):
            yield "E105", offset
        elif _HIDDEN.match(character):
            yield "E106", offset
        elif character in _DIRECTION_MARKS and right_to_left:
            continue
        elif not _belongs(value, offset):
            yield "W106", offset


def is_suspect(value: str) -> bool:
    """Whether `suspects_in` has to look closer."""
    return _SUSPECT.search(value) is not None


def describe(code: str, file: str, place: Place, character: str) -> Finding:
    """The finding about one character that must not be there."""
    shown = f"U+{ord(character):04X}"
    if code == "E105":
        if character == "\ufeff":
            shown += " (a byte order mark in mid-file)"
        return Finding(
            code,
            file,
            place,
            f"control character {shown}: nobody sees it, tools cut or split text at it",
            "delete it, or type the text around it anew",
        )
    if _HIDDEN.match(character):
        return Finding(
            code,
            file,
            place,
            f"invisible character {shown} can hide text from reviewers that the model still reads",
            "delete it",
        )
    return Finding(
        code,
        file,
        place,
        f"zero-width character {shown}: two texts that look the same are not the same",
        "delete it",
    )


def place_at(text: str, offset: int, width: int = 1) -> Place:
    """The place of a character offset in a text with LF line ends."""
    return Place(
        text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset), max(1, width)
    )


def _decoded(data: bytes, file: str) -> tuple[str | None, list[Finding]]:
    findings = []
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
        findings.append(
            Finding(
                "E103",
                file,
                Place(),
                "the file begins with a byte order mark, which would become part of the text",
                "save it as UTF-8 without BOM",
            )
        )
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or _every_other_is_nul(data):
        message = "the file is not UTF-8 (looks like UTF-16)"
        return None, [*findings, Finding("E104", file, Place(), message, "save it as UTF-8")]
    try:
        return data.decode(), findings
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        message = f"byte {error.start} of the file is 0x{data[error.start]:02X}: not UTF-8"
        place = place_at(before, len(before))
        return None, [*findings, Finding("E104", file, place, message, "save it as UTF-8")]


def _every_other_is_nul(data: bytes) -> bool:
    """UTF-16 without its mark, as PowerShell writes it: plain letters have a zero byte each."""
    half = len(data) // 2
    if half < 2 or b"\0" not in data:
        return False
    return data[::2].count(0) > half * 0.7 or data[1::2].count(0) > half * 0.7


def _line_ends(text: str, file: str) -> tuple[str, list[Finding]]:
    alone = re.search(r"\r(?!\n)", text)
    if alone is not None:
        place = place_at(text, alone.start())
        message = "a carriage return without a line feed: tools disagree on where the line ends"
        return text, [Finding("E108", file, place, message, "save the file with LF line ends")]
    place = place_at(text, text.index("\r"))
    return text.replace("\r\n", "\n"), [
        Finding(
            "W108",
            file,
            place,
            "line ends are CRLF; they are read as LF",
            "save with LF, or put `* text=auto eol=lf` into .gitattributes",
        )
    ]


def _suspects(text: str, file: str, *, in_prompt: bool) -> Iterator[Finding]:
    if not is_suspect(text):
        return
    line_end = {"E105": -1, "E106": -1, "W106": -1 if in_prompt else len(text)}
    count = 0
    for code, offset in suspects_in(text):
        if offset <= line_end[code]:
            continue
        yield describe(code, file, place_at(text, offset), text[offset])
        end = text.find("\n", offset)
        line_end[code] = len(text) if end < 0 else end
        count += 1
        if count == MOST_FINDINGS:
            return


def _belongs(text: str, offset: int) -> bool:
    """Whether a zero-width character is part of how an emoji or a script is spelled.

    Joiners and variation selectors follow an emoji or a letter of a script that uses them, one at
    a time.
    """
    character = text[offset]
    if not ("\ufe00" <= character <= "\ufe0f" or character in "\u200c\u200d") or offset == 0:
        return False
    before = text[offset - 1]
    if "\ufe00" <= before <= "\ufe0f" and character == "\u200d" and offset > 1:
        before = text[offset - 2]
    if _INVISIBLE.match(before):
        return False
    keycap = text[offset + 1 : offset + 2] == "\u20e3"
    return keycap or "\u0600" <= before < "\u1e00" or before >= "\u203c"


def _conflict(text: str, file: str) -> list[Finding]:
    if "<<<<<<<" not in text and ">>>>>>>" not in text:
        return []
    marker = _MARKER.search(text)
    if marker is None:
        return []
    return [
        Finding(
            "E124",
            file,
            place_at(text, marker.start(1), 7),
            "a merge conflict was left unresolved here",
            "decide which side stays and delete the marker lines",
        )
    ]


def _only_comments(yaml: str) -> bool:
    return all(not line.strip() or line.lstrip().startswith("#") for line in yaml.split("\n"))


def _blank(file: str, kind: Kind) -> Finding:
    if kind == "prompt":
        return Finding(
            "E217",
            file,
            Place(),
            "the prompt is blank: the model would be asked nothing",
            "write the prompt, or remove the message that names this file",
        )
    return Finding("E101", file, Place(), f"the {kind} is empty", "write it, or delete the file")
