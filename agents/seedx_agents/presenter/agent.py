"""A presenter: makes a deck from a subject, a document or a table, and revises it slide by slide."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from seedx_agents.presenter.planning import DeckPlanner, check_num_slides
from seedx_agents.presenter.serious_subjects import serious_word, undecorated
from seedx_sdk import SeedX
from seedx_sdk.errors import InputError
from seedx_sdk.files import write_file
from seedx_sdk.options import check_seed
from seedx_tools.chat_models import ChatModel
from seedx_tools.decks.footer import FooterChoice
from seedx_tools.decks.make import make_slides
from seedx_tools.decks.ooxml.package import open_deck
from seedx_tools.decks.outline import Outline, SlidePlan, TableData
from seedx_tools.decks.planners.chat_model import ChatModelPlanner
from seedx_tools.decks.planners.markdown import is_markdown_outline
from seedx_tools.decks.results import Deck
from seedx_tools.decks.revise import append_slides, revise_slide
from seedx_tools.decks.theme.build import DeckSize
from seedx_tools.decks.theme.palettes import DeckTheme
from seedx_tools.documents.document import read_document
from seedx_tools.documents.outline_rules import document_outline, tables_outline
from seedx_tools.documents.tables import SUFFIXES, Rows, as_csv, read_tables
from seedx_tools.illustration.prompts import vocabulary_of
from seedx_tools.tool import Progress

Source: TypeAlias = str | Path | Outline | TableData | Rows
"""A string is a subject or a Markdown outline; a Path is a file: a document as .md, .txt, .pdf, .docx or .html, or
tables as .csv, .tsv or .xlsx."""


class Presenter:
    """Makes a deck and revises it.

    Args:
        seedx: Generates the images.
        chat_model: A LangChain chat model with structured output that writes the slides. None: the source's own text
            and numbers are laid out, and revisions follow edit commands.
        theme: The built-in theme; None: "paper".
        template: A .pptx or .potx whose design is used in place of a theme.
        master: Which master of a template with several, by name or number, from 1; None: the one that fits best.
        size: The page size; None: 16:9, or the template's own.
        footer: The text at the bottom of the slides; True: the template's own, else the title; False: none.
        pictures: Whether slides get generated images; None: yes, but no decorative ones on serious subjects
            (serious_subjects.SERIOUS_WORDS, or what the chat model decides).
        files: The folder of the images and CSV files that outlines may name; None: no file is read.
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
        template: str | os.PathLike[str] | None = None,
        master: str | None = None,
        size: DeckSize | None = None,
        footer: FooterChoice = True,
        pictures: bool | None = None,
        files: str | os.PathLike[str] | None = None,
        seed: int = 0,
        retries: int = 2,
    ) -> None:
        self._seedx, self._seed = seedx, check_seed(seed)
        self._theme, self._template, self._size = theme, template, size
        self._master, self._footer = master, footer
        self._pictures, self._files = pictures, files
        self._retries = retries
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
                size=self._size,
                files=files,
                seed=self._seed,
                pictures=self._pictures is not False,
                planner=planner,
                on_progress=on_progress,
            )
        self.path = deck.path
        return _with_count(deck, planner)

    def open(self, path: str | os.PathLike[str]) -> Path:
        """Open an existing .pptx for revise() and append(), and return its path.

        Raises:
            TemplateError: If it cannot be opened.
        """
        open_deck(path, allow_links=False)
        self.path = Path(path)
        return self.path

    def revise(self, slide: int, instruction: str | SlidePlan, *, output: str | os.PathLike[str] | None = None) -> Deck:
        """Change one slide and save the deck; all others keep their XML byte for byte.

        Args:
            slide: Which slide, from 1.
            instruction: What to change; without a chat model, edit commands (revision_rules.COMMANDS). Or the new slide
                itself, as Markdown ("## Title" and bullets) or as a SlidePlan.
            output: Where to save the deck, which is then the current one; None overwrites it.

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
        deck = revise_slide(
            self._seedx,
            path,
            slide,
            instruction,
            output=output,
            planner=self._planner(subject=title),
            files=self._files,
            seed=self._seed + slide,
            pictures=self._may_generate(f"{title} {instruction}" if is_new_slide else ""),
        )
        self.path = deck.path
        return deck

    def append(self, more: str | Outline, *, on_progress: Progress | None = None) -> Deck:
        """Add slides to the end of the deck and save it.

        Args:
            more: The slides as Markdown ("## Title" and bullets) or an Outline, whose title slide is left out.
            on_progress: Called with (slides done, total slides, what is being done now).

        Raises:
            InputError: If there is no deck, or `more` is not an outline.
            OutputPathError: If it cannot be written.
        """
        path = self._current()
        title = self._title(path)
        return append_slides(
            self._seedx,
            path,
            self._planner().decorated(more, title) if isinstance(more, Outline) else more,
            files=self._files,
            seed=self._seed,
            pictures=self._may_generate("" if isinstance(more, Outline) else f"{title} {more}"),
            on_progress=on_progress,
        )

    def _title(self, path: Path) -> str:
        """Return the title of a deck, by which a slide of it may be serious."""
        return "" if self._pictures is not None else open_deck(path, allow_links=False).core_properties.title or ""

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
            retries=self._retries,
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
        if isinstance(source, Path) and source.suffix.lower() not in SUFFIXES:
            document = read_document(source)
            if self._chat_model is None:
                return planner.decorated(document_outline(document, planner.num_slides)), self._files
            task = f"Make a deck of this document, '{document.name}'. Name it as the source."
            return self._task(task, document.text, [] if self._files else document.tables(), folder)
        found = read_tables(source)
        if self._chat_model is None:
            return planner.decorated(tables_outline(found, planner.num_slides)), self._files
        task = f"Make a deck of {'this table' if len(found.tables) == 1 else 'these tables'}"
        tables = [table for _, table in found.tables]
        return self._task(f"{task}{f', {found.name!r}' if found.name else ''}.", "", tables, folder)

    def _task(
        self, task: str, text: str, tables: Sequence[TableData], folder: Path
    ) -> tuple[str, str | os.PathLike[str] | None]:
        """Return what the chat model is asked, and the folder with the tables, whose numbers it need not copy."""
        parts = [task]
        for number, table in enumerate(tables, start=1):
            name = "data.csv" if number == 1 else f"data-{number}.csv"
            write_file(folder / name, as_csv(table).encode())
            parts.append(
                f"If a slide shows this table, or a chart of it, give the file name {name!r} as its csv; do not copy "
                f"numbers.\n\n{as_csv(table)}"
            )
        return "\n\n".join([*parts, *filter(None, [text])]), folder if tables else self._files


def _with_count(deck: Deck, planner: DeckPlanner) -> Deck:
    """Return the deck with a warning if it does not have as many slides as were asked for."""
    made, asked = len(deck.slides), planner.num_slides
    if asked is None or made == asked:
        return deck
    if planner.planned == asked:
        why = "what does not fit on a slide continues on another one"
    elif planner.has_chat_model:
        why = f"the chat model planned {planner.planned}"
    else:
        why = "the source has that many headings, tables or paragraphs, and only a chat model can rewrite it"
    warning = f"the deck has {made} slides, not {asked}: {why}"
    return deck.model_copy(update={"warnings": (warning, *deck.warnings)})
