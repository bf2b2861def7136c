"""Read the picture of a slide, put another image into its frame, describe it, or take it off the slide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pptx.oxml.ns import qn
from pptx.slide import Slide

from seedx_sdk.errors import ImageError
from seedx_tools.decks.editing.texts import remove_shape
from seedx_tools.decks.ooxml.styles import placeholder_type
from seedx_tools.decks.reader import first_picture, is_media, large_pictures, main_picture, read_slide
from seedx_tools.decks.shapes import slide_shapes
from seedx_tools.decks.text.strings import clean
from seedx_tools.decks.writing.pictures import fill_picture_placeholder, replace_image
from seedx_tools.illustration.illustrator import Illustration


def picture_place(slide: Slide) -> Any:
    """Return where a slide takes another image: its picture, or an empty picture placeholder; None if it has neither.

    The poster of a video is no picture.
    """
    placed = main_picture(slide)
    if placed is None:
        shapes = (placed.shape for placed in slide_shapes(slide))
        return next((shape for shape in shapes if placeholder_type(shape.element) == "pic"), None)
    is_image = placed.shape.element.tag == qn("p:pic") and not is_media(placed)
    return placed.shape if is_image else None


def shown_picture(slide: Slide, warn: Callable[[str], None] = lambda _: None) -> Illustration | None:
    """Return the picture that a slide shows; None, with a warning, if it cannot be opened."""
    try:
        found = first_picture(slide, warn)
    except ImageError as error:
        warn(f"its picture was left out: {error}")
        return None
    return None if found is None else Illustration(found[0], alt=found[1] or read_slide(slide).title)


def put_picture(slide: Slide, picture: Illustration, warn: Callable[[str], None]) -> None:
    """Show an image in picture_place(slide): in the same frame, cropped or whole, with its own alt text."""
    shape = picture_place(slide)
    if shape.element.tag == qn("p:pic"):
        replace_image(shape, picture, warn)
    else:
        fill_picture_placeholder(shape, picture, warn)


def describe_picture(slide: Slide, alt: str) -> bool:
    """Set the alt text of the picture of a slide; return whether there is one."""
    placed = main_picture(slide)
    if placed is None:
        return False
    next(placed.shape.element.iter(qn("p:cNvPr"))).set("descr", clean(alt))
    return True


def remove_picture(slide: Slide, picture: str | None) -> bool:
    """Remove the only large picture of a slide if its plan wants none; return whether that could be done."""
    pictures = large_pictures(slide)
    if picture != "" or len(pictures) != 1 or pictures[0].shape.element.tag != qn("p:pic"):
        return False
    return remove_shape(slide, pictures[0].shape)
