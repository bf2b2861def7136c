"""What a template offers and lacks, before it is used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pptx import Presentation
from pptx.enum.shapes import PP_PLACEHOLDER as PH
from pptx.opc.constants import RELATIONSHIP_TYPE as RT
from pptx.oxml.ns import qn
from pptx.util import Inches
from typer.testing import CliRunner

from seedx_sdk import TemplateError
from seedx_sdk.cli.main import app
from seedx_tools import LayoutUse, TemplateReport, check_template
from seedx_tools.decks.theme.build import default_template


def test_a_built_in_theme_has_a_layout_for_everything(tmp_path: Path) -> None:
    default_template("16:9", "board").save(str(tmp_path / "board.pptx"))
    report = check_template(tmp_path / "board.pptx")
    assert report.ok and report.lacks == ()
    assert all(use.exact for use in report.uses) and len(report.uses) == 12
    assert report.uses[0] == LayoutUse(purpose="title", layout="Title Slide", exact=True)
    assert (report.size_inches, report.masters, report.fonts) == ((13.33, 7.5), ("SeedX board",), ("Calibri",))
    assert report.unused == ("Title Slide with Picture", "Picture and Text", "Full Picture", "Title Only")


def test_what_a_template_lacks_is_said(tmp_path: Path) -> None:
    file = Presentation()
    for layout in list(file.slide_layouts):
        if layout.name not in ("Title Slide", "Title and Content"):
            file.slide_layouts.remove(layout)
            continue
        for shape in list(layout.placeholders):
            if shape.placeholder_format.type == PH.SLIDE_NUMBER:
                shape.element.getparent().remove(shape.element)
    file.slide_master.part.relate_to("file:///C:/logo.png", RT.IMAGE, is_external=True)
    file.save(str(tmp_path / "template.pptx"))
    report = check_template(tmp_path / "template.pptx")
    assert {use.purpose: use.layout for use in report.uses if not use.exact}["comparison"] == "Title and Content"
    assert (
        "no layout for dividers: they are on 'Title and Content'; add one, and call it 'Section Header'" in report.lacks
    )
    assert "no content layout has a slide number placeholder, so slides have none; add it in the master view" in (
        report.lacks
    )
    assert "it links to 'file:///C:/logo.png' outside itself, which is left out; embed it" in report.lacks
    assert not report.ok


def test_unnamed_layouts_and_placeholders_off_the_page_are_said(tmp_path: Path) -> None:
    file = Presentation()
    file.slide_layouts[1].element.find(qn("p:cSld")).attrib.pop("name")
    title = file.slide_layouts[5].placeholders[0]
    title.left, title.top, title.width, title.height = Inches(8), Inches(0), Inches(4), Inches(1)
    file.save(str(tmp_path / "template.pptx"))
    report = check_template(tmp_path / "template.pptx")
    assert {use.purpose: use.layout for use in report.uses}["points"] == "layout 2 (unnamed)"
    assert "1 layouts have no name; name them in the master view, so that people can choose them" in report.lacks
    assert any(lack.startswith("layout 'Title Only': Title 1 run off the page") for lack in report.lacks)


def test_blank_layouts_are_said(tmp_path: Path) -> None:
    file = Presentation()
    for layout in list(file.slide_layouts):
        if layout.name != "Blank":
            file.slide_layouts.remove(layout)
    file.save(str(tmp_path / "template.pptx"))
    report = check_template(tmp_path / "template.pptx")
    assert any("no layout with a title and a body placeholder" in lack for lack in report.lacks)
    assert {use.layout for use in report.uses} >= {"Title Slide", "Title and Text", "Comparison"}
    assert report.unused == ("Blank",)


def test_a_file_that_no_deck_can_be_made_from_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="there is no file"):
        check_template(tmp_path / "none.pptx")


def test_the_command_says_what_serves_what(tmp_path: Path) -> None:
    path = str(tmp_path / "board.pptx")
    default_template("16:9", "board").save(path)
    result = CliRunner().invoke(app, ["slides", "--check-template", path])
    assert result.exit_code == 0
    assert result.stdout.splitlines()[:3] == [
        f"{path}: 13.33 x 7.5 inches, master 'SeedX board', Calibri",
        "  title: Title Slide",
        "  section: Section",
    ]
    report = CliRunner().invoke(app, ["slides", "--check-template", path, "--json"]).stdout
    assert TemplateReport.model_validate(json.loads(report)) == check_template(path)
