"""Make the pictures of docs/slides.md from the decks of examples/: python docs/deck_pictures.py.

The decks are rendered by LibreOffice, which must be installed, and the extra `previews`.
"""

from __future__ import annotations

import os
import runpy
import sys
import tempfile
from pathlib import Path

from PIL import Image

from seedx_tools.decks.libreoffice import deck_to_png

ROOT = Path(__file__).parents[1]
PAGES = {
    "quarterly_review": ("review.pptx", (3, 6, 7, 11)),
    "lecture": ("lecture.pptx", (4, 6, 12)),
    "pitch": ("pitch.pptx", (1, 5, 6)),
}
"""The deck of each program, and its pages that are shown."""
_WIDTH, _COLORS = 560, 96


def main() -> None:
    """Write docs/images/deck-review-3.png and so on."""
    sys.path.insert(0, str(ROOT / "examples"))
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for program, (name, pages) in PAGES.items():
            sys.argv = [program]
            runpy.run_path(str(ROOT / "examples" / f"{program}.py"), run_name="__main__")
            images = deck_to_png(name, folder)
            for page in pages:
                picture = ROOT / "docs" / "images" / f"deck-{Path(name).stem}-{page}.png"
                save_small(images[page - 1], picture)
        os.chdir(ROOT)


def save_small(source: Path, target: Path) -> None:
    """Save a page in few colors and at the width that documentation has room for."""
    with Image.open(source) as image:
        size = (_WIDTH, round(image.height * _WIDTH / image.width))
        small = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    small.quantize(_COLORS, dither=Image.Dither.NONE).save(target, optimize=True)


if __name__ == "__main__":
    main()
