"""A presenter: makes a deck from a subject, a document or a table, and revises it slide by slide."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from langchain_core.language_models import BaseChatModel

from seedx_agents.presenter.documents import decode, read_bytes, read_document
from seedx_agents.presenter.outline_rules import document_outline, table_outline
from seedx_agents.presenter.revision_rules import RuleReviser
from seedx_sdk import SeedX
from seedx_sdk.errors import InputError
from seedx_sdk.files import write_file
from seedx_sdk.options import check_seed
from seedx_tools.decks.make import make_slides
from seedx_tools.decks.ooxml.package import open_deck
from seedx_tools.decks.outline import Outline, SlidePlan, TableData
from seedx_tools.decks.planners.chat_model import ChatModelPlanner
from seedx_tools.decks.results import Deck
from seedx_tools.decks.revise import append_slides, revise_slide
from seedx_tools.decks.tables import read_table, table_of
from seedx_tools.decks.theme.build import DeckSize
from seedx_tools.decks.theme.palettes import DeckTheme
from seedx_tools.illustration.prompts import vocabulary_of
from seedx_tools.tool import Progress

Rows: TypeAlias = Sequence[Sequence[object]] | Sequence[Mapping[str, object]]
"""A table: rows of cells, the header first, or one mapping per row."""
Source: TypeAlias = str | Path | Outline | TableData | Rows
"""A string is a subject or a Markdown outline; a Path is a file: .md, .txt, .pdf, or a table as .csv or .tsv."""

TABLES = (".csv", ".tsv")
_CSV = "data.csv"


class Presenter:
    """Makes a deck and revises it.

    Args:
        seedx: Generates the images.
        chat_model: A LangChain chat model with structured output that writes the slides. None: the source's own text
            and numbers are laid out, and revisions follow edit commands.
        theme: The built-in theme; None: "paper".
        template: A .pptx or .potx whose design is used in place of a theme.
        size: The page size; None: 16:9, or the template's own.
        pictures: Whether slides get generated images.
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
        chat_model: BaseChatModel | None = None,
        *,
        theme: DeckTheme | None = None,
        template: str | os.PathLike[str] | None = None,
        size: DeckSize | None = None,
        pictures: bool = True,
        files: str | os.PathLike[str] | None = None,
        seed: int = 0,
        retries: int = 2,
    ) -> None:
        self._seedx, self._seed = seedx, check_seed(seed)
        self._theme, self._template, self._size = theme, template, size
        self._pictures, self._files = pictures, files
        vocabulary = vocabulary_of(seedx.info) if chat_model is not None else None
        self._planner = (
            None if chat_model is None else ChatModelPlanner(chat_model, vocabulary=vocabulary, retries=retries)
        )
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
        with tempfile.TemporaryDirectory() as folder:
            content, files = self._prepare(source, num_slides, Path(folder))
            deck = make_slides(
                self._seedx,
                content,
                path=path,
                template=self._template,
                theme=self._theme,
                size=self._size,
                num_slides=num_slides,
                files=files,
                seed=self._seed,
                pictures=self._pictures,
                planner=self._planner,
                on_progress=on_progress,
            )
        self.path = deck.path
        return deck

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
        deck = revise_slide(
            self._seedx,
            path,
            slide,
            instruction,
            output=output,
            planner=self._planner or RuleReviser(),
            files=self._files,
            seed=self._seed + slide,
            pictures=self._pictures,
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
        return append_slides(
            self._seedx,
            path,
            more,
            files=self._files,
            seed=self._seed,
            pictures=self._pictures,
            on_progress=on_progress,
        )

    def _current(self) -> Path:
        if self.path is None:
            raise InputError("there is no deck yet; call make() or open() first")
        return self.path

    def _prepare(
        self, source: Source, num_slides: int | None, folder: Path
    ) -> tuple[str | Outline, str | os.PathLike[str] | None]:
        """Return the content for make_slides, and the folder of the files that it may read."""
        if isinstance(source, str | Outline):
            return source, self._files
        if isinstance(source, Path) and source.suffix.lower() not in TABLES:
            document = read_document(source)
            if self._planner is None:
                return document_outline(document, num_slides), self._files
            task = f"Make a deck of this document, '{document.name}'. Name it as the source."
            return f"{task}\n\n{document.text}", self._files
        table, name = _table(source)
        title = name or "The figures"
        if self._planner is None:
            return table_outline(table, Path(title).stem.replace("_", " ").capitalize(), name), self._files
        text = _as_csv(table)
        write_file(folder / _CSV, text.encode())
        task = (
            f"Make a deck of this table{f', {name!r}' if name else ''}. If a slide shows it as a table or a chart, "
            f"give the file name {_CSV!r} as its csv; do not copy numbers."
        )
        return f"{task}\n\n{text}", folder


def _table(source: Path | TableData | Rows) -> tuple[TableData, str]:
    """Return a table and the name of its file, if it has one."""
    if isinstance(source, TableData):
        return source, ""
    if isinstance(source, Path):
        return read_table(decode(read_bytes(source), source), f"'{source.name}'"), source.name
    if not isinstance(source, Sequence) or not source:
        raise InputError(
            f"a deck cannot be made of {type(source).__name__}; pass a string, a Path, an Outline, or a table as rows"
        )
    lines: list[list[object]] = []
    for row in source:
        if isinstance(row, Mapping):
            lines = lines or [list(row)]
            lines.append([row.get(str(heading), "") for heading in lines[0]])
        elif isinstance(row, Sequence) and not isinstance(row, str | bytes):
            lines.append(list(row))
        else:
            raise InputError(f"a row of the table is {type(row).__name__}; pass lists of cells, or mappings")
    return table_of([["" if cell is None else str(cell) for cell in line] for line in lines], "the table"), ""


def _as_csv(table: TableData) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows((table.header, *table.rows))
    return text.getvalue()
