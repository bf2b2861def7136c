from __future__ import annotations

import pytest

from seedx_tools.stories.formats.headings import first_sentence, heading
from seedx_tools.stories.formats.typesetting import MM_PER_PT, TypeSetter, height_of, lines_that_fit, text_of


def setter(text: str) -> TypeSetter:
    """Every character is one em wide, so that a line of N em holds N characters."""
    return TypeSetter(text, lambda piece: float(len(piece)))


def lines(text: str, characters: int) -> list[str]:
    return [line.text.rstrip() for line in setter(text).lines(1, (characters + 0.01) * MM_PER_PT)]


@pytest.mark.parametrize(
    ("text", "characters", "expected"),
    [
        ("a red cat sails", 9, ["a red cat", "sails"]),
        ("well-known cats", 6, ["well-", "known", "cats"]),
        ("internationalization", 8, ["internat", "ionaliza", "tion"]),
        # No line begins with a closing mark, or ends with an opening one.
        ("\u7ea2\u732b\u7761\u4e86\u3002\u5b83\u8bf4", 4, ["\u7ea2\u732b\u7761", "\u4e86\u3002\u5b83\u8bf4"]),
        ("\u4ed6\u8bf4\u201c\u597d\u201d", 3, ["\u4ed6\u8bf4", "\u201c\u597d\u201d"]),
        # A mark stays with its letter.
        ("e\u0301" * 3, 3, ["e\u0301"] * 3),
        ("One.\n\n  Two.\n", 9, ["One.", "Two."]),
    ],
)
def test_lines_end_where_the_script_allows_it(text: str, characters: int, expected: list[str]) -> None:
    assert lines(text, characters) == expected


@pytest.mark.parametrize(
    "text", ["a red cat sails on\nand on", "\u7ea2\u732b\u7761\u4e86 and a-b", "  x  \n\n y z", ""]
)
def test_lines_put_together_are_the_text(text: str) -> None:
    broken = setter(text).lines(1, 3 * MM_PER_PT)
    words = [line.split() for line in text.splitlines() if line.strip()]
    assert [line.split() for line in text_of(broken).splitlines() if line.strip()] == words


def test_type_is_as_large_as_the_box_allows() -> None:
    sizes = range(30, 9, -1)
    short, few = setter("a cat").fit(sizes, 100, 50)
    long, many = setter("a cat " * 10).fit(sizes, 100, 50)
    longest, too_many = setter("a cat " * 100).fit(sizes, 100, 50)
    assert short == 30 and len(few) == 1
    assert 10 < long < 30 and height_of(many, long) <= 50
    assert longest == 10 and height_of(too_many, longest) > 50
    fitting = lines_that_fit(too_many, longest, 50)
    assert height_of(too_many[:fitting], longest) <= 50 < height_of(too_many[: fitting + 1], longest)


def test_each_paragraph_has_the_direction_of_its_letters() -> None:
    text = "\u05d7\u05ea\u05d5\u05dc Tom\nTom \u05d7\u05ea\u05d5\u05dc\n12"
    typeset = TypeSetter(text, lambda piece: float(len(piece)), right_to_left=True)
    assert [line.right_to_left for line in typeset.lines(1, 100)] == [True, False, True]


@pytest.mark.parametrize(
    ("text", "first", "rest"),
    [
        ("A cat sat down. It slept.", "A cat sat down.", "It slept."),
        ("Oh! The boat sank. It rained.", "Oh! The boat sank.", "It rained."),
        ("The end", "The end", ""),
        ("A cat in a hat\nand a dog.", "A cat in a hat", "and a dog."),
        (
            "\u4ece\u524d\u6709\u4e00\u53ea\u5f88\u7ea2\u7684\u732b\u3002\u5b83\u7761\u4e86\u3002",
            "\u4ece\u524d\u6709\u4e00\u53ea\u5f88\u7ea2\u7684\u732b\u3002",
            "\u5b83\u7761\u4e86\u3002",
        ),
        ("", "", ""),
    ],
)
def test_the_first_sentence_and_the_rest_are_the_text(text: str, first: str, rest: str) -> None:
    assert first_sentence(text) == (first, rest)


def test_a_heading_is_short_and_never_empty() -> None:
    assert heading("", 3) == "3"
    assert heading("word " * 40, 1) == "word " * 15 + "word\u2026"
    assert heading("\u732b" * 100, 1) == "\u732b" * 80 + "\u2026"
