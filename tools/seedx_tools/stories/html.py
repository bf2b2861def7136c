"""A story as one HTML file: images embedded, no script, readable on a phone, with a screen reader and on paper."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from PIL import Image

from seedx_sdk.imaging import to_data_uri
from seedx_tools.stories.plan import StoryPageContent

_STYLE = """
:root { color-scheme: light; --ink: #22262e; --navy: #1f2a44; --paper: #fbf7f0; --accent: #e4572e; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.35rem/1.6 Georgia, "Times New Roman", serif; }
header { background: var(--navy); color: #fff; padding: clamp(3rem, 12vw, 7rem) 1.5rem; text-align: center; }
h1 { margin: 0 auto; max-width: 24ch; font-size: clamp(2rem, 6vw, 3.6rem); line-height: 1.15; }
h1::after { content: ""; display: block; width: 4rem; height: .35rem; margin: 1.5rem auto 0;
  background: var(--accent); }
main { max-width: 64rem; margin: 0 auto; padding: 2rem 1.5rem 5rem; }
section { display: grid; grid-template-columns: 1fr 1fr; gap: clamp(1.5rem, 5vw, 4rem); align-items: center;
  margin: clamp(2rem, 6vw, 5rem) 0; }
section:nth-of-type(even) img { order: 2; }
img { width: 100%; height: auto; border-radius: 1rem; box-shadow: 0 .5rem 2rem rgb(31 42 68 / 18%); }
p { margin: 0; max-width: 32em; }
.number { color: var(--accent); font: bold .9rem/1 Arial, sans-serif; margin-bottom: .8rem; }
.alone { grid-template-columns: 1fr; text-align: center; justify-items: center; }
@media (max-width: 44rem) { section { grid-template-columns: 1fr; } section:nth-of-type(even) img { order: 0; } }
@media print { section { break-inside: avoid; } img { box-shadow: none; } }
"""

_MIN_SIDE_PX = 512
"""Smaller images are enlarged to this side, because browsers enlarge them with visible blocks or blur."""


def story_html(title: str, language: str, pages: Sequence[StoryPageContent]) -> str:
    """Return the HTML document of a story; all text in it is escaped."""
    sections = "\n".join(_section(number, page) for number, page in enumerate(pages, start=1))
    return (
        f'<!DOCTYPE html>\n<html lang="{escape(language)}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<header><h1>{escape(title)}</h1></header>\n<main>\n{sections}\n</main>\n</body>\n</html>\n"
    )


def _section(number: int, page: StoryPageContent) -> str:
    text = f'<div><p class="number" aria-hidden="true">{number}</p><p>{escape(page.text)}</p></div>'
    label = f'aria-label="Page {number}"'
    if page.image is None:
        return f'<section class="alone" {label}>{text}</section>'
    return f'<section {label}><img src="{to_data_uri(_enlarged(page.image))}" alt="{escape(page.alt)}">{text}</section>'


def _enlarged(image: Image.Image) -> Image.Image:
    factor = -(-_MIN_SIDE_PX // max(image.size))
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.BICUBIC)
