"""Records as JSON: there and back, and what is none of ours."""

import json
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from promptops.errors import StoreCorrupt
from promptops.live.presence import KeptRelease, Presence, RefusedRelease
from promptops.live.records import Change, Entry, Head, Hold, Pointer, State

texts = st.text(max_size=20)
counts = st.integers(1, 10**18)
optional = st.none() | texts
holds = st.builds(Hold, texts, texts, texts, texts)
pointers = st.builds(
    Pointer, texts, counts, texts, optional, st.lists(holds, max_size=3).map(tuple)
)
changes = st.builds(Change, texts, optional, texts, optional, optional, optional)
all_changes = st.lists(changes, max_size=3).map(tuple)
all_entries = st.builds(
    Entry, counts, texts, texts, texts, optional, texts, texts, texts, all_changes
)
presences = st.builds(Presence, texts, texts, texts, counts, texts, counts, counts)

POINTER = Pointer(
    "sha256:aa", 7, "2026-11-20T10:00:00Z", "c0ffee", (Hold("sha256:bb", "rude", "at", "ann"),)
)
ENTRY = Entry(
    7,
    "rollback",
    "2026-11-20T10:00:00Z",
    "ann",
    None,
    "rude",
    "op-1",
    "asked",
    (Change("greeter", "sha256:bb", "sha256:aa", "c0ffee", held="sha256:bb"),),
)
PRESENCE = Presence("id", "shop", "host", 1, "0.1.0", 1, 7)


@given(pointers)
def test_a_pointer_comes_back_from_json(pointer: Pointer) -> None:
    assert Pointer.from_json(pointer.to_json(), "greeter") == pointer
    assert Pointer.from_json(pointer.to_json().encode(), "greeter") == pointer


@given(all_entries)
def test_an_entry_comes_back_from_json(entry: Entry) -> None:
    assert Entry.from_json(entry.to_json()) == entry


@given(presences)
def test_a_presence_comes_back_from_json(presence: Presence) -> None:
    assert Presence.from_json(presence.to_json()) == presence


def test_the_stored_forms_are_these() -> None:
    assert json.loads(POINTER.to_json()) == {
        "digest": "sha256:aa",
        "revision": 7,
        "since": "2026-11-20T10:00:00Z",
        "commit": "c0ffee",
        "held": [{"digest": "sha256:bb", "reason": "rude", "at": "at", "actor": "ann"}],
    }
    assert json.loads(ENTRY.to_json()) == {
        "revision": 7,
        "action": "rollback",
        "at": "2026-11-20T10:00:00Z",
        "actor": "ann",
        "commit": None,
        "reason": "rude",
        "operation": "op-1",
        "request": "asked",
        "changes": [
            {
                "unit": "greeter",
                "from": "sha256:bb",
                "to": "sha256:aa",
                "held": "sha256:bb",
                "commit": "c0ffee",
            }
        ],
    }
    assert json.loads(PRESENCE.to_json()) == {
        "client": "id",
        "app": "shop",
        "host": "host",
        "pid": 1,
        "version": "0.1.0",
        "epoch": 1,
        "revision": 7,
    }


def test_a_record_of_an_older_promptops_may_lack_what_is_optional() -> None:
    least = '{"digest":"sha256:aa","revision":1,"since":"then"}'
    assert Pointer.from_json(least, "greeter") == Pointer("sha256:aa", 1, "then")


def test_a_record_of_a_newer_promptops_may_have_more() -> None:
    for record, read in (
        (POINTER, lambda text: Pointer.from_json(text, "greeter")),
        (ENTRY, Entry.from_json),
        (PRESENCE, Presence.from_json),
    ):
        facts = json.loads(record.to_json()) | {"rollout": {"percent": 5}}
        assert read(json.dumps(facts)) == record


NOTHING = [
    b"",
    b"\xff\xfe",
    b"\x00",
    b"null",
    b"7",
    b'"text"',
    b"[]",
    b"[[]]",
    b"{}",
    b"NaN",
    b"{",
    b"{'a': 1}",
    b"[" * 100_000,
    b"9" * 5000,
    b'{"a":' * 100_000,
]
WRONG: list[Any] = [None, 1, 1.5, float("inf"), True, "", "text", [], {}, [None], [1], ["x"], [[]]]


def with_one_wrong(record: Pointer | Entry | Presence) -> list[bytes]:
    """The record with one field removed, or replaced by what it never is."""
    facts = json.loads(record.to_json())
    found = []
    for name, right in facts.items():
        found += [
            json.dumps(facts | {name: wrong}).encode()
            for wrong in WRONG
            if type(wrong) is not type(right)
            and not (name == "commit" and wrong in (None, "", "text"))
        ]
        if name not in {"commit", "held"}:
            found.append(json.dumps({key: facts[key] for key in facts if key != name}).encode())
    return found


def nested_wrong() -> list[bytes]:
    entry, pointer = json.loads(ENTRY.to_json()), json.loads(POINTER.to_json())
    change, hold = entry["changes"][0], pointer["held"][0]
    wrong: list[Any] = [1, [], {}, True]
    items: list[Any] = [[], "x", 1, None]
    found = [
        entry | {"changes": [change | {name: each}]}
        for name in ("unit", "to", "from", "commit", "held", "lifted")
        for each in wrong
    ]
    found += [entry | {"changes": [each]} for each in items]
    found += [
        pointer | {"held": [hold | {name: each}]}
        for name in ("digest", "reason", "at", "actor")
        for each in [*wrong, None]
    ]
    found += [pointer | {"held": [each]} for each in items]
    return [json.dumps(facts).encode() for facts in found]


