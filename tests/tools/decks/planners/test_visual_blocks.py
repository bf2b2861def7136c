"""Fenced blocks and points as visuals."""

from __future__ import annotations

import pytest

from seedx_tools.decks.outline import SlidePlan
from seedx_tools.decks.planners.markdown.outlines import parse_markdown_outline
from seedx_tools.decks.planners.visual_rules import visual_of_points
from seedx_tools.decks.visuals import Visual, VisualItem, VisualLink


def _slide(block: str, content: str) -> tuple[SlidePlan, tuple[str, ...]]:
    outline = parse_markdown_outline(f"# Deck\n\n## One\n\n```{block}\n{content}\n```\n")
    return outline.slides[0], outline.warnings


@pytest.mark.parametrize(
    ("block", "content", "wanted"),
    [
        ("kpis", "62 % | solved | up 4 points\n4.6: of 5", [("62 %", "solved", "up 4 points"), ("4.6", "of 5", "")]),
        (
            "timeline",
            "2026 Q1: Pilot | in Leeds\n2027 | Done",
            [("2026 Q1", "Pilot", "in Leeds"), ("2027", "Done", "")],
        ),
        ("process", "1. Triage: sets the priority\n- Fix", [("", "Triage", "sets the priority"), ("", "Fix", "")]),
        ("funnel", "1,200 | Leads | of all\nOffers | 300", [("1,200", "Leads", "of all"), ("", "Offers", "300")]),
        ("big-number", "34 % | fewer tickets", [("34 %", "fewer tickets", "")]),
    ],
)
def test_one_item_per_line(block: str, content: str, wanted: list[tuple[str, str, str]]) -> None:
    slide, warnings = _slide(block, content)
    assert slide.visual is not None and warnings == ()
    assert [(item.value, item.label, item.text) for item in slide.visual.items] == wanted


def test_icons_axes_parents_and_the_highlight_are_read() -> None:
    cards, _ = _slide("cards", ":users: Customers: we answer")
    assert cards.visual == Visual(kind="cards", items=(VisualItem(label="Customers", text="we answer", icon="users"),))
    matrix, _ = _slide("matrix", "x: Effort\ny: Value\n* Now: first\nLater\nNever\nMaybe")
    assert matrix.visual is not None
    assert (matrix.visual.axes, matrix.visual.highlight, len(matrix.visual.items)) == (("Effort", "Value"), 1, 4)
    org, _ = _slide("org_chart", "Ann: CEO\n  Bo: CFO\n    Cy\n  Di")
    assert org.visual is not None
    assert [(item.label, item.parent) for item in org.visual.items] == [
        ("Ann", ""),
        ("Bo", "Ann"),
        ("Cy", "Bo"),
        ("Di", "Ann"),
    ]


def test_arrows_are_links() -> None:
    slide, _ = _slide("flow", "A -> B -> C: when ready\nC --> A")
    assert slide.visual is not None
    assert slide.visual.links == (
        VisualLink(source="A", target="B"),
        VisualLink(source="B", target="C", label="when ready"),
        VisualLink(source="C", target="A"),
    )


@pytest.mark.parametrize(
    ("block", "content", "points"),
    [
        ("process", "", ()),
        ("flow", "A -> ", ("A ->",)),
        ("kpis", "\n".join(f"{number} | a" for number in range(25)), tuple(f"{number}: a" for number in range(25))),
        ("mermaid", "sequenceDiagram\nA->>B: Hello", ("A \u2192 B: Hello",)),
        ("mermaid", "graph LR\nA[Ticket] --> B{Tri age}\n???", ("Ticket \u2192 Tri age", "???")),
    ],
)
def test_what_cannot_be_read_becomes_points_with_a_warning(block: str, content: str, points: tuple[str, ...]) -> None:
    slide, warnings = _slide(block, content)
    assert (slide.visual, slide.bullets) == (None, points)
    assert len(warnings) == 1 and warnings[0].startswith("slide 'One': a block became plain points: ")


def test_figures_and_dated_points_are_recognized() -> None:
    figures = visual_of_points(["**1,240** tickets, down 34 %", "**62 %** solved at first contact"])
    assert figures is not None and figures.kind == "kpis"
    assert figures.items[0] == VisualItem(value="1,240", label="tickets", text="down 34 %")
    dated = visual_of_points(["2026 Q1: Pilot", "June 2026 - Roll-out", "**2027**: Old desk closes"])
    assert dated is not None and dated.kind == "timeline"
    assert [(item.value, item.label) for item in dated.items] == [
        ("2026 Q1", "Pilot"),
        ("June 2026", "Roll-out"),
        ("2027", "Old desk closes"),
    ]


@pytest.mark.parametrize(
    "points",
    [
        ["**Note** this", "**62 %** solved"],  # not all are figures
        ["**62 %** solved"],  # a single one
        ["62 % solved", "4.6 of 5"],  # not bold
        ["2026: a", "2027: b"],  # too few events
        ["2026: a", "2027: b", "Later: c"],
        ["2026: a", "\t2027: b", "2028: c"],  # indented
        ["May we ask: a", "2027: b", "2028: c"],
    ],
)
def test_other_points_stay_points(points: list[str]) -> None:
    assert visual_of_points(points) is None


def test_points_beside_a_picture_stay_points() -> None:
    outline = parse_markdown_outline("# D\n\n## One\n\n![a boat](draw)\n- 2026: a\n- 2027: b\n- 2028: c\n")
    assert (outline.slides[0].visual, len(outline.slides[0].bullets)) == (None, 3)


def test_a_comparison_has_its_options_in_the_first_line() -> None:
    slide, warnings = _slide(
        "comparison", "| Criterion | * Dock | Shift |\n|---|:-:|---|\n| Price: of all | 3/4 |\nSpring | yes | no"
    )
    assert slide.visual == Visual(
        kind="comparison",
        axes=("Criterion",),
        options=("Dock", "Shift"),
        highlight=1,
        items=(
            VisualItem(label="Price", text="of all", cells=("3/4", "")),
            VisualItem(label="Spring", cells=("yes", "no")),
        ),
    )
    assert warnings == ()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "0 options and 0 criteria"),
        ("Only one line | A", "1 options and 0 criteria"),
        ("C | A\nx | 1 | 2", "'x' has 2"),
    ],
)
def test_a_comparison_that_cannot_be_drawn_becomes_points(content: str, why: str) -> None:
    slide, warnings = _slide("comparison", content)
    assert slide.visual is None and len(slide.bullets) == len(content.splitlines())
    assert len(warnings) == 1 and why in warnings[0]
