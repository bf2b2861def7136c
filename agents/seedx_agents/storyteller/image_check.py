"""Checks that an image shows the requested subjects."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from seedx_sdk import SeedX
from seedx_tools.illustration.prompts import find_things, vocabulary_of


def missing_subjects(seedx: SeedX, image: Image.Image, subjects: Sequence[str]) -> list[str]:
    """Return the subjects, noun phrases such as "a red cat", that the model does not see in an image, in order.

    The picture-book model describes the image, which it does better than detecting one thing; other models detect each
    subject. Both are the model's own view, which can be wrong.
    """
    vocabulary = vocabulary_of(seedx.info)
    if vocabulary is None:
        return [subject for subject in subjects if not seedx.detect(image, subject).boxes]
    seen = set(find_things(seedx.describe(image).text, vocabulary)) if subjects else set()
    kinds = {thing.split()[-1] for thing in seen}
    return [subject for subject in subjects if not _all_seen(find_things(subject, vocabulary), seen, kinds)]


def _all_seen(things: list[str], seen: set[str], kinds: set[str]) -> bool:
    """Whether all things are seen, in their color if they have one."""
    return bool(things) and all(thing in seen if " " in thing else thing in kinds for thing in things)
