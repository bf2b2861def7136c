from __future__ import annotations

import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from pptx import Presentation
from pptx.opc.constants import RELATIONSHIP_TYPE as RT
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn

from seedx_sdk import InputError, OutputPathError, PromptError, SeedX, TemplateError
from seedx_sdk.testing import ScriptedEngine
from seedx_tools import Outline, SlidePlan, append_slides, check_deck, make_slides, revise_slide
from seedx_tools.decks.outline import Quote
from seedx_tools.decks.reader import read_slide
from tests.support.pptx_files import Shouting, add_3d_chart, add_picture


def _xml(path: Path) -> list[bytes]:
    """Return the slides' XML in the order of the deck, as it stands in the file."""
    with zipfile.ZipFile(path) as package:
        relations = ElementTree.fromstring(package.read("ppt/_rels/presentation.xml.rels"))
        targets = {relation.get("Id"): relation.get("Target") for relation in relations}
        order = re.findall(r'<p:sldId [^>]*r:id="(rId\d+)"', package.read("ppt/presentation.xml").decode())
        return [package.read(f"ppt/{targets[one]}") for one in order]


def _titles(path: Path) -> list[str]:
    return [slide.shapes.title.text_frame.text for slide in Presentation(str(path)).slides]


def test_a_revised_slide_is_new_and_every_other_is_the_same_byte_for_byte(
    seedx: SeedX, deck: Path, tmp_path: Path
) -> None:
    before = _xml(deck)
    result = revise_slide(
        seedx, deck, 3, "## Two, again\n- better\n- shorter\n> Say this.\n![](none)", output=tmp_path / "new.pptx"
    )
    after = _xml(tmp_path / "new.pptx")
    assert [b"kept by hand" in xml for xml in after] == [True, True, False, True]
    assert [after[0], after[1], after[3]] == [before[0], before[1], before[3]]
    assert _titles(tmp_path / "new.pptx") == ["The boat school", "One", "Two, again", "Three"]
    assert _xml(deck) == before
    slide = Presentation(str(tmp_path / "new.pptx")).slides[2]
    assert slide.notes_slide.notes_text_frame.text == "Say this."
    assert [made.title for made in result.slides] == _titles(tmp_path / "new.pptx")
    assert result.slides[1].notes == "Notes of one."
    assert check_deck(tmp_path / "new.pptx").findings == ()
    footers = [
        shape.text_frame.text
        for shape in slide.placeholders
        if shape.element.find(f".//{qn('p:ph')}").get("type") == "ftr"
    ]
    assert footers == ["The boat school"]


def test_a_deck_is_revised_in_place_again_and_again(seedx: SeedX, deck: Path) -> None:
    first = _xml(deck)
    for number in range(2):
        revise_slide(seedx, deck, 4, SlidePlan(title=f"Try {number}", picture=""))
    assert _titles(deck) == ["The boat school", "One", "Two", "Try 1"]
    assert _xml(deck)[:3] == first[:3]
    with zipfile.ZipFile(deck) as package:
        assert sum(name.startswith("ppt/slides/slide") for name in package.namelist()) == 4


def test_the_picture_is_kept_unless_another_is_asked_for(seedx: SeedX, engine: ScriptedEngine, deck: Path) -> None:
    drawn = len(engine.requests)
    revise_slide(seedx, deck, 2, "## One\n- changed words")
    assert len(engine.requests) == drawn
    picture = next(shape for shape in Presentation(str(deck)).slides[1].shapes if shape.element.tag == qn("p:pic"))
    assert picture._element.nvPicPr.cNvPr.get("descr").startswith("Generated image: a red boat")
    result = revise_slide(seedx, deck, 2, "## One\n- changed words\n![a green tree](draw)")
    assert len(engine.requests) == drawn + 1
    prompt = result.slides[1].picture_prompt
    assert prompt is not None and prompt.startswith("a green tree")


def test_a_revised_slide_that_needs_room_goes_on_after_itself(seedx: SeedX, deck: Path) -> None:
    bullets = tuple(f"Point {number} says something that takes a line and a bit more of it" for number in range(14))
    revise_slide(seedx, deck, 2, SlidePlan(title="Much", bullets=bullets, picture=""))
    assert _titles(deck)[:4] == ["The boat school", "Much (1/2)", "Much (2/2)", "Two"]


