"""Decks from outlines: their text, pictures, notes, warnings and files, made at once or in an event loop."""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import anyio
import pytest
from PIL import Image
from pptx import Presentation
from pptx.enum.shapes import PP_PLACEHOLDER as PH
from pptx.oxml.ns import qn
from pptx.presentation import Presentation as PresentationObject
from pptx.slide import Slide

from seedx_sdk import (
    AsyncSeedX,
    GenerationCancelled,
    InputError,
    Message,
    ModelError,
    OutputPathError,
    PromptError,
    SeedX,
)
from seedx_sdk.errors import TemplateError
from seedx_sdk.testing import ScriptedEngine
from seedx_sdk.types import Request, StreamEvent
from seedx_tools import Deck, Outline, SlidePlan, check_deck, make_slides, make_slides_async
from seedx_tools.decks.ooxml.styles import auto_number
from seedx_tools.decks.theme.build import DeckSize
from seedx_tools.decks.writing.footer import footer_of

OUTLINE = """# A boat school
By the sea
> Welcome.

## Why
- A red boat is easy to see
- Summers are long
    - and warm
> Say why.

## The house
A blue house is where every day starts.

## Next steps
![a green tree](draw)
"""


@pytest.fixture
def deck(seedx: SeedX, tmp_path: Path) -> Deck:
    return make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx")


def _frames(slide: Slide) -> list[tuple[int, int, int, int]]:
    return [(shape.left, shape.top, shape.left + shape.width, shape.top + shape.height) for shape in slide.shapes]


def _bodies(slide: Slide) -> list[Any]:
    return [shape for shape in slide.placeholders if shape.placeholder_format.type in (PH.BODY, PH.OBJECT)]


def _assert_sound(path: Path) -> PresentationObject:
    """Check what holds for every deck: native text, nothing empty, nothing outside the page or on top of a picture."""
    file = Presentation(str(path))
    assert file.slide_width is not None and file.slide_height is not None
    for slide in file.slides:
        assert slide.shapes.title.text_frame.text.strip()
        for shape in slide.placeholders:
            if shape.placeholder_format.type != PH.PICTURE:
                assert shape.text_frame.text.strip()
        for left, top, right, bottom in _frames(slide):
            assert 0 <= left < right <= file.slide_width
            assert 0 <= top < bottom <= file.slide_height
        pictures = [shape for shape in slide.shapes if shape.element.tag == qn("p:pic")]
        for picture in pictures:
            assert picture._element.nvPicPr.cNvPr.get("descr")
            visible = (
                picture.image.size[0] * (1 - picture.crop_left - picture.crop_right),
                picture.image.size[1] * (1 - picture.crop_top - picture.crop_bottom),
            )
            assert visible[0] / visible[1] == pytest.approx(picture.width / picture.height, rel=0.01)
            box = picture.left, picture.top, picture.left + picture.width, picture.top + picture.height
            for other in slide.shapes:
                if other is picture or other.shape_id == picture.shape_id or not other.has_text_frame:
                    continue
                apart = (
                    other.left >= box[2]
                    or other.left + other.width <= box[0]
                    or other.top >= box[3]
                    or other.top + other.height <= box[1]
                )
                assert apart, f"{other.name} lies on a picture"
    return file


def test_words_go_to_title_and_body_placeholders_as_native_text(deck: Deck) -> None:
    slides = list(_assert_sound(deck.path).slides)
    assert [slide.shapes.title.text_frame.text for slide in slides] == [
        "A boat school",
        "Why",
        "The house",
        "Next steps",
    ]
    assert slides[0].shapes.title.placeholder_format.type == PH.CENTER_TITLE
    body = next(shape for shape in slides[1].placeholders if shape.placeholder_format.type == PH.BODY)
    assert [(paragraph.text, paragraph.level) for paragraph in body.text_frame.paragraphs] == [
        ("A red boat is easy to see", 0),
        ("Summers are long", 0),
        ("and warm", 1),
    ]
    subtitle = next(shape for shape in slides[0].placeholders if shape.placeholder_format.type == PH.SUBTITLE)
    assert subtitle.text_frame.text == "By the sea"


