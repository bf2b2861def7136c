"""A story in scenes: who is in it, how they look, and which scene shows whom and what.

Characters stay alike because code writes each prompt from their looks, always in the same words.
"""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from seedx_tools.illustration.prompts import Vocabulary, image_prompt, listed_things
from seedx_tools.stories.cast import image_text
from seedx_tools.stories.plan import Character, PagePlan, StoryPlan


class Scene(BaseModel):
    """One page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = Field(min_length=1, description="What the page says: two or three short sentences.")
    characters: tuple[str, ...] = Field(default=(), description="Names of the characters that the image shows.")
    things: tuple[str, ...] = Field(default=(), description="What else the image shows, as noun phrases.")
    place: str = Field(default="", description="Where it happens, as a phrase: 'on the beach'.")

    def page(self) -> PagePlan:
        """Return the page; its picture is the things and the place."""
        picture = f"{' and '.join(self.things)} {self.place}".strip()
        return PagePlan(text=self.text, picture=picture, characters=self.characters)


class Screenplay(BaseModel):
    """The whole story before it is illustrated."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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
        return image_prompt(image_text(scene.page(), self.characters), vocabulary, context=scene.text).text

    def plan(self) -> StoryPlan:
        """Return the story in pages, as the other planners write it."""
        return StoryPlan(
            title=self.title,
            language=self.language,
            characters=self.characters,
            pages=tuple(scene.page() for scene in self.scenes),
            warnings=self.warnings,
        )

    @classmethod
    def of(cls, plan: StoryPlan) -> Self:
        """Return a plan in scenes."""
        pictures = [listed_things(page.picture) for page in plan.pages]
        return cls(
            title=plan.title,
            language=plan.language,
            characters=plan.characters,
            scenes=tuple(
                Scene(text=page.text, characters=page.characters, things=tuple(things), place=place)
                for page, (things, place) in zip(plan.pages, pictures, strict=True)
            ),
            warnings=plan.warnings,
        )
