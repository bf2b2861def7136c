"""Stories without a language model: one plot around the heroes, the place and the wish of the prompt.

They leave home, meet one thing after the other, nearly give up, find what they looked for, and come home. The plan's
warnings say that no language model wrote it.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence

from seedx_tools.illustration.prompts import (
    PICTURE_BOOK,
    Vocabulary,
    colored,
    count_things,
    number_phrase,
    place_phrase,
)
from seedx_tools.stories import plot
from seedx_tools.stories.idea import Idea, idea_of
from seedx_tools.stories.plan import Character, PagePlan, StoryPlan

_WARNING = "written without a language model: a fixed plot around the hero, the place and the wish in the prompt"
_FRIENDS = ("bird", "dog", "cat", "fish")
"""Who keeps somebody company, and comes to the party."""
_FINDABLE = ("do", "have", "dream")
"""Wishes whose things can be found."""


class TemplateStoryPlanner:
    """Plans a story without a language model, around the heroes, the place and the wish in the prompt.

    Args:
        vocabulary: What the image model can draw (vocabulary_of(seedx.info)); None: anything.
    """

    def __init__(self, vocabulary: Vocabulary | None = None) -> None:
        self._vocabulary = vocabulary

    def plan(self, text: str, num_pages: int, first_image: str | None) -> StoryPlan:
        """Return a story of num_pages pages.

        Args:
            text: Any prompt; who it is about, where, and what they want.
            num_pages: How many pages; the shorter the story, the fewer steps of the plot it has.
            first_image: What the images show that the story starts from, one line each: the first names the hero, and
                what is in the others is met on the next pages.
        """
        lines = (first_image or "").splitlines()
        idea = idea_of(text, lines[0] if lines else "", self._vocabulary)
        pages = tuple(_Teller(idea, text, lines[1:], self._vocabulary).pages(num_pages))
        warnings, told = [_WARNING], set[str]()
        for number, page in enumerate(pages, start=1):
            if page.text in told:
                warnings.append(f"the plot repeats itself from page {number} on; ask for at most {number - 1} pages")
                break
            told.add(page.text)
        return StoryPlan(
            title=_capital(idea.hero) + (f" {idea.place}" if idea.place else ""),
            characters=tuple(Character(name=hero.name, looks=hero.looks) for hero in idea.heroes),
            pages=pages,
            warnings=tuple(warnings),
        )


class _Teller:
    """Tells one story; things are written "blue boat"."""

    def __init__(self, idea: Idea, prompt: str, seen: Sequence[str], vocabulary: Vocabulary | None) -> None:
        self._idea, self._vocabulary = idea, vocabulary
        self._known = PICTURE_BOOK if vocabulary is None else vocabulary
        self._wished = self._things(idea.wish) if idea.kind in _FINDABLE else []
        self._seen = [next(iter(self._things(line)), line.strip(" .")) for line in seen]
        used = {_kind(thing) for thing in (*self._wished, *self._seen)}
        used |= {_kind(thing) for hero in idea.heroes for thing in self._things(hero.looks)}
        named = [thing for thing in count_things(prompt, self._known) if _kind(thing) not in used]
        used |= {_kind(thing) for thing in named}
        kinds = [kind for kind in (*plot.EPISODES, *self._known["kinds"]) if kind in self._known["kinds"]]
        others = [kind for kind in dict.fromkeys(kinds) if kind not in used and kind != "star"]
        turn = zlib.crc32(prompt.encode()) % max(len(others), 1)
        if re.search(r"friend|lonely|alone|sad", idea.wish):
            others.sort(key=lambda kind: kind not in _FRIENDS)
            turn = 0
        night = ["star"] if "star" in kinds and "star" not in used else []
        self._ahead = [colored(thing, self._known) for thing in (*named, *others[turn:], *others[:turn], *night)]
        self._met: list[str] = []

    def pages(self, count: int) -> Iterator[PagePlan]:
        """Yield the pages: opening, departure, episodes, doubt, discovery, fulfillment, party, and home."""
        idea, found = self._idea, self._wished[:1]
        hero_and_wish = plot.FULFILLED[idea.kind]
        if count == 1:
            yield self._page(f"{self._opening()} {self._said(hero_and_wish)}", found, idea.place)
            return
        yield self._page(self._opening(), (), idea.place)
        departs, doubts = count >= 7 and not self._seen, count >= 9
        discovers, celebrates, returns = count >= 6, count >= 12, count >= 4
        if departs:
            yield self._page(self._said(plot.DEPARTURE[bool(idea.wish)]), (), idea.place)
        yield from self._middle(count - 2 - departs - doubts - discovers - celebrates - returns)
        if doubts:
            yield self._page(self._said(plot.DOUBT), (), self._place("night sky"))
        if discovers:
            yield self._page(self._said(plot.DISCOVERY[bool(found)], *found), found, idea.place)
        yield self._page(self._said(hero_and_wish), found, idea.place)
        if celebrates:
            friends = [thing for thing in self._met if _kind(thing) in _FRIENDS][:1]
            yield self._page(self._said(plot.PARTY[bool(friends)], *friends), friends, idea.place)
        if returns:
            yield self._page(self._said(plot.HOME), (), idea.place)

    def _middle(self, count: int) -> Iterator[PagePlan]:
        """Yield what happens on the way: first what further images show, then up to three pages for each thing."""
        for thing in self._seen[:count]:
            yield self._episode(thing)[0]
        left = count - len(self._seen[:count])
        number = min(-(-left // 3), len(self._ahead))
        things = self._ahead[: number - 1] + self._ahead[-1:] if number > 2 else self._ahead[:number]
        for index, thing in enumerate(things):
            pages = self._episode(thing)[: -(-left // (number - index))]
            left -= len(pages)
            yield from pages
        for index in range(left):
            yield self._page(self._said(plot.ON_THE_WAY[index % len(plot.ON_THE_WAY)]), (), self._place("meadow"))

    def _episode(self, thing: str) -> list[PagePlan]:
        self._met.append(thing)
        episode = plot.EPISODES.get(_kind(thing), plot.UNKNOWN)
        place = self._place(episode.place) if episode.place else self._idea.place
        return [self._page(self._said(text, thing), (thing,), place) for text in episode.pages]

    def _opening(self) -> str:
        idea = self._idea
        who = " and ".join(f"{_introduced(hero.name, hero.looks)} {hero.more}".strip() for hero in idea.heroes)
        where = f" {idea.place}" if idea.place else ""
        was = "were" if idea.heroes[0].plural else "was"
        return f"{plot.BEGINNING.format(was=was, who=who, where=where)} {self._said(plot.WISHES[idea.kind])}"

    def _said(self, text: str, thing: str = "") -> str:
        idea = self._idea
        a, the = (number_phrase(thing), f"the {thing}") if thing else ("", "")
        return text.format(
            hero=idea.hero,
            Hero=_capital(idea.hero),
            was="were" if idea.plural else "was",
            wish=idea.wish,
            quest=plot.QUESTS[idea.kind].format(wish=idea.wish),
            a=a,
            the=the,
            The=_capital(the),
        )

    def _page(self, text: str, things: Sequence[str], place: str) -> PagePlan:
        shows = f"{' and '.join(map(number_phrase, things))} {place}".strip()
        heroes = [hero.name for hero in self._idea.heroes]
        shown = heroes[:1] if things and self._vocabulary is not None else heroes  # a small model draws two things
        return PagePlan(text=text, picture=shows or heroes[0], characters=tuple(shown))

    def _place(self, background: str) -> str:
        return place_phrase(background) if background in self._known["backgrounds"] else self._idea.place

    def _things(self, text: str) -> list[str]:
        return [colored(thing, self._known) for thing in count_things(text, self._known)]


def _introduced(name: str, looks: str) -> str:
    """Return somebody as they appear for the first time: "a red cat", "a red cat called Mina"."""
    if looks.startswith("the "):
        return number_phrase(looks.removeprefix("the "))
    if name == looks:
        return f"somebody called {name}" if name[:1].isupper() else name
    return looks if name.startswith("the ") else f"{looks} called {name}"


def _kind(thing: str) -> str:
    return thing.split()[-1]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
