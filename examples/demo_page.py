"""The page that examples/demo.py writes: plain HTML and CSS, pictures beside it, nothing from the network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from seedx_sdk.files import write_file

STYLE = """
:root { --ink: #22262e; --navy: #1f2a44; --paper: #fbf7f0; --accent: #e4572e; --soft: #6b7280; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.05rem/1.6 system-ui, Arial, sans-serif; }
header { background: var(--navy); color: #fff; padding: clamp(2.5rem, 8vw, 5rem) max(1.5rem, calc(50vw - 34rem)); }
h1 { margin: 0; font-size: clamp(2.2rem, 6vw, 3.5rem); line-height: 1.1; }
header p { margin: .8rem 0 0; max-width: 44rem; opacity: .85; }
main { max-width: 71rem; margin: 0 auto; padding: 0 1.5rem 4rem; }
h2 { margin: 3.5rem 0 .3rem; font-size: 1.7rem; color: var(--navy); line-height: 1.2; }
h2::before { content: ""; display: block; width: 3rem; height: .3rem; margin-bottom: .9rem; background: var(--accent); }
.lead { margin: 0 0 1.3rem; color: var(--soft); }
.grid { display: grid; gap: 1.4rem; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); }
.wide { grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr)); }
figure { margin: 0; background: #fff; border-radius: .9rem; overflow: hidden;
  box-shadow: 0 .2rem 1rem rgb(31 42 68 / 10%); }
figure img { display: block; width: 100%; height: auto; }
figcaption { padding: .8rem 1rem 1rem; font-size: .95rem; line-height: 1.45; }
dl { margin: 0; background: #fff; border-radius: .9rem; padding: 1.2rem 1.5rem; align-self: start;
  box-shadow: 0 .2rem 1rem rgb(31 42 68 / 10%); }
dt { color: var(--soft); } dd { margin: 0 0 .8rem; font-weight: 600; }
.ask { display: grid; gap: 1.4rem; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); }
a { color: #2a6f97; } table { border-collapse: collapse; } td, th { padding: .25rem 1.5rem .25rem 0; text-align: left; }
td:last-child { text-align: right; font-variant-numeric: tabular-nums; }
ul { padding-left: 1.2rem; } footer { color: var(--soft); margin-top: 3rem; }
"""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture file beside the page (an empty name: there is none), and what it shows."""

    file: str
    caption: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A question about a picture and what the model said."""

    question: str
    answer: str


@dataclass
class Page:
    """What the demo made, part by part."""

    subject: str
    model: str
    revision: str
    drawn: list[Drawing] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    found: list[Drawing] = field(default_factory=list)
    edited: list[Drawing] = field(default_factory=list)
    story_title: str = ""
    story: list[tuple[Drawing, str]] = field(default_factory=list)
    slides: list[Drawing] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def warn(self, warnings: Iterable[str]) -> None:
        """Add warnings that are not there yet."""
        self.warnings += [warning for warning in warnings if warning not in self.warnings]


def write_page(page: Page, output: Path) -> Path:
    """Write index.html into the folder that has the pictures; return its path."""
    parts = (
        _part("It draws", "Six prompts, six pictures.", _grid(page.drawn)),
        _part("It looks", "Questions about the first picture, and things found in it.", _looking(page)),
        _part("It edits", "The first picture, changed as told.", _grid([page.drawn[0], *page.edited])),
        _part(
            "It tells stories",
            f'"{escape(page.story_title)}". The whole story as one file: <a href="story.html">story.html</a>',
            _story(page),
        ),
        _part(
            "It makes slides",
            f'About: {escape(page.subject)}. Editable, with notes: <a href="deck.pptx">deck.pptx</a>',
            _grid(page.slides, "grid wide"),
        ),
        _part("How long it took", "Seconds for each part, on this machine.", _numbers(page)),
    )
    html = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>SeedX demo</title>\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n<header><h1>SeedX</h1>\n"
        "<p>One model that draws, looks, points, edits, tells stories and makes slides. Everything on this page was "
        f"computed on this machine by {escape(page.model)} (revision {escape(page.revision)}).</p></header>\n"
        f"<main>\n{''.join(parts)}</main>\n</body>\n</html>\n"
    )
    return write_file(output / "index.html", html.encode())


def _part(title: str, lead: str, content: str) -> str:
    return f'<section>\n<h2>{title}</h2>\n<p class="lead">{lead}</p>\n{content}\n</section>\n'


def _figure(drawing: Drawing, caption: str) -> str:
    image = f'<img src="{escape(drawing.file)}" alt="{escape(drawing.caption)}" loading="lazy">' if drawing.file else ""
    return f"<figure>{image}<figcaption>{escape(caption)}</figcaption></figure>"


def _grid(drawings: list[Drawing], kind: str = "grid") -> str:
    return f'<div class="{kind}">{"".join(_figure(drawing, drawing.caption) for drawing in drawings)}</div>'


def _looking(page: Page) -> str:
    pairs = "".join(f"<dt>{escape(qa.question)}</dt><dd>{escape(qa.answer)}</dd>" for qa in page.answers)
    found = "".join(_figure(drawing, drawing.caption) for drawing in page.found)
    return f'<div class="ask"><dl>{pairs}</dl>{found}</div>'


def _story(page: Page) -> str:
    return f'<div class="grid">{"".join(_figure(drawing, text) for drawing, text in page.story)}</div>'


def _numbers(page: Page) -> str:
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{spent:.1f}</td></tr>" for name, spent in page.timings.items())
    notes = "".join(f"<li>{escape(warning)}</li>" for warning in page.warnings)
    said = f"<h3>What SeedX wants you to know</h3><ul>{notes}</ul>" if notes else ""
    return f"<table>{rows}</table>{said}"
