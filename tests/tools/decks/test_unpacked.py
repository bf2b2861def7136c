"""What a package unpacks to is counted whatever its parts are called, and whether or not all can be read."""

import zipfile
import zlib
from pathlib import Path

import pytest
from PIL import Image

from seedx_sdk.imaging import to_png
from seedx_tools.decks.ooxml.unpacked import UnpackedSize, unpacked_size

XML = b"<a>" + b"<b/>" * 1000 + b"</a>"


def packed(path: Path, parts: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return path


@pytest.mark.parametrize(
    "content",
    [XML, b"\xef\xbb\xbf" + XML, b" \n" * 2000 + XML, XML.decode().encode("utf-16"), XML.decode().encode("utf-16-be")],
    ids=["plain", "marked", "indented", "utf-16", "utf-16-be"],
)
@pytest.mark.parametrize("name", ["slide1.xml", "movie.mp4"])
def test_xml_counts_as_such_under_any_name(tmp_path: Path, name: str, content: bytes) -> None:
    size = unpacked_size(packed(tmp_path / "a.pptx", {name: content}), max_bytes=10**6)
    assert size == UnpackedSize(len(content), len(content), ())


def test_pictures_count_under_any_name(tmp_path: Path) -> None:
    picture = to_png(Image.new("L", (300, 200)))
    size = unpacked_size(packed(tmp_path / "a.pptx", {"a.png": picture, "b.bin": picture}), max_bytes=10**6)
    assert size == UnpackedSize(2 * len(picture), 0, (60_000, 60_000))


def test_a_part_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.pptx", {"damaged.bin": b"\x01" * 100, "slide1.xml": XML})
    damaged = bytearray(path.read_bytes())
    damaged[30 + len("damaged.bin")] ^= 0xFF  # the first byte after its local header
    path.write_bytes(damaged)
    with zipfile.ZipFile(path) as package, pytest.raises(zlib.error):
        package.read("damaged.bin")
    assert unpacked_size(path, max_bytes=10**6) == UnpackedSize(100 + len(XML), len(XML), ())


def test_too_much_is_counted_without_unpacking_it(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.pptx", {"slide1.xml": XML})
    assert unpacked_size(path, max_bytes=len(XML) - 1) == UnpackedSize(len(XML), 0, ())


def test_what_is_no_package_has_no_size(tmp_path: Path) -> None:
    (tmp_path / "a.pptx").write_bytes(b"PK\x03\x04 nothing else")
    assert unpacked_size(tmp_path / "a.pptx", max_bytes=10**6) == UnpackedSize()
