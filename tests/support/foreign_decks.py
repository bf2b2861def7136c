"""Decks as other programs write them: text boxes instead of placeholders, groups, SmartArt, merged cells, crops."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from PIL import Image
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.opc.package import Part
from pptx.opc.packuri import PackURI
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.util import Inches

_DGM = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
_DSP = "http://schemas.microsoft.com/office/drawing/2008/diagram"
_A16 = "http://schemas.microsoft.com/office/drawing/2014/main"
_TEXT_BOX = "txBox='1'"
_BOLD = "b='1'"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


class Builder:
    """A 16:9 deck of blank slides to which shapes are added as XML; positions are in inches."""

    def __init__(self, *, layout: int = 6) -> None:
        self.deck: Any = Presentation()
        self.deck.slide_width, self.deck.slide_height = Inches(13.333), Inches(7.5)
        self._layout = layout

    def slide(self) -> Any:
        """Add a slide and return it."""
        return self.deck.slides.add_slide(self.deck.slide_layouts[self._layout])

    def save(self, path: Path) -> Path:
        """Save the deck and return its path."""
        self.deck.save(str(path))
        return path


def paragraph(text: str, *, size: int = 18, look: str = "", properties: str = "", inner: str = "") -> str:
    """Return an a:p with one run; `look` are attributes of its a:rPr, `inner` its children."""
    return (
        f"<a:p><a:pPr {properties}/><a:r><a:rPr lang='en' sz='{size * 100}' {look}>{inner}</a:rPr>"
        f"<a:t>{text}</a:t></a:r></a:p>"
    )


def box(
    slide: Any,
    place: tuple[float, float, float, float],
    *paragraphs: str,
    name: str = "Google Shape;1",
    body: str = "",
    fit: str = "",
    fill: str = "",
    is_box: bool = True,
    parent: Any = None,
) -> Any:
    """Add a text box, or a drawn shape with text, and return its element."""
    tree = slide.shapes._spTree if parent is None else parent
    number = max((int(one.get("id")) for one in slide.shapes._spTree.iter(qn("p:cNvPr"))), default=1) + 1
    x, y, width, height = (int(Inches(value)) for value in place)
    element = parse_xml(
        f"<p:sp {nsdecls('p', 'a', 'r')}><p:nvSpPr><p:cNvPr id='{number}' name='{name}'/>"
        f"<p:cNvSpPr {_TEXT_BOX if is_box else ''}/><p:nvPr/></p:nvSpPr>"
        f"<p:spPr><a:xfrm><a:off x='{x}' y='{y}'/><a:ext cx='{width}' cy='{height}'/></a:xfrm>"
        f"<a:prstGeom prst='rect'><a:avLst/></a:prstGeom>{fill}</p:spPr>"
        f"<p:txBody><a:bodyPr wrap='square' {body}>{fit}</a:bodyPr><a:lstStyle/>{''.join(paragraphs)}</p:txBody></p:sp>"
    )
    tree.append(element)
    return element


def group(slide: Any, place: tuple[float, float, float, float], inside: tuple[float, float, float, float]) -> Any:
    """Add a group whose own coordinates (`inside`) differ from the slide's, and return its element."""
    number = max((int(one.get("id")) for one in slide.shapes._spTree.iter(qn("p:cNvPr"))), default=1) + 1
    (x, y, w, h), (cx, cy, cw, ch) = ([int(Inches(value)) for value in one] for one in (place, inside))
    element = parse_xml(
        f"<p:grpSp {nsdecls('p', 'a')}><p:nvGrpSpPr><p:cNvPr id='{number}' name='Group {number}'/><p:cNvGrpSpPr/>"
        f"<p:nvPr/></p:nvGrpSpPr><p:grpSpPr><a:xfrm><a:off x='{x}' y='{y}'/><a:ext cx='{w}' cy='{h}'/>"
        f"<a:chOff x='{cx}' y='{cy}'/><a:chExt cx='{cw}' cy='{ch}'/></a:xfrm></p:grpSpPr></p:grpSp>"
    )
    slide.shapes._spTree.append(element)
    return element


