"""What the linter objects to on slides that were just made is mended, or named in a warning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.util import Inches, Pt

from seedx_sdk import SeedX
from seedx_tools import (
    ChatModelReviewer,
    Column,
    Deck,
    Outline,
    ReviewPage,
    SlidePlan,
    SlideRevision,
    append_slides,
    check_deck,
    make_slides,
    revise_slide,
)
from seedx_tools.decks.repair.loop import MadeSlides, look_and_repair
from tests.support.chat_models import PlayedModel, calls

POINTS = ("We sail every day", "Children learn fast", "Boats are safe")
OUTLINE = Outline(title="School", picture="", slides=(SlidePlan(title="We sail", bullets=POINTS, picture=""),))
SENTENCE = (
    "The regional maintenance contracts of the third quarter show steady growth in all of the areas that we serve."
)


def made(seedx: SeedX, path: Path, *slides: SlidePlan, **options: Any) -> Deck:
    return make_slides(seedx, Outline(title="School", picture="", slides=slides), path=path, pictures=False, **options)


def all_text(path: Path) -> str:
    shown: Any = Presentation(str(path))
    return "\n".join(shape.text_frame.text for slide in shown.slides for shape in slide.shapes if shape.has_text_frame)


def body(slide: Any) -> Any:
    return next(shape for shape in slide.placeholders if shape.text_frame.text.startswith(POINTS[0]))


def small(slide: Any) -> None:
    body(slide).text_frame.paragraphs[0].runs[0].font.size = Pt(8)


def too_long(slide: Any) -> None:
    body(slide).text_frame.text = SENTENCE * 8


def pale(slide: Any) -> None:
    run = body(slide).text_frame.paragraphs[0].runs[0]
    run.font.color.rgb = RGBColor(0xDD, 0xDD, 0xDD)  # type: ignore[no-untyped-call]


def off(slide: Any) -> None:
    slide.shapes.add_textbox(
        Inches(12), Inches(6.2), Inches(3), Inches(0.6)
    ).text_frame.text = "At the edge of the page"


def backwards(slide: Any) -> None:
    slide.shapes._spTree.append(slide.shapes.title.element)


def table_without_header(slide: Any) -> None:
    table = slide.shapes.add_table(2, 2, Inches(8), Inches(4), Inches(3), Inches(1)).table
    table.first_row = False
    text = body(slide)
    text.left, text.top, text.width, text.height = Inches(1), Inches(2), Inches(5), Inches(4)


DAMAGES: list[tuple[str, Callable[[Any], None]]] = [
    ("small_text", small),
    ("overflow", too_long),
    ("low_contrast", pale),
    ("off_slide", off),
    ("reading_order", backwards),
    ("missing_header_row", table_without_header),
]


@pytest.mark.parametrize(("kind", "damage"), DAMAGES)
def test_shapes_are_mended_without_a_change_of_text(
    kind: str, damage: Callable[[Any], None], seedx: SeedX, tmp_path: Path
) -> None:
    path = made(seedx, tmp_path / "d.pptx", *OUTLINE.slides).path
    file: Any = Presentation(str(path))
    damage(file.slides[1])
    file.save(str(path))
    assert kind in {finding.kind for finding in check_deck(path).findings}
    before = sorted(all_text(path).splitlines())
    slides = MadeSlides(OUTLINE.slides[0], [file.slides[1]], lambda *_: [file.slides[1]])
    look_and_repair(file, [slides])
    file.save(str(path))
    assert check_deck(path).findings == ()
    assert sorted(all_text(path).splitlines()) == before
    assert slides.warnings == []


def test_pictures_are_cropped_instead_of_stretched(seedx: SeedX, tmp_path: Path) -> None:
    path = made(seedx, tmp_path / "d.pptx", SlidePlan(title="We sail", picture="")).path
    Image.new("RGB", (900, 600), "navy").save(tmp_path / "sea.png")
    file: Any = Presentation(str(path))
    picture = file.slides[1].shapes.add_picture(str(tmp_path / "sea.png"), Inches(1), Inches(2), Inches(4), Inches(4))
    look_and_repair(file, [MadeSlides(SlidePlan(title="We sail"), [file.slides[1]], lambda *_: [])])
    assert (picture.crop_left, picture.crop_top) == (pytest.approx(1 / 6, abs=0.001), 0)
    assert picture._element.nvPicPr.cNvPr.get("descr") == "We sail"


def test_titles_that_another_slide_has_get_a_number(seedx: SeedX, tmp_path: Path) -> None:
    same = SlidePlan(title="**Results** of July", bullets=POINTS, picture="")
    deck = made(seedx, tmp_path / "d.pptx", same, same)
    assert [slide.title for slide in deck.slides] == ["School", "Results of July", "Results of July (2)"]
    assert deck.warnings == ("slide 3: another slide has its title, too, so it got the number 2",)
    more = append_slides(seedx, deck.path, "## Results of July\n- more\n", pictures=False)
    assert more.slides[3].title == "Results of July (3)"
    assert check_deck(deck.path).findings == ()


def test_a_wall_of_text_goes_on_on_another_slide(seedx: SeedX, tmp_path: Path) -> None:
    columns = tuple(Column(heading=f"Area {n}", bullets=(SENTENCE,) * 6) for n in range(2))
    deck = made(seedx, tmp_path / "d.pptx", SlidePlan(title="Growth", columns=columns, picture=""), *OUTLINE.slides)
    assert check_deck(deck.path).findings == ()
    assert all_text(deck.path).count(SENTENCE) == 12
    assert deck.slides[-1].title == "We sail" and len(deck.slides) > 3


def test_what_cannot_be_mended_is_a_warning(seedx: SeedX, tmp_path: Path) -> None:
    deck = made(seedx, tmp_path / "d.pptx", SlidePlan(title="Costs", bullets=("About XX %", "b"), picture=""))
    (warning,) = deck.warnings
    assert warning.startswith("slide 2 '") and "'XX' is left over from a template" in warning


class Scripted:
    """A reviewer with one answer for each look."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.looks: list[Sequence[ReviewPage]] = []

    def review(self, pages: Sequence[ReviewPage]) -> Any:
        self.looks.append(pages)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_a_reviewer_looks_at_the_pages_and_revises_slides(seedx: SeedX, tmp_path: Path) -> None:
    reviewer = Scripted([SlideRevision(2, "title: We teach sailing; remove bullet 2")], [])
    deck = made(seedx, tmp_path / "d.pptx", *OUTLINE.slides, reviewer=reviewer)
    assert deck.slides[1].title == "We teach sailing"
    assert deck.slides[1].bullets == (POINTS[0], POINTS[2])
    assert deck.warnings == ("slide 2: revised after the review: title: We teach sailing; remove bullet 2",)
    first, second = reviewer.looks
    assert [page.slide for page in first] == [1, 2] and first[1].plan.title == "We sail"
    assert first[1].image.width == 960 and first[1].image.tobytes() != second[1].image.tobytes()
    assert second[1].plan.title == "We teach sailing"


