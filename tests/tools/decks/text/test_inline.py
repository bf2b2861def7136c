"""Inline Markdown of plans: spans and back."""

from __future__ import annotations

import pytest

from seedx_tools.decks.text.inline import Span, escape_inline, parse_inline, plain_text, to_inline


def test_marks_become_spans() -> None:
    assert parse_inline("a **b** *c* ~~d~~ `e*` [**f**](https://f.example)") == (
        Span("a "),
        Span("b", bold=True),
        Span(" "),
        Span("c", italic=True),
        Span(" "),
        Span("d", strike=True),
        Span(" "),
        Span("e*", code=True),
        Span(" "),
        Span("f", bold=True, link="https://f.example"),
    )


@pytest.mark.parametrize(
    "text", ["2 * 3 * 4", "snake_case_name", "R&D <b> 5 < 6", "[1] $5", "C:\\temp", "*a*", "a\\*b"]
)
def test_raw_text_is_shown_as_it_is(text: str) -> None:
    assert plain_text(escape_inline(text)) == text
    assert plain_text(to_inline([Span(text)])) == text


@pytest.mark.parametrize(
    "spans",
    [
        (Span("a "), Span("b", bold=True), Span("c", bold=True, italic=True)),
        (Span("a ", bold=True), Span("b")),
        (Span("x*y", italic=True), Span(" z")),
        (Span("go", link="https://a.example/b_c"), Span(" now")),
        (Span("len(a*b)", code=True),),
    ],
)
def test_spans_survive_being_written(spans: tuple[Span, ...]) -> None:
    read = parse_inline(to_inline(spans))
    assert "".join(span.text for span in read) == "".join(span.text for span in spans)
    looks = {word: span for span in read for word in span.text.split()}
    for span in spans:
        for word in span.text.split():
            assert looks[word].look == span.look
