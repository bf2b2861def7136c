"""A presenter: makes a deck from a subject, a document or a table, and revises it slide by slide."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from seedx_agents.presenter.planning import DeckPlanner, check_num_slides, with_count
from seedx_agents.presenter.requests import deck_request
from seedx_agents.presenter.serious_subjects import serious_word, undecorated
from seedx_sdk import SeedX
from seedx_sdk.errors import InputError
from seedx_sdk.options import check_seed
from seedx_tools.chat_models import ChatModel
from seedx_tools.decks.editing.deck_orders import deck_orders
from seedx_tools.decks.editing.orders import DeckOrder
from seedx_tools.decks.footer import FooterChoice
from seedx_tools.decks.layout.regions import LayoutPlanner
from seedx_tools.decks.make import make_slides
from seedx_tools.decks.ooxml.package import open_deck
from seedx_tools.decks.operations.deck_outline import DeckOutline, read_deck
from seedx_tools.decks.operations.edit import edit_deck
from seedx_tools.decks.operations.insert import insert_slide
from seedx_tools.decks.outline import Outline, SlidePlan, TableData
from seedx_tools.decks.planners.assets import SlideFiles
from seedx_tools.decks.planners.chat_model import ChatModelPlanner
from seedx_tools.decks.planners.markdown.outlines import is_markdown_outline
from seedx_tools.decks.repair.review import DeckReviewer
from seedx_tools.decks.results import Deck
from seedx_tools.decks.revise import append_slides, revise_slide
from seedx_tools.decks.slide_copies import duplicate_slide, merge_decks
from seedx_tools.decks.slide_order import delete_slide, move_slide
from seedx_tools.decks.theme.brand import Brand
from seedx_tools.decks.theme.build import DeckSize
from seedx_tools.decks.theme.palettes import DeckTheme
from seedx_tools.documents.sources import files_of, read_source, sources_outline
from seedx_tools.documents.tables import Rows, read_tables
from seedx_tools.illustration.prompts import vocabulary_of
from seedx_tools.tool import Progress, ignore_progress

Source: TypeAlias = str | Path | Sequence[Path] | Outline | TableData | Rows
"""A string is a subject or a Markdown outline; a Path is a file, and a list of them several: documents as .md, .txt,
.pdf, .docx or .html, tables as .csv, .tsv or .xlsx."""


class Presenter:
    """Makes a deck and revises it.

    Args:
        seedx: Generates the images.
        chat_model: A LangChain chat model with structured output that writes the slides. None: the source's own text
            and numbers are laid out, and revisions follow edit commands.
        theme: The built-in theme; None: "paper".
        brand: Colors, fonts, logo and footer that the theme takes on.
        template: A .pptx or .potx whose design is used in place of a theme.
        master: Which master of a template with several, by name or number, from 1; None: the one that fits best.
        size: The page size; None: 16:9, or the template's own.
        footer: The text at the bottom of the slides; True: the template's own, else the title; False: none.
        pictures: Whether slides get generated images; None: yes, but no decorative ones on serious subjects
            (serious_subjects.SERIOUS_WORDS, or what the chat model decides).
        files: The folder of the images and CSV files that outlines may name; None: no file is read.
        layout: Places the parts of slides of a title, points and pictures, such as a ChatModelLayout; None: the layouts
            of the theme or template do, or the model's `slides` specialist if it has one.
        reviewer: Looks at the pages that were made and revises slides, such as a ChatModelReviewer; None: only the
            linter does.
        seed: Seed of the first image; each further slide adds one.
        retries: How often an unusable answer goes back to the chat model.

    Raises:
        InputError: If the seed is out of range.
        ToolFailed: If the chat model has no structured output.
    """

    def __init__(
        self,
        seedx: SeedX,
        chat_model: ChatModel | None = None,
        *,
        theme: DeckTheme | None = None,
        brand: Brand | None = None,
        template: str | os.PathLike[str] | None = None,
        master: str | None = None,
        size: DeckSize | None = None,
        footer: FooterChoice = True,
        pictures: bool | None = None,
        files: str | os.PathLike[str] | None = None,
        layout: LayoutPlanner | None = None,
        reviewer: DeckReviewer | None = None,
        seed: int = 0,
        retries: int = 2,
    ) -> None:
        self._seedx, self._seed = seedx, check_seed(seed)
        self._theme, self._template, self._size = theme, template, size
        self._master, self._brand, self._footer = master, brand, footer
        self._pictures, self._files = pictures, files
        self._layout, self._reviewer = layout, reviewer
        self._chat_model: ChatModelPlanner | None = None
        if chat_model is not None:
            vocabulary = vocabulary_of(seedx.info)
            self._chat_model = ChatModelPlanner(chat_model, vocabulary=vocabulary, retries=retries)
        self.path: Path | None = None
        """The deck that revise() and append() change; None before make() or open()."""

    def make(
        self,
        source: Source,
        *,
        path: str | os.PathLike[str],
        num_slides: int | None = None,
        on_progress: Progress | None = None,
    ) -> Deck:
        """Make and save a deck.

        Args:
            source: What it is about.
            path: Where to save the .pptx; the file appears when it is complete.
            num_slides: How many slides, including the title slide; None leaves it to the source or the chat model.
            on_progress: Called with (slides done, total slides, what is being done now).

        Raises:
            InputError: If the document or table cannot be used, or num_slides is out of range.
            OutputPathError: If the path cannot be written.
            PromptError: If the subject is empty or not text.
            ToolFailed: If the chat model failed or gave no valid outline.
        """
        if num_slides is not None:
            check_num_slides(num_slides)
        planner = self._planner(num_slides)
        with tempfile.TemporaryDirectory() as folder:
            content, files = self._prepare(source, planner, Path(folder))
            deck = make_slides(
                self._seedx,
                content,
                path=path,
                template=self._template,
                master=self._master,
                footer=self._footer,
                theme=self._theme,
                brand=self._brand,
                size=self._size,
                files=files,
                seed=self._seed,
                pictures=self._pictures is not False,
                planner=planner,
                layout=self._layout,
                reviewer=self._reviewer,
                on_progress=on_progress,
            )
        self.path = deck.path
        return with_count(deck, planner)

    def open(self, path: str | os.PathLike[str]) -> Path:
        """Open an existing .pptx for revise() and append(), and return its path.

        Raises:
            TemplateError: If it cannot be opened.
        """
        open_deck(path)
        self.path = Path(path)
        return self.path

    def revise(
        self,
        slide: int,
        instruction: str | SlidePlan,
        *,
        output: str | os.PathLike[str] | None = None,
        files: SlideFiles | None = None,
    ) -> Deck:
        """Change one slide and save the deck; all others keep their XML byte for byte.

        Args:
            slide: Which slide, from 1.
            instruction: What to change; without a chat model, edit commands (edit_commands.COMMANDS). Or the new slide
                itself, as Markdown ("## Title" and bullets) or as a SlidePlan. Orders about whole slides ("move this
                slide to the end and delete slide 4") are followed as edit() does.
            output: Where to save the deck, which is then the current one; None overwrites it.
            files: The images that the new slide names, by name (also results of generate, edit and try_on), or their
                directory; None: the presenter's own.

        Raises:
            InputError: If there is no deck or no such slide, or the instruction cannot be followed.
            OutputPathError: If it cannot be written.
            ToolFailed: If the chat model failed or gave no valid slide.
        """
        path = self._current()
        title = self._title(path)
        if isinstance(instruction, SlidePlan) and self._pictures is None:
            instruction = undecorated(instruction, title)
        is_new_slide = isinstance(instruction, str) and is_markdown_outline(instruction)
        if isinstance(instruction, str) and not is_new_slide:
            orders = deck_orders(instruction, read_deck(path).titles, slide=slide)
            if orders is not None:
                return self.edit(orders, output=output)
        deck = revise_slide(
            self._seedx,
            path,
            slide,
            instruction,
            output=output,
            planner=self._planner(subject=title),
            files=self._files if files is None else files,
            seed=self._seed + slide,
            pictures=self._may_generate(f"{title} {instruction}" if is_new_slide else ""),
            reviewer=self._reviewer,
        )
        self.path = deck.path
        return deck

    def outline(self) -> DeckOutline:
        """Return the number, title and kind of each slide of the deck.

        Raises:
            InputError: If there is no deck.
        """
        return read_deck(self._current())

    def edit(
        self,
        request: str | Sequence[DeckOrder],
        *,
        output: str | os.PathLike[str] | None = None,
        on_progress: Progress | None = None,
    ) -> Deck:
        """Follow orders about the deck as a whole and save it; if one fails, nothing is changed.

        Args:
            request: Plain words ("move the risks slide to the end and drop the duplicate of the budget"): a chat model
                reads them with the outline of the deck; without one, they are deck_orders.COMMANDS. Or DeckOrders.
            output: Where to save the deck, which is then the current one; None overwrites it.
            on_progress: Called with (orders done, all orders, the kind of the current one).

        Raises:
            InputError: If there is no deck, or an order cannot be followed.
            OutputPathError: If it cannot be written.
            ToolFailed: If the chat model failed or gave no valid orders.
        """
        path = self._current()
        title = self._title(path)
        deck = edit_deck(
            self._seedx,
            path,
            request,
            output=output,
            planner=self._planner(subject=title) if self._chat_model is not None else None,
            files=self._files,
            seed=self._seed,
            pictures=self._may_generate(f"{title} {_new_text(request)}"),
            on_progress=on_progress or ignore_progress,
        )
        self.path = deck.path
        return deck

    def insert_slide(self, slide: str | SlidePlan, *, at: int | None = None) -> Deck:
        """Insert a slide and save the deck.

        Args:
            slide: The slide as Markdown ("## Title" and bullets), as a SlidePlan, or in plain words.
            at: The number that it gets; None: it comes at the end.

        Raises:
            InputError: If there is no deck or no such place.
            OutputPathError: If it cannot be written.
            ToolFailed: If the chat model failed or gave no valid slide.
        """
        path = self._current()
        title = self._title(path)
        if isinstance(slide, SlidePlan) and self._pictures is None:
            slide = undecorated(slide, title)
        return insert_slide(
            self._seedx,
            path,
            slide,
            at=at,
            planner=self._planner(subject=title) if self._chat_model is not None else None,
            files=self._files,
            seed=self._seed,
            pictures=self._may_generate(f"{title} {slide}" if isinstance(slide, str) else ""),
        )

    def append(self, more: str | Outline, *, at: int | None = None, on_progress: Progress | None = None) -> Deck:
        """Add slides to the deck and save it.

        Args:
            more: The slides as Markdown ("## Title" and bullets) or an Outline, whose title slide is left out.
            at: The number that the first of them gets; None: they come at the end.
            on_progress: Called with (slides done, total slides, what is being done now).

        Raises:
            InputError: If there is no deck or no such place, or `more` is not an outline.
            OutputPathError: If it cannot be written.
        """
        path = self._current()
        title = self._title(path)
        return append_slides(
            self._seedx,
            path,
            self._planner().decorated(more, title) if isinstance(more, Outline) else more,
            at=at,
            files=self._files,
            seed=self._seed,
            pictures=self._may_generate("" if isinstance(more, Outline) else f"{title} {more}"),
            reviewer=self._reviewer,
            on_progress=on_progress,
        )

    def delete_slide(self, slide: int) -> Path:
        """Delete a slide of the deck, and return the path of the deck.

        Raises:
            InputError: If there is no deck or no such slide, it is the only one, or something links to it.
        """
        return delete_slide(self._current(), slide)

    def move_slide(self, slide: int, to: int) -> Path:
        """Move a slide of the deck to another place, and return the path of the deck.

        Raises:
            InputError: If there is no deck, or no such slide or place.
        """
        return move_slide(self._current(), slide, to)

    def duplicate_slide(self, slide: int) -> Path:
        """Put a copy of a slide behind it, and return the path of the deck.

        Raises:
            InputError: If there is no deck or no such slide.
        """
        return duplicate_slide(self._current(), slide)

    def merge(self, other: str | os.PathLike[str], *, at: int | None = None) -> Path:
        """Put the slides of another deck into the deck, at the end or at a number, and return the path of the deck.

        Raises:
            TemplateError: If the other deck cannot be opened.
            InputError: If there is no deck or no such place, or the pages differ in size.
        """
        return merge_decks(self._current(), other, at=at)

    def _title(self, path: Path) -> str:
        """Return the title of a deck, by which a slide of it may be serious."""
        return "" if self._pictures is not None else open_deck(path).core_properties.title or ""

    def _may_generate(self, text: str) -> bool:
        """Return whether the slides of a Markdown text may get images."""
        decorates = self._pictures is None and "](" not in text and serious_word(text) is not None
        return self._pictures is not False and not decorates

    def _current(self) -> Path:
        if self.path is None:
            raise InputError("there is no deck yet; call make() or open() first")
        return self.path

    def _planner(self, num_slides: int | None = None, *, subject: str = "") -> DeckPlanner:
        return DeckPlanner(
            self._chat_model,
            num_slides=num_slides,
            pictures=self._pictures,
            subject=subject,
        )

    def _prepare(
        self, source: Source, planner: DeckPlanner, folder: Path
    ) -> tuple[str | Outline, str | os.PathLike[str] | None]:
        """Return the content for make_slides, and the folder of the files that it may read."""
        if isinstance(source, str):
            return source, self._files
        if isinstance(source, Outline):
            return planner.decorated(source), self._files
        paths = _paths(source)
        found = [read_source(path) for path in paths] if paths else [read_tables(source)]  # type: ignore[arg-type]
        files = files_of(found, paths, self._files, folder)
        if self._chat_model is None:
            return planner.decorated(sources_outline(found, planner.num_slides)), files
        return deck_request(found, files, folder)


def _new_text(request: str | Sequence[DeckOrder]) -> str:
    """Return the text of the slides that a request adds or changes."""
    return request if isinstance(request, str) else " ".join(order.content for order in request)


def _paths(source: Source) -> list[Path]:
    """Return the files of a source; none, if it is a table in Python.

    Raises:
        InputError: If files are mixed with something else.
    """
    if isinstance(source, Path):
        return [source]
    if isinstance(source, Sequence) and any(isinstance(part, Path) for part in source):
        if not all(isinstance(part, Path) for part in source):
            raise InputError("several sources are given as a list of Path objects and nothing else")
        return [part for part in source if isinstance(part, Path)]
    return []
