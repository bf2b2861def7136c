"""Make the images of docs/images from what `make demo` wrote: python docs/gallery.py [out/demo].

The story page is rendered from a PDF of the same story, which needs the extra `previews`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pypdfium2
from PIL import Image, ImageDraw, ImageFont

from seedx_sdk import SeedX
from seedx_sdk.imaging import save_image
from seedx_tools import tell_story

ROOT = Path(__file__).parents[1]
STORY = "a story about a red cat on the beach who wants to sail a blue boat"
OVERVIEW = (
    ("drawn-1.png", 'generate\n"a red house and a green\ntree in a meadow"'),
    ("found-1.png", 'detect\n"the red house"'),
    ("edited-1.png", 'edit\n"make the house blue"'),
    ("edited-3.png", 'edit\n"change the background\nto a snowy field"'),
)
"""Files of the demo, and what is written below them."""
_SIDE, _GAP, _CAPTION, _FONT = 256, 16, 76, 16
_PAPER, _INK = "#fbf7f0", "#22262e"


def main() -> None:
    """Write the images."""
    demo = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "out" / "demo"
    images = ROOT / "docs" / "images"
    save_image(overview(demo), images / "overview.png")
    drawn = [Image.open(path) for path in sorted(demo.glob("drawn-*.png"))]
    save_image(grid([image.resize((_SIDE, _SIDE)) for image in drawn], columns=3), images / "images.png")
    slides = [Image.open(path) for path in sorted(demo.glob("slide-*.png"))]
    save_image(grid([slide.resize((400, 225)) for slide in slides], columns=2), images / "deck.png")
    save_image(grid(story_pages(), columns=2), images / "story.png")


def overview(demo: Path) -> Image.Image:
    """Return one row of images with a caption below each."""
    size = (len(OVERVIEW) * (_SIDE + _GAP) + _GAP, _SIDE + _CAPTION + 2 * _GAP)
    sheet = Image.new("RGB", size, _PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(_FONT)
    for column, (name, caption) in enumerate(OVERVIEW):
        corner = (_GAP + column * (_SIDE + _GAP), _GAP)
        sheet.paste(Image.open(demo / name).resize((_SIDE, _SIDE)), corner)
        draw.multiline_text((corner[0], corner[1] + _SIDE + 10), caption, fill=_INK, font=font, spacing=4)
    return sheet


def grid(images: list[Image.Image], *, columns: int) -> Image.Image:
    """Return images of one size in rows."""
    width, height = images[0].size
    rows = -(-len(images) // columns)
    sheet = Image.new("RGB", (columns * (width + _GAP) + _GAP, rows * (height + _GAP) + _GAP), "white")
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        sheet.paste(image, (_GAP + column * (width + _GAP), _GAP + row * (height + _GAP)))
    return sheet


def story_pages() -> list[Image.Image]:
    """Return the first two pages of the story after its title."""
    with tempfile.TemporaryDirectory() as folder:
        story = tell_story(SeedX(), STORY, path=Path(folder) / "story.pdf")
        assert story.path is not None
        with pypdfium2.PdfDocument(story.path) as book:
            return [book[page].render(scale=0.5).to_pil() for page in (1, 2)]


if __name__ == "__main__":
    main()
