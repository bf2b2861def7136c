"""Visuals as native shapes: every kind, read back, in all themes and directions."""

from __future__ import annotations

import io
import math
from itertools import pairwise
from typing import Any

import pytest
from PIL import Image
from pptx.oxml.ns import qn
from pptx.presentation import Presentation as PresentationObject
from pptx.slide import Slide
from pydantic import ValidationError

from seedx_tools.decks.drawing.names import part_of
from seedx_tools.decks.lint.check import find_faults
from seedx_tools.decks.outline import SlidePlan
from seedx_tools.decks.preview import render_slides
from seedx_tools.decks.reader import read_slide, unsupported_content
from seedx_tools.decks.theme.build import DeckSize, default_template
from seedx_tools.decks.theme.palettes import DeckTheme
from seedx_tools.decks.visuals import Visual, VisualItem, VisualKind, VisualLink
from seedx_tools.decks.writing.writer import DeckWriter


def _items(*texts: str) -> tuple[VisualItem, ...]:
    """Return items of "value|label|text" lines."""
    return tuple(
        VisualItem(value=value, label=label, text=text) for value, label, text in (t.split("|") for t in texts)
    )


STEPS = _items("|Ticket|A user writes or calls.", "|Triage|The desk sets the priority.", "|Fix|", "|Close|Done")
FIGURES = _items("1,240|tickets|down 34 %", "62 %|solved at once|", "4.6|of 5|satisfaction")
PEOPLE = (
    VisualItem(label="Ann", text="Chief executive"),
    VisualItem(label="Bo", parent="Ann"),
    VisualItem(label="Cy", parent="Ann"),
    VisualItem(label="Di", text="Platform", parent="Cy"),
)
FLOW = Visual(
    kind="flow",
    direction="right",
    items=(
        VisualItem(label="Start", shape="end"),
        VisualItem(label="Complete?", shape="decision"),
        VisualItem(label="Ship"),
        VisualItem(label="Ask", shape="round"),
        VisualItem(label="Invoice", shape="data"),
    ),
    links=(
        VisualLink(source="Start", target="Complete?"),
        VisualLink(source="Complete?", target="Ship", label="yes"),
        VisualLink(source="Complete?", target="Ask", label="no"),
        VisualLink(source="Ask", target="Complete?"),
        VisualLink(source="Ship", target="Invoice"),
    ),
)
COMPARED = Visual(
    kind="comparison",
    axes=("Criterion",),
    options=("Build", "Buy", "Wait"),
    highlight=2,
    items=(
        VisualItem(label="Price", text="over five years", cells=("1/4", "3/4", "4/4")),
        VisualItem(label="Ready in spring", cells=("no", "yes", "")),
        VisualItem(label="Team", cells=("six people", "partly", "**none**")),
    ),
)
VISUALS = [
    Visual(kind="kpis", items=FIGURES),
    Visual(kind="cards", items=tuple(VisualItem(label=label) for label in ("Alpha", "Beta", "Gamma"))),
    Visual(kind="big_number", items=FIGURES[:1]),
    Visual(kind="process", items=STEPS),
    Visual(kind="cycle", items=STEPS),
    Visual(kind="timeline", items=FIGURES),
    Visual(kind="timeline", items=FIGURES * 2),
    Visual(kind="matrix", items=STEPS, axes=("Effort", "Value"), highlight=2),
    Visual(kind="pyramid", items=STEPS),
    Visual(kind="funnel", items=FIGURES),
    Visual(kind="org_chart", items=PEOPLE),
    FLOW,
    COMPARED,
]


def _draw(visual: Visual, theme: DeckTheme = "paper", **plan: Any) -> tuple[PresentationObject, list[Slide], list[str]]:
    deck = default_template("16:9", theme)
    warnings: list[str] = []
    slides = DeckWriter(deck, warnings.append).add_slide(SlidePlan(title="A title", visual=visual, **plan))
    return deck, slides, warnings


def _shapes(slide: Slide) -> list[Any]:
    return list(slide.shapes)


def _connectors(slide: Slide) -> list[Any]:
    return [shape.element for shape in _shapes(slide) if shape.element.tag == qn("p:cxnSp")]


