"""A saved deck in another design: what it holds stays, and follows the layouts of the new one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from PIL import Image
from pptx import Presentation
from pptx.oxml.ns import qn
from pptx.util import Inches, Pt

from seedx_sdk import InputError, SeedX
from seedx_tools import Brand, change_template, check_deck, edit_deck, make_slides, read_deck
from tests.support.pptx_files import slide_parts

OUTLINE = """# Review
Board
## Sales grew by a **third**
- Orders up in [all regions](https://example.com)
- Prices *held*
> Say thanks.
## Revenue
```chart bar
year,Revenue
2022,18
2023,41
```
Source: Annual report
## Regions
| Region | Q1 |
|---|---|
| North | 1 |
## Before and after
### Before
- slow
### After
- fast
## The yard
- One picture
![boats](photo.png)
## How
```process
Ticket: comes in
Fix: done
```
"""


@pytest.fixture
def made(seedx: SeedX, tmp_path: Path) -> Path:
    Image.effect_noise((900, 600), 60).save(tmp_path / "photo.png")
    return make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", files=tmp_path, pictures=False).path


def texts(path: Path) -> list[list[bytes]]:
    """Return the runs of each slide with their own properties, as XML."""
    return [
        [etree.tostring(run, method="c14n") for run in slide.element.iter(qn("a:r"))]
        for slide in Presentation(str(path)).slides
    ]


def test_text_runs_tables_charts_pictures_and_notes_stay(seedx: SeedX, made: Path, tmp_path: Path) -> None:
    deck = change_template(seedx, made, theme="studio", output=tmp_path / "new.pptx")
    assert deck.warnings == () and check_deck(deck.path).findings == ()
    assert read_deck(deck.path) == read_deck(made)
    assert texts(deck.path)[:6] == texts(made)[:6], "only the type of the drawing is scaled with it"
    before: Any = Presentation(str(made))
    after: Any = Presentation(str(deck.path))
    assert len(after.slide_masters) == 1
    assert after.slides[1].notes_slide.notes_text_frame.text == "Say thanks."
    charts = [next(shape.chart for shape in file.slides[2].shapes if shape.has_chart) for file in (before, after)]
    assert charts[0].part.blob == charts[1].part.blob
    pictures = [next(s for s in file.slides[5].shapes if hasattr(s, "image")) for file in (before, after)]
    assert pictures[0].image.sha1 == pictures[1].image.sha1
    names = [slide.slide_layout.name for slide in after.slides]
    assert names == [slide.slide_layout.name for slide in before.slides]
    title = after.slides[1].shapes.title
    assert title.left < Inches(1) and title.width < Inches(5), "the title stands in the panel at the left"


def test_a_chart_moves_with_its_source_line_and_a_drawing_keeps_its_proportions(seedx: SeedX, made: Path) -> None:
    def frames() -> tuple[list[Any], list[Any]]:
        slides: Any = Presentation(str(made)).slides
        return list(slides[2].shapes), [s for s in slides[6].shapes if s.name.startswith("Process")]

    (before, drawn), _ = frames(), change_template(seedx, made, theme="studio")
    after, redrawn = frames()
    chart = next(shape for shape in after if shape.has_chart)
    source = next(shape for shape in after if shape.name == "Source")
    assert source.top >= chart.top + chart.height - 20_000 and source.left == pytest.approx(chart.left, abs=150_000)
    assert chart.left > next(shape for shape in before if shape.has_chart).left
    ratios = [(shape.width / shape.height) for shape in drawn], [(shape.width / shape.height) for shape in redrawn]
    assert ratios[1] == pytest.approx(ratios[0], rel=0.01)
    assert redrawn[0].left > drawn[0].left


def test_a_template_of_another_size_is_filled_without_distortion(seedx: SeedX, made: Path, tmp_path: Path) -> None:
    Presentation().save(str(tmp_path / "small.pptx"))
    deck = change_template(seedx, made, template=tmp_path / "small.pptx")
    assert "the pages are now 10.00 x 7.50 inches, as the template's are" in deck.warnings
    file: Any = Presentation(str(made))
    assert file.slide_width == Inches(10)
    found = {finding.kind for finding in check_deck(made).findings}
    assert found <= {"low_contrast"}, "of the template's own grey footer"
    for slide in file.slides:
        for shape in slide.shapes:
            assert shape.left >= 0 and shape.left + shape.width <= file.slide_width + 10_000


def test_slides_of_any_origin_keep_their_shapes(seedx: SeedX, tmp_path: Path) -> None:
    file: Any = Presentation()
    blank = file.slides.add_slide(file.slide_layouts[6])
    box = blank.shapes.add_textbox(Inches(1), Inches(1), Inches(4), Inches(1))
    box.text_frame.text = "A box"
    box.text_frame.paragraphs[0].runs[0].font.size = Pt(28)
    table = file.slides.add_slide(file.slide_layouts[5])
    table.shapes.title.text = "Table"
    cells = table.shapes.add_table(2, 2, Inches(1), Inches(2), Inches(8), Inches(1)).table
    cells.cell(0, 0).text, cells.cell(1, 1).text = "a", "b"
    two = file.slides.add_slide(file.slide_layouts[3])
    two.shapes.title.text, two.placeholders[1].text, two.placeholders[2].text = "Two", "left", "right"
    file.save(str(tmp_path / "theirs.pptx"))
    before = texts(tmp_path / "theirs.pptx")
    deck = change_template(seedx, tmp_path / "theirs.pptx", theme="board")
    assert texts(deck.path) == before
    slides: Any = list(Presentation(str(deck.path)).slides)
    assert [slide.slide_layout.name for slide in slides] == ["Blank", "Title and Text", "Two Columns"]
    (moved,) = [shape for shape in slides[1].shapes if shape.has_table]
    assert moved.top > slides[1].shapes.title.top + slides[1].shapes.title.height
    assert [finding.kind for finding in check_deck(deck.path).findings] == ["missing_title"]


def test_a_brand_recolors_a_deck_and_sets_its_footer(seedx: SeedX, made: Path) -> None:
    change_template(seedx, made, theme="board", brand=Brand(name="ACME", colors=("#0A3D62",), footer="Board only"))
    file: Any = Presentation(str(made))
    footers = {s.text_frame.text for slide in file.slides for s in slide.placeholders if "Footer" in s.name}
    assert footers == {"Board only"}


def test_a_dry_run_says_what_would_change_and_writes_nothing(seedx: SeedX, made: Path, tmp_path: Path) -> None:
    before = made.read_bytes()
    Presentation().save(str(tmp_path / "small.pptx"))
    deck = change_template(seedx, made, template=tmp_path / "small.pptx", dry_run=True)
    assert any("the pages are now" in warning for warning in deck.warnings)
    assert made.read_bytes() == before and deck.path == made
    with pytest.raises(InputError, match="there is no new design; give a template, a theme or a brand"):
        change_template(seedx, made)


def test_slides_whose_placeholders_stay_are_the_same_byte_for_byte(seedx: SeedX, made: Path) -> None:
    before = set(slide_parts(made).values())
    edit_deck(seedx, made, "use the theme ink")
    assert len(before & set(slide_parts(made).values())) >= 2
