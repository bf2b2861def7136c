from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from seedx_sdk import SeedX
from seedx_tools import make_slides

OUTLINE = """# The boat school
By the sea
## One
- first
![a red boat](draw)
> Notes of one.
## Two
- second
![a green tree](draw)
## Three
| a | b |
|---|---|
| 1 | 2 |
"""


@pytest.fixture
def deck(seedx: SeedX, tmp_path: Path) -> Path:
    """A deck whose slide XML is not as python-pptx writes it, and whose parts are not numbered in order."""
    made = make_slides(seedx, OUTLINE, path=tmp_path / "made.pptx")
    path = tmp_path / "deck.pptx"
    names = {"slides/slide2.xml": "slides/slide7.xml", "slides/slide4.xml": "slides/slide2.xml"}
    with zipfile.ZipFile(made.path) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            if re.fullmatch(r"ppt/slides/slide\d+\.xml", name):
                data = data.replace(b"?>\n", b"?>\r\n<!-- kept by hand -->", 1)
            if name.endswith(".rels") or name == "[Content_Types].xml":
                data = re.sub(rb"slides/slide([24])\.xml", lambda m: names[m[0].decode()].encode(), data)
            moved = re.match(r"ppt/slides/(_rels/)?slide([24])\.xml(.*)", name)
            if moved:
                number = {"2": "7", "4": "2"}[moved[2]]
                name = f"ppt/slides/{moved[1] or ''}slide{number}.xml{moved[3]}"
            new.writestr(name, data)
    return path
