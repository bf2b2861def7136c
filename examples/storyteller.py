"""Plan a story, draw the same hero on every page, and save it: python examples/storyteller.py "a red cat" cat.pdf.

A chat model can write the story: tell(SeedX(), "a red cat", chat_model=init_chat_model("..."), path="cat.html").
"""

from __future__ import annotations

import sys
from pathlib import Path

from langchain_core.language_models import BaseChatModel

from seedx_agents import Book, Storyteller
from seedx_sdk import SeedX
from seedx_sdk.files import write_file


def tell(
    seedx: SeedX,
    prompt: str,
    chat_model: BaseChatModel | None = None,
    *,
    path: Path,
    pages: int = 6,
    num_inference_steps: int | None = None,
) -> Book:
    """Plan, illustrate and save a story; the book beside it as JSON can be resumed."""
    stored = path.with_suffix(".json")
    storyteller = Storyteller(seedx, chat_model, seed=1, num_inference_steps=num_inference_steps)
    story = Book.model_validate_json(stored.read_text(encoding="utf-8")) if stored.exists() else None
    book = storyteller.illustrate(
        story or storyteller.plan(prompt, pages),
        on_progress=lambda done, total, what: print(f"{done}/{total} {what}"),
    )
    write_file(stored, book.model_dump_json().encode())
    for page in book.pages:
        print(f"- {page.image_prompt} (seed {page.seed})")
    saved, warnings = book.save(path)
    for warning in (*book.warnings, *warnings):
        print("note:", warning)
    print("saved", saved, "" if book.finished else "(not finished: run it again to resume)")
    return book


if __name__ == "__main__":
    subject = sys.argv[1] if len(sys.argv) > 1 else "a red cat on the beach who wants to sail a blue boat"
    tell(SeedX(), subject, path=Path(sys.argv[2] if len(sys.argv) > 2 else "storyteller.html"))
