"""Templates with several masters, and layouts whose names are in other languages."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
from pptx import Presentation
from pptx.opc.constants import RELATIONSHIP_TYPE as RT
from pptx.opc.package import Part
from pptx.opc.packuri import PackURI
from pptx.oxml.ns import qn
from pptx.parts.slide import SlideLayoutPart, SlideMasterPart
from pptx.presentation import Presentation as PresentationObject

from seedx_sdk import InputError, SeedX
from seedx_tools import make_slides
from seedx_tools.decks.ooxml.layout_names import named_role

OUTLINE = "# Deck\nsub\n# Part\n## One\n- a\n- b\n"


def _add_dark_master(file: PresentationObject) -> None:
    """Add a copy of the master with all its layouts, under a theme named "Dark"."""
    package, first = file.part.package, file.slide_master
    theme = next(rel.target_part for rel in first.part.rels.values() if rel.reltype == RT.THEME)
    dark = Part(
        PackURI("/ppt/theme/theme9.xml"), theme.content_type, package, theme.blob.replace(b"Office Theme", b"Dark")
    )
    part = SlideMasterPart(
        PackURI("/ppt/slideMasters/slideMaster2.xml"), first.part.content_type, package, copy.deepcopy(first.element)
    )
    entries = part._element.sldLayoutIdLst
    for entry in list(entries):
        entries.remove(entry)
    part.relate_to(dark, RT.THEME)
    for number, layout in enumerate(first.slide_layouts, start=1):
        name = PackURI(f"/ppt/slideLayouts/slideLayout{number + 50}.xml")
        other = SlideLayoutPart(name, layout.part.content_type, package, copy.deepcopy(layout.element))
        other.relate_to(part, RT.SLIDE_MASTER)
        entry = entries._add_sldLayoutId()
        entry.rId = part.relate_to(other, RT.SLIDE_LAYOUT)
        entry.set("id", str(2147484000 + number))
    masters = file.part._element.sldMasterIdLst
    entry = masters.makeelement(qn("p:sldMasterId"), {"id": "2147483999"})
    entry.set(qn("r:id"), file.part.relate_to(part, RT.SLIDE_MASTER))
    masters.append(entry)


def _masters_of(path: Path) -> set[str]:
    return {str(slide.slide_layout.slide_master.part.partname) for slide in Presentation(str(path)).slides}


@pytest.mark.parametrize(
    ("master", "expected"), [(None, 1), ("dark", 2), ("Dark", 2), ("2", 2), ("Office Theme", 1), ("1", 1)]
)
def test_a_deck_is_on_one_master_by_name_or_number(
    seedx: SeedX, tmp_path: Path, master: str | None, expected: int
) -> None:
    file = Presentation()
    _add_dark_master(file)
    file.save(str(tmp_path / "template.pptx"))
    deck = make_slides(
        seedx, OUTLINE, path=tmp_path / "deck.pptx", template=tmp_path / "template.pptx", master=master, pictures=False
    )
    assert _masters_of(deck.path) == {f"/ppt/slideMasters/slideMaster{expected}.xml"}
    assert len(Presentation(str(deck.path)).slide_masters) == 2
    told = "the template has 2 slide masters; 'Office Theme' is used, and master= chooses another"
    assert (told in deck.warnings) == (master is None)


def test_the_master_of_the_sample_slides_fits_best(seedx: SeedX, tmp_path: Path) -> None:
    file = Presentation()
    _add_dark_master(file)
    file.slides.add_slide(file.slide_masters[1].slide_layouts[1])
    file.save(str(tmp_path / "template.pptx"))
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", template=tmp_path / "template.pptx", pictures=False)
    assert _masters_of(deck.path) == {"/ppt/slideMasters/slideMaster2.xml"}


def test_a_master_that_is_not_there_is_refused_with_the_names_of_those_that_are(seedx: SeedX, tmp_path: Path) -> None:
    Presentation().save(str(tmp_path / "template.pptx"))
    with pytest.raises(InputError, match="no slide master 'Light'; it has 1 'Office Theme'"):
        make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", template=tmp_path / "template.pptx", master="Light")


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("Title Slide", "cover"),
        ("Section Title Slide", "section"),
        ("Titelfolie", "cover"),
        ("Abschnitts\u00fcberschrift", "section"),
        ("En-t\u00eate de section", "section"),
        ("Encabezado de secci\u00f3n", "section"),
        ("Cabe\u00e7alho da Se\u00e7\u00e3o", "section"),
        ("Slajd tytu\u0142owy", "cover"),
        ("\u0422\u0438\u0442\u0443\u043b\u044c\u043d\u044b\u0439 \u0441\u043b\u0430\u0439\u0434", "cover"),
        ("\u7bc0\u30bf\u30a4\u30c8\u30eb", "section"),
        ("\u8282\u6807\u9898", "section"),
        ("\uad6c\uc5ed \uba38\ub9ac\uae00", "section"),
        ("\u0639\u0646\u0648\u0627\u0646 \u0627\u0644\u0645\u0642\u0637\u0639", "section"),
        ("Danke", "closing"),
        ("\u8c22\u8c22", "closing"),
        ("Zitat mit Bild", "quote"),
        ("Title and Content", None),
        ("Capacitaci\u00f3n", None),  # "capa" is a cover, and this word is not
        ("Stack of cards", None),
        ("Legende", None),
    ],
)
def test_words_in_a_name_tell_what_a_layout_is_for(name: str, role: str | None) -> None:
    assert named_role(name) == role
