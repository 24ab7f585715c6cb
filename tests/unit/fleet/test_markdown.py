"""Whatever a repository says, a Git host finds nothing to do in it."""

from __future__ import annotations

import re
import subprocess

import pytest
from hypothesis import example, given, strategies
from markdown_it import MarkdownIt

from csoc.fleet.markdown import at_most, block, code, plain, taken_apart

TRICKS = (
    "@everyone",
    "fixes #1",
    "closes acme/fleet#2",
    "resolves GH-3",
    "see https://evil.example.org/x and www.evil.example.org",
    "![x](https://evil.example.org/leak?who)",
    "<img src=https://evil.example.org/leak>",
    "<!-- hidden",
    "</details>",
    "[click](javascript:alert(1))",
    "x\n\n# A heading\n\n| a | b |\n|---|---|\n",
    "x\r\n```\nfence",
    "`@everyone`",
    "``` ` `` @everyone",
    "x\u2028Signed-off-by: Eve <eve@example.org>",
    "x\n\nCo-authored-by: Eve <eve@example.org>",
    "[skip ci] ***NO_CI***",
    "a\u202eb\u200b\ufeff",
    "\\`@everyone\\`",
    "$`x`$ ~~gone~~ **loud**",
    "",
    "`",
    " ",
)
# What hosts look for, in Markdown and outside of it.
ALIVE = re.compile(
    r"@\w|[#!]\w|://|\bgh-\d|\bwww\.|\[\w|\*\*\*no_ci|[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e]", re.IGNORECASE
)

texts = strategies.one_of(
    strategies.text(max_size=80),
    strategies.lists(
        strategies.sampled_from([*TRICKS, "`", "``", "\n", " ", "@", "#", "1", "<", "\\"]), max_size=6
    ).map("".join),
)


def rendered(source: str) -> list[tuple[str, str]]:
    """Kinds and contents of everything that a reader of Markdown sees in a text."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    parts = [part for token in parser.parse(source) for part in token.children or [token]]
    return [(part.type, part.content) for part in parts]


@given(texts, texts)
@example("`", "`")
@example("\\", "@x")
def test_foreign_text_is_nothing_but_code_in_markdown(one: str, other: str) -> None:
    source = f"- {code(one)} and {code(other)}, both"
    inside = [kind for kind, _ in rendered(source) if not kind.endswith(("_open", "_close"))]
    assert set(inside) <= {"text", "code_inline"}
    shown = [content for kind, content in rendered(source) if kind == "code_inline"]
    assert shown == [text for text in (plain(one), plain(other)) if text]
    outside = "".join(content for kind, content in rendered(source) if kind == "text")
    assert outside.replace("(nothing)", "") == " and , both"


@given(texts)
def test_what_a_host_reacts_to_is_taken_apart_in_code_and_outside(text: str) -> None:
    assert not ALIVE.search(plain(text))
    assert not ALIVE.search(code(text))


@given(texts)
def test_doing_it_twice_changes_nothing(text: str) -> None:
    assert plain(plain(text)) == plain(text)
    assert len(taken_apart(plain(text))) == 1


@given(texts)
def test_no_text_leaves_its_block_of_code(text: str) -> None:
    line = plain(text)
    found = [
        token for token in MarkdownIt("commonmark").parse(f"Before\n\n{block(line, 'sh')}\n\nafter") if token.level == 0
    ]
    assert [(token.type, token.content) for token in found if token.type == "fence"] == [("fence", f"{line}\n")]
    assert found[-1].type == "paragraph_close"


@pytest.mark.parametrize("trick", TRICKS)
def test_no_trailer_of_a_commit_is_forged(trick: str) -> None:
    message = f"Set {plain(trick)} in alpha\n\n- set {plain(trick)}\n\nIn {plain(trick)}\n"
    told = subprocess.run(
        ["git", "interpret-trailers", "--parse"], input=message, capture_output=True, text=True, check=True
    )
    assert told.stdout == ""


def test_ordinary_names_stay_as_they_are() -> None:
    for text in ("envs/prod/values.yaml", "fence.image.tag", 'set a to "2026.04"', "Ünï cødé — 東京"):
        assert plain(text) == text
        assert code(text) == f"`{text}`"


def test_long_text_is_cut_and_says_so() -> None:
    assert code("x" * 1000, 10) == f"`{'x' * 9}…`"


def test_lines_that_do_not_fit_are_counted() -> None:
    assert at_most(["aaaa", "bbbb", "c"], 10, "files") == [
        "aaaa",
        "bbbb",
        "- and 1 more files, left off because of the length",
    ]
    assert at_most(["aaaa"], 10, "files") == ["aaaa"]
