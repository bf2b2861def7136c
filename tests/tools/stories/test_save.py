from __future__ import annotations

import json
from pathlib import Path
from zipfile import ZipFile

import pytest
from PIL import Image
from pptx import Presentation
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.oxml import parse_xml
from pptx.oxml.ns import qn
from pptx.presentation import Presentation as Deck

from seedx_sdk import OutputPathError
from seedx_tools.stories.plan import StoryPageContent
from seedx_tools.stories.save import SUFFIXES, check_story_path, save_story
from tests.tools.stories.conftest import MakeFont

HEBREW = "\u05d7\u05ea\u05d5\u05dc"
TEXTS = (PP_PLACEHOLDER.BODY, PP_PLACEHOLDER.OBJECT)


def ignore(warning: str) -> None:
    raise AssertionError(warning)


def test_html_is_one_escaped_accessible_file(tmp_path: Path, picture: Image.Image) -> None:
    pages = [
        StoryPageContent("<script>alert('x')</script> & more", picture, "a red cat"),
        StoryPageContent("Fin.\n\nVraiment.", picture, 'a "dog"'),
    ]
    save_story('Le "chat"', "fr", pages, tmp_path / "s.html", ignore)
    html = (tmp_path / "s.html").read_text(encoding="utf-8")
    assert "<script" not in html
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt; &amp; more" in html
    assert '<html lang="fr" dir="ltr">' in html
    assert "<title>Le &quot;chat&quot;</title>" in html
    assert html.count('src="data:image/png;base64,') == 2
    assert 'alt="a red cat"' in html and 'alt="a &quot;dog&quot;"' in html
    assert '<p dir="auto">Fin.</p>\n<p dir="auto">Vraiment.</p>' in html
    assert "http" not in html


def test_html_runs_right_to_left_with_its_letters(tmp_path: Path) -> None:
    save_story("T", "he", [StoryPageContent(HEBREW, None, "")], tmp_path / "s.html", ignore)
    assert '<html lang="he" dir="rtl">' in (tmp_path / "s.html").read_text(encoding="utf-8")


def test_slides_have_sentences_as_titles_in_title_placeholders(tmp_path: Path, picture: Image.Image) -> None:
    long = "and then " * 20 + "it slept."
    texts = ["A cat sat down. It slept.\nIt woke.", "The end.", long, ""]
    pages = [StoryPageContent(text, picture, f"image {number}") for number, text in enumerate(texts)]
    save_story("The cat", "en", pages, tmp_path / "s.pptx", ignore)
    deck = Presentation(str(tmp_path / "s.pptx"))
    titles = [slide.shapes.title.text_frame.text for slide in deck.slides]
    assert titles[:3] == ["The cat", "A cat sat down.", "The end."]
    assert titles[3].endswith("\u2026") and long.startswith(titles[3][:-1])
    assert titles[4] == "4"
    slides = list(deck.slides)
    bodies = [
        [shape.text_frame.text for shape in slide.placeholders if shape.placeholder_format.type in TEXTS]
        for slide in slides[1:4]
    ]
    assert bodies == [["It slept.\nIt woke."], [], [long]]
    images = [shape for slide in slides[1:] for shape in slide.shapes if hasattr(shape, "image")]
    alts = [shape._element.nvPicPr.cNvPr.get("descr") for shape in images]
    assert alts == ["image 0", "image 1", "image 2", "image 3"]
    assert slides[1].notes_slide.notes_text_frame.text == texts[0]


@pytest.mark.parametrize(
    ("language", "text", "east_asian"),
    [
        ("zh-TW", "\u7d05\u8c93\u3002", "Microsoft JhengHei"),
        ("ja", "\u8d64\u3044\u3002", "Yu Gothic"),
        ("he", HEBREW, ""),
    ],
)
def test_slides_say_their_language_and_direction(tmp_path: Path, language: str, text: str, east_asian: str) -> None:
    save_story("T", language, [StoryPageContent(f"{text} {text}", None, "")], tmp_path / "s.pptx", ignore)
    deck = Presentation(str(tmp_path / "s.pptx"))
    slide = deck.slides[1]
    runs = list(slide.element.iter(qn("a:r")))
    assert runs and {run.rPr.get("lang") for run in runs} == {language}
    assert deck.core_properties.language == language
    direction = slide.shapes.title.text_frame.paragraphs[0]._p.get_or_add_pPr().get("rtl")
    assert direction == ("1" if language == "he" else None)
    assert _typefaces(deck)["ea"] == east_asian


