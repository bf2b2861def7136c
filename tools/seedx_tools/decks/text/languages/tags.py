"""Tag the runs of slides with the language that their script tells, and with a typeface that has that script."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from pptx.oxml import parse_xml
from pptx.oxml.ns import qn
from pptx.slide import Slide

from seedx_tools.decks.ooxml.styles import TITLES, placeholder_type, theme_xml
from seedx_tools.decks.text.languages.scripts import FACES, Languages, east_asian_language, languages_of, script_of

_RUNS = (qn("a:r"), qn("a:fld"))
_AFTER = {
    "a:ea": tuple(qn(f"a:{name}") for name in ("cs", "sym", "hlinkClick", "hlinkMouseOver", "rtl", "extLst")),
    "a:cs": tuple(qn(f"a:{name}") for name in ("sym", "hlinkClick", "hlinkMouseOver", "rtl", "extLst")),
}
"""What stands behind a typeface among the properties of a run (ECMA-376 part 1, 21.1.2.3.9)."""


def tag_languages(slides: Iterable[Slide], around: Iterable[Slide]) -> None:
    """Tag the runs of slides, of their notes and of their charts.

    Args:
        slides: The slides; what their runs say of typefaces stays.
        around: The slides of the deck, which tell whether Chinese characters alone are Chinese or Japanese.
    """
    deck = east_asian_language(" ".join(_shown(slide) for slide in around))
    for slide in slides:
        for shape in slide.element.iter(qn("p:sp"), qn("p:graphicFrame")):
            for run in shape.iter(*_RUNS):
                tag_run(slide, run, deck, is_title=placeholder_type(shape) in TITLES)
        for shape in slide.shapes:
            if shape.has_chart:
                _tag_chart(slide, shape.chart._chartSpace, deck)  # type: ignore[attr-defined]
        if slide.has_notes_slide:
            for run in slide.notes_slide.element.iter(*_RUNS):
                tag_run(slide, run, deck, is_title=False)


def tag_run(slide: Slide, run: Any, deck: str, *, is_title: bool) -> None:
    """Tag one run (a:r or a:fld) on a slide of a deck in this East Asian language; without one it stays as it is."""
    text = str(run.findtext(qn("a:t")) or "")
    if text.isascii():
        return
    around = "".join(str(part.text or "") for part in run.getparent().iter(qn("a:t")))
    properties = run.find(qn("a:rPr"))
    if properties is None:
        properties = run.makeelement(qn("a:rPr"))
        run.insert(0, properties)
    _tag(slide, properties, languages_of(text, around, deck), is_title=is_title)


def retag_run(slide: Slide, run: Any) -> None:
    """Tag a run that took over the properties of another text, if they name another language than its script tells."""
    text, properties = str(run.findtext(qn("a:t")) or ""), run.find(qn("a:rPr"))
    had = "" if properties is None else str(properties.get("lang", ""))
    language = languages_of(text).main
    if language is None and had in FACES and any(map(script_of, text)):
        properties.attrib.pop("lang")
    elif language is not None and had.partition("-")[0] != language.partition("-")[0]:
        shape = next(run.iterancestors(qn("p:sp"), qn("p:graphicFrame")))
        tag_run(slide, run, east_asian_language(_shown(slide)), is_title=placeholder_type(shape) in TITLES)


def _tag_chart(slide: Slide, space: Any, deck: str) -> None:
    """Tag the texts of a chart: its own ones, and what its labels are set in."""
    for run in space.iter(*_RUNS):
        tag_run(slide, run, deck, is_title=False)
    labels = " ".join(str(value.text or "") for value in space.iter(qn("c:v")))
    for properties in space.iter(qn("a:defRPr")):
        _tag(slide, properties, languages_of(labels, "", deck), is_title=False)


def _shown(slide: Slide) -> str:
    return " ".join(str(text.text or "") for text in slide.element.iter(qn("a:t")))


def _tag(slide: Slide, properties: Any, languages: Languages, *, is_title: bool) -> None:
    if languages.main is not None:
        properties.set("lang", languages.main)
    for tag, language in (("a:ea", languages.east_asian), ("a:cs", languages.complex)):
        if language is not None and language in FACES and properties.find(qn(tag)) is None:
            face = properties.makeelement(qn(tag), {"typeface": _typeface(slide, tag[2:], language, is_title=is_title)})
            later = next((child for child in properties if child.tag in _AFTER[tag]), None)
            properties.append(face) if later is None else later.addprevious(face)


def _typeface(slide: Slide, kind: str, language: str, *, is_title: bool) -> str:
    """Return the typeface of a language: the theme's own, the one it lists for the script, or a usual one."""
    theme = theme_xml(slide)
    script, usual = FACES[language]
    named = None if theme is None else _theme_typeface(theme, kind, script, is_title)
    return usual if named is None else named


@lru_cache(maxsize=64)
def _theme_typeface(theme: bytes, kind: str, script: str, is_title: bool) -> str | None:
    fonts: Any = parse_xml(theme).find(f".//{qn('a:majorFont' if is_title else 'a:minorFont')}")
    if fonts is None:
        return None
    own = fonts.find(qn(f"a:{kind}"))
    if own is not None and own.get("typeface"):
        return f"+{'mj' if is_title else 'mn'}-{kind}"
    return next((str(font.get("typeface")) for font in fonts.iter(qn("a:font")) if font.get("script") == script), None)