def test_slides_are_added_to_a_saved_deck(seedx: SeedX, deck: Path) -> None:
    before = _xml(deck)
    steps = []
    result = append_slides(
        seedx, deck, "## Four\n- fourth\n## Five\n- fifth\n", on_progress=lambda *step: steps.append(step)
    )
    append_slides(seedx, deck, Outline(title="ignored", slides=(SlidePlan(title="Six"),)))
    assert _titles(deck) == ["The boat school", "One", "Two", "Three", "Four", "Five", "Six"]
    assert _xml(deck)[:4] == before
    assert steps == [(0, 2, "Four"), (1, 2, "Five"), (2, 2, "done")]
    assert [made.bullets for made in result.slides[4:]] == [("fourth",), ("fifth",)]
    assert result.title == "The boat school"
    assert check_deck(deck).findings == ()


@pytest.mark.parametrize(
    ("number", "change", "error", "told"),
    [
        (0, "## A", InputError, "slides 1 to 4"),
        (5, "## A", InputError, "there is no slide 5"),
        (2, "make it nicer", InputError, "cannot be followed"),
        (2, "## A\n## B\n", InputError, "the change has 2 slides"),
        (2, " ", PromptError, "empty"),
    ],
)
def test_changes_that_cannot_be_made_leave_the_deck_alone(
    seedx: SeedX, engine: ScriptedEngine, deck: Path, number: int, change: str, error: type[Exception], told: str
) -> None:
    before, drawn = deck.read_bytes(), len(engine.requests)
    with pytest.raises(error, match=told):
        revise_slide(seedx, deck, number, change)
    assert deck.read_bytes() == before
    assert len(engine.requests) == drawn


def test_decks_that_cannot_be_opened_or_written(seedx: SeedX, deck: Path, tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="there is no file"):
        revise_slide(seedx, tmp_path / "none.pptx", 1, "## A")
    with pytest.raises(OutputPathError):
        append_slides(seedx, deck, "## A", output=tmp_path / "none" / "deck.pptx")
    with pytest.raises(InputError, match="at most 300"):
        append_slides(seedx, deck, "## A\n" * 300)
    with pytest.raises(InputError, match="Markdown"):
        append_slides(seedx, deck, "more about boats please")


def test_a_deck_with_a_chart_of_another_kind_can_be_continued(seedx: SeedX, deck: Path) -> None:
    opened = Presentation(str(deck))
    add_3d_chart(opened.slides[2])
    opened.save(str(deck))
    before = _xml(deck)
    assert append_slides(seedx, deck, "## Four\n- fourth\n", pictures=False).slides[-1].title == "Four"
    assert _xml(deck)[: len(before)] == before


def _names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as package:
        return package.namelist()


def _slide_parts(path: Path) -> list[str]:
    return sorted(name for name in _names(path) if re.fullmatch(r"ppt/slides/slide\d+\.xml", name))


def _broken(path: Path, number: int, blob: bytes) -> None:
    """Put the bytes of something else in place of a picture on a slide."""
    file = Presentation(str(path))
    add_picture(file.slides[number - 1])
    file.save(str(path))
    with zipfile.ZipFile(path) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    (media,) = (name for name in parts if name.startswith("ppt/media/"))
    with zipfile.ZipFile(path, "w") as package:
        for name, data in (parts | {media: blob}).items():
            package.writestr(name, data)


EMF = b"\x01\0\0\0\x6c\0\0\0" + bytes(32) + b" EMF" + bytes(64)


@pytest.fixture
def plain(seedx: SeedX, tmp_path: Path) -> Path:
    """A deck without pictures."""
    outline = (
        '# Boats\nBy the sea\n## One\n- a\n- b\n## Said\n\n"Be bold." -- Ann\n\n'
        "# Part\n\nits line\n\n## Thank you\n\nbye\n"
    )
    return make_slides(seedx, outline, path=tmp_path / "plain.pptx", pictures=False).path


