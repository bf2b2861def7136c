from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime

import pytest
from lxml import etree
from PIL import Image

from seedx_tools.stories.formats.epub import story_epub
from seedx_tools.stories.plan import StoryPageContent

NAMES = {
    "c": "urn:oasis:names:tc:opendocument:xmlns:container",
    "o": "http://www.idpf.org/2007/opf",
    "dc": "http://purl.org/dc/elements/1.1/",
    "h": "http://www.w3.org/1999/xhtml",
}
HEBREW = "\u05d7\u05ea\u05d5\u05dc"


@pytest.fixture
def book(picture: Image.Image) -> zipfile.ZipFile:
    pages = [
        StoryPageContent("No image <yet> & \x00no pain.", None, ""),
        StoryPageContent(f"{HEBREW} one. Two.\n\nThree.", picture, 'a "red" cat'),
        StoryPageContent("", picture, "a dog"),
    ]
    return zipfile.ZipFile(io.BytesIO(story_epub(f"{HEBREW} & co", "he", pages)))


def read(book: zipfile.ZipFile, name: str) -> etree._Element:
    return etree.fromstring(book.read(name))


def values(element: etree._Element, path: str) -> list[str]:
    return [str(value) for value in element.xpath(path, namespaces=NAMES)]


def test_the_container_leads_to_the_package(book: zipfile.ZipFile) -> None:
    first = book.infolist()[0]
    assert (first.filename, first.compress_type, first.extra) == ("mimetype", zipfile.ZIP_STORED, b"")
    assert book.read("mimetype") == b"application/epub+zip"
    assert values(read(book, "META-INF/container.xml"), "//c:rootfile/@full-path") == ["EPUB/package.opf"]


def test_every_file_is_in_the_manifest_once_and_every_page_in_the_spine(book: zipfile.ZipFile) -> None:
    package = read(book, "EPUB/package.opf")
    listed = values(package, "//o:item/@href")
    stored = [name.removeprefix("EPUB/") for name in book.namelist() if name.startswith("EPUB/")]
    assert sorted([*listed, "package.opf"]) == sorted(stored)
    ids = values(package, "//o:item/@id")
    assert len(set(ids)) == len(ids)
    assert values(package, "//o:itemref/@idref") == ["title", "page-01", "page-02", "page-03"]
    assert values(package, "//o:item[@properties='nav']/@href") == ["nav.xhtml"]
    assert values(package, "//o:item[@properties='cover-image']/@href") == ["page-02.png"]


def test_metadata_has_language_direction_title_and_date(book: zipfile.ZipFile) -> None:
    package = read(book, "EPUB/package.opf")
    assert values(package, "//dc:language/text()") == ["he"]
    assert values(package, "//dc:title/text()") == [f"{HEBREW} & co"]
    assert values(package, "//o:spine/@page-progression-direction") == ["rtl"]
    (identifier,) = values(package, "//dc:identifier[@id=/o:package/@unique-identifier]/text()")
    assert identifier.startswith("urn:uuid:")
    (modified,) = values(package, "//o:meta[@property='dcterms:modified']/text()")
    assert datetime.strptime(modified, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) <= datetime.now(UTC)


def test_pages_have_text_images_and_alt_texts(book: zipfile.ZipFile) -> None:
    page = read(book, "EPUB/page-02.xhtml")
    assert (page.get("lang"), page.get("dir")) == ("he", "rtl")
    assert values(page, "//h:img/@alt") == ['a "red" cat']
    assert values(page, "//h:p/text()") == [f"{HEBREW} one. Two.", "Three."]
    assert values(read(book, "EPUB/page-01.xhtml"), "//h:p/text()") == ["No image <yet> & no pain."]
    with Image.open(io.BytesIO(book.read("EPUB/page-02.png"))) as image:
        assert image.format == "PNG" and image.width >= 768


def test_the_contents_name_each_page(book: zipfile.ZipFile) -> None:
    nav = read(book, "EPUB/nav.xhtml")
    assert values(nav, "//h:nav//h:a/text()") == [f"{HEBREW} & co", "No image <yet> & no pain.", f"{HEBREW} one.", "3"]
    assert all(f"EPUB/{name}" in book.namelist() for name in values(nav, "//h:nav//h:a/@href"))


def test_the_same_story_is_the_same_book(picture: Image.Image) -> None:
    def identifier(text: str) -> list[str]:
        data = story_epub("T", "en", [StoryPageContent(text, picture, "x")])
        return values(read(zipfile.ZipFile(io.BytesIO(data)), "EPUB/package.opf"), "//dc:identifier/text()")

    assert identifier("A cat.") == identifier("A cat.") != identifier("A dog.")