def test_looks_live_in_the_master_and_not_in_the_slides(deck: Deck) -> None:
    for slide in Presentation(str(deck.path)).slides:
        xml = slide.element.xml
        assert "srgbClr" not in xml
        assert '<a:rPr lang="en-US" sz' not in xml and "<a:defRPr" not in xml
        assert "latin" not in xml


def test_pictures_fill_picture_placeholders_and_have_alt_text(deck: Deck) -> None:
    slides = list(Presentation(str(deck.path)).slides)
    for slide, made in zip(slides, deck.slides, strict=True):
        picture = next(shape for shape in slide.placeholders if shape.placeholder_format.type == PH.PICTURE)
        assert picture.element.tag == qn("p:pic")
        assert picture._element.nvPicPr.cNvPr.get("descr") == f"Generated image: {made.picture_prompt}"
        assert min(picture.image.size) >= 768
    prompt = deck.slides[1].picture_prompt
    assert prompt is not None and prompt.startswith("a red boat ")


def test_notes_slide_numbers_and_file_title(deck: Deck) -> None:
    file = Presentation(str(deck.path))
    slides = list(file.slides)
    assert slides[0].notes_slide.notes_text_frame.text == "Welcome."
    assert slides[1].notes_slide.notes_text_frame.text == "Say why."
    assert not slides[2].has_notes_slide
    for slide in slides[1:]:
        assert slide.element.find(f".//{qn('a:fld')}").get("type") == "slidenum"
    assert file.core_properties.title == "A boat school"
    assert file.core_properties.author == ""


@pytest.mark.parametrize(("size", "ratio"), [("16:9", 16 / 9), ("4:3", 4 / 3)])
@pytest.mark.parametrize("pictures", [True, False])
def test_both_page_sizes_with_and_without_pictures(
    seedx: SeedX, tmp_path: Path, size: DeckSize, ratio: float, pictures: bool
) -> None:
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", size=size, pictures=pictures)
    file = _assert_sound(deck.path)
    assert file.slide_width / file.slide_height == pytest.approx(ratio, rel=1e-3)
    assert all((slide.picture is not None) == pictures for slide in deck.slides)
    for preview in deck.previews:
        assert preview.width == 960
        assert preview.width / preview.height == pytest.approx(ratio, rel=2e-3)


def test_pictures_come_from_the_model(nano: SeedX, tmp_path: Path) -> None:
    outline = Outline(title="Boats", picture="", slides=(SlidePlan(title="Red", picture="a red boat on the beach"),))
    deck = make_slides(nano, outline, path=tmp_path / "deck.pptx", seed=3)
    drawn = nano.generate("a red boat on the beach", seed=4).image
    picture = deck.slides[1].picture
    assert picture is not None and drawn is not None
    assert picture.tobytes() == drawn.tobytes()
    assert deck.model == nano.info.name
    _assert_sound(deck.path)


def test_pictures_of_other_shapes_are_not_distorted(tmp_path: Path) -> None:
    wide = Message.assistant(Image.new("RGB", (256, 64), "red"))
    tall = Message.assistant(Image.new("RGB", (64, 72), "blue"))
    deck = make_slides(SeedX(engine=ScriptedEngine(replies=[wide, tall])), "# A\n## B\n- c\n", path=tmp_path / "d.pptx")
    _assert_sound(deck.path)


def test_a_failed_picture_is_a_warning_and_the_deck_is_saved(tmp_path: Path) -> None:
    engine = ScriptedEngine(replies=[ModelError("the de-tokenizer ran out of memory")])
    deck = make_slides(SeedX(engine=engine), OUTLINE, path=tmp_path / "deck.pptx")
    _assert_sound(deck.path)
    assert deck.slides[0].picture is None
    assert deck.slides[1].picture is not None
    assert any("slide 1: its image failed" in warning and "memory" in warning for warning in deck.warnings)


