"""Content that tests put on slides, and a planner that edits them."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.oxml.ns import qn
from pptx.presentation import Presentation as PresentationObject
from pptx.shapes.picture import Picture
from pptx.slide import Slide
from pptx.util import Inches

from seedx_tools.decks.outline import SlidePlan


def add_picture(slide: Slide, name: str = "red.png", width: int = 64) -> Picture:
    """Put a red image on a slide, as the file of the given name."""
    data = io.BytesIO()
    Image.new("RGB", (width, 32), "red").save(data, "PNG")
    picture = slide.shapes.add_picture(data, Inches(1), Inches(4), Inches(2), Inches(1))
    element: Any = picture._element
    element.nvPicPr.cNvPr.set("descr", name)
    return picture


def add_3d_chart(slide: Slide) -> None:
    """Put a chart on a slide whose kind python-pptx does not know."""
    data: Any = CategoryChartData()  # type: ignore[no-untyped-call]
    data.categories = ["a", "b"]
    data.add_series("x", (1, 2))
    size = (Inches(0), Inches(0), Inches(1), Inches(1))
    frame: Any = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *size, data)  # a frame, whatever it claims
    frame.chart._chartSpace.find(f".//{qn('c:barChart')}").tag = qn("c:bar3DChart")


class Shouting:
    """Writes the title of any slide in capitals."""

    def revise(self, plan: SlidePlan, instruction: str) -> SlidePlan:
        assert instruction == "make it louder"
        return plan.model_copy(update={"title": plan.title.upper()})


def slide_parts(path: Path) -> dict[str, bytes]:
    """Return the XML of the slides of a deck by the names of their parts."""
    with zipfile.ZipFile(path) as package:
        return {name: package.read(name) for name in package.namelist() if re.fullmatch(r"ppt/slides/\w+\.xml", name)}


def keep_layouts(file: PresentationObject, *names: str) -> None:
    """Remove all layouts of a deck but those with these names."""
    for layout in list(file.slide_layouts):
        if layout.name not in names:
            file.slide_layouts.remove(layout)


def holds(path: Path, words: bytes) -> bool:
    """Return whether a part of a package holds these bytes."""
    with zipfile.ZipFile(path) as package:
        return any(words in package.read(name) for name in package.namelist())


def rezip(
    source: Path, target: Path, change: Callable[[str, bytes], bytes], rename: Callable[[str], str] = str
) -> None:
    """Write a package again, with each part changed."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(rename(name), change(name, old.read(name)))
