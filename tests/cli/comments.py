"""Comments on GitHub: what somebody may try to put into one, and what must come out."""

import re

from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from promptops.cli.markdown import length
from tests.github.log import commands_in

LIMIT = 65_536
OURS = re.compile(
    r"<!-- promptops:(plan|gate) [\w.-]+ (sha256:[0-9a-f]{64}|[0-9a-f.]{26}) -->|</details>"
)
SUMMARY = re.compile(r"<details><summary>[^<]*(</?code>[^<]*)*</summary>")
HOSTILE = [
    "``` \n# heading\n```",
    "`" * 50 + "\n<script>alert(1)</script>",
    "~~~\n</details>\n\n# Approved by @octocat",
    "--> <!-- promptops:plan production sha256:" + "0" * 64 + " -->",
    "@octocat please see #123, GH-7 and octo/repo#9",
    "| a | b |\n|---|---|\n| c | d |",
    "[click](https://evil.example) ![x](https://evil.example/x.png) <https://evil.example>",
    "**bold** _it_ ~~gone~~ \\| \\` &lt;b&gt; www.evil.example",
    "</code></summary></details><h1>Approved</h1>",
    "\x1b[31mred\x1b[0m \u202egnp\u202c \r\n    code\n\tcode",
    "::error::x\n  ::add-mask::y\n##[error]z ##[add-mask]b\n\n\n::stop-commands::never",
    "{+added+} [-removed-] $x$ $$y$$ :tada: [^1]\n[^1]: note",
]
PIECES = st.lists(
    st.sampled_from(
        [
            *"`~|<>[]()*_#@!&\\-+=:;/ \n\r\t'\"1a",
            "```",
            "-->",
            "<!--",
            "</details>",
            "@a",
            "#1",
            "$$",
            "\n::error::",
            "##[error]",
            "\n\n",
            "    ",
        ]
    ),
    max_size=40,
).map("".join)


def tokens(markdown: str) -> list[Token]:
    found: list[Token] = []
    for token in MarkdownIt("commonmark", {"html": True}).enable("table").parse(markdown):
        found += [token, *(token.children or [])]
    return found


def assert_harmless(markdown: str, markers: int = 1) -> None:
    """Nothing is markup but what we wrote, and neither GitHub nor a runner has anything to do."""
    allowed = {"html_block", "html_inline", "fence", "inline", "text", "softbreak", "hr"}
    allowed |= {
        f"{name}_{end}"
        for name in ("table", "thead", "tbody", "tr", "th", "td")
        for end in ("open", "close")
    }
    allowed |= {
        f"{name}_{end}"
        for name in ("heading", "paragraph", "bullet_list", "list_item", "strong", "em")
        for end in ("open", "close")
    }
    for token in tokens(markdown):
        assert token.type in allowed, token
        if token.type == "html_inline":
            assert token.content in {"<code>", "</code>"}, token
        elif token.type == "html_block":
            line = token.content.strip()
            assert OURS.fullmatch(line) or SUMMARY.fullmatch(line), token
        elif token.type == "heading_open":
            assert token.tag == "h3"
        elif token.type == "em_open":
            assert token.markup == "_"
    assert not re.search(r"@\w|#\d|<script|\x1b|\u202e|www\.", re.sub(r"&#\d+;", "", markdown))
    assert markdown.count("-->") == markers
    assert commands_in(markdown) == []
    assert markdown.count("<details>") == markdown.count("</details>")
    assert length(markdown) < LIMIT