def test_long_text_is_made_smaller_then_continued(seedx: SeedX, tmp_path: Path) -> None:
    bullets = tuple(f"Point {number} says something that takes a line and a bit more of it" for number in range(14))
    outline = Outline(title="Long", slides=(SlidePlan(title="Much to say", bullets=bullets),))
    deck = make_slides(seedx, outline, path=tmp_path / "deck.pptx")
    slides = list(_assert_sound(deck.path).slides)[1:]
    assert len(slides) > 1
    assert slides[1].shapes.title.text_frame.text == "Much to say (2/2)"
    written = [
        paragraph.text
        for slide in slides
        for shape in slide.placeholders
        if shape.placeholder_format.type == PH.BODY
        for paragraph in shape.text_frame.paragraphs
    ]
    assert tuple(written) == bullets
    assert any("continues on" in warning for warning in deck.warnings)


def test_a_point_is_continued_with_what_is_indented_under_it(seedx: SeedX, tmp_path: Path) -> None:
    bullets = tuple(f"Point {number}" if number % 2 else f"\tPart {number}" for number in range(1, 31))
    outline = Outline(title="Long", slides=(SlidePlan(title="T", bullets=bullets),))
    deck = make_slides(seedx, outline, path=tmp_path / "deck.pptx", pictures=False)
    for slide in list(_assert_sound(deck.path).slides)[1:]:
        body = next(shape for shape in slide.placeholders if shape.placeholder_format.type == PH.BODY)
        assert body.text_frame.paragraphs[0].level == 0


def test_numbered_points_are_a_native_list_that_continues_its_count(seedx: SeedX, tmp_path: Path) -> None:
    outline = "# D\n## Steps\n3. build\n    1. thin\n    2. real\n4. show\n\n- rest\n\n## More\n1) one\n2) two\n"
    made = make_slides(seedx, outline, path=tmp_path / "d.pptx", pictures=False)
    assert made.slides[1].bullets == ("3. build", "\t1. thin", "\t2. real", "4. show", "rest")
    steps, more = (_bodies(slide)[0] for slide in list(Presentation(str(made.path)).slides)[1:])
    assert [p.text for p in steps.text_frame.paragraphs] == ["build", "thin", "real", "show", "rest"]
    starts = [p._p.findall(f".//{qn('a:buAutoNum')}") for p in steps.text_frame.paragraphs]
    assert [[start.get("startAt") for start in found] for found in starts] == [["3"], ["1"], ["1"], ["3"], []]
    assert [auto_number(p._p) for p in steps.text_frame.paragraphs] == [3, 1, 2, 4, None]
    assert [auto_number(p._p) for p in more.text_frame.paragraphs] == [1, 2]
    from_zero = make_slides(seedx, "# D\n## S\n0. a\n1. b\n", path=tmp_path / "z.pptx", pictures=False)
    (body,) = _bodies(Presentation(str(from_zero.path)).slides[1])
    assert [(p.text, auto_number(p._p)) for p in body.text_frame.paragraphs] == [("0. a", None), ("b", 1)]


def test_points_beside_a_list_have_bullets_too(seedx: SeedX, tmp_path: Path) -> None:
    made = make_slides(seedx, "# D\n## S\n- one\n***\n- two\n- three\n", path=tmp_path / "d.pptx")
    slide = Presentation(str(made.path)).slides[1]
    assert [shape.text_frame.text for shape in _bodies(slide)] == ["one", "two\nthree"]
    assert not list(slide.element.iter(qn("a:buNone")))


