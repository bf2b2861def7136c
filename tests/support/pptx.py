"""Content that tests put on slides, and a planner that edits them."""

from __future__ import annotations

import io

from PIL import Image
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.oxml.ns import qn
from pptx.util import Inches


def add_picture(slide, name="red.png", width=64):
    data = io.BytesIO()
    Image.new("RGB", (width, 32), "red").save(data, "PNG")
    picture = slide.shapes.add_picture(data, Inches(1), Inches(4), Inches(2), Inches(1))
    picture._element.nvPicPr.cNvPr.set("descr", name)
    return picture


def add_3d_chart(slide):
    data = CategoryChartData()
    data.categories = ["a", "b"]
    data.add_series("x", (1, 2))
    chart = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, 914400, 914400, data).chart
    chart._chartSpace.find(f".//{qn('c:barChart')}").tag = qn("c:bar3DChart")


class Shouting:
    def revise(self, plan, instruction):
        assert instruction == "make it louder"
        return plan.model_copy(update={"title": plan.title.upper()})
