"""A story before it is illustrated: who is in it, how they look, and which scene shows whom.

Characters stay alike because code writes each prompt from their looks, always in the same words.
"""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from seedx_tools.illustration.prompts import Vocabulary, find_place, find_things, image_prompt
from seedx_tools.stories.template_planner import TemplateStoryPlanner


class _Plan(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Character(_Plan):
    """Somebody in the story."""

    name: str = Field(min_length=1, description="The name in the text of the story.")
    looks: str = Field(min_length=1, description="A noun phrase for an image model: kind and color, 'a red cat'.")


class Scene(_Plan):
    """One page."""

    text: str = Field(min_length=1, description="What the page says: two or three short sentences.")
    characters: tuple[str, ...] = Field(default=(), description="Names of the characters that the image shows.")
    things: tuple[str, ...] = Field(default=(), description="What else the image shows, as noun phrases.")
    place: str = Field(default="", description="Where it happens, as a phrase: 'on the beach'.")


class Screenplay(_Plan):
    """The whole story before it is illustrated."""

    title: str = Field(min_length=1, description="The story's title.")
    language: str = Field(default="en", pattern="^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", description="Language code.")
    characters: tuple[Character, ...] = Field(min_length=1, description="Everybody who appears in an image.")
    scenes: tuple[Scene, ...] = Field(min_length=1, description="The pages in order.")
    warnings: SkipJsonSchema[tuple[str, ...]] = ()
    """What the planner could not do."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [character.name for character in self.characters]
        if len(set(names)) < len(names):
            raise ValueError("two characters have the same name; give each a name of its own")
        for number, scene in enumerate(self.scenes, start=1):
            self.check(scene, f"scene {number}")
        return self

    def check(self, scene: Scene, where: str) -> None:
        """Raise ValueError if a scene shows somebody who is not a character."""
        names = [character.name for character in self.characters]
        for name in scene.characters:
            if name not in names:
                raise ValueError(f"{where} shows {name!r}, who is not one of the characters: {', '.join(names)}")

    def shown(self, scene: Scene) -> tuple[Character, ...]:
        """Return the characters of a scene, in its order."""
        named = {character.name: character for character in self.characters}
        return tuple(named[name] for name in scene.characters)

    def image_prompt(self, scene: Scene, vocabulary: Vocabulary | None) -> str:
        """Return the image prompt of a scene, with the looks of its characters in the same words every time.

        Args:
            scene: One of the scenes.
            vocabulary: What the model can draw; None: anything.
        """
        shown = " and ".join((*(character.looks for character in self.shown(scene)), *scene.things))
        wanted = f"{shown} {scene.place}".strip() or scene.text
        return image_prompt(wanted, vocabulary, context=scene.text).text


def template_screenplay(prompt: str, pages: int, vocabulary: Vocabulary | None, model: str) -> Screenplay:
    """Return a story without a language model, around the hero and the place in the prompt.

    Args:
        prompt: What the story is about.
        pages: How many pages.
        vocabulary: What the model can draw; None: anything.
        model: Its name, for warnings.
    """
    planner = TemplateStoryPlanner(vocabulary)
    hero, plan = planner.cast(prompt, None), planner.plan(prompt, pages, None)
    warnings = list(plan.warnings)
    if vocabulary is None:
        character = Character(name=hero.name, looks=hero.hero)
        scenes = (
            Scene(text=page.text, characters=(hero.name,), place=page.picture.removeprefix(hero.hero).strip())
            for page in plan.pages
        )
        return Screenplay(
            title=plan.title, characters=(character,), scenes=tuple(scenes), warnings=tuple(dict.fromkeys(warnings))
        )
    looks = find_things(plan.pages[0].picture, vocabulary)[0]
    if not find_things(hero.hero, vocabulary):
        warnings.append(f"{model} cannot draw {hero.hero}: a {looks} stands for {hero.name} in every image")
    return Screenplay(
        title=plan.title,
        language=plan.language,
        characters=(Character(name=hero.name, looks=looks),),
        scenes=tuple(_scene(page.text, page.picture, hero.name, looks, vocabulary) for page in plan.pages),
        warnings=tuple(warnings),
    )


def _scene(text: str, shows: str, hero: str, looks: str, vocabulary: Vocabulary) -> Scene:
    things = [thing for thing in find_things(shows, vocabulary) if thing.split()[-1] != looks.split()[-1]]
    place = find_place(shows, vocabulary) or ""
    others = tuple(thing for thing in things if thing.split()[-1] in text)
    return Scene(text=text, characters=(hero,), things=others, place=place)
