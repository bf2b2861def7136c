"""Warnings about inline Markdown that a slide cannot show as it was written."""

from __future__ import annotations

from collections.abc import Iterator

from seedx_tools.decks.outline import SlidePlan
from seedx_tools.decks.text.footnotes import footnote_warnings
from seedx_tools.decks.text.formulas import formula_text, is_readable
from seedx_tools.decks.text.inline import SAFE_LINK, inline_tokens
from seedx_tools.decks.text.plan_texts import texts_of

_SHOWN = 60


def plan_warnings(plan: SlidePlan) -> list[str]:
    """Return one sentence for each formula, link and footnote of a plan that is not shown as it was written, once."""
    texts = (*texts_of(plan), *plan.footnotes)
    return list(
        dict.fromkeys([*(warning for text in texts for warning in text_warnings(text)), *footnote_warnings(plan)])
    )


def text_warnings(text: str) -> Iterator[str]:
    """Yield one sentence for each formula and each link of a text that a slide shows as plain text."""
    if not any(sign in text for sign in ("$", "\\", "](", "<")):
        return
    tokens = inline_tokens(text)
    for place, token in enumerate(tokens):
        if token.type.startswith("math"):
            if not is_readable(formula_text(token.content)):
                yield unreadable_formula(token.content)
        elif token.type == "link_open" and not SAFE_LINK.match(address := str(token.attrs.get("href", ""))):
            end = next(at for at in range(place, len(tokens)) if tokens[at].type == "link_close")
            yield unsafe_link("".join(inner.content for inner in tokens[place + 1 : end]), address)


def unreadable_formula(tex: str) -> str:
    """Return the sentence about a formula that has no form in plain text."""
    return f"the formula '{tex.strip()}' stays TeX: it has no readable form in plain text"


def unsafe_link(words: str, address: str) -> str:
    """Return the sentence about a link that no slide opens."""
    return (
        f"the link of '{words.strip()[:_SHOWN]}' was left out: it leads to '{address[:_SHOWN]}', and a slide opens "
        "only web and mail addresses"
    )