@pytest.mark.parametrize("theme", ["paper", "night", "studio"])
@pytest.mark.parametrize("visual", VISUALS, ids=lambda visual: visual.kind)
def test_every_kind_is_drawn_without_findings_and_reads_back(visual: Visual, theme: DeckTheme) -> None:
    deck, slides, warnings = _draw(visual, theme)
    assert (len(slides), warnings, list(find_faults(deck))) == (1, [], [])
    assert read_slide(slides[0]).visual == visual
    assert unsupported_content(slides[0]) == []


def test_figures_have_at_least_36_points() -> None:
    _, (slide,), _ = _draw(Visual(kind="kpis", items=_items(*["EUR 3.1 m|Revenue|up 12 % on last year"] * 6)))
    sizes = {
        shape.text_frame.paragraphs[0].runs[0].font.size.pt
        for shape in _shapes(slide)
        if (part := part_of(shape.name)) is not None and part.item is not None
    }
    assert len(sizes) == 1 and min(sizes) >= 36


def test_arrows_are_glued_to_the_boxes_that_they_connect() -> None:
    _, (slide,), _ = _draw(FLOW)
    names = {shape.shape_id: shape.text_frame.text for shape in _shapes(slide) if shape.has_text_frame}
    glued = {
        tuple(names[int(connector.find(f".//{qn(tag)}").get("id"))] for tag in ("a:stCxn", "a:endCxn"))
        for connector in _connectors(slide)
    }
    assert {("Start", "Complete?"), ("Complete?", "Ship"), ("Ship", "Invoice")} <= glued
    assert len({int(shape.shape_id) for shape in _shapes(slide)}) == len(_shapes(slide))
    said = [connector.nvCxnSpPr.cNvPr.get("descr") for connector in _connectors(slide)]
    assert "Arrow from Complete? to Ship: yes" in said


def test_boxes_of_an_arrow_do_not_overlap() -> None:
    chain = tuple(VisualItem(label=f"Step {number}") for number in range(11))
    links = tuple(VisualLink(source=f"Step {number}", target=f"Step {number + 1}") for number in range(10))
    deck, (slide,), warnings = _draw(Visual(kind="flow", items=chain, links=links))
    boxes = [(s.left, s.top, s.left + s.width, s.top + s.height) for s in _shapes(slide) if "item" in s.name]
    apart = [
        a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1] for n, a in enumerate(boxes) for b in boxes[:n]
    ]
    assert (len(boxes), all(apart), warnings, list(find_faults(deck))) == (11, True, [], [])


def test_more_items_than_fit_go_on_on_another_slide() -> None:
    steps = tuple(VisualItem(label=f"Step {number}", text="What happens in it.") for number in range(14))
    deck, slides, warnings = _draw(Visual(kind="process", items=steps))
    read = [item.label for slide in slides for item in read_slide(slide).visual.items]  # type: ignore[union-attr]
    assert read == [step.label for step in steps]
    titles: list[Any] = [slide.shapes.title for slide in slides]
    assert [title.text_frame.text for title in titles] == ["A title (1/2)", "A title (2/2)"]
    assert warnings == ["slide 1: its process do not fit on one slide; they continue on 1 more"]
    assert list(find_faults(deck)) == []


def test_text_that_is_shortened_is_whole_in_the_notes() -> None:
    long = "word " * 200
    _, (slide,), warnings = _draw(Visual(kind="matrix", items=(VisualItem(label="A", text=long), *STEPS[:3])))
    assert warnings == ["slide 1: texts of its matrix were shortened; the full texts are in the notes"]
    assert slide.notes_slide.notes_text_frame is not None
    assert slide.notes_slide.notes_text_frame.text.split() == long.split()


@pytest.mark.parametrize(
    ("kind", "count", "drawn"),
    [("matrix", 6, "cards"), ("cycle", 2, "process"), ("pyramid", 8, "process"), ("big_number", 2, "kpis")],
)
def test_a_kind_that_cannot_show_so_many_items_becomes_another(kind: VisualKind, count: int, drawn: str) -> None:
    items = tuple(VisualItem(label=f"Item {number}", value=str(number)) for number in range(count))
    _, (slide,), warnings = _draw(Visual(kind=kind, items=items))
    read = read_slide(slide).visual
    assert read is not None and (read.kind, len(read.items)) == (drawn, count)
    assert warnings == [f"slide 1: a {kind} cannot show {count} items; they are {drawn}"]


