"""Who is in a story and how they look, so that every image draws them in the same words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from seedx_tools.illustration.prompts import Vocabulary, count_things, find_things, number_phrase
from seedx_tools.stories.plan import Character, PagePlan, StoryPlan

_NAME_AND_LOOKS = re.compile(r"(?P<name>[^,:(]+?)\s*[,:(]\s*(?P<looks>[^)]+)\)?")
"""Mina, a red cat; Mina (a red cat)."""
_PHRASE = re.compile(r"(an?|the|some|one|two|three|four|my|our)\s", re.IGNORECASE)
_PREPOSITION = re.compile(
    r"(in|on|at|by|near|under|over|above|below|behind|beside|inside|outside|with)\s", re.IGNORECASE
)
_ANIMATE = ("cat", "dog", "bird", "fish")
"""Kinds that stand for somebody whom a model cannot draw."""


def with_cast(plan: StoryPlan, vocabulary: Vocabulary | None) -> StoryPlan:
    """Return a plan whose pages name only its characters, each of whom the model can draw.

    Args:
        plan: Pages may name characters by their looks ("a red cat"), with them ("Mina, a red cat"), or by a name that
            the plan does not explain; where a model has a vocabulary, the page's image then says how they look.
        vocabulary: What the model can draw; None: anything.
    """
    cast = _Cast(plan.characters, vocabulary)
    cast.learn_who_is_explained(plan.pages)
    names = [[cast.name(who, plan.pages) for who in _shown(page, tuple(cast.known.values()))] for page in plan.pages]
    cast.replace_whom_the_model_cannot_draw()
    pages = (
        page.model_copy(update={"characters": tuple(dict.fromkeys(name for name in shown if name is not None))})
        for page, shown in zip(plan.pages, names, strict=True)
    )
    return plan.model_copy(
        update={
            "characters": tuple(cast.known.values()),
            "pages": tuple(pages),
            "warnings": (*plan.warnings, *dict.fromkeys(cast.warnings)),
        }
    )


def image_text(page: PagePlan, characters: Sequence[Character]) -> str:
    """Return what the image of a page shows: its characters by their looks, and its picture, or else its text."""
    named = {character.name: character.looks for character in characters}
    shows = page.picture.strip() or page.text.strip()
    missing = [named[name] for name in page.characters if named[name].lower() not in shows.lower()]
    if not missing:
        return shows
    joint = " " if _PREPOSITION.match(shows) else " and " if shows[0].islower() else ": "
    return f"{' and '.join(missing)}{joint}{shows}"


def _shown(page: PagePlan, characters: Iterable[Character]) -> tuple[str, ...]:
    """Return who the image of a page shows: who is listed, and whom its picture, or else its text, calls by name."""
    shows = page.picture or page.text
    called = (who.name for who in characters if re.search(rf"(?<!\w){re.escape(who.name)}(?!\w)", shows))
    return tuple(who for who in dict.fromkeys((*page.characters, *called)) if who.strip())


class _Cast:
    def __init__(self, characters: Iterable[Character], vocabulary: Vocabulary | None) -> None:
        self.known = {character.name: character for character in characters}
        self.warnings: list[str] = []
        self._vocabulary = vocabulary

    def name(self, who: str, pages: Sequence[PagePlan]) -> str | None:
        """Return the name of somebody on a page, who joins the cast if the looks are known; None if they are not."""
        who = " ".join(who.split())
        if explained := _NAME_AND_LOOKS.fullmatch(who):
            who = explained["name"]
        for character in self.known.values():
            if who.lower() in (character.name.lower(), character.looks.lower()):
                return character.name
        if _PHRASE.match(who) or self._things(who):
            return self._add(who, who)
        for number, page in enumerate(pages, start=1):
            taken = {thing.split()[-1] for one in self.known.values() for thing in self._things(one.looks)}
            seen = [thing for thing in self._things(page.picture) if thing.split()[-1] not in taken]
            if seen and who.lower() in map(str.lower, page.characters):
                looks = number_phrase(seen[0])
                self.warnings.append(f"{who} looks as on page {number}: {looks}; give characters to choose the looks")
                return self._add(who, looks)
        if self._vocabulary is not None:
            return self._add(who, who)  # a stand-in is found
        self.warnings.append(f"nothing says how {who} looks, so the pages may differ; give characters with their looks")
        return None

    def learn_who_is_explained(self, pages: Sequence[PagePlan]) -> None:
        """Let those join whom a page names with their looks: "Mina, a red cat"."""
        for who in (who for page in pages for who in page.characters):
            explained = _NAME_AND_LOOKS.fullmatch(" ".join(who.split()))
            if explained and explained["name"].lower() not in map(str.lower, self.known):
                self._add(explained["name"], explained["looks"])

    def _add(self, name: str, looks: str) -> str:
        self.known[name] = Character(name=name, looks=looks.strip())
        return name

    def replace_whom_the_model_cannot_draw(self) -> None:
        """Give a stand-in, the same on every page, to those whose looks the vocabulary has no word for."""
        if self._vocabulary is None:
            return
        taken = {thing.split()[-1] for one in self.known.values() for thing in self._things(one.looks)}
        free = [kind for kind in (*_ANIMATE, *self._vocabulary["kinds"]) if kind in self._vocabulary["kinds"]]
        for name, character in self.known.items():
            if self._things(character.looks):
                continue
            colors = self._vocabulary["colors"]
            kind = next((kind for kind in free if kind not in taken), free[0])
            color = next((word for word in character.looks.lower().split() if word in colors), colors[len(taken) % 8])
            taken.add(kind)
            looks = number_phrase(f"{color} {kind}")
            self.known[name] = Character(name=name, looks=looks)
            who = "" if name.lower() == character.looks.lower() else f" for {name}"
            self.warnings.append(f"the model cannot draw {character.looks}: {looks} stands in{who} on every page")

    def _things(self, text: str) -> list[str]:
        """Return what a model draws of somebody; a sailor is no boat, but a kitten is a cat."""
        if self._vocabulary is None:
            return []
        kinds = {*(thing.split()[-1] for thing in count_things(text, self._vocabulary)), *_ANIMATE}
        return [thing for thing in find_things(text, self._vocabulary) if thing.split()[-1] in kinds]