def test_what_is_no_pointer_is_said() -> None:
    beyond = [replace(POINTER, revision=number).to_json().encode() for number in (-1, 1 << 63)]
    for text in NOTHING + with_one_wrong(POINTER) + nested_wrong() + beyond:
        with pytest.raises(StoreCorrupt) as corrupt:
            Pointer.from_json(text, "greeter")
        assert corrupt.value.message == "the pointer of greeter is not one that promptops wrote"
        assert corrupt.value.hint == (
            "somebody changed the store by hand; nothing was changed now. promptops verify says "
            "what else is damaged, promptops restore --from-git HEAD writes all of it anew"
        )
        assert corrupt.value.exit_code == 4


def test_what_is_no_entry_is_said() -> None:
    for text in NOTHING + with_one_wrong(ENTRY) + nested_wrong():
        with pytest.raises(StoreCorrupt) as corrupt:
            Entry.from_json(text)
        assert corrupt.value.message == "the history holds an entry that promptops did not write"


def test_what_is_no_presence_is_none() -> None:
    for text in NOTHING + with_one_wrong(PRESENCE):
        assert Presence.from_json(text) is None, text


@given(st.binary() | st.text())
def test_no_text_at_all_raises_anything_else(text: str | bytes) -> None:
    with pytest.raises(StoreCorrupt):
        Pointer.from_json(text, "greeter")
    with pytest.raises(StoreCorrupt):
        Entry.from_json(text)
    assert Presence.from_json(text) is None


def test_heads_are_ordered_by_epoch_and_then_by_revision() -> None:
    assert Head(1, 9) < Head(1, 10) < Head(2, 1)
    assert PRESENCE.serves(Head(1, 7), {})
    assert PRESENCE.serves(Head(1, 6), {})
    assert not PRESENCE.serves(Head(1, 8), {})
    assert not PRESENCE.serves(Head(2, 1), {})


def test_who_refuses_or_stays_above_a_store_that_went_back_does_not_serve() -> None:
    assert PRESENCE.serves(Head(1, 5), {}, Head(1, 7))
    assert not PRESENCE.serves(Head(1, 5), {}, Head(1, 6))
    lost = replace(PRESENCE, error="REGRESSED")
    assert not lost.serves(Head(1, 5), {})
    assert lost.declines(Head(1, 6), {})
    assert replace(PRESENCE, error="other content").declines(Head(1, 7), {})
    assert not lost.declines(Head(1, 7), {}), "the store has caught up"
    assert not lost.declines(Head(1, 8), {})


def test_who_keeps_an_older_release_of_what_counts_does_not_serve() -> None:
    kept = KeptRelease("greeter", "sha256:old", 3, pinned=False)
    refusing = replace(PRESENCE, kept=(kept,))
    assert not refusing.serves(Head(1, 7), {"greeter": "sha256:new"})
    assert refusing.declines(Head(1, 7), {"greeter": "sha256:new"})
    assert refusing.serves(Head(1, 7), {"farewell": "sha256:new"})
    assert refusing.serves(Head(1, 7), {"greeter": "sha256:old"}), "a rollback to it"
    assert refusing.serves(Head(1, 3), {"greeter": "sha256:other"}), "that, or a later one"
    assert not refusing.declines(Head(1, 8), {"greeter": "sha256:new"}), "it has not seen that yet"

    pinned = replace(PRESENCE, kept=(replace(kept, revision=7, pinned=True),))
    assert pinned.pins == {"greeter": "sha256:old"}
    assert not pinned.serves(Head(1, 7), {"greeter": "sha256:new"})
    assert pinned.declines(Head(1, 8), {"greeter": "sha256:new"})
    assert not pinned.declines(Head(1, 8), {"greeter": "sha256:old"})


def test_what_a_presence_says_is_bounded() -> None:
    refused = RefusedRelease("greeter", "sha256:bb", 7, "C601", "x" * 999)
    kept = KeptRelease("greeter", "sha256:aa", 3, pinned=True)
    said = replace(
        PRESENCE,
        refused=(replace(refused, reason="x"),),
        kept=(kept,),
        inputs={"greeter": ("name",)},
    )
    assert Presence.from_json(said.to_json()) == said
    assert len(replace(PRESENCE, refused=(refused,) * 99).to_json()) < 10_000
    assert len(replace(PRESENCE, kept=(kept,) * 999).to_json()) < 10_000
    many = {f"unit-{number}": ("name",) * 40 for number in range(999)}
    assert len(replace(PRESENCE, inputs=many).to_json()) < 10_000


def test_records_cannot_be_changed() -> None:
    for record in (POINTER, ENTRY, PRESENCE, Head(1, 1)):
        with pytest.raises(FrozenInstanceError):
            setattr(record, fields(record)[0].name, None)
    for values in (State(None), Change("greeter", None, "sha256:aa")):
        with pytest.raises(AttributeError):
            setattr(values, values._fields[0], None)
    with pytest.raises(TypeError):
        State(None).pointers["greeter"] = POINTER  # type: ignore[index]
