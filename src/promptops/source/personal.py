"""Personal data in few-shot examples: what customers wrote must not be sent with every request."""

import re
from collections.abc import Iterator

# Names that are reserved for examples belong to nobody (RFC 2606), and so do the numbers 555-01xx.
_NOBODYS = re.compile(r"(?i)@(?:[\w-]+\.)*(?:example(?:\.[a-z]+)?|[\w-]+\.(?:test|invalid|local))$")
_EMAIL = re.compile(
    r"(?<![\w.+-])[\w+-][\w.+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,5}[A-Za-z]{2,24}\b"
)
_IBAN = re.compile(r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_PHONE = re.compile(
    r"(?<![\w+.-])(?:\+[1-9][0-9]{0,2}[ ./-]?(?:\(0?[0-9]{0,4}\)[ ./-]?)?"
    r"[0-9](?:[ ./-]?[0-9]){6,12}"
    r"|\([2-9][0-9]{2}\) ?[0-9]{3}[-. ][0-9]{4}|[2-9][0-9]{2}-[2-9][0-9]{2}-[0-9]{4})(?![\w-])"
)


def personal_data_in(text: str) -> Iterator[tuple[str, int, int]]:
    """What it looks like, offset and width of everything that may belong to a person."""
    if "@" in text:
        for match in _EMAIL.finditer(text):
            if not _NOBODYS.search(match[0]):
                yield "an e-mail address", match.start(), len(match[0])
    for match in _IBAN.finditer(text):
        if _is_iban(match[0]):
            yield "an IBAN", match.start(), len(match[0])
    for match in _PHONE.finditer(text):
        if "55501" not in re.sub(r"[^0-9]", "", match[0]):
            yield "a phone number", match.start(), len(match[0])


def _is_iban(text: str) -> bool:
    """Whether the check digits fit (ISO 7064, mod 97): other codes look like IBANs too."""
    plain = text.replace(" ", "")
    digits = "".join(str(int(mark, 36)) for mark in plain[4:] + plain[:4])
    return 15 <= len(plain) <= 34 and int(digits) % 97 == 1
