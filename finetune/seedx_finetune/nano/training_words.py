"""The words that training lets the model read, for each task: what a checkpoint stores as its vocabulary."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from seedx_finetune.nano import dialogues
from seedx_finetune.world import sample_arranged_scene, sample_edit, sample_scene
from seedx_sdk.engine.domain_check import words_of
from seedx_sdk.tokens import clean_text

_SAMPLES = 300
"""Dialogues of each kind: enough for every seed to find the same words."""
_TURNS = 6
_PHRASES = 8
"""Sizes are seldom what tells things apart, so their words are rare."""


def training_vocabulary(seed: int = 0) -> dict[str, str]:
    """Return the words of the training requests by task, in alphabetical order and joined by blanks.

    Args:
        seed: Of the sampled requests; every seed finds the same words.
    """
    found: dict[str, set[str]] = {"generate": set(), "edit": set(), "detect": set(), "describe": set()}
    rng = np.random.default_rng(seed)
    for _ in range(_SAMPLES):
        for task, text in _requests(rng):
            found[task].update(words_of(text))
    return {task: " ".join(sorted(words)) for task, words in found.items()}


def _requests(rng: np.random.Generator) -> Iterator[tuple[str, str]]:
    """Yield a request of each kind with its task."""
    arranged, scene = sample_arranged_scene(rng), sample_scene(rng)
    talks = {
        "generate": dialogues.drawing_lesson(arranged, rng),
        "edit": dialogues.edit_request(0, sample_edit(rng)),
        "describe": dialogues.two_images((0, 1), (scene, arranged), rng),
    }
    for task, talk in talks.items():
        yield task, _read(talk)
    for _ in range(_PHRASES):
        yield "detect", _read(dialogues.find_request(0, scene, rng))
    yield "describe", _read(dialogues.conversation(0, scene, rng, turns=_TURNS))


def _read(talk: list[dialogues.Segment]) -> str:
    """Return what is only read in a dialogue, without image tokens."""
    text = " ".join(segment.text for segment in talk if not segment.learn)
    return clean_text(text.replace("[INST]", "").replace("[/INST]", ""))
