"""Going on with a deck that is saved: one slide is made anew, or slides are added; every other slide stays as it is.

"As it is" means byte for byte: the XML of a slide that is not touched is the one that was in the file, also where
PowerPoint wrote it, with the user's own edits.
"""

from __future__ import annotations

import io
import os
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from pptx.opc.packuri import PackURI
from pptx.oxml import parse_xml
from pptx.presentation import Presentation as PresentationObject
from pptx.slide import Slide

from seedx_sdk import SeedX
from seedx_sdk.checks import check_text
from seedx_sdk.errors import InputError
from seedx_sdk.files import check_output_path, output_file
from seedx_sdk.imaging import open_image
from seedx_tools.deck_file import open_deck
from seedx_tools.deck_footer import footer_of
from seedx_tools.deck_pictures import SlidePicture
from seedx_tools.deck_read import first_picture, left_out, read_slide
from seedx_tools.deck_writer import DeckWriter
from seedx_tools.drawing import Artist
from seedx_tools.markdown_outline import is_markdown_outline, parse_markdown_outline
from seedx_tools.outline import MAX_NUM_SLIDES, Outline, SlidePlan
from seedx_tools.outline_files import OutlineFiles
from seedx_tools.slide_results import Deck, describe_slides
from seedx_tools.tool import Progress


class Reviser(Protocol):
    """Changes the words of one slide as an instruction says."""

    def revise(self, plan: SlidePlan, instruction: str) -> SlidePlan:
        """Return the new words of the slide."""
        ...


def revise_slide(
    seedx: SeedX,
    path: str | os.PathLike[str],
    slide: int,
    change: str | SlidePlan,
    *,
    output: str | os.PathLike[str] | None = None,
    planner: Reviser | None = None,
    files: str | os.PathLike[str] | None = None,
    seed: int = 0,
    pictures: bool = True,
) -> Deck:
    """Return the deck with one slide made anew, saved; every other slide's XML is the same, byte for byte.

    Args:
        seedx: Draws the slide's picture, where the new words ask for another one.
        path: A .pptx, ours or not; its own layouts are used.
        slide: Which slide, from 1.
        change: The new slide as a SlidePlan or as Markdown ("## Title", points ...); with a planner, an instruction.
        output: Where the deck goes; None: back to path.
        planner: Rewrites the slide by the instruction: a ChatModelPlanner.
        files: The folder of the pictures and CSV files that the slide names; None: no file is read.
        seed: Seed of the picture.
        pictures: Whether the slide may get a drawn picture; the one it has is kept if the change names no other.

    Raises:
        TemplateError: The file cannot be opened, or has no layout with a title and a body.
        InputError: There is no such slide, or an instruction comes without a planner or for a slide with something that
            a SlidePlan cannot hold, such as a diagram.
        PromptError: The change is empty.
        OutputPathError: The deck cannot be written.
        ToolFailed: The planner gave no valid slide.
    """
    saved = _SavedDeck(seedx, path, output, files=files, seed=seed, pictures=pictures)
    saved.replace(slide, change, planner)
    return saved.save()


def append_slides(
    seedx: SeedX,
    path: str | os.PathLike[str],
    more: str | Outline,
    *,
    output: str | os.PathLike[str] | None = None,
    files: str | os.PathLike[str] | None = None,
    seed: int = 0,
    pictures: bool = True,
    on_progress: Progress | None = None,
) -> Deck:
    """Return the deck with more slides at its end, saved; the slides it had are the same, byte for byte.

    Args:
        seedx: Draws the pictures.
        path: A .pptx, ours or not; its own layouts are used.
        more: The slides as Markdown ("## Title", points ...) or an Outline, whose title slide is left out.
        output: Where the deck goes; None: back to path.
        files: The folder of the pictures and CSV files that the slides name; None: no file is read.
        seed: Seed of the first picture; each further slide adds one.
        pictures: Whether the slides get pictures.
        on_progress: Called with (slides done, slides in all, what comes now).

    Raises:
        TemplateError: The file cannot be opened, or has no layout with a title and a body.
        InputError: `more` is no outline, or the deck would have too many slides.
        PromptError: `more` is empty.
        OutputPathError: The deck cannot be written.
    """
    saved = _SavedDeck(seedx, path, output, files=files, seed=seed, pictures=pictures)
    outline = more if isinstance(more, Outline) else _outline(more)
    saved.append(outline, on_progress)
    return saved.save()


