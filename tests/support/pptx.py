"""Content that tests put on slides, and a planner that edits them."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.oxml.ns import qn
from pptx.slide import Slide
from pptx.util import Inches

from seedx_tools import SlidePlan


def add_picture(slide: Slide, name: str = "red.png", width: int = 64) -> Any:
    data = io.BytesIO()
    Image.new("RGB", (width, 32), "red").save(data, "PNG")
    picture: Any = slide.shapes.add_picture(data, Inches(1), Inches(4), Inches(2), Inches(1))
    picture._element.nvPicPr.cNvPr.set("descr", name)
    return picture


def add_3d_chart(slide: Slide) -> None:
    data: Any = CategoryChartData()  # type: ignore[no-untyped-call]
    data.categories = ["a", "b"]
    data.add_series("x", (1, 2))
    frame: Any = slide.shapes.add_chart(
        XL_CHART_TYPE.COLUMN_CLUSTERED, Inches(0), Inches(0), Inches(1), Inches(1), data
    )
    frame.chart._chartSpace.find(f".//{qn('c:barChart')}").tag = qn("c:bar3DChart")


class Shouting:
    def revise(self, plan: SlidePlan, instruction: str) -> SlidePlan:
        assert instruction == "make it louder"
        return plan.model_copy(update={"title": plan.title.upper()})
