"""Plans for a pull request: whole comments, their size, and that nothing in them is read as markup."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from matrixbuild.cli.show_plan_markdown import LARGEST, code, marker, plan_markdown
from matrixbuild.core.against import against
from matrixbuild.core.plan import Dropped, Plan
from tests.cli.test_show_plan import GOLDEN, small_plan
from tests.plans import basis, large_plan, plan_of, planned_build, planned_image

HOSTILE = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "@everyone",
            "| a | b |",
            "</details>",
            "<script>alert(1)</script>",
            "<!-- matrixbuild:plan other -->",
            "-->",
            "`",
            "```",
            "````\n# heading",
            "https://example.com",
            "www.example.com",
            "a@example.com",
            "[x](https://example.com)",
            "![x](y)",
            "#1",
            "\n\n# heading",
            "\u202e",
            "&lt;b&gt;",
            "x" * 70_000,
        ]
    ),
)


@pytest.mark.parametrize("name", ["small", "large"])
def test_whole_comments(name: str) -> None:
    found = {"small": small_plan(), "large": large_plan()}[name]
    assert plan_markdown(found) == (GOLDEN / f"plan-{name}.md").read_text(encoding="utf-8")


def test_the_first_line_is_a_hidden_marker() -> None:
    assert plan_markdown(small_plan()).splitlines()[0] == "<!-- matrixbuild:plan edge -->"
    assert marker("edge-release.2") == "<!-- matrixbuild:plan edge-release.2 -->"
    assert marker("a --> b") == "<!-- matrixbuild:plan a_--__b -->"


def test_a_large_plan_is_cut_at_whole_entries_and_says_how_much_is_left_out() -> None:
    found = large_plan()
    told = plan_markdown(found)
    assert len(told) <= LARGEST
    lines = told.splitlines()
    known = {image.ref for image in found.images}
    listed = [line.split()[2] for line in lines if re.match(r"[+!=] (create|move|leave) +\S+:", line)]
    assert set(listed) <= known
    (left,) = [line for line in lines if line.startswith("...") and "more" in line][:1]
    assert left == f"... and {len(known) - len(listed):,} more: `plan --all` shows them"


def test_a_change_and_what_was_pending_are_apart() -> None:
    before = plan_of([planned_build("p[os=a]"), planned_build("p[os=b]")])
    now = plan_of([planned_build("p[os=a]"), planned_build("p[os=b]", key="another")], [planned_image("r/p:b", "p[os=b]")])
    assert plan_markdown(now, against(before, now, revision="ma`in", notes=("a note",))) == (
        "<!-- matrixbuild:plan edge -->\n"
        "### matrixbuild plan of `edge`\n"
        "\n"
        "```\n"
        "2 cells -> 2 builds -> 2 after deduplication\n"
        "Image names: 1 to create. Builds: 2 to build.\n"
        "```\n"
        "\n"
        "**By this change** (since ``ma`in``)\n"
        "\n"
        "```diff\n"
        "+ create       1  r/p: b\n"
        "\n"
        "+ build        1  new\n"
        "      p  1 build: os b\n"
        "```\n"
        "\n"
        "**Already pending**\n"
        "\n"
        "```diff\n"
        "+ build        1  new\n"
        "      p  1 build: os a\n"
        "```\n"
        "\n"
        "```\n"
        "a note\n"
        "```\n"
        "\n"
        "<details><summary>1 image name by this change</summary>\n"
        "\n"
        "```diff\n"
        "+ create   r/p:b\n"
        "```\n"
        "\n"
        "</details>\n"
        "\n"
        "<details><summary>1 build by this change</summary>\n"
        "\n"
        "```diff\n"
        "+ build    p[os=b]  new\n"
        "```\n"
        "\n"
        "</details>\n"
        "\n"
        "<details><summary>1 build already pending</summary>\n"
        "\n"
        "```diff\n"
        "+ build    p[os=a]  new\n"
        "```\n"
        "\n"
        "</details>\n"
        "\n"
        f"Plan `{now.digest}`: `apply --expect` with this digest does this and nothing else.\n"
    )


def test_where_nothing_is_done_it_says_so() -> None:
    now = plan_of([planned_build("p[os=a]")])
    assert "**By this change** (since `main`)\n\nNothing.\n\n**Already pending**\n" in plan_markdown(now, against(now, now, revision="main"))


@settings(max_examples=80, deadline=None)
@given(st.lists(HOSTILE, min_size=1, max_size=6), st.booleans())
def test_nothing_of_a_manifest_is_markup_and_it_is_never_too_large(words: list[str], apart: bool) -> None:
    plan = hostile_plan(words)
    split = against(None, plan, revision=words[0], notes=tuple(words)) if apart else None
    told = plan_markdown(plan, split)
    assert len(told) <= LARGEST
    tokens = [token for block in MarkdownIt("commonmark").enable("table").parse(told) for token in (block, *(block.children or ()))]
    kinds = {token.type for token in tokens}
    assert kinds <= {"html_block", "html_inline", "heading_open", "heading_close", "inline", "text", "code_inline", "fence", "paragraph_open",
                     "paragraph_close", "strong_open", "strong_close", "softbreak"}  # fmt: skip
    html = "".join(token.content for token in tokens if token.type.startswith("html"))
    assert html.count("<details>") == html.count("</details>")
    assert html.count("<!--") == html.count("-->") == 1
    free = re.sub(r"<!--.*?-->", "", "".join(token.content for token in tokens if token.type in ("text", "html_block", "html_inline")))
    assert not re.search(r"@|https?:|www\.|#", free)


def hostile_plan(words: list[str]) -> Plan:
    builds = [planned_build(f"p[os={word}]", cells=[f"os={word}"]) for word in dict.fromkeys(words)]
    return plan_of(
        builds,
        [planned_image(f"r/{build.name}:1", build.name) for build in builds],
        dropped=[Dropped(rule=word, reason=word, cells=1) for word in words],
        to_pin=words,
        name=words[0],
        made_from=basis(selector=words[0], sets=tuple((word, word) for word in words)),
    )


@given(HOSTILE)
def test_a_code_span_holds_its_text(text: str) -> None:
    (paragraph,) = [token for token in MarkdownIt("commonmark").parse(f"a {code(text)} b") if token.type == "inline"]
    assert paragraph.children
    assert [child.type for child in paragraph.children] == ["text", "code_inline", "text"]


def test_very_long_lines_that_always_stand_are_cut() -> None:
    assert code("x" * 500) == f"`{'x' * 400}...`"
