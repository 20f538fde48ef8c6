"""Canonical bytes of a release document, by RFC 8785 (JSON Canonicalization Scheme)."""

import rfc8785

from promptops.manifest.document import Json


def canonical_bytes(document: Json) -> bytes:
    """The one spelling of a JSON document.

    Keys are strings, numbers finite, integers within ±2⁵³, and −0 is 0; source reading has made
    sure of that, so a violation here is a defect and raises ValueError.
    """
    return bytes(rfc8785.dumps(document))