def test_points_stand_under_a_drawing() -> None:
    deck, (slide,), warnings = _draw(Visual(kind="process", items=STEPS[:3]), bullets=("One point", "Another"))
    body = next(shape for shape in _shapes(slide) if shape.has_text_frame and shape.text_frame.text.startswith("One"))
    lowest = max(shape.top + shape.height for shape in _shapes(slide) if part_of(shape.name) is not None)
    assert body.text_frame.text == "One point\nAnother" and body.top >= lowest
    assert (warnings, list(find_faults(deck))) == ([], [])


def test_texts_are_inline_markdown() -> None:
    item = VisualItem(label="See [the page](https://example.com)", text="**Bold** and `code`")
    _, (slide,), _ = _draw(Visual(kind="cards", items=(item, VisualItem(label="5 * 3"))))
    shape = next(shape for shape in _shapes(slide) if "item 1" in shape.name)
    assert shape.text_frame.text == "See the page\nBold and code"
    assert shape.text_frame.paragraphs[0].runs[1].hyperlink.address == "https://example.com"
    visual = read_slide(slide).visual
    assert visual is not None and visual.items[0] == item


def test_an_edit_by_hand_is_read() -> None:
    _, (slide,), _ = _draw(Visual(kind="kpis", items=FIGURES))
    shape = next(shape for shape in _shapes(slide) if "item 2" in shape.name)
    shape.text_frame.paragraphs[0].runs[0].text = "70 %"
    visual = read_slide(slide).visual
    assert visual is not None and visual.items[1] == VisualItem(value="70 %", label="solved at once")


def test_a_copied_part_is_named_and_not_lost() -> None:
    _, (slide,), _ = _draw(Visual(kind="kpis", items=FIGURES))
    first = next(shape for shape in _shapes(slide) if "item 1" in shape.name)
    other = next(shape for shape in _shapes(slide) if "item 2" in shape.name)
    other.name = first.name
    assert read_slide(slide).visual is None
    assert unsupported_content(slide)[0].startswith("a drawn shape ('Key figures")


def test_right_to_left_drawings_are_mirrored() -> None:
    letters = ("\u05d0\u05d1", "\u05d2\u05d3", "\u05d4\u05d5")
    _, (slide,), _ = _draw(Visual(kind="process", items=tuple(VisualItem(label=one) for one in letters)))
    lefts = [next(s.left for s in _shapes(slide) if s.has_text_frame and s.text_frame.text == one) for one in letters]
    assert lefts == sorted(lefts, reverse=True)
    chevron = next(shape for shape in _shapes(slide) if shape.has_text_frame and shape.text_frame.text == letters[1])
    assert chevron.element.spPr.find(qn("a:xfrm")).get("flipH") == "1"


def test_icons_are_svg_in_the_color_of_the_theme_with_an_image() -> None:
    items = tuple(VisualItem(label=label, icon=icon) for label, icon in (("A", "people"), ("B", "lock"), ("C", "zzz")))
    deck, (slide,), warnings = _draw(Visual(kind="cards", items=items), "ink")
    pictures = [shape for shape in _shapes(slide) if shape.element.tag == qn("p:pic")]
    assert [picture.name.partition(", ")[2] for picture in pictures] == ["icon 1: users", "icon 2: lock"]
    drawings = [part.blob for part in deck.part.package.iter_parts() if part.content_type == "image/svg+xml"]
    assert len(drawings) == 2 and all(b"stroke='#" in drawing for drawing in drawings)
    color = drawings[0].split(b"stroke='#")[1][:6].decode()
    with Image.open(io.BytesIO(pictures[0].image.blob)) as image:
        pixels = image.convert("RGBA")
        shown = [pixel for _, pixel in pixels.getcolors(100_000) or () if pixel[3] == 255]  # type: ignore[index]
    assert [f"{red:02X}{green:02X}{blue:02X}" for red, green, blue, _ in shown] == [color]  # type: ignore[misc]
    assert warnings == ["slide 1: there is no icon for 'zzz'"]
    assert list(find_faults(deck)) == []


