from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

pytest.importorskip("pypdfium2")

import pypdfium2
from PIL import Image
from pypdf import PdfReader

from seedx_sdk import InputError
from seedx_tools.stories.formats import fonts
from seedx_tools.stories.plan import StoryPageContent
from seedx_tools.stories.save import check_characters, save_story
from tests.tools.stories.conftest import MakeFont

HEBREW = "\u05d7\u05ea\u05d5\u05dc"
CHINESE = "\u7ea2\u732b\u7761\u4e86\u3002"


@pytest.fixture
def no_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without fonts."""
    monkeypatch.setattr(fonts, "installed_fonts", lambda: iter(()))


def pdf(
    folder: Path,
    *texts: str,
    title: str = "T",
    language: str = "en",
    font: Path | None = None,
    image: Image.Image | None = None,
    warnings: list[str] | None = None,
) -> Path:
    path = folder / "s.pdf"
    pages = [StoryPageContent(text, image, "a red cat") for text in texts]
    save_story(title, language, pages, path, print if warnings is None else warnings.append, font=font)
    return path


def boxes(path: Path, page: int = 1) -> list[tuple[str, float, float, float]]:
    """Return the characters of a page in reading order of the file: each with its left, right and bottom."""
    with pypdfium2.PdfDocument(path) as document:
        text = document[page].get_textpage()
        places = [(text.get_text_range(i, 1), *text.get_charbox(i)) for i in range(text.count_chars())]
    return [(char, left, right, bottom) for char, left, bottom, right, _ in places if char.strip()]


def left_of(found: Sequence[tuple[str, float, float, float]], char: str) -> float:
    return next(left for name, left, _, _ in found if name == char)


def test_text_can_be_selected_and_the_file_names_itself(tmp_path: Path, picture: Image.Image) -> None:
    path = pdf(
        tmp_path, "Caf\u00e9 \u201cau lait\u201d. It was good.", "End of {nb} pages.", language="fr", image=picture
    )
    reader = PdfReader(path)
    assert "Caf\u00e9 \u201cau lait\u201d" in reader.pages[1].extract_text()
    assert "{nb}" in reader.pages[2].extract_text()
    assert reader.metadata is not None and reader.metadata.title == "T"
    assert str(reader.root_object["/Lang"]) == "fr"
    assert [entry.title for entry in reader.outline if not isinstance(entry, list)] == [
        "T",
        "Caf\u00e9 \u201cau lait\u201d.",
        "End of {nb} pages.",
    ]
    assert len(reader.pages[1].images) == 1
    assert b"/Alt (a red cat)" in path.read_bytes()


def test_type_is_larger_the_shorter_the_text(tmp_path: Path, picture: Image.Image) -> None:
    path = pdf(tmp_path, "A cat.", "The cat went on. " * 12, "The cat went on. " * 40, image=picture)
    sizes = [next(right - left for char, left, right, _ in boxes(path, page) if char == "c") for page in (1, 2, 3)]
    assert sizes[0] > sizes[1] > sizes[2] > 13 * 0.4


def test_text_too_long_for_a_page_continues_on_the_next(tmp_path: Path, picture: Image.Image) -> None:
    words = [f"word{number}" for number in range(2500)]
    pages = PdfReader(pdf(tmp_path, " ".join(words), image=picture)).pages
    assert [word for page in pages[1:] for word in page.extract_text().split() if word.startswith("word")] == words
    assert [len(page.images) for page in pages[1:3]] == [1, 0]
    places: list[float] = []
    pages[2].extract_text(visitor_text=lambda text, _cm, tm, *_: places.append(tm[5]) if text.strip() else None)
    assert 0 < min(places) and max(places) < float(pages[2].mediabox.height)


def test_right_to_left_text_begins_at_the_right(tmp_path: Path, make_font: MakeFont, picture: Image.Image) -> None:
    font = make_font(f"{HEBREW}Tom0123456789")
    path = pdf(tmp_path, f"{HEBREW} Tom {HEBREW} 12", language="he", font=font, image=picture)
    found = boxes(path)
    first_word = [left_of(found, char) for char in HEBREW]
    assert first_word == sorted(first_word, reverse=True)
    assert left_of(found, "T") < left_of(found, "o") < left_of(found, "m") < min(first_word)
    with pypdfium2.PdfDocument(path) as document:
        image = next(shape for shape in document[1].get_objects() if isinstance(shape, pypdfium2.PdfImage))
        assert image.get_bounds()[0] > max(right for _, _, right, _ in found)


def test_arabic_letters_take_their_forms(tmp_path: Path, make_font: MakeFont) -> None:
    beh = "\u0628"
    font = make_font(f"{beh}0123456789", joined=beh)
    found = boxes(pdf(tmp_path, f"{beh}{beh} {beh}", title=beh, language="ar", font=font))
    widths = [round(right - left) for char, left, right, _ in found if char == beh]
    assert len(set(widths)) == 2 and widths[0] == max(widths), widths


def test_a_given_font_shows_chinese(tmp_path: Path, make_font: MakeFont) -> None:
    warnings: list[str] = []
    path = pdf(tmp_path, CHINESE * 30, title="\u7ea2\u732b", language="zh", font=make_font(CHINESE), warnings=warnings)
    found = boxes(path)
    assert "".join(char for char, *_ in found if char in CHINESE) == CHINESE * 30
    starts = [right[0] for left, right in zip(found, found[1:], strict=False) if right[3] < left[3] - 5]
    assert len(starts) > 2 and "\u3002" not in starts
    assert warnings == []


@pytest.mark.usefixtures("no_fonts")
def test_letters_that_no_font_has_are_named_and_nothing_is_written(tmp_path: Path, make_font: MakeFont) -> None:
    with pytest.raises(InputError, match=r"no font on this machine has '\u7ea2' '\u732b'.*pass font=.*\.epub"):
        pdf(tmp_path, CHINESE)
    with pytest.raises(InputError, match=r"neither 'boxes.ttf' nor an installed font has '\u732b'"):
        check_characters("\u7ea2", ["\u732b"], tmp_path / "s.pdf", make_font("\u7ea2"))
    check_characters("\u7ea2", ["\u732b"], tmp_path / "s.epub")
    check_characters("\u7ea2", ["\u732b"], None)
    assert not (tmp_path / "s.pdf").exists()


@pytest.mark.usefixtures("no_fonts")
def test_a_symbol_that_no_font_has_is_left_out_and_named(tmp_path: Path) -> None:
    warnings: list[str] = []
    text = boxes(pdf(tmp_path, "A cat \U0001f431\ufe0f!", warnings=warnings))
    assert "".join(char for char, *_ in text) == "Acat!1"
    assert warnings == [
        "no font here has '\U0001f431' (cat face): the PDF leaves them out; pass font= with a font that has them"
    ]


@pytest.mark.usefixtures("no_fonts")
def test_letters_and_their_marks_are_one(tmp_path: Path) -> None:
    assert "Zo\u00e9 sat." in PdfReader(pdf(tmp_path, "Zoe\u0301 sat.")).pages[1].extract_text()


def test_fonts_help_each_other(tmp_path: Path, make_font: MakeFont, monkeypatch: pytest.MonkeyPatch) -> None:
    digits = make_font("0123456789", name="digits.ttf")
    monkeypatch.setattr(fonts, "installed_fonts", lambda: iter((digits,)))
    path = pdf(tmp_path, CHINESE, title="\u7ea2", language="zh", font=make_font(CHINESE))
    assert "".join(char for char, *_ in boxes(path)) == f"{CHINESE}1"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.ttf", None, "is not a file"),
        ("notes.txt", b"x", "is not a file that ends"),
        ("bad.otf", b"x", "damaged"),
    ],
)
def test_a_font_that_is_none_is_rejected(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        fonts.check_font(tmp_path / name)
