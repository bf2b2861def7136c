"""Copies of slides, within a deck and from another one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pptx import Presentation
from pptx.opc.package import Part
from pptx.opc.packuri import PackURI
from pptx.oxml import parse_xml

from seedx_sdk import InputError, SeedX
from seedx_tools import check_deck, duplicate_slide, make_slides, merge_decks, revise_slide
from seedx_tools.decks.theme.palettes import DeckTheme
from tests.support.pptx_files import slide_parts

CHART = "# {0}\n## {0} sales\n```chart bar\nyear,sales\n2024,1\n2025,2\n```\n> Say it.\n\n## {0} picture\n![]({1})\n"

_DECKS: tuple[tuple[str, DeckTheme], ...] = (("one", "paper"), ("two", "night"))


@pytest.fixture
def decks(seedx: SeedX, tmp_path: Path) -> tuple[Path, Path]:
    Image.effect_noise((600, 400), 60).save(tmp_path / "noise.png")
    made = [
        make_slides(
            seedx,
            CHART.format(name, "noise.png"),
            path=tmp_path / f"{name}.pptx",
            theme=theme,
            files=tmp_path,
            pictures=False,
        ).path
        for name, theme in _DECKS
    ]
    return made[0], made[1]


def _titles(path: Path) -> list[str]:
    return [slide.shapes.title.text_frame.text for slide in Presentation(str(path)).slides]


def test_a_duplicate_has_a_chart_and_notes_of_its_own(seedx: SeedX, decks: tuple[Path, Path]) -> None:
    path = decks[0]
    before = slide_parts(path)
    assert duplicate_slide(path, 2) == path
    assert _titles(path) == ["one", "one sales", "one sales", "one picture"]
    assert set(before.values()) <= set(slide_parts(path).values())
    slides: list[Any] = list(Presentation(str(path)).slides)
    charts = [shape.chart.part for slide in slides[1:3] for shape in slide.shapes if shape.has_chart]
    assert charts[0] is not charts[1] and charts[0].partname != charts[1].partname
    assert [slide.notes_slide.notes_text_frame.text for slide in slides[1:3]] == ["Say it."] * 2
    revise_slide(seedx, path, 3, "title: Another", pictures=False)
    assert _titles(path)[1:3] == ["one sales", "Another"]


def test_merged_slides_keep_their_look(decks: tuple[Path, Path]) -> None:
    one, two = decks
    before = slide_parts(one)
    merge_decks(one, two, at=2)
    assert _titles(one) == ["one", "two", "two sales", "two picture", "one sales", "one picture"]
    assert set(before.values()) <= set(slide_parts(one).values())
    deck: Any = Presentation(str(one))
    masters = [slide.slide_layout.slide_master.part.partname for slide in deck.slides]
    assert masters[0] == masters[4] == masters[5] != masters[1] == masters[2] == masters[3]
    ids = [entry.get("id") for master in deck.slide_masters for entry in master.element.get_or_add_sldLayoutIdLst()]
    assert len(ids) == len(set(ids))
    assert [sum(shape.has_chart for shape in slide.shapes) for slide in deck.slides] == [0, 0, 1, 0, 1, 0]
    assert check_deck(one).findings == ()


def test_pages_of_two_sizes_are_not_merged(seedx: SeedX, decks: tuple[Path, Path], tmp_path: Path) -> None:
    small = make_slides(seedx, "# Small\n", path=tmp_path / "small.pptx", size="4:3", pictures=False).path
    before = decks[0].read_bytes()
    with pytest.raises(InputError, match="13.33 x 7.50 inches and 10.00 x 7.50 inches"):
        merge_decks(decks[0], small)
    assert decks[0].read_bytes() == before


def test_orders_in_words_reach_whole_slides(seedx: SeedX, decks: tuple[Path, Path]) -> None:
    path = decks[0]
    made = revise_slide(seedx, path, 2, "duplicate this slide")
    assert [slide.title for slide in made.slides] == ["one", "one sales", "one sales", "one picture"]
    revise_slide(seedx, path, 1, "Move slide 4 to 2.")
    assert _titles(path) == ["one", "one picture", "one sales", "one sales"]
    made = revise_slide(seedx, path, 3, "delete this slide")
    assert [slide.title for slide in made.slides] == ["one", "one picture", "one sales"]


def _with_comment(path: Path, author: str) -> None:
    """Give slide 2 of a deck a comment and a table style of its own."""
    deck: Any = Presentation(str(path))
    space = "xmlns:p='http://schemas.openxmlformats.org/presentationml/2006/main'"
    authors = (
        f"<p:cmAuthorLst {space}><p:cmAuthor id='0' name='{author}' initials='{author[0]}' lastIdx='1' clrIdx='0'/>"
    )
    comment = (
        f"<p:cmLst {space}><p:cm authorId='0' dt='2026-01-01T00:00:00' idx='1'><p:pos x='1' y='1'/><p:text>{author}"
    )
    kind = "application/vnd.openxmlformats-officedocument.presentationml"
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    for source, name, content, xml in (
        (deck.part, "commentAuthors", "commentAuthors", f"{authors}</p:cmAuthorLst>"),
        (deck.slides[1].part, "comments", "comments", f"{comment}</p:text></p:cm></p:cmLst>"),
    ):
        place = PackURI(f"/ppt/{name}.xml" if name == "commentAuthors" else "/ppt/comments/comment1.xml")
        part = Part.load(place, f"{kind}.{content}+xml", deck.part.package, xml.encode())
        source.relate_to(part, f"{relation}/{name}")
    styles = next(rel.target_part for rel in deck.part.rels.values() if rel.reltype.endswith("/tableStyles"))
    own = f"<a:tblStyle styleId='{{{author}}}' styleName='{author}'/></a:tblStyleLst>".encode()
    styles._blob = styles.blob.replace(b"</a:tblStyleLst>", own).replace(b"/>", b">" + own, 1)
    if styles.blob.count(b"</a:tblStyleLst>") > 1:
        styles._blob = styles.blob[: styles.blob.rindex(b"</a:tblStyleLst>")]
    deck.save(str(path))


def test_comments_table_styles_notes_and_sections_come_along(seedx: SeedX, tmp_path: Path) -> None:
    outline = "# {0}\n# Part {0}\n## Talk {0}\n- x\n> Notes {0}.\n"
    paths = [
        make_slides(seedx, outline.format(name), path=tmp_path / f"{name}.pptx", pictures=False).path for name in "AB"
    ]
    for path, author in zip(paths, ("Ann", "Ben"), strict=True):
        _with_comment(path, author)
    merge_decks(*paths, at=3)
    deck: Any = Presentation(str(paths[0]))
    assert _titles(paths[0]) == ["A", "Part A", "B", "Part B", "Talk B", "Talk A"]
    said = {}
    for slide in deck.slides:
        for relation in slide.part.rels.values():
            if relation.reltype.endswith("/comments"):
                (comment,) = parse_xml(relation.target_part.blob)
                said[comment[1].text] = comment.get("authorId")
    authors = next(rel.target_part for rel in deck.part.rels.values() if rel.reltype.endswith("/commentAuthors"))
    assert said == {one.get("name"): one.get("id") for one in parse_xml(authors.blob)} == {"Ann": "0", "Ben": "1"}
    styles = next(rel.target_part for rel in deck.part.rels.values() if rel.reltype.endswith("/tableStyles"))
    assert {"{Ann}", "{Ben}"} <= {style.get("styleId") for style in parse_xml(styles.blob)}
    assert [slide.notes_slide.notes_text_frame.text for slide in list(deck.slides)[4:]] == ["Notes B.", "Notes A."]
    names = {str(slide.slide_id): slide.shapes.title.text for slide in deck.slides}
    section = "{http://schemas.microsoft.com/office/powerpoint/2010/main}section"
    found = [
        (one.get("name"), [names[listed.get("id")] for listed in one[0]]) for one in deck.part._element.iter(section)
    ]
    assert found == [
        ("A", ["A"]),
        ("Part A", ["Part A"]),
        ("B", ["B"]),
        ("Part B", ["Part B", "Talk B"]),
        ("Part A", ["Talk A"]),
    ]
