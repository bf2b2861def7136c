"""Read orders about whole slides in plain words, such as "delete slide 2; move the risks slide to the end"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, get_args

from pydantic import ValidationError

from seedx_sdk.errors import InputError
from seedx_tools.decks.editing.orders import DeckOrder, OrderKind
from seedx_tools.decks.theme.palettes import DeckTheme

COMMANDS = (
    "'delete slide 2', 'duplicate slide 3', 'move slide 5 to 2', 'move the risks slide to the end', 'move slide 2 "
    "after slide 4', 'delete the duplicate of the budget slide', 'revise slide 2: title: ...', 'insert after slide 3: "
    "...', 'make it 8 slides', 'add sources', 'use the theme night'; several separated by ';' or 'and'"
)
"""What deck_orders understands."""

_SLIDE = (
    r"(?:this slide|the slide|(?:the )?(?:slide|page) (?:number )?#?(?P<{0}>\d+)"
    r"|(?:the )?(?P<{0}_place>first|last) (?:slide|page)"
    r"|(?:the )?(?P<{0}_copy>duplicate|copy|second copy)(?: of (?:the )?[\"']?(?P<{0}_of>.+?)[\"']?(?: slide)?)?"
    r"|(?:the )?[\"']?(?P<{0}_title>.+?)[\"']? (?:slide|page)|(?:the )?(?:slide|page) [\"'](?P<{0}_quoted>.+?)[\"'])"
)
_ONE, _OTHER = _SLIDE.format("slide"), _SLIDE.format("other")
_DELETE = re.compile(rf"(?:delete|remove|drop|cut) {_ONE}", re.IGNORECASE)
_DUPLICATE = re.compile(rf"(?:duplicate|copy|repeat) {_ONE}", re.IGNORECASE)
_MOVE = re.compile(
    rf"(?:move|put|bring) {_ONE} (?:(?:to|at|to place|to position|to slide|as slide) (?:number )?#?(?P<to>\d+)"
    rf"|(?:to|at) the (?:very )?(?P<end>end|back|start|beginning|front)"
    rf"|(?:to )?(?:right |directly )?(?P<side>before|after|behind) {_OTHER})",
    re.IGNORECASE,
)
_REVISE = re.compile(rf"(?:revise|change|edit) {_ONE}\s*:\s*(?P<content>.+)", re.IGNORECASE | re.DOTALL)
_PLACE = rf"(?:at the (?P<end>end|start|beginning)|(?P<side>before|after|behind) {_OTHER})"
_INSERT = re.compile(
    rf"(?:insert|add) (?=slide|a |one |new |at |before |after |behind )(?:a |one )?(?:new )?(?:slide\b ?)?{_PLACE}?"
    rf"\s*:\s*(?P<content>.+)",
    re.IGNORECASE | re.DOTALL,
)
_INSERT_ABOUT = re.compile(
    rf"(?:insert|add) (?:a |one )?(?:new )?slide (?:about|on|for|with|that says) (?P<content>.+?)"
    rf"(?: {_PLACE})?",
    re.IGNORECASE | re.DOTALL,
)
_NUMBERS = dict(zip("two three four five six seven eight nine ten eleven twelve".split(), range(2, 13), strict=True))
_LENGTH = re.compile(
    rf"(?:make|condense|shorten|cut|extend|stretch|expand|bring|reduce|trim) (?:it|this|the deck|this deck)"
    rf"(?: down)?(?: to| into)? (?P<count>\d+|{'|'.join(_NUMBERS)}) (?:slides?|pages?)",
    re.IGNORECASE,
)
_SOURCES = re.compile(
    r"(?:add|insert|list|make) (?:the |a |all )?(?:sources?|references|bibliography)(?: slide| page)?", re.IGNORECASE
)
_THEMES = "|".join(get_args(DeckTheme))
_THEME = re.compile(
    rf"(?:use|apply|switch to|change to) the (?:theme ['\"]?({_THEMES})['\"]?|({_THEMES}) theme)", re.IGNORECASE
)
_VERBS = r"(?:delete|remove|drop|cut|duplicate|copy|repeat|move|put|bring|add|insert|make|condense|use|apply|revise)"
_NEXT = re.compile(rf"\s*;\s*|\s*,?\s+(?:and then|and|then)\s+(?={_VERBS}\b)|\s*[,.]\s+(?={_VERBS}\b)", re.IGNORECASE)
_STARTS = ("start", "beginning", "front")


def deck_orders(text: str, titles: Sequence[str], *, slide: int | None = None) -> tuple[DeckOrder, ...] | None:
    """Return the orders that a text gives, in order; None if a part of it is none.

    Args:
        text: One order or several, in the words of COMMANDS.
        titles: The titles of the deck's slides.
        slide: The number of "this slide"; None: there is none.

    Raises:
        InputError: If no slide or several have the title that an order names.
    """
    words = text.strip(" .!\n")
    whole = _long_order(words, titles, slide)
    if whole is not None:
        return (whole,)
    found = [_order(part.strip(" .!,\n"), titles, slide) for part in _NEXT.split(words) if part.strip()]
    orders = tuple(order for order in found if order is not None)
    return orders if orders and len(orders) == len(found) else None


def deck_order(text: str, slide: int) -> DeckOrder | None:
    """Return the order to delete, duplicate or move a slide, by default this one; None for any other text."""
    words = re.sub(r"^please ", "", text.strip(" .!\n"), flags=re.IGNORECASE)
    for pattern in (_DELETE, _DUPLICATE, _MOVE):
        found = pattern.fullmatch(words)
        names = {} if found is None else found.groupdict()
        if found is not None and not any(names[name] for name in names if "_" in name):
            return _order(words, (), slide)
    return None


def _long_order(words: str, titles: Sequence[str], slide: int | None) -> DeckOrder | None:
    """Return an order whose content may hold anything, also what separates orders."""
    if found := _REVISE.fullmatch(words):
        number = _number(found, "slide", titles, slide)
        return None if number is None else _made("revise", slide=number, content=found["content"])
    if found := _INSERT.fullmatch(words) or _INSERT_ABOUT.fullmatch(words):
        if _is_nowhere(found, slide):
            return None
        return _made("insert", after=_after(found, titles, slide), content=found["content"])
    return None


def _made(kind: OrderKind, **fields: Any) -> DeckOrder:
    """Return an order.

    Raises:
        InputError: If it names what no deck has, such as slide 0.
    """
    try:
        return DeckOrder.model_validate({"kind": kind, **fields})
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise InputError(f"'{fault['input']}' cannot be the {fault['loc'][0]} of '{kind}': {fault['msg']}") from error


def _order(words: str, titles: Sequence[str], slide: int | None) -> DeckOrder | None:
    words = re.sub(r"^(?:please|now|then|and|also) ", "", words, flags=re.IGNORECASE)
    if found := _LENGTH.fullmatch(words):
        count = found["count"].lower()
        return _made("length", num_slides=_NUMBERS.get(count) or int(count))
    if _SOURCES.fullmatch(words):
        return DeckOrder(kind="sources")
    if (found := _THEME.fullmatch(words)) and (name := (found[1] or found[2]).lower()):
        return _made("template", theme=name)
    if found := _MOVE.fullmatch(words):
        number = _number(found, "slide", titles, slide)
        if number is None or _is_nowhere(found, slide):
            return None
        if found["to"] is None:
            return _made("move", slide=number, after=_after(found, titles, slide))
        to = int(found["to"])
        return _made("move", slide=number, after=max(0, to - 1) if to <= number else to)
    if found := _DELETE.fullmatch(words):
        number = _number(found, "slide", titles, slide)
        return None if number is None else _made("delete", slide=number)
    if found := _DUPLICATE.fullmatch(words):
        number = _number(found, "slide", titles, slide)
        return None if number is None else _made("duplicate", slide=number)
    return _long_order(words, titles, slide)


def _is_nowhere(found: re.Match[str], slide: int | None) -> bool:
    """Return whether an order names the place beside "this slide", and there is none."""
    named = any(text for name, text in found.groupdict().items() if name.startswith("other"))
    return bool(found["side"]) and not named and slide is None


def _after(found: re.Match[str], titles: Sequence[str], slide: int | None) -> int | None:
    """Return the number of the slide behind which an order puts something, 0 for the start; None: the end."""
    if found["end"]:
        return 0 if found["end"].lower() in _STARTS else None
    if not found["side"]:
        return None
    other = _number(found, "other", titles, slide)
    return other if other is None or found["side"].lower() != "before" else other - 1


def _number(found: re.Match[str], name: str, titles: Sequence[str], slide: int | None) -> int | None:
    """Return the number of the slide that an order names; None if it names "this slide" and there is none.

    Raises:
        InputError: If no slide or several have the title that it names.
    """
    if found[name]:
        return int(found[name])
    if place := found[f"{name}_place"]:
        return 1 if place.lower() == "first" else len(titles)
    if found[f"{name}_copy"]:
        return _duplicate(found[f"{name}_of"] or "", titles)
    wanted = found[f"{name}_title"] or found[f"{name}_quoted"]
    if wanted is None:
        return slide
    numbers = _titled(wanted, titles)
    if len(numbers) == 1:
        return numbers[0]
    if not numbers:
        raise InputError(f"no slide has '{wanted}' in its title; name it by its number, 1 to {len(titles)}")
    named = ", ".join(map(str, numbers))
    raise InputError(f"the slides {named} have '{wanted}' in their titles; name the one you mean by its number")


def _titled(wanted: str, titles: Sequence[str]) -> list[int]:
    """Return the numbers of the slides with this title, else of those with these words in their title."""
    sought = wanted.casefold().strip()
    whole = [number for number, title in enumerate(titles, 1) if title.casefold().strip() == sought]
    words = re.compile(rf"\b{re.escape(sought)}\b")
    return whole or [number for number, title in enumerate(titles, 1) if words.search(title.casefold())]


def _duplicate(wanted: str, titles: Sequence[str]) -> int:
    """Return the number of the only slide that has the title of an earlier one.

    Raises:
        InputError: If there is none, or several.
    """
    known = [title.casefold().strip() for title in titles]
    numbers = [n for n, title in enumerate(known, 1) if title in known[: n - 1]]
    if wanted:
        numbers = [number for number in numbers if number in _titled(wanted, titles)]
    if len(numbers) == 1:
        return numbers[0]
    found = ", ".join(map(str, numbers)) or "none"
    raise InputError(f"which slide is the duplicate is not clear (found: {found}); name it by its number")
