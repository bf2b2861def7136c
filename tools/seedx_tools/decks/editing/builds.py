"""Animations that show a text paragraph by paragraph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pptx.oxml.ns import qn
from pptx.slide import Slide


def changed_builds(slide: Slide, original: Iterable[Any]) -> Iterator[str]:
    """Yield the names of shapes that are animated by paragraph and have another number of paragraphs than before.

    A range of paragraphs that are no longer there ends at the last one.

    Args:
        slide: The slide.
        original: The shapes' elements as they were.
    """
    targets = [
        (target.get("spid"), span) for target in slide.element.iter(qn("p:spTgt")) for span in target.iter(qn("p:pRg"))
    ]
    if not targets:
        return
    before = {number: count for element in original for number, _, count in _counts(element)}
    for number, name, count in _counts(slide.shapes._spTree):
        spans = [span for shape, span in targets if shape == number]
        if spans and count != before.get(number):
            for span in spans:
                for end in ("st", "end"):
                    span.set(end, str(min(int(span.get(end, "0")), count - 1)))
            yield name


def _counts(root: Any) -> Iterator[tuple[str, str, int]]:
    """Yield the id, the name and the number of paragraphs of each shape with text."""
    for shape in root.iter(qn("p:sp")):
        properties = next(shape.iter(qn("p:cNvPr")))
        paragraphs = shape.findall(f"{qn('p:txBody')}/{qn('a:p')}")
        if paragraphs:
            yield str(properties.get("id")), str(properties.get("name")), len(paragraphs)