def smartart(slide: Any, *texts: str) -> None:
    """Add SmartArt with these nodes: its data, and the drawing that PowerPoint keeps of it."""
    package = slide.part.package

    def part(name: str, kind: str, xml: str) -> Part:
        content = f"application/vnd.openxmlformats-officedocument.drawingml.{kind}+xml"
        return Part(PackURI(f"/ppt/diagrams/{name}1.xml"), content, package, xml.encode())

    shapes = "".join(
        f"<dsp:sp modelId='{{{number}}}'><dsp:txBody><a:bodyPr/><a:lstStyle/>{paragraph(text)}</dsp:txBody></dsp:sp>"
        for number, text in enumerate(texts)
    )
    drawing = part(
        "drawing",
        "diagramDrawing",
        f"<dsp:drawing xmlns:dsp='{_DSP}' {nsdecls('a')}><dsp:spTree>{shapes}</dsp:spTree></dsp:drawing>",
    )
    drawn = slide.part.relate_to(drawing, "http://schemas.microsoft.com/office/2007/relationships/diagramDrawing")
    nodes = "".join(
        f"<dgm:pt modelId='{{{number}}}'><dgm:prSet/><dgm:spPr/><dgm:t><a:bodyPr/><a:lstStyle/>"
        f"{paragraph(text, look=_BOLD)}</dgm:t></dgm:pt>"
        for number, text in enumerate(texts)
    )
    data = part(
        "data",
        "diagramData",
        f"<dgm:dataModel xmlns:dgm='{_DGM}' {nsdecls('a')}><dgm:ptLst><dgm:pt modelId='doc' type='doc'><dgm:t>"
        f"<a:bodyPr/><a:p/></dgm:t></dgm:pt>{nodes}</dgm:ptLst><dgm:cxnLst/><dgm:bg/><dgm:whole/><dgm:extLst>"
        f"<a:ext uri='{_DSP}'><dsp:dataModelExt xmlns:dsp='{_DSP}' relId='{drawn}' minVer='{_DGM}'/></a:ext>"
        "</dgm:extLst></dgm:dataModel>",
    )
    rel = slide.part.relate_to(data, f"{_RELATIONS}/diagramData")
    slide.shapes._spTree.append(
        parse_xml(
            f"<p:graphicFrame {nsdecls('p', 'a', 'r')}><p:nvGraphicFramePr><p:cNvPr id='90' name='Diagram 89'/>"
            "<p:cNvGraphicFramePr/><p:nvPr/></p:nvGraphicFramePr><p:xfrm><a:off x='914400' y='2743200'/>"
            f"<a:ext cx='7315200' cy='2743200'/></p:xfrm><a:graphic><a:graphicData uri='{_DGM}'>"
            f"<dgm:relIds xmlns:dgm='{_DGM}' r:dm='{rel}' r:lo='{rel}' r:qs='{rel}' r:cs='{rel}'/>"
            "</a:graphicData></a:graphic></p:graphicFrame>"
        )
    )


def combo(slide: Any) -> Any:
    """Add bars with a line on a second axis, as PowerPoint writes them, and return the chart."""
    data: Any = CategoryChartData()  # type: ignore[no-untyped-call]
    data.categories = ["Q1", "Q2", "Q3"]
    data.add_series("Sales", (10, 20, 30), '"$"#,##0')
    data.add_series("Costs", (5, 8, 9), '"$"#,##0')
    data.add_series("Margin", (0.5, 0.6, 0.7), "0%")
    frame = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *(Inches(value) for value in (1, 2, 8, 4)), data)
    area = frame.chart._chartSpace.plotArea
    bars = area.find(qn("c:barChart"))
    line = bars.findall(qn("c:ser"))[2]
    for child in line.findall(qn("c:invertIfNegative")):
        line.remove(child)
    plot = parse_xml(f"<c:lineChart {nsdecls('c')}><c:grouping val='standard'/><c:varyColors val='0'/></c:lineChart>")
    plot.append(line)
    for number in ("77001", "77002"):
        plot.append(parse_xml(f"<c:axId {nsdecls('c')} val='{number}'/>"))
    bars.addnext(plot)
    area.findall(qn("c:valAx"))[-1].addnext(
        parse_xml(
            f"<c:valAx {nsdecls('c')}><c:axId val='77002'/><c:scaling/><c:delete val='0'/><c:axPos val='r'/>"
            "<c:crossAx val='77001'/><c:crosses val='max'/></c:valAx>"
        )
    )
    area.findall(qn("c:valAx"))[-1].addnext(
        parse_xml(
            f"<c:catAx {nsdecls('c')}><c:axId val='77001'/><c:scaling/><c:delete val='1'/><c:axPos val='b'/>"
            "<c:crossAx val='77002'/></c:catAx>"
        )
    )
    return frame.chart


def table(slide: Any, rows: list[list[str]], *, place: tuple[float, float, float, float] = (1, 2, 8, 2)) -> Any:
    """Add a table whose rows and columns have ids, as PowerPoint writes them, and return it."""
    shape = slide.shapes.add_table(len(rows), len(rows[0]), *(Inches(value) for value in place))
    made = shape.table
    for cells, texts in zip(made.rows, rows, strict=True):
        for cell, text in zip(cells.cells, texts, strict=True):
            cell.text = text
    kinds = [("colId", list(made._tbl.tblGrid)), ("rowId", list(made._tbl.tr_lst))]
    for kind, elements in kinds:
        for number, element in enumerate(elements):
            element.append(
                parse_xml(
                    f"<a:extLst {nsdecls('a')}><a:ext uri='{{0D108BD9-81ED-4DB2-BD59-A6C34878D82A}}'>"
                    f"<a16:{kind} xmlns:a16='{_A16}' val='{number + 100}'/>"
                    "</a:ext></a:extLst>"
                )
            )
    return made


def photo(
    slide: Any, place: tuple[float, float, float, float], color: str = "red", size: tuple[int, int] = (400, 200)
) -> Any:
    """Add a cropped picture with a duotone-like effect and an alt text, and return it."""
    data = io.BytesIO()
    Image.new("RGB", size, color).save(data, "PNG")
    data.seek(0)
    picture = slide.shapes.add_picture(data, *(Inches(value) for value in place))
    picture.crop_left, picture.crop_top = 0.1, 0.2
    picture._element.nvPicPr.cNvPr.set("descr", "Our old office")
    picture._element.blipFill.find(qn("a:blip")).append(parse_xml(f"<a:grayscl {nsdecls('a')}/>"))
    return picture
