"""Slides that the model's `slides` specialist lays out: a place for each text, and images of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from seedx_sdk import AsyncSeedX, ChatReply, Message, ModelInfo, SeedX
from seedx_sdk.errors import GenerationCancelled, SeedXError
from seedx_sdk.prompts import parse_slide_answer, slide_outline
from seedx_sdk.tokens import box_to_normalized
from seedx_tools.decks.layout.regions import Frame, SlideDesign, is_laid_out
from seedx_tools.decks.outline import SlidePlan
from seedx_tools.illustration.illustrator import ALT_PREFIX, Illustration

SPECIALIST = "slides"
_MIN_SIDE = 0.05
"""Narrower blocks hold nothing that can be read."""
_MAX_OVERLAP = 0.01
"""Two blocks may reach into each other by this much: boxes are written in steps of 1/224."""


@dataclass(frozen=True, slots=True)
class DesignRequest:
    """The texts of a slide to lay out."""

    texts: tuple[str, ...]
    """Its title, then its points, if it has any."""
    seed: int
    where: str
    """The slide, for warnings."""


def request_design(plan: SlidePlan, *, seed: int, where: str) -> DesignRequest | None:
    """Return the request for the design of a slide; None if it holds other things than a title and points."""
    if not is_laid_out(plan) or plan.picture_file or plan.picture == "":
        return None
    points = "\n".join(bullet for bullet in plan.bullets if bullet.strip())
    return DesignRequest((plan.title, *([points] if points else [])), seed, where)


def missing_designer(info: ModelInfo, *, wanted: bool) -> str | None:
    """Return the warning for a user who wants the specialist of a model that has none, otherwise None."""
    if not wanted or SPECIALIST in info.specialists:
        return None
    return (
        f"{info.name} has no {SPECIALIST} specialist, so the slides follow the template; train one with "
        f"`seedx train {SPECIALIST}` and add it with `seedx export`"
    )


def design_slide(seedx: SeedX, request: DesignRequest, warn: Callable[[str], None]) -> SlideDesign | None:
    """Return the design of a slide; None, with a warning, if the model gave none that can be used."""
    with _failure_as_warning(request, warn):
        return _design(seedx.chat(_messages(request), specialist=SPECIALIST, seed=request.seed), request)
    return None


async def design_slide_async(
    seedx: AsyncSeedX, request: DesignRequest, warn: Callable[[str], None]
) -> SlideDesign | None:
    """Return the design of a slide; None, with a warning, if the model gave none that can be used."""
    with _failure_as_warning(request, warn):
        return _design(await seedx.chat(_messages(request), specialist=SPECIALIST, seed=request.seed), request)
    return None


def _messages(request: DesignRequest) -> list[Message]:
    return [Message.user(slide_outline(request.texts))]


def _design(reply: ChatReply, request: DesignRequest) -> SlideDesign:
    """Return the design that a reply holds.

    Raises:
        ValueError: If it holds none, a block is too small, or blocks cover each other.
    """
    blocks = parse_slide_answer(reply.written, len(request.texts))
    frames = [box_to_normalized(block.box) for block in blocks]
    for number, (x0, y0, x1, y1) in enumerate(frames):
        if min(x1 - x0, y1 - y0) < _MIN_SIDE:
            raise ValueError(f"block {blocks[number].number} is too small")
        if any(_overlap((x0, y0, x1, y1), other) > _MAX_OVERLAP for other in frames[:number]):
            raise ValueError(f"block {blocks[number].number} covers another one")
    texts = {block.number: frame for block, frame in zip(blocks, frames, strict=True) if block.kind != "picture"}
    drawn = [(block, frame) for block, frame in zip(blocks, frames, strict=True) if block.kind == "picture"]
    images = reply.message.images
    if len(images) != len(drawn):
        raise ValueError(f"it has {len(drawn)} pictures and {len(images)} images")
    pictures = [
        (frame, Illustration(image, alt=f"{ALT_PREFIX}{block.caption}"))
        for (block, frame), image in zip(drawn, images, strict=True)
    ]
    return SlideDesign(texts[1], texts.get(2), tuple(pictures))


def _overlap(one: Frame, other: Frame) -> float:
    """Return by how much two frames reach into each other, in the direction in which it is less."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return min(width, height)


@contextmanager
def _failure_as_warning(request: DesignRequest, warn: Callable[[str], None]) -> Iterator[None]:
    try:
        yield
    except GenerationCancelled:
        raise
    except (SeedXError, ValueError) as error:
        warn(f"{request.where}: the layout of the {SPECIALIST} specialist was not used: {error}")
