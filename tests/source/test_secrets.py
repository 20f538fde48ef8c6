"""Secrets: what their makers write is found, what manifests are full of is not, nothing is shown.

The keys are made up here from random characters, so that no scanner finds one in this repository.
"""

import base64
import json
import random
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from promptops.cli.findings import as_text
from promptops.source.files import WorkTree
from promptops.source.personal import personal_data_in
from promptops.source.secrets import masked, secrets_of
from promptops.source.unit import Unit, read_unit

CHANCE = random.Random(20261121)  # noqa: S311 - made-up keys, the same in every run
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
HEX = "0123456789abcdef"


def some(count: int, marks: str = LETTERS) -> str:
    return "".join(CHANCE.choice(marks) for _ in range(count))


def token(facts: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(facts).encode()).decode().rstrip("=")


FORMATS: dict[str, Callable[[], str]] = {
    "OpenAI": lambda: "sk-" + "proj-" + some(74) + "T3Blbk" + some(40),
    "OpenAI of old": lambda: "sk-" + some(20) + "T3BlbkFJ" + some(20),
    "Anthropic": lambda: "sk-" + "ant-api03-" + some(93) + "AA",
    "GitHub classic": lambda: "gh" + "p_" + some(36),
    "GitHub fine-grained": lambda: "github_" + "pat_" + some(22) + "_" + some(59),
    "GitLab": lambda: "glp" + "at-" + some(20),
    "AWS": lambda: "AK" + "IA" + some(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
    "Google": lambda: "AI" + "za" + some(35, LETTERS + "_-"),
    "Azure": lambda: some(3) + "8" + "Q~" + some(34),
    "Azure storage": lambda: "AccountKey" + "=" + some(86, LETTERS + "+/") + "==",
    "Slack": lambda: "xo" + f"xb-{some(12, '0123456789')}-{some(12, '0123456789')}-{some(24)}",
    "Stripe": lambda: "sk_" + "live_" + some(24),
    "Hugging Face": lambda: "hf" + "_" + some(34),
    "npm": lambda: "np" + "m_" + some(36),
    "PyPI": lambda: "py" + "pi-AgEIcHlwaS5vcmc" + some(130, LETTERS + "_-"),
    "SendGrid": lambda: "S" + f"G.{some(22)}.{some(43)}",
    "Twilio": lambda: "S" + "K" + some(32, HEX),
    "Telegram": lambda: some(1, "123456789") + some(9, "0123456789") + ":A" + "A" + some(33),
    "JSON web token": lambda: f"{token({'alg': 'HS256'})}.{token({'sub': some(12)})}.{some(43)}",
    "URL with a password": lambda: f"rediss://app:{some(18)}@redis.internal:6380/0",
}
PEM = "-----BEGIN " + "RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----"

MANIFEST = """\
apiVersion: promptops/v1
name: greeting
description: Says hello.
owners: [ada.lovelace@analytical.engine.co]
model: {provider: openai, id: gpt-4o-mini-2024-07-18, version: "2024-07-18"}
params:
  temperature: 0.2
  extra_body: {note: "NOTE"}
prompt:
  id: greeting
  version: "1.0.0"
  messages:
    - {role: system, file: system.md}
    - {role: user, text: "Say hello."}
# COMMENT
"""


def unit_with(folder: Path, note: str = "", body: str = "Be kind.", comment: str = "") -> Unit:
    (folder / "greeting").mkdir(exist_ok=True)
    text = MANIFEST.replace("NOTE", note).replace("COMMENT", comment)
    (folder / "greeting/manifest.yaml").write_text(text, "utf-8")
    (folder / "greeting/system.md").write_text(f"{body}\n", "utf-8")
    return read_unit(WorkTree(folder), "greeting")


def shown_of(unit: Unit) -> str:
    """Everything that any output has of a unit's findings."""
    return "\n".join(
        f"{as_text(finding)} {finding.as_json()} {finding!r}" for finding in unit.findings
    )


@pytest.mark.parametrize("place", ["note", "body", "comment"])
@pytest.mark.parametrize("name", FORMATS)
def test_a_secret_is_found_and_not_shown(tmp_path: Path, name: str, place: str) -> None:
    secret = FORMATS[name]()
    unit = unit_with(tmp_path, **{place: f"use {secret} here"})
    assert [finding.code for finding in unit.findings] == ["E501"]
    said = shown_of(unit)
    hidden = secret.partition("=")[2] or secret
    hidden = hidden.split(":")[2].split("@")[0] if "://" in hidden else hidden
    assert hidden[:4] not in said or hidden[:4] == secret[:4]
    assert not any(hidden[at : at + 5] in said for at in range(len(hidden) - 4))
    assert "rotate it: it is in git history" in said


def test_a_private_key_is_found_and_no_line_of_it_is_shown(tmp_path: Path) -> None:
    lines = [some(64) for _ in range(6)]
    unit = unit_with(tmp_path, body="Key:\n" + PEM.format("\n".join(lines)) + "\n{{ gest }}")
    assert [finding.code for finding in unit.findings] == ["E501", "E302"]
    assert not any(line[:8] in shown_of(unit) for line in lines)


def test_another_finding_on_the_line_does_not_show_the_secret_either(tmp_path: Path) -> None:
    secret = FORMATS["GitHub classic"]()
    (tmp_path / "greeting").mkdir()
    text = MANIFEST.replace("provider: openai", f"provider: {secret}")
    (tmp_path / "greeting/manifest.yaml").write_text(text)
    (tmp_path / "greeting/system.md").write_text("Be kind.\n")
    unit = read_unit(WorkTree(tmp_path), "greeting")
    assert sorted(finding.code for finding in unit.findings) == ["E219", "E501"]
    said = shown_of(unit)
    assert not any(secret[at : at + 5] in said for at in range(len(secret) - 4))


def test_a_manifest_that_cannot_be_read_hides_its_secrets_too(tmp_path: Path) -> None:
    secret = FORMATS["Stripe"]()
    unit = unit_with(tmp_path, note=f'" {secret}: [')
    assert {"E501", "E110"} <= {finding.code for finding in unit.findings}
    said = shown_of(unit)
    assert not any(secret[at : at + 5] in said for at in range(len(secret) - 4))


def test_digests_and_ids_are_no_secrets(tmp_path: Path) -> None:
    def words() -> str:
        return " ".join(
            [
                f"sha256:{some(64, HEX)}",
                some(40, HEX),
                str(uuid.UUID(int=CHANCE.getrandbits(128))),
                f"sha512-{base64.b64encode(CHANCE.randbytes(64)).decode()}",
                some(32, HEX),
                some(26, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"),
                f"https://docs.example.com:8443/a@{some(7, HEX)}#L{CHANCE.randrange(99)}",
                f"arn:aws:bedrock:eu-west-1:{some(12, '0123456789')}:model/{some(12)}",
                "redis://app:${REDIS_PASSWORD}@redis:6379 postgres://user:password@localhost/db",
                "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx task-oriented risk-averse hf_hub_download",
                f"ticket-{some(8, '0123456789')} ft:gpt-4o-mini:acme::{some(8)} npm_config",
                "the public part: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + some(43),
            ]
        )

    alarms = []
    for _ in range(200):
        unit = unit_with(tmp_path, note=words(), body=words(), comment=words())
        alarms += [finding for finding in unit.findings if finding.code == "E501"]
    assert not alarms


def test_masking_keeps_lines_and_columns() -> None:
    text = f"a {FORMATS['AWS']()} b\n{PEM.format(some(64))}\nc"
    cover = masked(text, secrets_of(text))
    assert [len(line) for line in cover.split("\n")] == [len(line) for line in text.split("\n")]
    assert cover.startswith("a AKIA**************** b\n")


@pytest.mark.parametrize(
    "part",
    ["eyJ", "eyJa.", "://a:", "sk-", "-----BEGIN PRIVATE KEY-----{", "a", "8Q~", "aws ", ":AA1"],
)
def test_no_text_takes_long(part: str) -> None:
    text = (part * (256 * 1024 // len(part)))[: 256 * 1024] + " JQQJ99 eyJ ://"
    started = time.process_time()
    secrets_of(text)
    list(personal_data_in(text))
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("write to jane.doe@gmail.com", ["an e-mail address"]),
        ("call +49 (0)30 901820 today, or (212) 664-7665", ["a phone number"] * 2),
        ("pay to DE89 3704 0044 0532 0130 00", ["an IBAN"]),
        ("ada@example.com, bob@mail.example.org, +1 212 555 0123, DE00 3704 0044 0532 0130 00", []),
        ("order 4711-0815, 2026-11-01 12:30, v1.2.3, 10.0.0.1, 1 000 000 000, +5, 3-4 days", []),
    ],
)
def test_personal_data(text: str, kinds: list[str]) -> None:
    assert [kind for kind, *_ in personal_data_in(text)] == kinds
