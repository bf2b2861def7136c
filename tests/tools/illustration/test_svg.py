from __future__ import annotations

import pytest

from seedx_sdk import ImageError
from seedx_tools.illustration.svg import rasterize, safe_svg

HEAD = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 20 10"'


def _safe(content: str, attributes: str = "") -> str:
    return safe_svg(f"<svg {HEAD} {attributes}>{content}</svg>".encode(), "'x.svg'").decode()


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<foreignObject><p xmlns='http://www.w3.org/1999/xhtml'>x</p></foreignObject>",
        "<image href='http://evil.example/x.png'/>",
        "<image xlink:href='file:///etc/passwd'/>",
        "<use href='other.svg#a'/>",
        "<a href='javascript:alert(1)'><rect/></a>",
        "<rect style=\"fill:url('http://evil.example/x')\"/>",
        "<style>@import 'http://evil.example/x.css';</style>",
        "<rect fill='url(  http://evil.example/x)'/>",
        "<set attributeName='href' to='http://evil.example/'/>",
        "<rect onclick='alert(1)'/>",
    ],
)
def test_what_runs_or_reaches_outside_is_left_out(hostile: str) -> None:
    cleaned = _safe(hostile + "<circle r='3'/>", "onload='alert(1)'")
    for part in ("evil", "alert", "passwd", "other.svg", "xhtml", "onload", "onclick", "script"):
        assert part not in cleaned
    assert "circle" in cleaned


def test_own_parts_stay() -> None:
    drawing = (
        "<defs><linearGradient id='g'/></defs><rect id='r' fill='url(#g)'/><use href='#r'/><style>.a{fill:red}</style>"
    )
    cleaned = _safe(drawing)
    for part in ('fill="url(#g)"', 'href="#r"', ".a{fill:red}"):
        assert part in cleaned


def test_entities_and_other_xml_are_refused() -> None:
    bomb = f'<!DOCTYPE svg [<!ENTITY a "b">]><svg {HEAD}><text>&a;</text></svg>'
    with pytest.raises(ImageError, match="defines XML entities, which are not allowed; export it"):
        safe_svg(bomb.encode(), "'x.svg'")
    with pytest.raises(ImageError, match="is XML, but not an SVG drawing"):
        safe_svg(b"<html/>", "'x.svg'")
    with pytest.raises(ImageError, match="'x.svg' is not an SVG drawing"):
        safe_svg(b"hello", "'x.svg'")


def test_parts_that_multiply_are_refused() -> None:
    uses = ["".join([f"<use href='#a{n}'/>"] * 10) for n in range(8)]
    levels = [f"<g id='a{n}'>{inner}</g>" for n, inner in enumerate(uses, start=1)]
    with pytest.raises(ImageError, match="draws more than 50000 elements"):
        _safe(f"<defs><rect id='a0'/>{''.join(levels)}</defs><use href='#a8'/>")
    assert _safe("<g id='a'><use href='#a'/></g>")


def test_a_doctype_without_entities_is_dropped() -> None:
    public = '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">'
    assert b"DOCTYPE" not in safe_svg(f"{public}<svg {HEAD}><rect/></svg>".encode(), "'x.svg'")


def test_the_stand_in_image_has_the_proportions_and_the_transparency() -> None:
    image = rasterize(_safe("<rect width='10' height='10' fill='#ff0000'/>").encode(), "'x.svg'")
    assert (image.size, image.mode) == ((1600, 800), "RGBA")
    assert image.getpixel((400, 400)) == (255, 0, 0, 255)
    assert image.getpixel((1200, 400)) == (0, 0, 0, 0)


def test_words_are_drawn_in_any_font() -> None:
    image = rasterize(_safe("<text y='8' font-family='No Such Font'>x</text>").encode(), "'x.svg'")
    assert image.getbbox() is not None
