"""What a prompt for a story names: who it is about, where, and what they want."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from seedx_tools.illustration.prompts import (
    PICTURE_BOOK,
    Vocabulary,
    count_things,
    find_place,
    find_things,
    number_phrase,
)
from seedx_tools.stories.plan import MAX_PAGES

_REQUEST = re.compile(
    r"^(please )?((tell|write|make|create|give|draw|i want|i would like)( me| us)? )?((a|an|the) )?"
    r"((short|little|long|children's|bedtime|picture|illustrated|funny|sweet|new|\w+-page|\w+ pages?) )*"
    r"(story|tale|storybook|book)s?( (with|of|in) \w+ pages?)?( for (kids|children|my \w+))?"
    r"( about| of|:| on| for| in which| where) ",
    re.IGNORECASE,
)
_NUMBERS = dict(zip("two three four five six seven eight nine ten eleven twelve".split(), range(2, 13), strict=True))
_PAGES = re.compile(rf"\b(\d{{1,2}}|{'|'.join(_NUMBERS)})[- ]pages?\b", re.IGNORECASE)
_ARTICLE = re.compile(r"(an?|the|some|my|our|his|her|one|two|three|four|five|many)\b\s*", re.IGNORECASE)
_PLURAL = re.compile(r"(two|three|four|five|some|many)\b", re.IGNORECASE)
_PLACE = re.compile(
    r"\s(?:(?:lives?|lived|living|walks?|walking|plays?|playing|stands?|standing|sits?|sitting)\s)?"
    r"((?:in|on|at|by|near|under|from)\s.*)",
    re.IGNORECASE | re.DOTALL,
)
_CALLED = re.compile(r",?\s(?:named|called)\s(\w[\w'-]*(?:\s[A-Z][\w'-]*)?)")
_APPOSITION = re.compile(r"([A-Z][\w'-]*),\s((?:an?|the)\s[^,]+)")
_RELATIVE = re.compile(r"\b(?:who|that|which)\b\s+(.*)", re.IGNORECASE | re.DOTALL)
_END = re.compile(
    r"\s*(?:[,;]?\s(?:but|because|so|until|when|while|and (?:then|learns?|finds?|meets?))\s|[.!?;]).*", re.S
)
_WANT = (
    "wants?|wanted|wish(?:es|ed)?|dream(?:s|ed)?|longs?|hopes?|hoped|plans?|tries|tried|try|needs?|decides?|learns?|"
    "would like|would love|loves?|loved|likes?"
)
_CANNOT = "can(?:'t|not| not)|could(?:n't| not)|do(?:es)?(?:n't| not) know how to"
_SEEK = (
    "wants?|wanted|wish(?:es|ed)? for|longs? for|needs?|looks? for|looking for|search(?:es)? for|searching for|"
    "misse?s?|has lost|lost|loses|finds?|seeks?|discovers?"
)
_FEELINGS = "lonely|sad|alone|lost|afraid|scared|frightened|shy|bored|hungry|tired|angry|sick|homeless"
_WISHES = tuple(
    (kind, re.compile(rf"\b(?:{words})\s({wish})", re.IGNORECASE | re.DOTALL))
    for kind, words, wish in (
        ("do", rf"(?:{_WANT})\sto", ".*"),
        ("do", _CANNOT, ".*"),
        ("dream", r"(?:dream(?:s|ed|ing)?|thinks?)\s(?:of|about)", ".*"),
        ("have", _SEEK, ".*"),
        ("fear", "afraid|scared|frightened", r"of\s.*"),
        ("love", "loves?|loved|likes?", ".*"),
        ("be", "(?:is|was|are|were|feels?|felt)(?: so| very| always| too)*", rf"(?:{_FEELINGS})\b"),
    )
)
"""How a prompt tells a wish, by kind; its first group is what is wished for."""
_FEELING = re.compile(rf"\b({_FEELINGS})\b", re.IGNORECASE)
_QUESTION = re.compile(r"(how|why|what|where|when|who)\s", re.IGNORECASE)
_ONLY_A_REQUEST = re.compile(
    r"(please )?((tell|write|make|create|give)( me| us)? )?((an?|the) )?([\w-]+ )?(story|tale|book)( about| of| for)?",
    re.IGNORECASE,
)
_MAX_HEROES = 2
"""Further ones are met on the way."""
_VERB = re.compile(
    r"\s((?:goes|visits?|travels?|meets?|helps?|saves?|sails?|flies|swims?|builds?|makes?|gets?|got|becomes?|explores?|"
    r"climbs?|rescues?|befriends?|teaches|sings?|dances?|plays?|rides?|runs?|walks?|jumps?|falls?|wakes?|eats?|bakes?|"
    r"paints?|plants?|opens?|moves?|sleeps?|steals?|hides?|has|is|was|are|were|can|could)\s.*)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Somebody:
    """One of those whom a story is about."""

    name: str
    """With a definite article, or a name: "the red cat", "Mina"."""
    looks: str
    """"a red cat"."""
    more: str = ""
    """What follows when they are introduced: "with a red balloon"."""

    @property
    def plural(self) -> bool:
        """Whether it is more than one: "two cats", "cats"."""
        bare = not _ARTICLE.match(self.looks) and self.looks[:1].islower()
        return bool(_PLURAL.match(self.looks)) or (bare and re.search(r"[^s]s$", self.looks) is not None)


@dataclass(frozen=True, slots=True)
class Idea:
    """What a prompt names."""

    heroes: tuple[Somebody, ...]
    place: str
    """"on the beach", or empty."""
    wish: str
    """What the heroes want, as the prompt words it: "sail a blue boat"; empty if it tells nothing."""
    kind: str
    """Of the wish: do, have, dream, love, fear, be, or know; "tell" for anything else that the prompt tells, or ""."""

    @property
    def hero(self) -> str:
        """The heroes in a sentence: "the red cat and the brown dog"."""
        return " and ".join(hero.name for hero in self.heroes)

    @property
    def plural(self) -> bool:
        """Whether a verb after the heroes is in the plural."""
        return len(self.heroes) > 1 or self.heroes[0].plural


def idea_of(prompt: str, seen: str, vocabulary: Vocabulary | None) -> Idea:
    """Return what a prompt names.

    Args:
        prompt: Any text.
        seen: What the image shows that the story starts from; empty if there is none. It names the hero.
        vocabulary: What the image model can draw; None: anything.
    """
    text = _REQUEST.sub("", " ".join(prompt.split()))
    kind, wish, start = _wish(text)
    head = text[:start]
    if _QUESTION.match(text):
        kind, wish, head = "know", _uncapital(text), ""
    elif _ONLY_A_REQUEST.fullmatch(text):
        head = ""
    elif (relative := _RELATIVE.search(head)) is not None:
        kind, wish = (kind, wish) if wish else ("tell", _END.sub("", relative.group(1)))
        head = head[: relative.start()]
    elif not wish and (verb := _VERB.search(head)) is not None:
        kind, wish, head = "tell", _END.sub("", verb.group(1)), head[: verb.start()]
    head = re.split(r"(?<=[.!?;:])\s", head)[0].strip(" ,.!?;:")
    if not wish and (feeling := _FEELING.search(head)):
        kind, wish, head = "be", feeling.group(1).lower(), f"{head[: feeling.start()]} {head[feeling.end() :]}"
    place, rest = "", f" {head}"
    if found := _PLACE.search(rest):
        place, rest = found.group(1).strip(" ,."), rest[: found.start()]
    heroes = _heroes(rest.strip(" ,"), vocabulary)
    if not heroes:
        if not wish and head:
            kind, wish, place = "know", f"all about {head}", ""
        heroes = (_NOBODY,)
    idea = Idea(heroes=heroes, place=place, wish=wish.strip(" ,.!?"), kind=kind if wish else "")
    if not seen:
        return idea
    if vocabulary is None:
        return idea if heroes != (_NOBODY,) else replace(idea, heroes=(_somebody(seen.rstrip(".")),))
    things = find_things(seen, vocabulary)
    heroes = (_somebody(number_phrase(things[0])),) if things else heroes
    return replace(idea, heroes=heroes, place=place or find_place(seen, vocabulary) or "")


def pages_named_in(prompt: str) -> int | None:
    """Return the number of pages that a prompt asks for ("a five-page story", "12 pages"); None if it names none."""
    found = _PAGES.search(prompt)
    number = int(_NUMBERS.get(found[1].lower(), found[1])) if found else 0
    return number if 1 <= number <= MAX_PAGES else None


def _wish(text: str) -> tuple[str, str, int]:
    """Return the kind and the words of the wish, and where in the text it begins."""
    for kind, pattern in _WISHES:
        if found := pattern.search(text):
            wish = _END.sub("", found.group(1)).strip()
            if wish:
                return kind, wish, found.start()
    return "", "", len(text)


def _heroes(text: str, vocabulary: Vocabulary | None) -> tuple[Somebody, ...]:
    """Return whom a text names; nobody if it names a subject ("friendship", "the sea")."""
    if named := _APPOSITION.match(text):
        return (Somebody(named.group(1), named.group(2)),)
    if called := _CALLED.search(text):
        return (Somebody(called.group(1), text[: called.start()].strip() or called.group(1)),)
    parts = [part for part in re.split(r",?\sand\s|,\s", text) if part.strip()]
    return tuple(_somebody(part) for part in parts[:_MAX_HEROES] if _is_somebody(part, vocabulary or PICTURE_BOOK))


def _is_somebody(text: str, vocabulary: Vocabulary) -> bool:
    text = text.partition(" with ")[0]
    if count_things(text, vocabulary):
        return True
    if article := _ARTICLE.match(text):
        return find_place(text, vocabulary) is None and re.match(r"\w", text[article.end() :]) is not None
    words = text.split()
    return all(word[:1].isupper() for word in words) or (len(words) == 1 and Somebody(text, text).plural)


def _somebody(text: str) -> Somebody:
    """Return who "a red cat", "Mina", "the old sailor" or "a girl with a balloon" is."""
    text, _, more = text.strip().partition(" with ")
    more = f"with {more}" if more else ""
    if article := _ARTICLE.match(text):
        looks = f"{article.group(1).lower()} {text[article.end() :]}"
        counted = _PLURAL.match(looks) and not looks.startswith(("some", "many"))
        name = f"the {looks}" if counted else re.sub(r"^(an?|one|some|many)\s", "the ", looks)
        return Somebody(name, looks, more)
    if text[:1].isupper():
        return Somebody(text, text, more)
    return Somebody(f"the {text}", text if Somebody(text, text).plural else number_phrase(text), more)


def _uncapital(text: str) -> str:
    return text[:1].lower() + text[1:]


_NOBODY = Somebody("the little cat", "a little cat")
"""The hero of a prompt that names a subject only."""