def test_a_given_font_is_the_font_of_the_slides(tmp_path: Path, make_font: MakeFont) -> None:
    save_story("T", "zh", [StoryPageContent("A.", None, "")], tmp_path / "s.pptx", ignore, font=make_font("A"))
    assert set(_typefaces(Presentation(str(tmp_path / "s.pptx"))).values()) == {"Boxes"}


def _typefaces(deck: Deck) -> dict[str, str]:

    part = next(rel.target_part for rel in deck.slide_master.part.rels.values() if rel.reltype.endswith("/theme"))
    fonts = parse_xml(part.blob).find(f".//{qn('a:minorFont')}")
    return {name: fonts.find(qn(f"a:{name}")).get("typeface") for name in ("latin", "ea", "cs")}


def test_a_long_title_is_one_that_a_file_can_hold(tmp_path: Path) -> None:
    title = "A very nice cat " * 30
    warnings: list[str] = []
    save_story(title, "en", [StoryPageContent("A.", None, "")], tmp_path / "s.pptx", warnings.append)
    assert Presentation(str(tmp_path / "s.pptx")).core_properties.title == title[:255]
    cover = Presentation(str(tmp_path / "s.pptx")).slides[0]
    written, rest = (shape.text_frame.text for shape in cover.placeholders)
    assert f"{written.rstrip('…').strip()} {rest.lstrip('…').strip()}" == title.strip()
    assert warnings == ["slide 1: its title is too long (479 characters); it goes on below"]


def test_a_folder_has_text_images_and_data(tmp_path: Path, picture: Image.Image) -> None:
    pages = [StoryPageContent("One.", picture, "a [red] cat"), StoryPageContent("Two.", None, "")]
    save_story("T", "en", pages, tmp_path / "folder", ignore)
    names = sorted(path.name for path in (tmp_path / "folder").iterdir())
    assert names == ["page-01.png", "story.json", "story.md"]
    saved = json.loads((tmp_path / "folder" / "story.json").read_text(encoding="utf-8"))
    assert saved == {
        "title": "T",
        "language": "en",
        "pages": [
            {"text": "One.", "image": "page-01.png", "alt": "a [red] cat"},
            {"text": "Two.", "image": None, "alt": ""},
        ],
    }
    text = (tmp_path / "folder" / "story.md").read_text(encoding="utf-8")
    assert text == "# T\n\n![a (red) cat](page-01.png)\n\nOne.\n\nTwo.\n"
    with Image.open(tmp_path / "folder" / "page-01.png") as image:
        assert image.tobytes() == picture.tobytes()
    with pytest.raises(OutputPathError, match="not empty"):
        check_story_path(tmp_path / "folder")


@pytest.mark.parametrize("name", [*(f"s{suffix}" for suffix in SUFFIXES), "folder"])
def test_a_page_without_an_image_is_saved(tmp_path: Path, name: str) -> None:
    for text in ("First.", "Second."):
        if name != "folder" or text == "First.":
            save_story("T", "en", [StoryPageContent(text, None, "")], tmp_path / name, ignore)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", [*(f"s{suffix}" for suffix in SUFFIXES), "folder"])
def test_a_story_that_fails_leaves_nothing_behind(tmp_path: Path, name: str) -> None:
    class Broken(Image.Image):
        def resize(self, *_: object, **__: object) -> Image.Image:
            raise OSError("the disk is full")

        save = resize  # type: ignore[assignment]

    image = Broken()
    image._size = (4, 4)
    with pytest.raises((OSError, OutputPathError)):
        save_story("T", "en", [StoryPageContent("A.", image, "")], tmp_path / name, ignore)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [*(f"s{suffix}" for suffix in SUFFIXES), "folder"])
def test_a_story_without_a_title_has_its_first_sentence(tmp_path: Path, name: str) -> None:
    save_story(" \n", "en", [StoryPageContent("Long ago, it rained. Then\nnot.", None, "")], tmp_path / name, ignore)
    path = tmp_path / "folder" / "story.md" if name == "folder" else tmp_path / name
    data = path.read_bytes()
    if name == "s.epub":
        data = ZipFile(path).read("EPUB/package.opf")
    if name == "s.pptx":
        data = ZipFile(path).read("docProps/core.xml")
    assert b"Long ago, it rained." in data


def test_a_format_that_shows_no_font_says_so(tmp_path: Path, make_font: MakeFont) -> None:
    warnings: list[str] = []
    save_story("T", "en", [StoryPageContent("A.", None, "")], tmp_path / "s.epub", warnings.append, font=make_font("A"))
    assert len(warnings) == 1 and ".pdf and .pptx only" in warnings[0]


def test_a_suffix_that_is_no_format_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(OutputPathError, match=r"use one of \.html, \.htm, \.pdf, \.epub, \.pptx"):
        check_story_path(tmp_path / "s.docx")
