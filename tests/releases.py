"""Releases to compare: a whole one, and the same with some parts different."""

from typing import Any

from promptops.delivery import look
from promptops.delivery.look import Shown
from promptops.manifest.canonical import canonical_bytes
from promptops.manifest.digest import digest_of
from promptops.manifest.release import Release


def document(**parts: Any) -> dict[str, Any]:
    """A release's document; top-level parts are replaced, and None leaves one out."""
    whole: dict[str, Any] = {
        "apiVersion": "promptops/v1",
        "unit": "greeter",
        "model": {"provider": "openai", "id": "gpt-4o-mini-2024-07-18", "version": "2024-07-18"},
        "params": {"temperature": 0.2},
        "prompt": {
            "id": "greeter",
            "version": "1.0.0",
            "messages": [
                {"role": "system", "content": "You greet. Never be rude."},
                {"role": "user", "content": "{{ name }}"},
            ],
        },
        "inputs": {"name": {"type": "string", "maxLength": 100}},
        "retriever": {"index": "kb", "version": "2026-11-01", "top_k": 5},
        **parts,
    }
    return {key: value for key, value in whole.items() if value is not None}


def prompt(*contents: str, version: str = "1.0.0", **parts: Any) -> dict[str, Any]:
    """A prompt whose messages are a system message and what the user says."""
    roles = ["system", *["user"] * (len(contents) - 1)]
    messages = [
        {"role": role, "content": content} for role, content in zip(roles, contents, strict=True)
    ]
    return {"id": "greeter", "version": version, "messages": messages, **parts}


def shown(**parts: Any) -> Shown:
    data = canonical_bytes(document(**parts))
    return look.built("greeter", digest_of(data), data)


def release(**parts: Any) -> Release:
    return shown(**parts).release