class _SavedDeck:
    def __init__(
        self,
        seedx: SeedX,
        path: str | os.PathLike[str],
        output: str | os.PathLike[str] | None,
        *,
        files: str | os.PathLike[str] | None,
        seed: int,
        pictures: bool,
    ) -> None:
        self._seedx = seedx
        self._target = check_output_path(path if output is None else output, (".pptx",))
        self._started = time.perf_counter()
        self._deck = open_deck(path, allow_links=False)
        self._warnings: list[str] = []
        self._seed = seed
        self._files = OutlineFiles(files, self._warnings.append)
        self._artist = Artist(seedx, self._warnings.append, seed=seed) if pictures else None
        self._original = _slide_xml(self._deck, path)
        self._made: dict[int, tuple[SlidePlan, SlidePicture | None, str | None]] = {}
        first = self._slides()[0] if self._original else None
        shown = None if first is None or first.shapes.title is None else first.shapes.title.text_frame.text
        self._title = self._deck.core_properties.title or shown or "Untitled"
        footers = [footer_of(one) for one in self._slides()]
        self._writer = DeckWriter(self._deck, self._warnings.append, footer=next(filter(None, footers), ""))

    def _slides(self) -> list[Slide]:
        return list(self._deck.slides)

    def replace(self, number: int, change: str | SlidePlan, planner: Reviser | None) -> None:
        slides = self._slides()
        if not 1 <= number <= len(slides):
            raise InputError(f"there is no slide {number}; the deck has slides 1 to {len(slides)}")
        old = slides[number - 1]
        before = read_slide(old)
        plan = self._files.with_data(self._changed(old, before, number, change, planner), f"slide {number}")
        picture, prompt = self._picture(plan, before, old, number - 1)
        new = self._writer.add_slide(plan, picture)
        self._note(plan, new, picture, prompt)
        ids = self._deck.slides._sldIdLst
        entries = list(ids)
        for offset, entry in enumerate(entries[len(slides) :]):
            ids.insert(number + offset, entry)
        del self._original[old.slide_id]
        self._deck.part.drop_rel(entries[number - 1].rId)
        ids.remove(entries[number - 1])

    def append(self, outline: Outline, on_progress: Progress | None) -> None:
        plans = outline.all_slides()
        start = len(self._slides())
        if start + len(plans) > MAX_NUM_SLIDES:
            raise InputError(f"the deck would have {start + len(plans)} slides; at most {MAX_NUM_SLIDES} are made")
        self._warnings.extend(outline.warnings)
        for offset, named in enumerate(plans):
            if on_progress is not None:
                on_progress(offset, len(plans), named.title)
            plan = self._files.with_data(named, f"slide {start + offset + 1}")
            picture, prompt = self._picture(plan, None, None, start + offset)
            self._note(plan, self._writer.add_slide(plan, picture), picture, prompt)
        if on_progress is not None:
            on_progress(len(plans), len(plans), "done")

    def save(self) -> Deck:
        if self._artist is not None:
            self._artist.finish()
        # asking for the slides names their parts in order, so the names below are those that are saved
        originals = {
            str(one.part.partname).lstrip("/"): self._original[one.slide_id]
            for one in self._slides()
            if one.slide_id in self._original
        }
        data = io.BytesIO()
        self._deck.save(data)
        with output_file(self._target) as partial:
            _copy_with(data, partial, originals)
        return Deck(
            path=self._target,
            title=self._title,
            slides=describe_slides(self._deck, self._made),
            seed=self._seed,
            timings={"total": time.perf_counter() - self._started},
            model=self._seedx.info.name,
            revision=self._seedx.info.revision,
            warnings=tuple(dict.fromkeys(self._warnings)),
        )

    def _changed(
        self, old: Slide, before: SlidePlan, number: int, change: str | SlidePlan, planner: Reviser | None
    ) -> SlidePlan:
        if isinstance(change, SlidePlan):
            return change
        text = check_text(change, "change")
        if is_markdown_outline(text):
            outline = _outline(text, title=before.title)
            self._warnings.extend(outline.warnings)
            if len(outline.slides) != 1:
                raise InputError(f"the change has {len(outline.slides)} slides; give one, under one '## Title'")
            return outline.slides[0]
        if planner is None:
            raise InputError(
                "an instruction needs a planner that can follow it: pass planner=ChatModelPlanner(model), or give the "
                "new slide itself as Markdown ('## Title' and points) or as a SlidePlan"
            )
        lost = left_out(old)
        if lost is not None:
            raise InputError(
                f"slide {number} holds {lost}, which an instruction would lose; give the new slide whole, as Markdown "
                "('## Title', points, a table, a fenced block 'chart bar') or as a SlidePlan"
            )
        return planner.revise(before, text)

    def _picture(
        self, plan: SlidePlan, before: SlidePlan | None, old: Slide | None, number: int
    ) -> tuple[SlidePicture | None, str | None]:
        where = f"slide {number + 1}"
        if plan.picture_file:
            image = self._files.picture(plan.picture_file, where)
            if image is not None:
                return SlidePicture(image, alt=plan.picture or Path(plan.picture_file).stem), None
        if not plan.wants_picture:
            return None, None
        kept = None if old is None else first_picture(old)
        if kept is not None and before is not None and plan.picture in (None, before.picture):
            return SlidePicture(open_image(kept[0]), alt=kept[1] or before.title), None
        if self._artist is None:
            return None, None
        words = f"{plan.title}. {' '.join(plan.bullets)}"
        return self._artist.draw(plan.picture, words, context=self._title, number=number, where=where)

    def _note(self, plan: SlidePlan, slides: list[Slide], picture: SlidePicture | None, prompt: str | None) -> None:
        self._made[slides[0].slide_id] = (plan, picture, prompt)


def _outline(text: str, *, title: str = "") -> Outline:
    text = check_text(text, "outline")
    if not is_markdown_outline(text):
        raise InputError("slides to add are Markdown: '## Title' and points for each slide; or pass an Outline")
    opening = "" if text.lstrip().startswith("## ") or "\n## " in text else f"## {title or 'More'}\n\n"
    return parse_markdown_outline(f"# {title or 'More'}\n\n{opening}{text}")


def _slide_xml(deck: PresentationObject, path: str | os.PathLike[str]) -> dict[int, bytes]:
    """The XML of each slide as it stands in the file, by the slide's id: part names change when a deck is opened."""
    name = deck.part.partname
    with zipfile.ZipFile(path) as package:
        relations = parse_xml(package.read(name.rels_uri.lstrip("/")))
        targets = {relation.get("Id"): relation.get("Target") for relation in relations}
        return {
            int(entry.id): package.read(PackURI.from_rel_ref(name.baseURI, targets[entry.rId]).lstrip("/"))
            for entry in deck.slides._sldIdLst
        }


def _copy_with(data: io.BytesIO, target: Path, originals: Mapping[str, bytes]) -> None:
    """Write a package with the original bytes in place of what python-pptx made of the same slides."""
    with zipfile.ZipFile(data) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            new.writestr(part.filename, originals.get(part.filename, old.read(part)))