def test_there_are_at_most_two_rounds(seedx: SeedX, tmp_path: Path) -> None:
    reviewer = Scripted(*([SlideRevision(2, f"title: Try {n}")] for n in range(5)))
    deck = made(seedx, tmp_path / "d.pptx", *OUTLINE.slides, reviewer=reviewer)
    assert deck.slides[1].title == "Try 1" and len(reviewer.looks) == 2


FAULTS: list[tuple[Any, str]] = [
    (RuntimeError("no network"), "the review failed: no network"),
    (None, "the review failed: "),
    ([SlideRevision(9, "title: x")], "the review was ignored where it names no slide"),
    (["title: x"], "the review was ignored where it names no slide"),
    ([SlideRevision(2, "make it pop")], "the revision of the review was not made: without a chat model"),
    ([SlideRevision(2, "## a\n## b\n")], "the revision of the review was not made: it has 2 slides"),
    ([SlideRevision(2, SlidePlan(title=" "))], "the revision of the review was not made: it has no title"),
    ([SlideRevision(2, "picture: a dog")], "a review can leave pictures out, but not add any"),
    ([SlideRevision(2, f"add: {'XX % ' * 3}")], "the linter objects to more on the revised slide"),
]


@pytest.mark.parametrize(("answer", "warning"), FAULTS)
def test_a_fault_in_a_review_is_a_warning(answer: Any, warning: str, seedx: SeedX, tmp_path: Path) -> None:
    deck = made(seedx, tmp_path / "d.pptx", *OUTLINE.slides, reviewer=Scripted(answer, []))
    assert deck.slides[1].bullets == POINTS
    assert len(deck.warnings) == 1 and warning in deck.warnings[0]


def test_a_chat_model_sees_the_pages(seedx: SeedX, tmp_path: Path) -> None:
    answer = {"revisions": [{"slide": "2", "change": "## We teach sailing\n- Every day\n"}]}
    model = PlayedModel(script=[calls(("_Revisions", answer)), calls(("_Revisions", {"revisions": []}))])
    deck = made(seedx, tmp_path / "d.pptx", *OUTLINE.slides, reviewer=ChatModelReviewer(model))
    assert (deck.slides[1].title, deck.slides[1].bullets) == ("We teach sailing", ("Every day",))
    blocks: Any = model.seen[0][1].content
    assert [block["type"] for block in blocks] == ["text", "image_url"] * 2
    assert "Children learn fast" in blocks[2]["text"]
    assert blocks[3]["image_url"]["url"].startswith("data:image/png;base64,")


def test_reviewers_see_what_is_appended_and_what_is_rebuilt(seedx: SeedX, tmp_path: Path) -> None:
    path = made(seedx, tmp_path / "d.pptx", *OUTLINE.slides).path
    reviewer = Scripted([SlideRevision(2, "title: We row")], [])
    deck = append_slides(seedx, path, "## More\n- a\n- b\n", at=2, pictures=False, reviewer=reviewer)
    assert [slide.title for slide in deck.slides] == ["School", "We row", "We sail"]
    assert [page.slide for page in reviewer.looks[0]] == [2]
    reviewer = Scripted([SlideRevision(3, "title: Why we sail")], [])
    new = "## Why\n### Sea\n- calm\n### Wind\n- steady\n"
    deck = revise_slide(seedx, path, 3, new, pictures=False, reviewer=reviewer)
    assert [slide.title for slide in deck.slides] == ["School", "We row", "Why we sail"]
    assert deck.warnings == ("slide 3: revised after the review: title: Why we sail",)
