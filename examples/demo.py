"""Everything that SeedX does, on one page: python examples/demo.py [SUBJECT...] [--output out/demo].

Draws pictures, asks about one and finds things in it, edits it, tells a story, makes a deck about the subject, and
writes OUTPUT/index.html that shows all of it. Works offline with the model that ships in the package.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from demo_page import Answer, Drawing, Page, write_page
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from seedx_sdk import SeedX, SeedXError
from seedx_sdk.imaging import save_image
from seedx_tools import make_slides, tell_story

PROMPTS = (
    "a red house and a green tree in a meadow",
    "two blue boats on the beach",
    "an orange cat to the left of a yellow ball in a room",
    "three yellow stars in the night sky",
    "a brown dog and a red umbrella in the snow",
    "a pink flower below a purple balloon in a meadow",
)
QUESTIONS = (
    "what color is the house?",
    "how many trees are there?",
    "is there a boat in the picture?",
    "what is the background?",
)
PHRASES = ("the red house", "the green tree")
EDITS = ("make the house blue", "remove the tree", "change the background to a snowy field")
STORY = "a story about a red cat on the beach who wants to sail a blue boat"
OUTLINE = """# A boat school by the sea
Every child in town learns to sail

![a red boat on the beach](draw)
> Welcome. This takes ten minutes, and there is time for questions at the end.

## Why a boat school
- Most children here live within sight of the water
- Few of them have ever held a tiller
- Summers are long, and the bay is calm

![a red boat and a blue boat on the beach](draw)
> Ask who in the room learned to sail as a child.

## One day at school
- Morning: knots, wind and weather
- Noon: lunch at the red house
- Afternoon: two to a boat
    - one steers
    - one looks out

![a red house on the beach](draw)
> Walk through the day from the children's side.

## Safe from the first minute
- Life vests for everyone
- A teacher in every third boat
- No lessons in strong wind

![a red umbrella on the beach](draw)
> Safety is what parents ask about first.

## In winter we look at the stars
Sailors found their way by them, and so can we.

![three yellow stars in the night sky](draw)
> Evenings on the pier from November on.

## Come aboard
![a blue boat and a yellow star on the beach](draw)
> Thank everybody, and pass the list around.
"""


def main() -> int:
    """Run the demo; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("subject", nargs="*", help="what the deck is about")
    parser.add_argument("--output", type=Path, default=Path("out/demo"), help="folder for the results [out/demo]")
    parser.add_argument("--model", type=Path, help="a checkpoint directory; the shipped model if left out")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same results [0]")
    chosen = parser.parse_args()
    try:
        show(SeedX(model=chosen.model), " ".join(chosen.subject), chosen.output, chosen.seed)
    except SeedXError as error:
        Console(stderr=True).print(f"error: {error}", style="red", markup=False)
        return 1
    return 0


def show(seedx: SeedX, subject: str, output: Path, seed: int) -> None:
    """Run every part and write the page."""
    output.mkdir(parents=True, exist_ok=True)
    page = Page(subject=subject or "A boat school by the sea", model="", revision="")
    console = Console()
    with _part(console, page, "load the model", 1):
        page.model, page.revision = seedx.info.name, seedx.info.revision
    with _part(console, page, "draw", len(PROMPTS)) as step:
        _draw(seedx, page, output, seed, step)
    with _part(console, page, "ask and find", len(QUESTIONS) + len(PHRASES) + 1) as step:
        _look(seedx, page, output, seed, step)
    with _part(console, page, "edit", len(EDITS)) as step:
        _edit(seedx, page, output, seed, step)
    with _part(console, page, "tell a story", 6) as step:
        _tell(seedx, page, output, seed, step)
    with _part(console, page, "make slides", 6) as step:
        _slides(seedx, page, output, seed, step, subject)
    index = write_page(page, output)
    for warning in page.warnings:
        console.print(f"note: {warning}", style="yellow", markup=False)
    console.print(f"{sum(page.timings.values()):.0f} s. Open {index}", markup=False)


def _draw(seedx: SeedX, page: Page, output: Path, seed: int, step: Callable[[str], None]) -> None:
    for number, prompt in enumerate(PROMPTS, start=1):
        drawn = seedx.generate(prompt, seed=seed + number)
        if drawn.image is not None:
            name = save_image(drawn.image, output / f"drawn-{number}.png").name
            page.drawn.append(Drawing(name, prompt))
        page.warn(drawn.warnings)
        step(prompt)


def _look(seedx: SeedX, page: Page, output: Path, seed: int, step: Callable[[str], None]) -> None:
    picture = output / page.drawn[0].file
    seen = seedx.describe(picture, seed=seed)
    page.answers.append(Answer("What do you see?", seen.text))
    page.warn(seen.warnings)
    step("describe")
    for question in QUESTIONS:
        page.answers.append(Answer(question.capitalize(), seedx.describe(picture, question, seed=seed).text))
        step(question)
    for number, phrase in enumerate(PHRASES, start=1):
        found = seedx.detect(picture, phrase, seed=seed)
        name = save_image(found.annotated, output / f"found-{number}.png").name
        boxes = "; ".join(f"{box.label} at {box.pixels}" for box in found.boxes) or "nothing found"
        page.found.append(Drawing(name, f"{phrase}: {boxes}"))
        page.warn(found.warnings)
        step(phrase)


def _edit(seedx: SeedX, page: Page, output: Path, seed: int, step: Callable[[str], None]) -> None:
    for number, instruction in enumerate(EDITS, start=1):
        edited = seedx.edit(output / page.drawn[0].file, instruction, seed=seed)
        name = save_image(edited.image, output / f"edited-{number}.png").name
        page.edited.append(Drawing(name, instruction))
        page.warn(edited.warnings)
        step(instruction)


def _tell(seedx: SeedX, page: Page, output: Path, seed: int, step: Callable[[str], None]) -> None:
    story = tell_story(seedx, STORY, path=output / "story.html", seed=seed, on_progress=lambda _d, _t, what: step(what))
    page.story_title = story.title
    for number, told in enumerate(story.pages, start=1):
        name = "" if told.image is None else save_image(told.image, output / f"story-{number}.png").name
        page.story.append((Drawing(name, told.image_prompt), told.text))
    page.warn(story.warnings)


def _slides(seedx: SeedX, page: Page, output: Path, seed: int, step: Callable[[str], None], subject: str) -> None:
    deck = make_slides(
        seedx,
        subject or OUTLINE,
        path=output / "deck.pptx",
        num_slides=6 if subject else None,
        seed=seed,
        on_progress=lambda _done, _total, what: step(what),
    )
    for preview, slide in zip(deck.save_previews(output), deck.slides, strict=True):
        page.slides.append(Drawing(preview.name, f"Slide: {slide.title}"))
    page.warn(deck.warnings)


@contextmanager
def _part(console: Console, page: Page, name: str, total: int) -> Iterator[Callable[[str], None]]:
    """Show a progress bar for one part of the demo; its seconds go to the page."""
    columns = (SpinnerColumn(), TextColumn("{task.description:14}"), BarColumn(), MofNCompleteColumn())
    started = time.perf_counter()
    with Progress(*columns, TimeElapsedColumn(), TextColumn("{task.fields[what]}"), console=console) as bar:
        task = bar.add_task(name, total=total, what="")
        yield lambda what: bar.update(task, advance=1, what=what[:60])
        bar.update(task, completed=total, what="")
    page.timings[name] = time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