def test_connectors_end_where_their_boxes_are() -> None:
    _, (slide,), _ = _draw(Visual(kind="org_chart", items=PEOPLE))
    shapes = {int(shape.shape_id): shape for shape in _shapes(slide)}
    for connector in _connectors(slide):
        child = shapes[int(connector.find(f".//{qn('a:endCxn')}").get("id"))]
        transform = connector.spPr.find(qn("a:xfrm"))
        left, top = (int(transform.find(qn("a:off")).get(name)) for name in ("x", "y"))
        wide, high = (int(transform.find(qn("a:ext")).get(name)) for name in ("cx", "cy"))
        if transform.get("rot") in ("5400000", "16200000"):
            left, top, wide, high = left + (wide - high) // 2, top + (high - wide) // 2, high, wide
        middle = child.left + child.width / 2
        assert min(math.dist((x, top + high), (middle, child.top)) for x in (left, left + wide)) < 12700


def _boxes(slide: Slide) -> list[tuple[int, int, int, int]]:
    """Return left, top, right and bottom of the shapes of items."""
    return [(s.left, s.top, s.left + s.width, s.top + s.height) for s in _shapes(slide) if ", item " in s.name]


def _apart(boxes: list[tuple[int, int, int, int]]) -> bool:
    pairs = ((one, other) for place, one in enumerate(boxes) for other in boxes[:place])
    return all(a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1] for a, b in pairs)


@pytest.mark.parametrize("count", range(3, 9))
@pytest.mark.parametrize("size", ["16:9", "4:3"])
def test_arrows_of_a_cycle_run_around_boxes_that_stand_apart(count: int, size: DeckSize) -> None:
    items = tuple(VisualItem(label=f"Step {number}") for number in range(count))
    deck = default_template(size, "paper")
    (slide,) = DeckWriter(deck, list[str]().append).add_slide(
        SlidePlan(title="Around", visual=Visual(kind="cycle", items=items))
    )
    curves = [line.spPr.find(qn("a:prstGeom")).get("prst") == "curvedConnector2" for line in _connectors(slide)]
    assert len(curves) == count and sum(curves) >= 2 * (count < 8 or size == "4:3")
    assert _apart(_boxes(slide)) and list(find_faults(deck)) == []
    boxes = {
        int(shape.shape_id): number for number, shape in enumerate(s for s in _shapes(slide) if ", item " in s.name)
    }
    for number, line in enumerate(_connectors(slide)):
        ends = [boxes[int(line.find(f".//{qn(tag)}").get("id"))] for tag in ("a:stCxn", "a:endCxn")]
        points_back = line.find(f".//{qn('a:headEnd')}") is not None
        assert (ends[::-1] if points_back else ends) == [number, (number + 1) % count]


@pytest.mark.parametrize("size", ["16:9", "4:3"])
@pytest.mark.parametrize("theme", ["paper", "studio"])
@pytest.mark.parametrize("count", [4, 6, 8])
def test_the_boxes_of_a_flow_are_read_easily_in_narrow_themes_too(count: int, theme: DeckTheme, size: DeckSize) -> None:
    names = (
        "Request received",
        "Eligibility check",
        "Approval",
        "Procurement",
        "Delivery",
        "Invoice",
        "Archive",
        "Audit",
    )
    links = tuple(VisualLink(source=one, target=two) for one, two in pairwise(names[:count]))
    visual = Visual(kind="flow", items=tuple(VisualItem(label=name) for name in names[:count]), links=links)
    deck = default_template(size, theme)
    (slide,) = DeckWriter(deck, list[str]().append).add_slide(SlidePlan(title="Buying", visual=visual))
    written = [
        shape.text_frame.paragraphs[0].runs[0].font.size.pt for shape in _shapes(slide) if ", item " in shape.name
    ]
    assert len(written) == count and min(written) >= 13
    assert _apart(_boxes(slide)) and list(find_faults(deck)) == []


def test_a_decision_stays_inside_the_page_and_off_its_neighbors() -> None:
    names = ("Complete?", "Approved?", "Paid?", "Ship")
    items = tuple(VisualItem(label=name, shape="decision" if name[-1] == "?" else "box") for name in names)
    links = tuple(VisualLink(source=one, target=two, label="yes") for one, two in pairwise(names))
    deck, (slide,), _ = _draw(Visual(kind="flow", direction="right", items=items, links=links))
    left, right = int(slide.shapes.title.left), int(slide.shapes.title.left + slide.shapes.title.width)  # type: ignore[union-attr]
    assert _apart(_boxes(slide)) and list(find_faults(deck)) == []
    assert all(left - 1 <= box[0] and box[2] <= right + 1 for box in _boxes(slide))


