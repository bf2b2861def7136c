from __future__ import annotations

import importlib.util
import os
import select
from pathlib import Path

import pypdf
import pytest
from PIL import Image
from pptx import Presentation

from seedx_sdk import OutputPathError, SeedX, TemplateError
from seedx_tools import ToolFailed, deck_to_pdf, deck_to_png, make_slides
from seedx_tools.decks.libreoffice import find_office, save_previews

OUTLINE = """# The boat school
## Two ways
### On land
- Knots
### At sea
- Steering
## Pupils
| Year | Pupils |
|---|---|
| 2025 | 60 |
## Income
```chart bar: Euro
Source,2024
Lessons,12
```
## A pupil
"I was afraid of the wind." -- Ada
## Sources
- Our own books
"""

needs_office = pytest.mark.skipif(find_office() is None, reason="LibreOffice is not installed on this machine")
needs_pages = pytest.mark.skipif(importlib.util.find_spec("pypdfium2") is None, reason="pypdfium2 is not installed")


@needs_office
@pytest.mark.slow
def test_libreoffice_opens_a_deck_of_every_kind_of_slide(seedx: SeedX, tmp_path: Path) -> None:
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", pictures=False)
    pages = pypdf.PdfReader(deck_to_pdf(deck.path, tmp_path / "deck.pdf")).pages
    assert len(pages) == len(deck.slides) == 6
    for page, slide in zip(pages, deck.slides, strict=True):
        assert slide.title in " ".join(page.extract_text().split())
    text = " ".join(page.extract_text() for page in pages)
    for words in ("Steering", "60", "Lessons", "I was afraid of the wind.", "Our own books"):
        assert words in text


@needs_office
@needs_pages
@pytest.mark.slow
def test_libreoffice_draws_a_picture_of_each_slide(seedx: SeedX, tmp_path: Path) -> None:
    deck = make_slides(seedx, "# Boats\n## Red\n- a\n", path=tmp_path / "deck.pptx", theme="night")
    paths = deck_to_png(deck.path, tmp_path)
    assert [path.name for path in paths] == ["slide-01.png", "slide-02.png"]
    with Image.open(paths[1]) as picture:
        assert picture.width == 1280
        assert abs(picture.height - 720) <= 1
        assert picture.getpixel((640, 700)) == (0x1C, 0x25, 0x38)
    assert save_previews(deck, tmp_path) == "LibreOffice"


@pytest.fixture
def empty_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr("seedx_tools.decks.libreoffice._PATHS", {})
    return tmp_path / "bin"


@pytest.mark.usefixtures("empty_path")
def test_without_libreoffice_the_error_says_how_to_install_it(seedx: SeedX, tmp_path: Path) -> None:
    deck = make_slides(seedx, "# Boats\n", path=tmp_path / "deck.pptx", pictures=False)
    with pytest.raises(ToolFailed, match="apt-get install libreoffice-impress"):
        deck_to_pdf(deck.path, tmp_path / "deck.pdf")
    assert save_previews(deck, tmp_path) == "seedx_tools.decks.preview (Pillow)"
    assert (tmp_path / "slide-01.png").is_file()


def test_a_libreoffice_that_fails_or_hangs_is_a_failure(
    empty_path: Path, seedx: SeedX, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = empty_path / "soffice"
    office.write_text("#!/bin/sh\necho the filter broke >&2\nexit 3\n")
    office.chmod(0o755)
    deck = make_slides(seedx, "# Boats\n", path=tmp_path / "deck.pptx", pictures=False)
    with pytest.raises(ToolFailed, match=r"exit status 3\): the filter broke"):
        deck_to_pdf(deck.path, tmp_path / "deck.pdf")

    os.mkfifo(tmp_path / "held")  # the converter's child holds it open for writing until it dies
    held = os.open(tmp_path / "held", os.O_RDONLY | os.O_NONBLOCK)
    office.write_text(f"#!/bin/sh\n/bin/sleep 600 >{tmp_path}/held &\nwait\n")
    monkeypatch.setattr("seedx_tools.decks.libreoffice.TIMEOUT_SECONDS", 5.0)
    with pytest.raises(ToolFailed, match="timed out after 5.0 seconds"):
        deck_to_pdf(deck.path, tmp_path / "deck.pdf")
    try:
        assert os.read(held, 1) == b""
    except BlockingIOError:  # killed, and not yet gone
        assert select.select([held], [], [], 60)[0] == [held] and os.read(held, 1) == b""
    os.close(held)
    assert not (tmp_path / "deck.pdf").exists()


def test_a_deck_that_links_out_never_reaches_libreoffice(empty_path: Path, tmp_path: Path) -> None:
    office = empty_path / "soffice"
    office.write_text("#!/bin/sh\ntouch reached\n")
    office.chmod(0o755)
    file = Presentation()
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/image"
    file.slide_masters[0].part.relate_to("http://10.0.0.1/x.png", kind, is_external=True)
    file.save(str(tmp_path / "deck.pptx"))
    with pytest.raises(TemplateError, match="outside itself"):
        deck_to_pdf(tmp_path / "deck.pptx", tmp_path / "deck.pdf")
    with pytest.raises(OutputPathError):
        deck_to_pdf(tmp_path / "deck.pptx", tmp_path / "deck.txt")
