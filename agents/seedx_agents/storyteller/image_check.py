"""Looking at a picture that was drawn: is what it should show there?"""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from seedx_sdk import SeedX
from seedx_tools.illustration.prompts import find_things, vocabulary_of


def missing_from(seedx: SeedX, picture: Image.Image, wanted: Sequence[str]) -> list[str]:
    """Return those of some noun phrases ("a red cat") that the model does not see in a picture, in order.

    The picture-book model is asked for a description, which it does better than finding one thing; other models find
    each phrase with a box. Either is the model's own view: it can be wrong.
    """
    vocabulary = vocabulary_of(seedx.info)
    if vocabulary is None:
        return [phrase for phrase in wanted if not seedx.detect(picture, phrase).boxes]
    seen = set(find_things(seedx.describe(picture).text, vocabulary)) if wanted else set()
    kinds = {thing.split()[-1] for thing in seen}
    return [phrase for phrase in wanted if not _all_seen(find_things(phrase, vocabulary), seen, kinds)]


def _all_seen(things: list[str], seen: set[str], kinds: set[str]) -> bool:
    """Whether all things are seen, in their colour where they have one."""
    return bool(things) and all(thing in seen if " " in thing else thing in kinds for thing in things)