def test_marks_of_a_comparison_say_what_they_mean() -> None:
    _, (slide,), _ = _draw(COMPARED)
    said = {
        shape.name.partition(", ")[2]: shape.element.nvSpPr.cNvPr.get("descr")
        for shape in _shapes(slide)
        if shape.element.tag == qn("p:sp")
    }
    assert said["mark 1 1: 1/4"] == "Price, Build: 1/4" and said["mark 2 2: yes"] == "Ready in spring, Buy: yes"
    assert "mark 2 3: " not in said and "words 3 1" in said
    pie = next(shape for shape in _shapes(slide) if shape.name.endswith("filled mark 1 2"))
    angles = {guide.get("name"): guide.get("fmla") for guide in pie.element.iter(qn("a:gd"))}
    assert angles == {"adj1": "val 16200000", "adj2": "val 10800000"}  # three quarters from the top, clockwise


def test_a_mark_that_is_moved_by_hand_counts_where_it_stands() -> None:
    _, (slide,), _ = _draw(COMPARED)
    cross = next(shape for shape in _shapes(slide) if shape.name.endswith("mark 2 1: no"))
    check = next(shape for shape in _shapes(slide) if shape.name.endswith("mark 2 2: yes"))
    cross.left, check.left = check.left, cross.left
    read = read_slide(slide).visual
    assert read is not None and [item.cells for item in read.items][1] == ("yes", "no", "")
    check.left = cross.left
    assert read_slide(slide).visual is None


def test_a_long_comparison_repeats_its_options() -> None:
    items = tuple(VisualItem(label=f"Criterion {number}", cells=("yes", "1/4")) for number in range(14))
    deck, slides, warnings = _draw(Visual(kind="comparison", options=("A", "B"), items=items))
    read = [read_slide(slide).visual for slide in slides]
    assert len(slides) == 2 and [item for visual in read if visual for item in visual.items] == list(items)
    assert all(visual is not None and visual.options == ("A", "B") for visual in read)
    assert len(warnings) == 1 and list(find_faults(deck)) == []


def test_cells_of_a_comparison_match_its_options() -> None:
    with pytest.raises(ValidationError, match="'A' has 1 cells and the comparison 2 options"):
        Visual(kind="comparison", options=("x", "y"), items=(VisualItem(label="A", cells=("yes",)),))
    with pytest.raises(ValidationError, match="a comparison needs options"):
        Visual(kind="comparison", items=(VisualItem(label="A"),))


def test_previews_show_marks_and_curves() -> None:
    deck, (slide,), _ = _draw(COMPARED)
    DeckWriter(deck, list[str]().append).add_slide(SlidePlan(title="Around", visual=Visual(kind="cycle", items=STEPS)))
    compared, around = (image.convert("RGB") for image in render_slides(deck))
    scale = compared.width / int(deck.slide_width or 1)

    def ink(name: str, x: float, y: float) -> bool:
        """Return whether a place in a shape, as shares of its sides, differs from the corner of the shape."""
        shape = next(shape for shape in _shapes(slide) if shape.name.endswith(name))
        at = [round((shape.left + shape.width * x) * scale), round((shape.top + shape.height * y) * scale)]
        corner = [round(shape.left * scale), round(shape.top * scale)]
        return compared.getpixel((at[0], at[1])) != compared.getpixel((corner[0], corner[1]))

    assert ink("mark 2 2: yes", 0.4, 0.72) and not ink("mark 2 2: yes", 0.4, 0.3)
    assert ink("mark 1 2: 3/4", 0.65, 0.35) and not ink("mark 1 2: 3/4", 0.35, 0.35)
    (line, *_) = _connectors(list(deck.slides)[1])
    off, extent = (line.spPr.find(f"{qn('a:xfrm')}/{qn(tag)}") for tag in ("a:off", "a:ext"))
    left, top = (int(off.get(key)) * scale for key in ("x", "y"))
    wide, high = (int(extent.get(key)) * scale for key in ("cx", "cy"))
    paper = around.getpixel((5, around.height - 5))
    assert around.getpixel((round(left + wide / 2), round(top + high / 2))) == paper  # not straight
    middle = round(left + wide * 0.6875), round(top + high * 0.3125)
    assert any(around.getpixel((middle[0] + step, middle[1] - step)) != paper for step in range(-2, 3))
