"""Secrets in raw text, comments included: found by what their makers write at their beginning.

Digests, commit ids and UUIDs are what manifests are full of; so every rule asks for a prefix or
another sign, never for randomness alone. No rule may look far ahead in vain: each begins where a
secret can begin, or has a bounded length.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from promptops.finding import Finding
from promptops.source.text import MOST_FINDINGS, place_at

MASK = "*"
_SHOWN = 4
_FEWEST_MARKS = 6  # `sk-xxxxxxxxxxxxxxxxxxxx` is nobody's key
_LEFT = "(?<![A-Za-z0-9])"
_RIGHT = "(?![A-Za-z0-9])"
_PLACEHOLDER = re.compile(r"(?i)[$<{%*.\[]|(?:pass(?:word|wd)?|pw|secret|changeme|x+)$")


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret: the rule's name, its offsets in the text, and what may be shown of it."""

    rule: str
    start: int
    end: int
    excerpt: str


# Name, what the text must hold for the rule to be tried (this costs next to nothing), pattern.
_Rule = tuple[str, tuple[str, ...], re.Pattern[str]]


def _rule(name: str, signs: str, pattern: str) -> _Rule:
    return name, tuple(signs.split()), re.compile(pattern)


_RULES = (
    _rule("private key", "PRIVATE",
          r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
          r"(?:[\s\S]{1,4000}?-----END [A-Z0-9 ]{1,40}-----|[A-Za-z0-9+/=\s\\#|]{0,4000})"),
    _rule("URL with a password", "://", r"://[^\s:/@'\"]{0,128}:(?P<secret>[^\s/@'\"]{1,256})@"),
    _rule("Anthropic key", "sk-ant-", r"sk-ant-[A-Za-z0-9_-]{20,}"),
    _rule("Langfuse key", "sk-lf-", r"sk-lf-[0-9a-f-]{30,}"),
    _rule("OpenRouter key", "sk-or-", r"sk-or-[A-Za-z0-9_-]{20,}"),
    _rule("OpenAI key", "sk-", _LEFT + r"sk-(?:(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,}"
          r"|[A-Za-z0-9]{32,})"),
    _rule("GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", _LEFT + r"gh[pousr]_[A-Za-z0-9]{30,}"),
    _rule("GitHub fine-grained token", "github_pat_", r"github_pat_[A-Za-z0-9_]{40,}"),
    _rule("GitLab token", "gl", r"gl(?:pat|ptt|dt|rt|ft|cbt|imt|oas|soat|agent|ffct)-"
          r"[A-Za-z0-9_-]{20,}"),
    _rule("AWS access key id", "AKIA ASIA", _LEFT + r"A[KS]IA[A-Z2-7]{16}" + _RIGHT),
    _rule("AWS secret key", "aws AWS ecret",
          r"(?i)(?:aws|secret)[\w .-]{0,24}key[\"']?\s{0,4}[:=]\s{0,4}[\"']?"
          r"(?P<secret>(?-i:[A-Za-z0-9/+]{40}))(?![A-Za-z0-9/+=])"),
    _rule("Google API key", "AIza", _LEFT + r"AIza[A-Za-z0-9_-]{35}"),
    _rule("Google OAuth secret", "GOCSPX-", r"GOCSPX-[A-Za-z0-9_-]{24,}"),
    _rule("Google OAuth token", "ya29.", _LEFT + r"ya29\.[A-Za-z0-9_-]{30,}"),
    _rule("Azure client secret", "8Q~ 7Q~", r"(?<![A-Za-z0-9_~.-])[A-Za-z0-9_~.-]{3}[78]Q~"
          r"[A-Za-z0-9_~.-]{31,34}"),
    _rule("Azure storage key", "AccountKey=", r"AccountKey=(?P<secret>[A-Za-z0-9+/]{80,}={0,2})"),
    _rule("Azure shared signature", "sig=", r"[?&;]sig=(?P<secret>[A-Za-z0-9%+/]{40,}(?:%3D|=))"),
    _rule("Azure AI key", "JQQJ99", _LEFT + r"[A-Za-z0-9]{40,60}JQQJ99[A-Za-z0-9]{20,40}"),
    _rule("Slack token", "xox xapp-",
          _LEFT + r"(?:xox[a-z](?:\.xox[a-z])?|xapp)-[A-Za-z0-9-]{20,}"),
    _rule("Slack webhook", "hooks.slack.com", r"hooks\.slack\.com/(?P<secret>(?:services|workflows|"
          r"triggers)/[A-Za-z0-9/_-]{20,})"),
    _rule("Discord webhook", "/api/webhooks/", r"/api/webhooks/(?P<secret>\d{17,20}/[\w-]{60,})"),
    _rule("Stripe key", "sk_ rk_ whsec_",
          _LEFT + r"(?:[sr]k_(?:live|test)_|whsec_)[A-Za-z0-9]{16,}"),
    _rule("Hugging Face token", "hf_", _LEFT + r"hf_[A-Za-z0-9]{30,}"),
    _rule("npm token", "npm_", _LEFT + r"npm_[A-Za-z0-9]{36}"),
    _rule("PyPI token", "pypi-", _LEFT + r"pypi-Ag[A-Za-z0-9_-]{50,}"),
    _rule("SendGrid key", "SG.", _LEFT + r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}"),
    _rule("Twilio key", "SK", _LEFT + r"SK[0-9a-f]{32}" + _RIGHT),
    _rule("Telegram bot token", ":AA", r"(?<!\d)\d{8,10}:AA[A-Za-z0-9_-]{32,34}"),
    _rule("JSON web token", "eyJ", r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}"
          r"\.[A-Za-z0-9_-]*"),
    _rule("DigitalOcean token", "_v1_", r"do[opr]_v1_[0-9a-f]{64}"),
    _rule("Databricks token", "dapi", _LEFT + r"dapi[0-9a-f]{32}"),
    _rule("Groq key", "gsk_", _LEFT + r"gsk_[A-Za-z0-9]{40,}"),
    _rule("xAI key", "xai-", _LEFT + r"xai-[A-Za-z0-9]{60,}"),
    _rule("Perplexity key", "pplx-", _LEFT + r"pplx-[A-Za-z0-9]{40,}"),
    _rule("Replicate token", "r8_", _LEFT + r"r8_[A-Za-z0-9]{36,}"),
    _rule("LangSmith key", "lsv2_", r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"),
    _rule("Vault token", "hvs.", _LEFT + r"hvs\.[A-Za-z0-9_-]{24,}"),
    _rule("Shopify token", "shp", _LEFT + r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    _rule("Mailgun key", "key-", _LEFT + r"key-[0-9a-f]{32}" + _RIGHT),
)  # fmt: skip


def secrets_of(text: str) -> list[Secret]:
    """The secrets in a text by offset, none inside another; the first rule that fits names it."""
    found: list[Secret] = []
    for name, signs, pattern in _RULES:
        if any(sign in text for sign in signs):
            for match in pattern.finditer(text):
                secret = _secret(name, match)
                if secret and not any(_overlap(secret, other) for other in found):
                    found.append(secret)
                    if len(found) == MOST_FINDINGS:
                        break
    return sorted(found, key=lambda secret: secret.start)


def check_secrets(text: str, file: str, secrets: Iterable[Secret]) -> Iterator[Finding]:
    """The findings about the secrets of a file."""
    for secret in secrets:
        line_end = text.find("\n", secret.start, secret.end)
        width = (line_end if line_end >= 0 else secret.end) - secret.start
        begins = f" that begins with {secret.excerpt}" if secret.excerpt else ""
        message = f"a secret ({secret.rule}{begins}): whoever reads the repository has it"
        hint = "rotate it: it is in git history; then take it out of the file"
        yield Finding("E501", file, place_at(text, secret.start, width), message, hint)


def masked(text: str, secrets: Iterable[Secret]) -> str:
    """The text with its secrets covered; lines and columns stay what they are."""
    for secret in secrets:
        hidden = secret.start + len(secret.excerpt)
        cover = re.sub(r"[^\n]", MASK, text[hidden : secret.end])
        text = text[:hidden] + cover + text[secret.end :]
    return text


def without(finding: Finding, secrets: Iterable[str]) -> Finding:
    """The finding with whatever it quotes of secrets covered, be it only their beginning."""
    message, hint = finding.message, finding.hint
    for secret in secrets:
        message, hint = _cover(message, secret), _cover(hint, secret)
    return replace(finding, message=message, hint=hint)


def _cover(text: str, secret: str) -> str:
    sign = secret[: 2 * _SHOWN]
    start = text.find(sign)
    while start >= 0:
        end = start
        while end < len(text) and end - start < len(secret) and text[end] == secret[end - start]:
            end += 1
        text = text[: start + _SHOWN] + MASK * (end - start - _SHOWN) + text[end:]
        start = text.find(sign, end)
    return text


def _secret(name: str, match: re.Match[str]) -> Secret | None:
    group = "secret" if "secret" in match.re.groupindex else 0
    value = match[group]
    if name == "URL with a password":
        fits = not _PLACEHOLDER.match(value)
    else:
        fits = len(set(value[2 * _SHOWN :])) >= _FEWEST_MARKS
    # What begins a key is its maker's mark; a password has none, and all of it stays hidden.
    excerpt = "" if group else value[:_SHOWN]
    return Secret(name, match.start(group), match.end(group), excerpt) if fits else None


def _overlap(one: Secret, other: Secret) -> bool:
    return one.start < other.end and other.start < one.end