@pytest.mark.parametrize("blob", [EMF, b"damaged"])
def test_a_picture_that_cannot_be_opened_stops_nothing(seedx: SeedX, plain: Path, blob: bytes) -> None:
    _broken(plain, 2, blob)
    added = append_slides(seedx, plain, "## More boats\n- c\n- d\n", pictures=False)
    assert (added.slides[-1].title, added.warnings) == ("More boats", ())
    other = revise_slide(seedx, plain, 6, "## Other\n- c\n- d\n", pictures=False)
    assert (other.slides[5].title, other.warnings) == ("Other", ())
    loud = revise_slide(seedx, plain, 2, "make it louder", planner=Shouting(), pictures=False)
    assert (loud.slides[1].title, loud.warnings) == ("ONE", ())
    made = revise_slide(seedx, plain, 2, "## New\n- c\n- d\n", pictures=False)
    assert (made.slides[1].bullets, made.warnings) == (("c", "d"), ())
    assert any(shape.element.tag == qn("p:pic") for shape in Presentation(str(plain)).slides[1].shapes)
    (warning,) = revise_slide(seedx, plain, 2, "## New\n### A\n- c\n### B\n- d\n", pictures=False).warnings
    assert warning.startswith("slide 2: its picture was left out: ")


def test_a_picture_of_any_proportions_is_kept(seedx: SeedX, plain: Path) -> None:
    file = Presentation(str(plain))
    add_picture(file.slides[1], width=32 * 30).crop_left = -0.1
    file.save(str(plain))
    made = revise_slide(seedx, plain, 2, "## New\n- c\n- d\n", pictures=False)
    kept = made.slides[1].picture
    assert kept is not None
    assert (kept.size, made.warnings) == ((960, 32), ())


