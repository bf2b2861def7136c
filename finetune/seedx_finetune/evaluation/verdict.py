"""When an image counts as right: the rules for generation (after GenEval) and for edits.

The rules read what the judge saw; they know nothing of the model that drew.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from seedx_finetune.evaluation.judge import DetectedThing, Observation
from seedx_finetune.evaluation.prompts import Prompt, RequestedThing
from seedx_finetune.world import EditPair, Relation, facts

POSITION_MARGIN = 0.1
"""Two centers must lie at least this far apart (fraction of the page) in the named direction."""
PLACE_TOLERANCE = 0.12
"""After an edit a thing's center may be this far (fraction of the page, per axis) from where it belongs."""


def is_fulfilled(prompt: Prompt, observation: Observation) -> bool:
    """Return whether an image shows what its prompt asks for.

    - single_object, two_objects: each named kind is there at least once.
    - colors, color_attribution, and every prompt that names colors: at least one thing of the kind has that color.
    - counting: the number of things of the kind is exact, and all of them have the color where one is named.
    - position: of the best-scored thing for each name, the first lies on the named side of the second: at least
      `POSITION_MARGIN` away along that direction, and no farther across it than along it.

    Other things on the page don't matter. Source: GenEval (arXiv:2310.11513), section 3: presence, exact counts, the
    color of the detected thing, centers with a margin; GenEval accepts directions up to 60 degrees off, we 45.
    """
    matches = [_matching(want, observation) for want in prompt.requested]
    if prompt.category == "counting":
        (want,) = prompt.requested
        same_kind = [thing for thing in observation.things if thing.kind == want.kind]
        return len(matches[0]) == len(same_kind) == want.count
    if not all(matches):
        return False
    return prompt.relation is None or lies(matches[0][0], prompt.relation, matches[1][0])


def lies(a: DetectedThing, relation: Relation, b: DetectedThing) -> bool:
    """Return whether `a` lies to the named side of `b`, by their centers and with a margin."""
    dx, dy = b.center[0] - a.center[0], b.center[1] - a.center[1]
    along, across = {"left of": (dx, dy), "right of": (-dx, dy), "above": (dy, dx), "below": (-dy, dx)}[relation]
    return along >= max(POSITION_MARGIN, abs(across))


def is_done(edit: EditPair, observation: Observation) -> bool:
    """Return whether an image is the page that the edit's instruction asks for.

    It holds exactly the things of the target page (kind, color, count), each with its center at most
    `PLACE_TOLERANCE` from its place on the target page, on the target's background. So recoloring the wrong one of
    two houses, or losing a thing that wasn't meant, isn't done.
    """
    target = edit.target
    if observation.background != target.background or observation.facts != facts(target):
        return False
    distance = np.full((len(target.things), len(observation.things)), 1e3)
    for i, thing in enumerate(target.things):
        for j, found in enumerate(observation.things):
            if found.pair == thing.pair:
                distance[i, j] = max(abs(a - b) for a, b in zip(thing.center, found.center, strict=True))
    rows, columns = linear_sum_assignment(distance)
    return bool((distance[rows, columns] <= PLACE_TOLERANCE).all())


def _matching(want: RequestedThing, observation: Observation) -> list[DetectedThing]:
    return [thing for thing in observation.things if thing.kind == want.kind and want.color in (None, thing.color)]
