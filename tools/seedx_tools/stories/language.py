"""The language of a story and the direction of its text."""

from __future__ import annotations

import re
from collections import Counter

from seedx_sdk.errors import InputError

_DEFAULT = "en"
"""What a planner says that says nothing."""
_TAG = re.compile("[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_LANGUAGES = {
    "Arab": "ar",
    "Armn": "hy",
    "Geor": "ka",
    "Grek": "el",
    "Hang": "ko",
    "Hani": "zh",
    "Hebr": "he",
    "Hira": "ja",
    "Kana": "ja",
    "Thai": "th",
}
"""The language that most text in a script is in; scripts that many languages share have none."""
_RIGHT_TO_LEFT = frozenset("ar arc ckb dv fa he iw ji ks nqo prs ps sd syr ug ur yi".split())
"""Languages that are written from right to left unless their tag names another script."""
_JAPANESE_SHARE = 0.05
"""Chinese has no kana, and Japanese is never without."""


def check_language(tag: str) -> str:
    """Return a language tag that is well-formed.

    Raises:
        InputError: If it is not a BCP 47 tag.
    """
    if not isinstance(tag, str) or _TAG.fullmatch(tag) is None:
        raise InputError(f"the language is {str(tag)[:40]!r}; use a code such as en, he, pt-BR or zh-Hant")
    return tag


def story_language(text: str, declared: str, given: str | None = None) -> str:
    """Return the BCP 47 tag of a story's language.

    Args:
        text: The whole story.
        declared: What the planner says.
        given: What the user says, which counts alone.
    """
    if given is not None:
        return check_language(given)
    script = _script(text)
    if declared != _DEFAULT or script in ("", "Latn"):
        return declared
    return _LANGUAGES.get(script, f"und-{script}")


def is_right_to_left(language: str, text: str) -> bool:
    """Return whether a story is laid out from right to left: its language is written so, or most of its letters are."""
    from fontTools.unicodedata import script_horizontal_direction

    primary, *subtags = language.split("-")
    script = next((tag.title() for tag in subtags if len(tag) == 4 and tag.isalpha()), "")
    if not script and primary.lower() in _RIGHT_TO_LEFT:
        return True
    return "RTL" in (script_horizontal_direction(code, "LTR") for code in (script, _script(text)) if code)


def _script(text: str) -> str:
    """Return the ISO 15924 code of the script that most letters are in; none if there are no letters."""
    from fontTools.unicodedata import script  # slow to import

    counts = Counter(script(char) for char in text if char.isalpha())
    kana = counts["Hira"] + counts["Kana"]
    if kana > _JAPANESE_SHARE * (counts["Hani"] + kana):
        counts["Hira"] = kana + counts.pop("Hani", 0)
    return max(counts, key=lambda code: counts[code], default="")
