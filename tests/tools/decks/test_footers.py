"""Footers, dates and slide numbers: the template's own, or what the caller wants."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pptx import Presentation
from pptx.enum.shapes import PP_PLACEHOLDER as PH
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn

from seedx_sdk import SeedX
from seedx_tools import Footer, make_slides
from seedx_tools.decks.footer import FooterChoice

OUTLINE = "# Deck\nsub\n## One\n- a\n- b\n"


def _template(path: Path, *, footer: str = "", date: str = "", off: str = "") -> Path:
    """python-pptx's own template with a footer and a date on all layouts, and p:hf on the master."""
    file = Presentation()
    for layout in file.slide_layouts:
        placeholders: Any = layout.placeholders
        for shape in placeholders:
            if shape.placeholder_format.type == PH.FOOTER:
                shape.text_frame.text = footer
            if shape.placeholder_format.type == PH.DATE and date:
                shape.text_frame.text = date
    if off:
        styles = file.slide_master.element.find(qn("p:txStyles"))
        styles.addprevious(parse_xml(f"<p:hf {nsdecls('p')} {off}='0'/>"))
    file.save(str(path))
    return path


def _bottom(path: Path, slide: int) -> dict[str, str]:
    names = {PH.FOOTER: "footer", PH.DATE: "date", PH.SLIDE_NUMBER: "number"}
    shapes = Presentation(str(path)).slides[slide].placeholders
    return {names[s.placeholder_format.type]: s.text_frame.text for s in shapes if s.placeholder_format.type in names}


def test_the_template_keeps_its_own_footer_and_date(seedx: SeedX, tmp_path: Path) -> None:
    template = _template(tmp_path / "template.pptx", footer="ACME - internal", date="May 2026")
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", template=template, pictures=False)
    for slide in (0, 1):
        shown = _bottom(deck.path, slide)
        assert (shown["footer"], shown["date"]) == ("ACME - internal", "May 2026")
        assert "number" in shown


@pytest.mark.parametrize("prompt", ["", "<footer>", "Footer", "Presentation Title", "[Your footer here]"])
def test_a_prompt_is_no_footer_and_the_date_of_every_new_template_is_none(
    seedx: SeedX, tmp_path: Path, prompt: str
) -> None:
    template = _template(tmp_path / "template.pptx", footer=prompt)
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", template=template, pictures=False)
    shown = _bottom(deck.path, 1)
    assert shown["footer"] == "Deck" and "date" not in shown
    assert "footer" not in _bottom(deck.path, 0)  # the title is there already


@pytest.mark.parametrize(
    ("footer", "expected"),
    [
        ("Board only", {"footer": "Board only", "date": "May 2026"}),
        (False, {}),
        (Footer(date="1 June 2026", text=""), {"date": "1 June 2026"}),
        (Footer(date=False), {"footer": "ACME - internal"}),
    ],
)
def test_a_caller_sets_text_and_date_or_neither(
    seedx: SeedX, tmp_path: Path, footer: FooterChoice, expected: dict[str, str]
) -> None:
    template = _template(tmp_path / "template.pptx", footer="ACME - internal", date="May 2026")
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", template=template, footer=footer, pictures=False)
    shown = _bottom(deck.path, 1)
    assert shown.pop("number") == "\u2039#\u203a"
    assert shown == expected


def test_the_current_date_is_a_field_and_numbers_can_be_off(seedx: SeedX, tmp_path: Path) -> None:
    template = _template(tmp_path / "template.pptx")
    footer = Footer(date=True, slide_numbers=False)
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", template=template, footer=footer, pictures=False)
    assert "number" not in _bottom(deck.path, 1)
    fields = Presentation(str(deck.path)).slides[1].element.iter(qn("a:fld"))
    assert [field.get("type") for field in fields] == ["datetime1"]


@pytest.mark.parametrize(("off", "missing"), [("ftr", "footer"), ("sldNum", "number")])
def test_what_the_master_turns_off_stays_off(seedx: SeedX, tmp_path: Path, off: str, missing: str) -> None:
    template = _template(tmp_path / "template.pptx", off=off)
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", template=template, pictures=False)
    assert missing not in _bottom(deck.path, 1)


def test_a_text_without_room_is_shortened_with_a_warning(seedx: SeedX, tmp_path: Path) -> None:
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", footer="Not for the press " * 20, pictures=False)
    assert _bottom(deck.path, 1)["footer"].endswith(" ...")
    assert [warning.split("'")[0] for warning in deck.warnings] == ["slide 2: its layout has no room for all of "]


def test_a_text_that_no_layout_has_a_place_for_is_a_warning(seedx: SeedX, tmp_path: Path) -> None:
    file = Presentation()
    for layout in file.slide_layouts:
        for shape in list(layout.placeholders):
            if shape.placeholder_format.type == PH.FOOTER:
                shape.element.getparent().remove(shape.element)
    file.save(str(tmp_path / "template.pptx"))
    deck = make_slides(
        seedx, OUTLINE, path=tmp_path / "deck.pptx", template=tmp_path / "template.pptx", footer="Board", pictures=False
    )
    assert deck.warnings == ("the template's layouts have no footer placeholder; 'Board' was left out",)
