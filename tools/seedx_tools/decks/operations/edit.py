"""Edit a saved deck by several orders at once: all of them are followed, or none."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seedx_sdk import SeedX
from seedx_sdk.errors import InputError
from seedx_sdk.files import check_output_path, output_file
from seedx_sdk.validation import check_text
from seedx_tools.decks.editing.changes import Reviser
from seedx_tools.decks.editing.deck_orders import COMMANDS, deck_orders
from seedx_tools.decks.editing.orders import DeckOrder
from seedx_tools.decks.ooxml.package import open_deck
from seedx_tools.decks.operations.chat_orders import check_orders, orders_of_chat
from seedx_tools.decks.operations.deck_outline import outline_of
from seedx_tools.decks.operations.design import change_template
from seedx_tools.decks.operations.insert import insert_slide
from seedx_tools.decks.operations.resize import resize_deck
from seedx_tools.decks.operations.sources import SOURCES, add_sources
from seedx_tools.decks.planners.answering import ChatPlanner
from seedx_tools.decks.planners.assets import SlideFiles
from seedx_tools.decks.results import Deck, DeckSlide, deck_result, describe_slides
from seedx_tools.decks.revise import revise_slide
from seedx_tools.decks.slide_copies import duplicate_slide, merge_decks
from seedx_tools.decks.slide_order import delete_slide, move_slide
from seedx_tools.errors import ToolRetry
from seedx_tools.tool import Progress, ignore_progress


def edit_deck(
    seedx: SeedX,
    path: str | os.PathLike[str],
    orders: str | Sequence[DeckOrder],
    *,
    output: str | os.PathLike[str] | None = None,
    planner: Reviser | None = None,
    files: SlideFiles | None = None,
    seed: int = 0,
    pictures: bool = True,
    on_progress: Progress = ignore_progress,
) -> Deck:
    """Return the saved deck after orders about its slides; slides that no order touches stay the same byte for byte.

    All orders are followed or none: if one fails, nothing is written.

    Args:
        seedx: Generates the images of new slides.
        path: Any .pptx.
        orders: What is to be done: DeckOrders, or plain words ("move the risks slide to the end and drop the duplicate
            of the budget").
        output: Where to save the deck; None: path.
        planner: Reads plain words with a chat model that sees the deck's outline, such as a ChatModelPlanner, and
            writes new slides; None: the words are some of editing.deck_orders.COMMANDS.
        files: The directory of the image and CSV files that new slides name; None: no file is read.
        seed: Seed of the first image; each further order adds one.
        pictures: Whether images may be generated.
        on_progress: Called with (orders done, all orders, the kind of the current one).

    Raises:
        TemplateError: If a file cannot be opened.
        InputError: If the words are no orders, an order names a slide that is not there, or it cannot be followed.
        PromptError: If the words are empty.
        OutputPathError: If the deck cannot be written.
        ToolFailed: If the planner gave no valid orders or slides.
    """
    target = check_output_path(path if output is None else output, (".pptx",))
    started = time.perf_counter()
    deck = open_deck(path)
    warnings: list[str] = []
    given = _read(orders, deck, planner, warnings) if isinstance(orders, str) else tuple(orders)
    if not given:
        raise InputError("there are no orders; give at least one")
    try:
        check_orders(given, len(deck.slides))
    except ToolRetry as error:
        raise InputError(str(error)) from error
    with tempfile.TemporaryDirectory(prefix="seedx-deck-") as folder:
        work = Path(folder) / "deck.pptx"
        shutil.copyfile(path, work)
        edit = _Edit(seedx, work, planner=planner, files=files, pictures=pictures, warnings=warnings)
        for number, order in enumerate(given):
            on_progress(number, len(given), order.kind)
            try:
                edit.follow(order, seed + number)
            except InputError as error:
                if len(given) == 1:
                    raise
                raise InputError(f"order {number + 1} ({order.kind}): {error}; nothing was changed") from error
        on_progress(len(given), len(given), "done")
        edited = open_deck(work)
        slides = tuple(edit.made.get(slide.slide_id) or described for slide, described in _described(edited))
        with output_file(target) as partial:
            shutil.copyfile(work, partial)
    return deck_result(seedx, edited, target, slides, seed=seed, started=started, warnings=warnings)


def _read(words: str, deck: Any, planner: Reviser | None, warnings: list[str]) -> tuple[DeckOrder, ...]:
    """Return the orders that plain words give.

    Raises:
        InputError: If they are no orders.
        ToolFailed: If the planner gave none that are valid.
    """
    text, outline = check_text(words, "request"), outline_of(deck)
    if isinstance(planner, ChatPlanner):
        answer = orders_of_chat(planner, text, outline, warnings.append)
        if answer.problem.strip() and not answer.orders:
            raise InputError(f"the request cannot be followed: {answer.problem.strip()}")
        warnings.extend(filter(None, (answer.problem.strip(),)))
        return answer.orders
    found = deck_orders(text, outline.titles)
    if found is None:
        raise InputError(f"without a chat model {text[:80]!r} cannot be followed; use {COMMANDS}")
    return found


def _described(deck: Any) -> list[tuple[Any, DeckSlide]]:
    return list(zip(deck.slides, describe_slides(deck, {}), strict=True))


class _Edit:
    """A deck in the making, whose slides are known by their numbers before the first order."""

    def __init__(
        self,
        seedx: SeedX,
        path: Path,
        *,
        planner: Reviser | None,
        files: SlideFiles | None,
        pictures: bool,
        warnings: list[str],
    ) -> None:
        self._seedx, self._path, self._planner = seedx, path, planner
        self._options: dict[str, Any] = {"planner": planner, "files": files, "pictures": pictures}
        """What inserting and revising a slide takes."""
        self._warnings = warnings
        self._ids = self._now()
        self._anchors: dict[int | None, int] = {}
        """The last slide that was put behind each slide, both by their ids."""
        self.made: dict[int, DeckSlide] = {}
        """The slides with new pictures, by id."""

    def follow(self, order: DeckOrder, seed: int) -> None:
        """Follow one order."""
        if order.kind == "delete":
            delete_slide(self._path, self._number(order))
        elif order.kind == "move":
            self._move(order)
        elif order.kind == "duplicate":
            self._duplicate(order)
        elif order.kind == "insert":
            before, at = self._now(), self._place(order)
            self._take(insert_slide(self._seedx, self._path, order.content, at=at, seed=seed, **self._options))
            self._note_placed(order, before)
        elif order.kind == "revise":
            number = self._number(order)
            self._take(revise_slide(self._seedx, self._path, number, order.content, seed=seed, **self._options))
        elif order.kind == "merge":
            before, at = self._now(), self._place(order)
            merge_decks(self._path, order.file, at=at)
            self._note_placed(order, before)
        elif order.kind == "template":
            self._take(change_template(self._seedx, self._path, template=order.file or None, theme=order.theme))
        elif order.kind == "length":
            self._take(resize_deck(self._seedx, self._path, order.num_slides or 1, planner=self._planner))
        else:
            self._take(add_sources(self._seedx, self._path, title=order.content or SOURCES))

    def _now(self) -> list[int]:
        return [slide.slide_id for slide in open_deck(self._path).slides]

    def _number(self, order: DeckOrder) -> int:
        """Return the number that the slide of an order has now."""
        slide = self._ids[(order.slide or 1) - 1]
        now = self._now()
        if slide not in now:
            raise InputError(f"slide {order.slide} is not there any more after the orders before")
        return now.index(slide) + 1

    def _place(self, order: DeckOrder, without: int | None = None) -> int | None:
        """Return the number of the place behind the slide that an order names; None: the end.

        Args:
            order: The order.
            without: The id of a slide that is taken out first.
        """
        if order.after is None:
            return None
        now = [slide for slide in self._now() if slide != without]
        before = [None, *self._ids[: order.after]]
        for anchor in reversed(before):
            last = self._anchors.get(anchor, anchor)
            if last in now:
                return now.index(last) + 2
        return 1

    def _note_placed(self, order: DeckOrder, before: Sequence[int]) -> None:
        """Remember what was put behind a slide, so that what comes next goes behind that."""
        if order.after is not None:
            new = [slide for slide in self._now() if slide not in before]
            self._anchors[self._anchor(order.after)] = new[-1]

    def _anchor(self, after: int) -> int | None:
        """Return the id of the slide with a number before the first order; None for 0, the start."""
        return self._ids[after - 1] if after else None

    def _move(self, order: DeckOrder) -> None:
        number = self._number(order)
        now = self._now()
        slide = now[number - 1]
        for anchor, last in list(self._anchors.items()):
            if last == slide:
                del self._anchors[anchor]
        if order.after == order.slide:
            return
        at = self._place(order, without=slide)
        move_slide(self._path, number, len(now) if at is None else at)
        if order.after is not None:
            self._anchors[self._anchor(order.after)] = slide

    def _duplicate(self, order: DeckOrder) -> None:
        number, before = self._number(order), self._now()
        duplicate_slide(self._path, number)
        if order.after is not None and order.after != order.slide:
            copy = self._now()[number]
            at = self._place(order, without=copy)
            move_slide(self._path, number + 1, len(self._now()) if at is None else at)
            self._note_placed(order, before)

    def _take(self, deck: Deck) -> None:
        self._warnings.extend(deck.warnings)
        for identity, slide in zip(self._now(), deck.slides, strict=True):
            if slide.picture is not None or slide.picture_prompt is not None:
                self.made[identity] = slide
