"""Formulas and links that a slide cannot show as they were written."""

from __future__ import annotations

import pytest

from seedx_tools.decks.planners.markdown.outlines import parse_markdown_outline
from seedx_tools.decks.text.checking import text_warnings
from seedx_tools.decks.text.inline import escape_inline, parse_inline, plain_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"With \(x^2\) and $y^2$", "With x² and y²"),
        (r"\[E = mc^2\]", "E = mc²"),
        ("$$E = mc^2$$", "E = mc²"),
        (r"So \[a \leq b\] holds", "So a ≤ b holds"),
        (r"See \[1\] and \[emphasis added\]", "See [1] and [emphasis added]"),
        ("From $5 to $6", "From $5 to $6"),
        (r"Escaped \\(x\\)", r"Escaped \(x\)"),
    ],
)
def test_formulas_between_all_delimiters(text: str, shown: str) -> None:
    assert plain_text(text) == shown and list(text_warnings(text)) == []


@pytest.mark.parametrize("raw", [r"a \(x\) b", r"\[y = 2\]", "see [1] (2) *x*", "footnote [^1]", r"\\[a^b\\]"])
def test_raw_text_with_delimiters_is_shown_as_it_is(raw: str) -> None:
    assert plain_text(escape_inline(raw)) == raw


def test_displayed_formulas_on_several_lines() -> None:
    text = "# T\n## S\n\\[\nE = mc^2\n\\]\n\n- a\n\n  \\[\n  x^2\n  \\]\n\n\\[a = b\\] is text after it.\n"
    assert [plain_text(point) for point in parse_markdown_outline(text).slides[0].bullets] == [
        "E = mc²",
        "a",
        "x²",
        "a = b is text after it.",
    ]


def test_a_formula_without_a_form_stays_and_is_named() -> None:
    tex = r"\begin{pmatrix}a & b\end{pmatrix}"
    assert plain_text(rf"A \({tex}\)") == f"A {tex}"
    assert list(text_warnings(rf"A \({tex}\)")) == [
        f"the formula '{tex}' stays TeX: it has no readable form in plain text"
    ]


@pytest.mark.parametrize("address", ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "JaVaScRiPt:x"])
def test_an_unsafe_link_shows_its_words(address: str) -> None:
    (span,) = parse_inline(f"Go [here]({address})")
    assert (span.text, span.link) == ("Go here", "")
    reason = f"it leads to '{address}', and a slide opens only web and mail addresses"
    assert list(text_warnings(f"Go [here]({address})")) == [f"the link of 'here' was left out: {reason}"]
    outline = parse_markdown_outline(f"# T\n## S\n- Go [here]({address})\n- b\n")
    assert outline.slides[0].bullets[0] == "Go here" and outline.slides[0].notes == ""
    assert outline.warnings == (f"slide 'S': the link of 'here' was left out: {reason}",)
