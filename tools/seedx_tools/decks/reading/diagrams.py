"""The texts of SmartArt: those of its data, and the copies in the drawing that PowerPoint keeps of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lxml import etree
from pptx.opc.package import Part
from pptx.oxml import parse_xml
from pptx.oxml.ns import qn
from pptx.slide import Slide
from pptx.text.text import _Paragraph

_DGM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_DRAWING = "{http://schemas.microsoft.com/office/drawing/2008/diagram}"
_RELATION = qn("r:dm")


@dataclass(frozen=True, slots=True)
class Diagram:
    """The data of one SmartArt graphic, parsed."""

    data: Part
    model: Any
    """The dgm:dataModel element."""
    drawing: Part | None
    shapes: Any
    """The dsp:drawing element, or None."""
    paragraphs: tuple[Any, ...] = field(default=())
    """Its texts in the order of its data, one for each paragraph with text."""

    def copies_of(self, paragraph: Any) -> list[Any]:
        """Return the paragraphs of the drawing that show a text of the data, in order."""
        text = paragraph.text
        same = [other for other in self.paragraphs if other.text == text]
        shown = [] if self.shapes is None else list(_paragraphs(self.shapes, f"{_DRAWING}txBody", self.drawing))
        found = [other for other in shown if other.text == text]
        place = next(number for number, other in enumerate(same) if other._p is paragraph._p)
        return found[place : place + 1] if len(found) == len(same) else found if len(same) == 1 else []

    def save(self) -> None:
        """Write the parts again."""
        for part, root in ((self.data, self.model), (self.drawing, self.shapes)):
            if part is not None:
                blob: Any = etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
                part._blob = blob


def diagrams_of(slide: Slide) -> list[Diagram]:
    """Return the SmartArt of a slide whose data is in the file."""
    found = []
    for ids in slide.shapes._spTree.iter(f"{_DGM}relIds"):
        data = _part(slide, ids.get(_RELATION))
        if data is None:
            continue
        model = parse_xml(data.blob)
        link = next((element for element in model.iter() if element.tag.endswith("}dataModelExt")), None)
        drawing = None if link is None else _part(slide, link.get("relId"))
        shapes = None if drawing is None else parse_xml(drawing.blob)
        points = [point for point in model.iter(f"{_DGM}pt") if point.get("type", "node") in ("node", "asst")]
        texts = [paragraph for point in points for paragraph in _paragraphs(point, f"{_DGM}t", data)]
        found.append(Diagram(data, model, drawing, shapes, tuple(one for one in texts if one.text.strip())))
    return found


@dataclass(frozen=True, slots=True)
class _Parent:
    part: Part


def _paragraphs(root: Any, tag: str, part: Part | None) -> Iterator[Any]:
    parent: Any = _Parent(part) if part is not None else None
    for body in root.iter(tag):
        for element in body.findall(qn("a:p")):
            yield _Paragraph(element, parent)


def _part(slide: Slide, rel_id: str | None) -> Part | None:
    relation = slide.part.rels.get(rel_id) if rel_id else None
    return None if relation is None or relation.is_external else relation.target_part
