"""A story as one HTML file: images embedded, no script, readable on a phone, with a screen reader and on paper."""

from __future__ import annotations

from collections.abc import Sequence

from seedx_sdk.imaging import to_data_uri
from seedx_tools.stories.formats.images import enlarged
from seedx_tools.stories.formats.markup import direction, image_markup, markup, text_markup
from seedx_tools.stories.language import is_right_to_left
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
img { width: 100%; height: auto; border-radius: 1rem; box-shadow: 0 .5rem 2rem rgb(31 42 68 / 18%);
  align-self: start; position: sticky; top: 1.5rem; }
p { margin: 0 0 .6em; max-width: 32em; overflow-wrap: anywhere; }
.number { color: var(--accent); font: bold .9rem/1 Arial, sans-serif; margin-bottom: .8rem; }
.alone { grid-template-columns: 1fr; text-align: center; justify-items: center; }
@media (max-width: 44rem) { section { grid-template-columns: 1fr; } section:nth-of-type(even) img { order: 0; }
  img { position: static; } }
@media print {
  @page { margin: 15mm; }
  body { background: none; font-size: 14pt; }
  header { break-after: page; background: none; color: var(--navy); padding-top: 35vh; }
  h1::after { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  main { max-width: none; padding: 0; }
  section { display: flow-root; break-inside: avoid; margin: 0 0 12mm; }
  img { position: static; float: inline-start; width: 48%; margin-inline-end: 8mm; box-shadow: none; }
  section:nth-of-type(even) img { float: inline-end; margin-inline: 8mm 0; }
}
"""


def story_html(title: str, language: str, pages: Sequence[StoryPageContent]) -> str:
    """Return the HTML document of a story; all text in it is escaped."""
    text = " ".join([title, *(page.text for page in pages)])
    sections = "\n".join(_section(number, page) for number, page in enumerate(pages, start=1))
    return (
        f'<!DOCTYPE html>\n<html lang="{markup(language)}" '
        f'dir="{direction(right_to_left=is_right_to_left(language, text))}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{markup(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f'<header><h1 dir="auto">{markup(title)}</h1></header>\n<main>\n{sections}\n</main>\n</body>\n</html>\n'
    )


def _section(number: int, page: StoryPageContent) -> str:
    text = f'<div><p class="number" aria-hidden="true">{number}</p>{text_markup(page)}</div>'
    if page.image is None:
        return f'<section class="alone" aria-label="{number}">{text}</section>'
    image = image_markup(to_data_uri(enlarged(page.image)), page)
    return f'<section aria-label="{number}">{image}{text}</section>'