def test_a_deck_is_not_written_by_a_call_that_fails(seedx: SeedX, deck: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = deck.read_bytes()

    def fail(*_: object) -> None:
        raise ValueError("no preview")

    monkeypatch.setattr("seedx_tools.decks.revise.describe_slides", fail)
    with pytest.raises(ValueError, match="no preview"):
        append_slides(seedx, deck, "## Four\n- fourth\n", pictures=False)
    assert deck.read_bytes() == before


def test_links_and_custom_shows_lead_to_the_new_slide(seedx: SeedX, plain: Path) -> None:
    file = Presentation(str(plain))
    box = file.slides[0].shapes.add_textbox(0, 0, 914400, 914400)
    box.text_frame.text = "go"
    box.click_action.target_slide = file.slides[1]
    file.slide_layouts[2].part.relate_to(file.slides[1].part, RT.SLIDE)
    entry = file.slides._sldIdLst[1]
    file.part._element.find(qn("p:notesSz")).addnext(
        parse_xml(
            f"<p:custShowLst {nsdecls('p', 'r')}><p:custShow name='x' id='0'><p:sldLst><p:sld r:id='{entry.rId}'/>"
            "</p:sldLst></p:custShow></p:custShowLst>"
        )
    )
    file.save(str(plain))
    number, first = entry.id, _xml(plain)[0]
    for title in ("Newer", "Newest"):
        revise_slide(seedx, plain, 2, f"## {title}\n- secret {title}\n- d\n", pictures=False)
        append_slides(seedx, plain, "## Added\n- e\n- f\n", pictures=False)
    assert _xml(plain)[0] == first
    assert sorted(_names(plain)) == sorted(set(_names(plain)))
    assert _slide_parts(plain) == [f"ppt/slides/slide{part}.xml" for part in range(1, 8)]
    made = Presentation(str(plain))
    slide = made.slides[1]
    assert (slide.shapes.title.text_frame.text, slide.slide_id) == ("Newest", number)
    assert made.slides[0].shapes[-1].click_action.target_slide == slide
    (shown,) = made.part._element.iter(qn("p:sld"))
    assert made.part.related_part(shown.get(qn("r:id"))) is slide.part
    (linked,) = (rel for rel in made.slide_layouts[2].part.rels.values() if rel.reltype == RT.SLIDE)
    assert linked.target_part is slide.part


def test_the_last_slide_goes_on_after_itself_in_order(seedx: SeedX, plain: Path) -> None:
    bullets = tuple(f"Point {number} says something that takes a line and a bit more of it" for number in range(30))
    revise_slide(seedx, plain, 5, SlidePlan(title="Much", bullets=bullets, picture=""))
    assert _titles(plain)[4:6] == ["Much (1/4)", "Much (2/4)"]
    slides = list(Presentation(str(plain)).slides)[4:]
    assert len(slides) > 2
    assert [point for slide in slides for point in read_slide(slide).bullets] == list(bullets)


def test_a_slide_that_is_linked_to_and_not_in_the_deck_keeps_a_name_of_its_own(seedx: SeedX, plain: Path) -> None:
    file = Presentation(str(plain))
    box = file.slides[0].shapes.add_textbox(0, 0, 914400, 914400)
    box.click_action.target_slide = file.slides[4]
    entry = file.slides._sldIdLst[4]
    file.part.drop_rel(entry.rId)
    entry.getparent().remove(entry)
    file.save(str(plain))
    for _ in range(2):
        append_slides(seedx, plain, "## Added\n- e\n- f\n", pictures=False)
    assert sorted(_names(plain)) == sorted(set(_names(plain)))
    made = Presentation(str(plain))
    assert made.slides[0].shapes[-1].click_action._hlink is not None
    assert _titles(plain) == ["Boats", "One", "Said", "Part", "Added", "Added (2)"]
    (linked,) = (rel.target_part for rel in made.slides[0].part.rels.values() if rel.reltype == RT.SLIDE)
    assert linked.slide.shapes.title.text_frame.text == "Thank you"


def test_a_slide_stays_what_it_is(seedx: SeedX, plain: Path) -> None:
    before = [slide.slide_layout.name for slide in Presentation(str(plain)).slides]
    assert before == ["Title Slide", "Title and Text", "Quote", "Section", "Closing"]
    for number in range(1, 6):
        revise_slide(seedx, plain, number, "make it louder", planner=Shouting(), pictures=False)
    slides = list(Presentation(str(plain)).slides)
    assert [slide.slide_layout.name for slide in slides] == before
    assert _titles(plain) == ["BOATS", "ONE", "SAID", "PART", "THANK YOU"]
    assert [read_slide(slide).bullets for slide in slides] == [("By the sea",), ("a", "b"), (), ("its line",), ("bye",)]
    assert read_slide(slides[2]).quote == Quote(text="Be bold.", by="Ann")
    for number, line in ((1, "a line"), (4, "another"), (5, "so long")):
        revise_slide(seedx, plain, number, f"## New\n\n{line}\n", pictures=False)
    slides = list(Presentation(str(plain)).slides)
    assert [slide.slide_layout.name for slide in slides] == before
    assert [read_slide(slides[at]).bullets for at in (0, 3, 4)] == [("a line",), ("another",), ("so long",)]
    revise_slide(seedx, plain, 1, "## Points\n- a\n- b\n", pictures=False)
    assert Presentation(str(plain)).slides[0].slide_layout.name == "Title and Text"


def test_the_title_slide_keeps_its_picture(seedx: SeedX, engine: ScriptedEngine, deck: Path) -> None:
    drawn = len(engine.requests)
    made = revise_slide(seedx, deck, 1, "make it louder", planner=Shouting())
    slide = Presentation(str(deck)).slides[0]
    assert sum(shape.element.tag == qn("p:pic") for shape in slide.shapes) == 1
    assert (slide.slide_layout.name, made.slides[0].bullets) == ("Title Slide with Picture", ("By the sea",))
    assert len(engine.requests) == drawn


@pytest.mark.parametrize("number", [3, 4, 5])
def test_a_picture_on_a_quote_a_section_and_the_end_is_kept(seedx: SeedX, plain: Path, number: int) -> None:
    file = Presentation(str(plain))
    add_picture(file.slides[number - 1])
    file.save(str(plain))
    words = read_slide(file.slides[number - 1]).bullets
    made = revise_slide(seedx, plain, number, "make it louder", planner=Shouting(), pictures=False)
    assert (made.slides[number - 1].bullets, made.warnings) == (words, ())
    kept = made.slides[number - 1].picture
    assert kept is not None and kept.size == (64, 32)


def test_a_quote_on_a_layout_of_points_is_read_as_one(seedx: SeedX, tmp_path: Path) -> None:
    Presentation().save(str(tmp_path / "template.pptx"))
    path = make_slides(
        seedx,
        '# D\n## Said\n\n"Be bold." -- Ann\n',
        path=tmp_path / "d.pptx",
        template=tmp_path / "template.pptx",
        pictures=False,
    ).path
    assert read_slide(Presentation(str(path)).slides[1]).quote == Quote(text="Be bold.", by="Ann")


def test_a_hidden_slide_stays_hidden(seedx: SeedX, plain: Path) -> None:
    file = Presentation(str(plain))
    file.slides[1]._element.set("show", "0")
    file.save(str(plain))
    revise_slide(seedx, plain, 2, "## New\n- c\n- d\n", pictures=False)
    assert [slide.element.get("show") for slide in Presentation(str(plain)).slides] == [None, "0", None, None, None]


def test_a_picture_without_room_is_a_warning(seedx: SeedX, engine: ScriptedEngine, deck: Path) -> None:
    drawn = len(engine.requests)
    table = "| a | b |\n|---|---|\n| 1 | 2 |\n\n"
    warning = "the slide has no room for"
    added = append_slides(seedx, deck, f"## Four\n{table}![a red boat](draw)\n")
    assert added.warnings == (f"slide 5: {warning} an image; none was generated",)
    made = revise_slide(seedx, deck, 2, f"## One\n{table}")
    assert made.warnings == (f"slide 2: {warning} its picture; it was left out",)
    assert len(engine.requests) == drawn


@pytest.mark.parametrize(
    ("title", "shown"),
    [("Use List<String> in C #", "Use List<String> in C #"), ("One\nTwo", "One\nTwo"), ("*a* # b", None)],
)
def test_points_alone_leave_the_title_as_it_is(seedx: SeedX, plain: Path, title: str, shown: str | None) -> None:
    file = Presentation(str(plain))
    file.slides[1].shapes.title.text_frame.text = title
    file.save(str(plain))
    made = revise_slide(seedx, plain, 2, "- c\n- d\n", pictures=False)
    assert (made.slides[1].title, made.slides[1].bullets) == (shown or title, ("c", "d"))


@pytest.mark.parametrize(
    ("change", "title", "bullets"),
    [
        ("## Sources\n- x\n- y", "Sources", ("x", "y")),
        ("Underlined\n----------\n\n- x\n- y", "Underlined", ("x", "y")),
        ("- x\n\n      ## code\n- y", "One", ("x", "y")),
    ],
)
def test_a_change_is_read_as_markdown(
    seedx: SeedX, plain: Path, change: str, title: str, bullets: tuple[str, ...]
) -> None:
    made = revise_slide(seedx, plain, 2, change, pictures=False)
    assert (made.slides[1].title, made.slides[1].bullets) == (title, bullets)


@pytest.mark.parametrize(
    ("more", "added"),
    [
        ("An introduction.\n\n## Next\n- a\n- b", [("More", ("An introduction.",)), ("Next", ("a", "b"))]),
        ("What next\n---------\n\n- a\n- b", [("What next", ("a", "b"))]),
        ("# Part two\n\nIts line", [("Part two", ("Its line",))]),
        ("- a\n- b", [("More", ("a", "b"))]),
        ("<!-- made by hand -->\n\n## Next\n- a\n- b", [("Next", ("a", "b"))]),
        ("## Sources\n- x\n- y", [("Sources", ("x", "y"))]),
    ],
)
def test_added_slides_are_read_as_markdown(
    seedx: SeedX, plain: Path, more: str, added: list[tuple[str, tuple[str, ...]]]
) -> None:
    made = append_slides(seedx, plain, more, pictures=False)
    assert [(slide.title, slide.bullets) for slide in made.slides[5:]] == added
