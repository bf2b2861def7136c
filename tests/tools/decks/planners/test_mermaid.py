"""Flow charts of Mermaid as visuals."""

from __future__ import annotations

import pytest

from seedx_sdk.errors import InputError
from seedx_tools.decks.planners.mermaid import read_mermaid
from seedx_tools.decks.visuals import Visual

Links = list[tuple[str, str, str]]


def _read(text: str) -> tuple[Visual, list[str]]:
    warnings: list[str] = []
    return read_mermaid(text, warnings.append), warnings


@pytest.mark.parametrize(
    ("line", "links"),
    [
        ("A --> B", [("A", "B", "")]),
        ("A-->B-->C", [("A", "B", ""), ("B", "C", "")]),
        ("A -->|yes| B", [("A", "B", "yes")]),
        ("A -- not yet --> B", [("A", "B", "not yet")]),
        ("A--no-->B", [("A", "B", "no")]),
        ("A -.-> B", [("A", "B", "")]),
        ("A -. maybe .-> B", [("A", "B", "maybe")]),
        ("A == sure ==> B", [("A", "B", "sure")]),
        ("A --- B", [("A", "B", "")]),
        ("A --o B --x C", [("A", "B", ""), ("B", "C", "")]),
        ("A <--> B", [("A", "B", ""), ("B", "A", "")]),
        ("A & B --> C", [("A", "C", ""), ("B", "C", "")]),
        ("A ~~~ B", []),
    ],
)
def test_arrows(line: str, links: Links) -> None:
    visual, warnings = _read(f"flowchart LR\n  {line}")
    assert [(link.source, link.target, link.label) for link in visual.links] == links
    assert warnings == []


@pytest.mark.parametrize(
    ("node", "label", "shape"),
    [
        ("a[Plain text]", "Plain text", "box"),
        ("a(Rounded)", "Rounded", "round"),
        ("a([Start])", "Start", "end"),
        ("a((Circle))", "Circle", "end"),
        ("a{Ready?}", "Ready?", "decision"),
        ("a[(Store)]", "Store", "data"),
        ("a[/Form/]", "Form", "data"),
        ('a["Text (with) [marks]"]', "Text (with) [marks]", "box"),
        ("a[One<br/>two]", "One two", "box"),
        ("a-b:::wide", "a-b", "box"),
    ],
)
def test_boxes(node: str, label: str, shape: str) -> None:
    visual, _ = _read(f"graph TD; {node}")
    assert [(item.label, item.shape) for item in visual.items] == [(label, shape)]
    assert visual.direction == "down"


def test_boxes_with_the_same_label_are_told_apart() -> None:
    visual, _ = _read("graph LR\na[Check] --> b[Fix]\nb --> c[Check]")
    assert [(item.label, item.key) for item in visual.items] == [("Check", "a"), ("Fix", ""), ("Check", "c")]
    assert [(link.source, link.target) for link in visual.links] == [("a", "Fix"), ("Fix", "c")]


def test_frames_and_styles_are_left_out_with_a_warning() -> None:
    visual, warnings = _read(
        "graph LR\n%% a comment\nsubgraph one [Team]\na --> b\nend\nclassDef red fill:#f00;\nclick a href"
    )
    assert [item.label for item in visual.items] == ["a", "b"]
    assert warnings == ["left out of the flow chart: frames of subgraphs, styles and links"]


@pytest.mark.parametrize(
    "text", ["", "pie\n a: 1", "graph LR\nA -->", "graph LR\n" + "\n".join(f"n{n}" for n in range(30))]
)
def test_what_is_no_readable_flow_chart_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        _read(text)
