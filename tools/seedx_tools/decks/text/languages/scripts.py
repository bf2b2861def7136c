"""The language of a text, as far as its script tells it, and the typefaces that have that script."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

_HAN, _KANA, _HANGUL = "CJK", ("HIRAGANA", "KATAKANA"), "HANGUL"
_EAST_ASIAN = (_HAN, *_KANA, _HANGUL)
_ONE_LANGUAGE: Mapping[str, str] = {
    "HEBREW": "he-IL",
    "DEVANAGARI": "hi-IN",
    "THAI": "th-TH",
    "GREEK": "el-GR",
    "GEORGIAN": "ka-GE",
    "ARMENIAN": "hy-AM",
    "TAMIL": "ta-IN",
    "TELUGU": "te-IN",
    "GUJARATI": "gu-IN",
    "KANNADA": "kn-IN",
    "MALAYALAM": "ml-IN",
    "GURMUKHI": "pa-IN",
    "SINHALA": "si-LK",
    "KHMER": "km-KH",
    "LAO": "lo-LA",
    "MYANMAR": "my-MM",
}
"""Scripts that one language is written in, or one far more than others."""
_SCRIPT_NAMES = {"IDEOGRAPHIC": _HAN, "KATAKANA-HIRAGANA": "KATAKANA", "HALFWIDTH": "KATAKANA", "COMBINING": ""}
"""What first words of names that are no script stand for."""
_LIKE_LATIN = ("LATIN", "GREEK", "CYRILLIC", "GEORGIAN", "ARMENIAN")
"""Scripts that are set in the Latin typeface of a run."""
_TALL = frozenset({*_EAST_ASIAN, *_ONE_LANGUAGE}.difference({*_LIKE_LATIN, "HEBREW"}))
_WEIGHT = 3
"""How many letters an East Asian character stands for."""
_LEAST_WORD = {"GREEK": 3}
"""The least letters of a word that is no symbol; two in other alphabets."""
_KANA_SHARE = 0.1
"""The least share of kana among the characters of a Japanese text."""

_RUSSIAN = frozenset("абвгдежзийклмнопрстуфхцчшщъыьэюяё")
_PERSIAN, _URDU = frozenset("پچژگیک"), frozenset("ٹڈڑںےھ")


class Face(NamedTuple):
    """Where a theme lists the typeface of a script, and the one to use if it lists none."""

    script: str
    """ISO 15924, as in a:font."""
    typeface: str


FACES: Mapping[str, Face] = {
    "zh-CN": Face("Hans", "Microsoft YaHei"),
    "zh-TW": Face("Hant", "Microsoft JhengHei"),
    "ja-JP": Face("Jpan", "Yu Gothic"),
    "ko-KR": Face("Hang", "Malgun Gothic"),
    "ar-SA": Face("Arab", "Arial"),
    "fa-IR": Face("Arab", "Arial"),
    "ur-PK": Face("Arab", "Arial"),
    "he-IL": Face("Hebr", "Arial"),
    "hi-IN": Face("Deva", "Nirmala UI"),
    "th-TH": Face("Thai", "Leelawadee UI"),
    "ta-IN": Face("Taml", "Nirmala UI"),
    "te-IN": Face("Telu", "Nirmala UI"),
    "gu-IN": Face("Gujr", "Nirmala UI"),
    "kn-IN": Face("Knda", "Nirmala UI"),
    "ml-IN": Face("Mlym", "Nirmala UI"),
    "pa-IN": Face("Guru", "Nirmala UI"),
    "si-LK": Face("Sinh", "Nirmala UI"),
    "km-KH": Face("Khmr", "Leelawadee UI"),
    "lo-LA": Face("Laoo", "Leelawadee UI"),
    "my-MM": Face("Mymr", "Myanmar Text"),
}


class Languages(NamedTuple):
    """The languages of a text, as BCP 47 tags; None where its script tells none."""

    main: str | None
    """That of most of its letters."""
    east_asian: str | None
    complex: str | None
    """That of its letters in a complex script, such as Arabic or Thai."""


@lru_cache(maxsize=4096)
def languages_of(text: str, around: str = "", deck: str = "zh-CN") -> Languages:
    """Return the languages of a text.

    Args:
        text: The text.
        around: Its paragraph, which tells whether Chinese characters alone are Chinese or Japanese.
        deck: The East Asian language of its deck, for when that tells nothing.
    """
    letters = Counter(script for char in text if (script := script_of(char)))
    weights = {script: count * (_WEIGHT if script in _EAST_ASIAN else 1) for script, count in letters.items()}
    wide = sum(weights.get(script, 0) for script in _EAST_ASIAN)
    others = {script: weight for script, weight in weights.items() if script not in (*_EAST_ASIAN, "LATIN")}
    best = max(others, key=lambda script: others[script], default="")
    east_asian = _east_asian(text, around, deck) if wide else None
    other = _alphabetic(text, best) if best and _has_word(text, best) else None
    half = sum(weights.values()) / 2
    main = east_asian if wide >= half and wide else other if others.get(best, 0) >= half else None
    return Languages(main, east_asian, None if best in _LIKE_LATIN else other)


@lru_cache(maxsize=8192)
def script_of(char: str) -> str:
    """Return the script of a letter, as the first word of its Unicode name; empty for any other character."""
    if char.isascii():
        return "LATIN" if char.isalpha() else ""
    if not (char.isalpha() or unicodedata.category(char).startswith("M")):
        return ""
    word = unicodedata.name(char, "").partition(" ")[0]
    return _SCRIPT_NAMES.get(word, word)


def is_tall(text: str) -> bool:
    """Return whether a text has letters whose typefaces need more height than Latin ones: East Asian, Indic or Thai."""
    return not text.isascii() and any(script_of(char) in _TALL for char in text)


def _has_word(text: str, script: str) -> bool:
    run = 0
    for char in text:
        run = run + 1 if script_of(char) == script else 0
        if run >= _LEAST_WORD.get(script, 2):
            return True
    return False


def east_asian_language(text: str) -> str:
    """Return the language of a long text, such as that of a deck, if it is in an East Asian language."""
    return _east_asian(text, "", "zh-CN")


def _east_asian(text: str, around: str, deck: str) -> str:
    for sample in (text, around):
        letters = Counter(map(script_of, sample))
        kana, han, hangul = sum(letters[name] for name in _KANA), letters[_HAN], letters[_HANGUL]
        if hangul > han + kana:
            return "ko-KR"
        if kana and kana >= _KANA_SHARE * (kana + han):
            return "ja-JP"
    if not deck.startswith("zh"):
        return deck
    for sample in (text, around):
        simplified, traditional = _only_in(sample, "gb2312", "big5"), _only_in(sample, "big5", "gb2312")
        if simplified != traditional:
            return "zh-CN" if simplified > traditional else "zh-TW"
    return deck


def _only_in(text: str, one: str, other: str) -> int:
    """Return how many characters one national character set has and another one lacks."""
    return sum(_is_in(char, one) and not _is_in(char, other) for char in text if script_of(char) == _HAN)


@lru_cache(maxsize=8192)
def _is_in(char: str, charset: str) -> bool:
    try:
        char.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


def _alphabetic(text: str, script: str) -> str | None:
    """Return the language of a text in an alphabet; None if its letters do not tell it."""
    letters = {char for char in text.lower() if script_of(char) == script}
    if script == "ARABIC":
        return "ur-PK" if letters & _URDU else "fa-IR" if letters & _PERSIAN else "ar-SA"
    if script == "CYRILLIC":
        if letters & set("їєґ"):
            return "uk-UA"
        if "ў" in letters:
            return "be-BY"
        is_russian = letters <= _RUSSIAN and ("ъ" not in letters or bool(letters & set("ыэё")))
        return "ru-RU" if is_russian else None
    return _ONE_LANGUAGE.get(script)
