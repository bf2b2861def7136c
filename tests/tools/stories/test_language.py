from __future__ import annotations

import pytest

from seedx_sdk import InputError
from seedx_tools.stories.language import check_language, is_right_to_left, story_language


@pytest.mark.parametrize(
    ("text", "declared", "given", "language"),
    [
        ("A cat.", "en", None, "en"),
        ("Un chat.", "fr", None, "fr"),
        ("Un chat.", "en", "fr-CA", "fr-CA"),
        ("\u05d7\u05ea\u05d5\u05dc \u05d0\u05d3\u05d5\u05dd and Tom", "en", None, "he"),
        ("\u0642\u0637\u0629", "en", None, "ar"),
        ("\u0642\u0637\u0629", "fa", None, "fa"),
        ("\u7ea2\u732b", "en", None, "zh"),
        ("\u8d64\u3044\u732b", "en", None, "ja"),
        ("\u0433\u0430\u0442\u043e", "en", None, "und-Cyrl"),
        ("12 + 3", "en", None, "en"),
    ],
)
def test_the_language_is_the_given_one_or_fits_the_letters(
    text: str, declared: str, given: str | None, language: str
) -> None:
    assert story_language(text, declared, given) == language


@pytest.mark.parametrize(
    ("language", "text", "right_to_left"),
    [
        ("en", "A cat.", False),
        ("he", "A cat.", True),
        ("en", "\u05d7\u05ea\u05d5\u05dc", True),
        ("az-Arab", "A cat.", True),
        ("ar-Latn", "qitta", False),
        ("und", "12", False),
    ],
)
def test_direction(language: str, text: str, right_to_left: bool) -> None:
    assert is_right_to_left(language, text) is right_to_left


@pytest.mark.parametrize("language", ["", "english please", "zh_CN", "e", '"><script>'])
def test_a_language_that_is_no_code_is_rejected(language: str) -> None:
    with pytest.raises(InputError, match="use a code such as en"):
        check_language(language)