def test_a_picture_that_was_asked_for_where_there_is_no_room_is_a_warning(seedx: SeedX, tmp_path: Path) -> None:
    outline = "# D\n![](none)\n## S\n- one\n***\n- two\n![a red boat](draw)\n"
    made = make_slides(seedx, outline, path=tmp_path / "d.pptx")
    assert made.warnings == ("slide 2: the slide has no room for an image; none was generated",)
    assert not [shape for shape in Presentation(str(made.path)).slides[1].shapes if shape.element.tag == qn("p:pic")]


def test_a_footer_that_is_too_long_is_shortened(seedx: SeedX, tmp_path: Path) -> None:
    title = "A talk for parents about why every child should learn to sail a small red boat in summer and in winter" * 2
    made = make_slides(seedx, f"# {title}\n## S\n- one\n", path=tmp_path / "d.pptx")
    footer = footer_of(Presentation(str(made.path)).slides[1])
    assert footer.endswith(" ...") and title.startswith(footer.removesuffix(" ..."))
    assert check_deck(made.path).findings == ()


def test_one_endless_paragraph_is_continued_too(seedx: SeedX, tmp_path: Path) -> None:
    words = " ".join(f"word{number}" for number in range(400))
    outline = Outline(title="Long", slides=(SlidePlan(title="T", bullets=(words,)),))
    deck = make_slides(seedx, outline, path=tmp_path / "deck.pptx", pictures=False)
    file = _assert_sound(deck.path)
    text = " ".join(
        shape.text_frame.text
        for slide in file.slides
        for shape in slide.placeholders
        if shape.placeholder_format.type == PH.BODY
    )
    assert text.split() == words.split()


@pytest.mark.parametrize("size", ["16:9", "4:3"])
def test_a_long_title_stands_whole_in_a_taller_box(seedx: SeedX, tmp_path: Path, size: DeckSize) -> None:
    title = " ".join(["Why the consolidation needs another layer of governance before the second wave"] * 2)
    outline = Outline(title=title, slides=(SlidePlan(title=title, bullets=("a", "b")),))
    deck = make_slides(seedx, outline, path=tmp_path / "deck.pptx", size=size, pictures=False)
    assert deck.warnings == () and check_deck(deck.path).findings == ()
    for slide in _assert_sound(deck.path).slides:
        assert slide.shapes.title.text_frame.text == title


def test_a_title_longer_than_a_page_is_named(seedx: SeedX, tmp_path: Path) -> None:
    title = "A title that goes on and on " * 200
    outline = Outline(title="T", slides=(SlidePlan(title=title),))
    deck = make_slides(seedx, outline, path=tmp_path / "deck.pptx")
    slide = list(_assert_sound(deck.path).slides)[1]
    assert title.startswith(slide.shapes.title.text_frame.text)
    assert slide.notes_slide.notes_text_frame.text == title.strip()
    assert [warning for warning in deck.warnings if "title" in warning] == [
        "slide 2: its title is too long (5599 characters); it goes on below",
        "slide 2: the end of its title is in the notes",
    ]
    assert check_deck(deck.path).findings == ()


def test_text_that_xml_cannot_hold_is_cleaned(seedx: SeedX, tmp_path: Path) -> None:
    outline = Outline(title="a\x00b\x0bc", slides=(SlidePlan(title="<&>\u2028x", bullets=("\x1b[31m red",)),))
    deck = make_slides(seedx, outline, path=tmp_path / "deck.pptx")
    slides = list(_assert_sound(deck.path).slides)
    assert slides[0].shapes.title.text_frame.text == "ab c"
    assert slides[1].shapes.title.text_frame.text == "<&> x"


def test_decorative_pictures_are_named_once(seedx: SeedX, tmp_path: Path) -> None:
    deck = make_slides(seedx, "# Revenue\n## Costs\n- rent\n## Staff\n", path=tmp_path / "deck.pptx")
    notes = [warning for warning in deck.warnings if "decorative" in warning]
    assert len(notes) == 1
    assert notes[0].startswith("slide 1, slide 2, slide 3:")


