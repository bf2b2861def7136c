from __future__ import annotations

import importlib
import re
from html.parser import HTMLParser
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


class _Sources(HTMLParser):
    """Collects what a page refers to, and pictures without alternative text."""

    def __init__(self) -> None:
        super().__init__()
        self.files: list[str] = []
        self.silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        source = found.get("src") or found.get("href")
        if source:
            self.files.append(source)
        if tag == "img" and not found.get("alt"):
            self.silent.append(str(source))


def test_the_demo_shows_every_part_and_every_file_exists(seedx, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    importlib.import_module("demo").show(seedx, "", tmp_path, 0)
    html = (tmp_path / "index.html").read_text(encoding="utf-8")
    page = _Sources()
    page.feed(html)
    assert page.silent == []
    assert len(page.files) == 6 + 2 + 4 + 6 + 6 + 2
    assert all((tmp_path / name).is_file() for name in page.files)
    assert len(re.findall(r"<h2>", html)) == 6
    assert not re.search(r"https?://", html)


def test_a_subject_on_the_command_line_becomes_a_six_slide_deck(seedx, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    demo = importlib.import_module("demo")
    page = demo.Page(subject="dragons", model="", revision="")
    demo._slides(seedx, page, tmp_path, 0, lambda _what: None, "dragons")
    assert len(page.slides) == 6
