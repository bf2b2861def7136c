"""Cut inline Markdown in two, with its marks on both sides."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import replace

from seedx_tools.decks.text.inline import Span, parse_inline, plain_text, to_inline

_CLAUSE_ENDS = (",", ";", ":", "\u2013", "\u2014", ".", "!", "?", "\u3001", "\u3002", "\uff0c")
_CLAUSE_SHARE = 0.6
"""A first part is cut back to the end of a clause if so much of it is left."""


def cut_inline(text: str, at: int) -> tuple[str, str]:
    """Return inline Markdown before and after a place in its plain text, without the blanks there."""
    before: list[Span] = []
    after: list[Span] = []
    left = at
    for span in parse_inline(text):
        head, tail = span.text[: max(0, left)], span.text[max(0, left) :]
        left -= len(span.text)
        before += [replace(span, text=head)] if head else []
        after += [replace(span, text=tail)] if tail or not span.text else []
    return to_inline(before).rstrip(), to_inline(after).lstrip()


def cut_to_fit(text: str, fits: Callable[[str], bool]) -> tuple[str, str]:
    """Return the first words of a text that fit, cut at the end of a clause if there is one near, and the rest.

    Args:
        text: In inline Markdown.
        fits: Whether plain text fits; if some text does not, more text does not either.
    """
    plain = plain_text(text)
    ends = [place for place, char in enumerate(plain) if char.isspace()] or list(range(1, len(plain)))
    good = ends[: bisect_left(ends, True, key=lambda end: not fits(plain[:end]))] or ends[:1]
    clauses = [end for end in good if plain[:end].rstrip().endswith(_CLAUSE_ENDS)]
    at = clauses[-1] if clauses and clauses[-1] >= _CLAUSE_SHARE * good[-1] else good[-1]
    return cut_inline(text, at)