def test_progress_counts_slides(seedx: SeedX, tmp_path: Path) -> None:
    seen = []
    make_slides(seedx, OUTLINE, path=tmp_path / "d.pptx", on_progress=lambda *step: seen.append(step))
    assert seen[0] == (0, 4, "A boat school")
    assert seen[-1] == (4, 4, "done")
    assert [done for done, _, _ in seen] == [0, 1, 2, 3, 4]


def test_previews_are_saved_beside_the_deck(deck: Deck, tmp_path: Path) -> None:
    paths = deck.save_previews(tmp_path)
    assert [path.name for path in paths] == ["slide-01.png", "slide-02.png", "slide-03.png", "slide-04.png"]
    assert deck.preview_by == "seedx_tools.decks.preview (Pillow)"


def test_a_deck_that_is_gone_has_no_previews(seedx: SeedX, tmp_path: Path) -> None:
    deck = make_slides(seedx, "# Boats\n", path=tmp_path / "deck.pptx", pictures=False)
    deck.path.unlink()
    with pytest.raises(TemplateError, match="there is no file"):
        deck.save_previews(tmp_path)


def test_the_same_seed_gives_the_same_previews(seedx: SeedX, deck: Deck, tmp_path: Path) -> None:
    again = make_slides(seedx, OUTLINE, path=tmp_path / "again.pptx")
    for first, second in zip(deck.previews, again.previews, strict=True):
        assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize(
    ("prompt", "arguments", "error"),
    [
        ("boats", {"path": "missing-folder/deck.pptx"}, OutputPathError),
        ("boats", {"path": "deck.odp"}, OutputPathError),
        ("boats", {"num_slides": 0}, InputError),
        ("boats", {"num_slides": 1000}, InputError),
        ("  ", {}, PromptError),
        (b"\xff", {}, PromptError),
        ("# A\n" + "## B\n" * 300, {}, InputError),
    ],
)
def test_bad_input_is_refused_before_anything_is_drawn(
    engine: ScriptedEngine,
    seedx: SeedX,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    prompt: Any,
    arguments: dict[str, Any],
    error: type[Exception],
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error):
        make_slides(seedx, prompt, **{"path": "deck.pptx", **arguments})
    assert engine.requests == []
    assert list(tmp_path.iterdir()) == []


def test_a_cancelled_deck_leaves_no_file(seedx: SeedX, tmp_path: Path) -> None:
    with pytest.raises(GenerationCancelled):
        make_slides(seedx.with_cancel(lambda: True), OUTLINE, path=tmp_path / "deck.pptx")
    assert list(tmp_path.iterdir()) == []


def _parts(path: Path) -> dict[str, bytes]:
    """Return the parts of a .pptx by name, without the time at which it was made."""
    with zipfile.ZipFile(path) as package:
        return {name: package.read(name) for name in package.namelist() if name != "docProps/core.xml"}


RICH = f"""{OUTLINE}
## Figures
| Year | Boats |
| --- | --- |
| 2024 | 3 |
![a red boat](draw)

## A photo
- kept
![the harbor](harbor.png)

## Missing
- lost
![gone](gone.png)
"""


async def test_an_async_deck_is_the_same_file_with_the_same_images_and_warnings(tmp_path: Path) -> None:
    Image.new("RGB", (320, 240), "navy").save(tmp_path / "harbor.png")
    arguments: dict[str, Any] = {"files": tmp_path, "seed": 7, "theme": "night"}
    engines = [ScriptedEngine(), ScriptedEngine()]
    deck = make_slides(SeedX(engine=engines[0]), RICH, path=tmp_path / "sync.pptx", **arguments)
    twin = await make_slides_async(AsyncSeedX(engine=engines[1]), RICH, path=tmp_path / "async.pptx", **arguments)
    assert _parts(twin.path) == _parts(deck.path)
    assert [slide.picture and slide.picture.tobytes() for slide in twin.slides] == [
        slide.picture and slide.picture.tobytes() for slide in deck.slides
    ]
    assert twin.warnings == deck.warnings
    assert any("gone.png" in warning for warning in deck.warnings)
    seeds = [request.options.seed for request in engines[0].requests]
    assert seeds == [7, 8, 9, 10]
    assert sorted(request.options.seed for request in engines[1].requests) == seeds


