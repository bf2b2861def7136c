"""Dialogues as token sequences, and sequences as padded batches.

Shapes: B sequences, L tokens, I images (an image that is read counts twice: its one patch and the global view),
N features of an image, D their width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from seedx_finetune.nano.dialogues import Segment
from seedx_finetune.nano.page_code import WIDTH, drawn_codes, rename
from seedx_finetune.world import Scene
from seedx_sdk.model.lvlm import POOL
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.tokens import NUM_IMAGE_TOKENS, input_mask

IGNORE = -100

Features = Callable[[list[int]], Tensor]
"""From indices of I images to their visual features (I, N, D)."""


@dataclass(frozen=True, slots=True)
class Example:
    """One tokenised dialogue."""

    input_ids: list[int]
    labels: list[int]
    reads: list[bool]
    """Positions that are overwritten by the features of an image."""
    draws: list[bool]
    """Positions whose hidden states are regressed onto an image's features."""
    images: list[int | Scene]
    """The images in the order of the tokens: the index of one that is read, which stands twice, or the page of one
    that is drawn."""
    renames: dict[str, str]
    """Colors and kinds of the images that are read, each with its alias."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one training step of the LVLM reads."""

    input_ids: Tensor
    """(B, L) right-padded."""
    labels: Tensor
    """(B, L), -100 where nothing is learned."""
    ids_cmp_mask: Tensor
    """(B, L) bool."""
    ids_gen_mask: Tensor
    """(B, L) bool."""
    image_embeds: Tensor | None
    """(I, N, D) features of all images in token order, None without any."""
    embeds_cmp_mask: Tensor | None
    """(I,) bool."""
    embeds_gen_mask: Tensor | None
    """(I,) bool."""
    patch_positions: Tensor | None
    """(I, 2); a page is one cell, so always (0.5, 0.5)."""


def encode(segments: Sequence[Segment], tokenizer: Tokenizer) -> Example:
    """Return the ids of a dialogue with bos and eos and what is supervised: learned text, `<img>` and eos."""
    tokens = tokenizer.ids
    ids, labels, reads, draws = [tokens.bos], [IGNORE], [False], [False]
    images: list[int | Scene] = []
    renames: dict[str, str] = {}
    hidden = {*tokens.image, tokens.end_image}
    answered = False
    for segment in segments:
        piece = tokenizer.encode(segment.text)
        inside = input_mask(piece, tokens)
        ids += piece
        reads += [bool(segment.reads) and place for place in inside]
        draws += [bool(segment.draws) and place for place in inside]
        learn = segment.learn or bool(segment.draws)
        piece_labels = [i if learn and i not in hidden else IGNORE for i in piece]
        if segment.begins:
            piece_labels[0] = piece[0]
        elif answered and not learn:
            piece_labels[0] = tokens.eos  # an answer ends here, although no end token stands between turns
        labels += piece_labels
        answered = learn
        images += [index for index in segment.reads for _ in range(2)]
        images += segment.draws
        renames |= dict(segment.renames)
    return Example([*ids, tokens.eos], [*labels, tokens.eos], [*reads, False], [*draws, False], images, renames)


def collate(examples: Sequence[Example], features: Features, pad_id: int) -> Batch:
    """Return the examples right-padded to the longest, with the features of their images.

    Args:
        examples: B tokenised dialogues.
        features: Gives the features of the images that are read; those to draw are the codes of their pages.
        pad_id: Fills the end of shorter rows.
    """
    length = max(len(e.input_ids) for e in examples)

    def pad(rows: list[list[int]] | list[list[bool]], value: int | bool) -> Tensor:
        return torch.tensor([[*row, *([value] * (length - len(row)))] for row in rows])

    images = [p for e in examples for p in e.images]
    drawn = torch.tensor([isinstance(p, Scene) for p in images], dtype=torch.bool) if images else None
    embeds = None
    if drawn is not None:
        embeds = torch.zeros(len(images), POOL * NUM_IMAGE_TOKENS, WIDTH)
        if drawn.any():
            codes = drawn_codes([p for p in images if isinstance(p, Scene)])
            embeds[drawn] = codes.repeat_interleave(POOL, dim=1)
        if not drawn.all():
            embeds[~drawn] = features([p for p in images if isinstance(p, int)])
            for page, renames in zip(embeds, [e.renames for e in examples for _ in e.images], strict=True):
                rename(page, renames)
    return Batch(
        input_ids=pad([e.input_ids for e in examples], pad_id),
        labels=pad([e.labels for e in examples], IGNORE),
        ids_cmp_mask=pad([e.reads for e in examples], False),
        ids_gen_mask=pad([e.draws for e in examples], False),
        image_embeds=embeds,
        embeds_cmp_mask=None if drawn is None else ~drawn,
        embeds_gen_mask=drawn,
        patch_positions=None if drawn is None else torch.full((len(images), 2), 0.5),
    )
