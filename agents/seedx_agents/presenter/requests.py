"""What a chat model is asked when a deck is made of documents and tables."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from seedx_sdk.files import write_file
from seedx_tools.documents.document import Document
from seedx_tools.documents.tables import Tables, as_csv


def deck_request(
    found: Sequence[Document | Tables], files: str | os.PathLike[str] | None, folder: Path
) -> tuple[str, str | os.PathLike[str] | None]:
    """Return what the chat model is asked, and the folder with the tables, whose numbers it need not copy."""
    documents = [source for source in found if isinstance(source, Document)]
    tables = [one.table for source in found if isinstance(source, Tables) for one in source.tables]
    if files in (None, folder):
        tables += [table for document in documents for table in document.tables()]
    what = "this document" if documents else "this table" if len(tables) == 1 else "these tables"
    names = ", ".join(repr(source.name) for source in found if source.name)
    many = f"Make a deck of these {len(found)} files: {names}. Name them as the sources."
    one = f"Make a deck of {what}{f', {names}' if names else ''}.{' Name it as the source.' if documents else ''}"
    parts = [many if len(found) > 1 else one]
    for number, table in enumerate(tables, start=1):
        name = "data.csv" if number == 1 else f"data-{number}.csv"
        write_file(folder / name, as_csv(table).encode())
        parts.append(
            f"If a slide shows this table, or a chart of it, give the file name {name!r} as its csv; do not copy "
            f"numbers.\n\n{as_csv(table)}"
        )
    if any(document.figures for document in documents):
        parts.append("Give the file name of a picture in the text as picture_file of the slide that shows it.")
    return "\n\n".join([*parts, *(document.text for document in documents)]), folder if tables else files