class PairedEngine:
    """Answers nothing before two requests wait at the same time; the images of seeds 0 and 1 fail."""

    def __init__(self) -> None:
        self.info = ScriptedEngine().info
        self._waiting = 0
        self._two_wait = asyncio.Event()

    async def stream(self, request: Request, *, deadline: float | None = None) -> AsyncGenerator[StreamEvent, None]:
        assert deadline is None
        self._waiting += 1
        if self._waiting == 2:
            self._two_wait.set()
        await self._two_wait.wait()
        if request.options.seed < 2:
            raise ModelError(f"failure {request.options.seed}")
        for event in ScriptedEngine().stream(request):
            yield event

    async def check(self) -> None:
        """Return: it works."""


async def test_an_async_deck_generates_images_at_the_same_time_and_orders_warnings_by_slide(tmp_path: Path) -> None:
    deck = await make_slides_async(AsyncSeedX(engine=PairedEngine()), OUTLINE, path=tmp_path / "deck.pptx")
    assert deck.warnings[:2] == (
        "slide 1: its image failed and was left out: failure 0",
        "slide 2: its image failed and was left out: failure 1",
    )
    assert [slide.picture is not None for slide in deck.slides] == [False, False, True, True]


async def test_progress_of_an_async_deck_counts_slides(tmp_path: Path) -> None:
    seen = []
    await make_slides_async(
        AsyncSeedX(engine=ScriptedEngine()),
        OUTLINE,
        path=tmp_path / "d.pptx",
        on_progress=lambda *step: seen.append(step),
    )
    done = [step[0] for step in seen]
    assert done == sorted(done) and done[0] == 0
    assert {step[2] for step in seen} == {"A boat school", "Why", "The house", "Next steps", "done"}
    assert seen[-1] == (4, 4, "done")


async def test_a_cancelled_async_deck_leaves_no_file(tmp_path: Path) -> None:
    with anyio.CancelScope() as scope:
        await make_slides_async(
            AsyncSeedX(engine=ScriptedEngine()),
            OUTLINE,
            path=tmp_path / "deck.pptx",
            on_progress=lambda *_: scope.cancel(),
        )
    assert scope.cancelled_caught
    assert list(tmp_path.iterdir()) == []


async def test_bad_input_to_an_async_deck_is_rejected_before_anything_is_generated(tmp_path: Path) -> None:
    engine = ScriptedEngine()
    with pytest.raises(InputError, match="num_slides is 0"):
        await make_slides_async(AsyncSeedX(engine=engine), "boats", path=tmp_path / "d.pptx", num_slides=0)
    with pytest.raises(PromptError):
        await make_slides_async(AsyncSeedX(engine=engine), "  ", path=tmp_path / "d.pptx")
    assert engine.requests == []


def test_text_has_a_higher_limit_than_images(
    seedx: SeedX, engine: ScriptedEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seedx_tools.decks.drafts.deck.MAX_GENERATED_IMAGES", 3)
    slides = tuple(SlidePlan(title=f"House {number}", picture="a red house") for number in range(5))
    deck = make_slides(seedx, Outline(title="Houses", picture="", slides=slides), path=tmp_path / "deck.pptx")
    assert len(deck.slides) == 6 and len(engine.requests) == 3
    assert "a deck gets 3 images; from slide 5 on none was made" in deck.warnings


def test_an_outline_of_another_length_is_named(seedx: SeedX, tmp_path: Path) -> None:
    deck = make_slides(seedx, "# A\n## B\n## C\n", path=tmp_path / "deck.pptx", num_slides=6, pictures=False)
    assert len(deck.slides) == 3 and deck.warnings == ("the outline has 3 slides, not 6",)
