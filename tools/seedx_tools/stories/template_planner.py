"""Stories without a language model: a fixed template around the hero, the wish and the place of the prompt.

The plan's warnings say so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from seedx_tools.illustration.prompts import Vocabulary, find_place, find_things, image_prompt, place_phrase
from seedx_tools.stories.plan import PagePlan, StoryPlan

_REQUEST = re.compile(
    r"^(please )?(tell|write|make|create)?( me| us)? ?((a|an|the) )?((short|little|children's|bedtime|\w+-page) )*"
    r"(story|tale|book)( about| of|:| on| for) ",
    re.IGNORECASE,
)
_WISH = re.compile(r"\b(?:who|that|which)\b\s+(.*)", re.IGNORECASE | re.DOTALL)
_PLACE = re.compile(
    r"\s(?:(?:lives?|living|walking|playing|standing|sitting)\s)?((?:in|on|at|by|near|under) .*)",
    re.IGNORECASE | re.DOTALL,
)

_MIDDLE = (
    ("One morning {hero} saw something new: {friend}! Where had it come from?", True),
    ("{Hero} went on, further than ever before, and came to {friend}.", True),
    ("It grew late, and the way back was hard to find. But {hero} was not afraid for long.", False),
    ("There it was at last: {friend}. It was just what {hero} had been looking for.", True),
    ("Everyone wanted to hear about it, and {hero} told it all from the start.", False),
    ("And around the next corner was {friend}. What a day!", True),
)
"""Sentences of the middle pages, and whether the page's image shows the friend too."""

_WANTS = re.compile(r"(wants?|wanted|wishes|wished|dreams?|dreamed|loves?|loved)\s+((?:to|of)\s.*)", re.I | re.S)
_PAST = {
    "want": "wanted",
    "wants": "wanted",
    "wanted": "wanted",
    "wishes": "wished",
    "wished": "wished",
    "dream": "dreamed",
    "dreams": "dreamed",
    "dreamed": "dreamed",
    "love": "loved",
    "loves": "loved",
    "loved": "loved",
}

_SCENES = ("meadow", "beach", "night sky", "snow", "room")
_FRIENDS = ("a green tree", "a blue boat", "a yellow star", "a pink flower", "an orange balloon", "a purple umbrella")


@dataclass(frozen=True, slots=True)
class Cast:
    """What the prompt names: "a red cat", "on the beach", "wants to sail"."""

    hero: str
    place: str
    wish: str

    @property
    def name(self) -> str:
        """The hero with a definite article: "the red cat"."""
        return re.sub(r"^(an?|the|some) ", "the ", self.hero, flags=re.IGNORECASE)


class TemplateStoryPlanner:
    """Plans a story without a language model, around the hero, the place and the wish in the prompt.

    Args:
        vocabulary: What the image model can draw (vocabulary_of(seedx.info)); None: anything.
    """

    def __init__(self, vocabulary: Vocabulary | None = None) -> None:
        self._vocabulary = vocabulary

    def plan(self, text: str, num_pages: int, first_image: str | None) -> StoryPlan:
        """Return a story of num_pages pages; first_image, a description of the first image, names hero and place."""
        cast = self.cast(text, first_image)
        friends = self._friends(f"{text} {first_image or ''}", cast.hero)
        pages = [self._page(self._opening(cast), cast, "", cast.place)]
        for index in range(num_pages - 2):
            sentence, with_friend = _MIDDLE[index % len(_MIDDLE)]
            friend = friends[index % len(friends)]
            text = sentence.format(hero=cast.name, Hero=_capital(cast.name), friend=friend)
            pages.append(self._page(text, cast, friend if with_friend else "", self._scene(index, cast.place)))
        if num_pages > 1:
            closing = f"At the end of the day {cast.name} was home again, tired and happy."
            pages.append(self._page(closing, cast, "", cast.place))
        return StoryPlan(
            title=_capital(cast.name) + (f" {cast.place}" if cast.place else ""),
            pages=tuple(pages),
            warnings=(
                "written without a language model: a fixed template around the hero and the place in the prompt",
            ),
        )

    def cast(self, prompt: str, first_image: str | None) -> Cast:
        """Return the hero, the place and the wish that plan() uses."""
        text = _REQUEST.sub("", " ".join(prompt.split()).strip()).rstrip(".!")
        wish = ""
        if found := _WISH.search(text):
            wish, text = found.group(1).strip(), text[: found.start()].strip(" ,")
        place = ""
        if found := _PLACE.search(text):
            place, text = found.group(1).strip(" ,"), text[: found.start()].strip(" ,")
        hero = text or "somebody"
        if first_image and self._vocabulary is not None:
            seen = find_things(first_image, self._vocabulary)
            hero = _with_article(seen[0]) if seen else hero
            place = place or find_place(first_image, self._vocabulary) or ""
        elif first_image:
            hero = text or first_image.rstrip(".")
        named = re.match(r"(an?|the|some|my|our|two) ", hero, re.IGNORECASE)
        return Cast(hero=hero if named else _with_article(hero), place=place, wish=wish)

    def _opening(self, cast: Cast) -> str:
        opening = f"Once upon a time there was {_lower_article(cast.hero)}{' ' + cast.place if cast.place else ''}."
        wanted = _WANTS.match(cast.wish)
        if wanted:
            return f"{opening} More than anything, {cast.name} {_PAST[wanted.group(1).lower()]} {wanted.group(2)}."
        return f"{opening} Everybody knew {cast.name}, who {cast.wish}." if cast.wish else opening

    def _friends(self, text: str, hero: str) -> list[str]:
        """Return what the hero meets: first the things that the prompt names."""
        if self._vocabulary is None:
            return list(_FRIENDS)
        kinds = set(self._vocabulary["kinds"])
        own = [thing for thing in find_things(text, self._vocabulary) if " " in thing and thing.split()[-1] not in hero]
        known = [thing for thing in _FRIENDS if thing.split()[-1] in kinds and thing.split()[-1] not in hero]
        named = {thing.split()[-1] for thing in own}
        met = [_with_article(thing) for thing in own] + [thing for thing in known if thing.split()[-1] not in named]
        return met or list(_FRIENDS)

    def _scene(self, index: int, place: str) -> str:
        """Return where a middle page takes place: at home first, then further away."""
        if self._vocabulary is None or index == 0:
            return place
        scenes = sorted(
            self._vocabulary["backgrounds"],
            key=lambda name: next((i for i, s in enumerate(_SCENES) if s.split()[0] in name), 9),
        )
        return place_phrase(scenes[index % len(scenes)])

    def _page(self, text: str, cast: Cast, friend: str, place: str) -> PagePlan:
        shown = f"{cast.hero}{' and ' + friend if friend else ''} {place}".strip()
        home = f"{cast.hero} {cast.place}"
        return PagePlan(text=text, picture=image_prompt(shown, self._vocabulary, context=home).text)


def _with_article(thing: str) -> str:
    return thing if not thing[0].islower() else f"{'an' if thing[0] in 'aeiou' else 'a'} {thing}"


def _lower_article(hero: str) -> str:
    first, _, rest = hero.partition(" ")
    return f"{first.lower()} {rest}" if first.lower() in ("a", "an", "the", "some", "my", "our", "two") else hero


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
