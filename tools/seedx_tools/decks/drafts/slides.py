"""A planned slide before it is written, and generating the images that slides request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import anyio

from seedx_sdk import AsyncSeedX, SeedX
from seedx_tools.decks.layout.regions import SlideDesign
from seedx_tools.decks.layout.specialist import DesignRequest, design_slide, design_slide_async
from seedx_tools.decks.outline import SlidePlan
from seedx_tools.illustration.illustrator import (
    Illustration,
    ImageRequest,
    generate_illustration,
    generate_illustration_async,
)
from seedx_tools.tool import Progress

_IMAGES_AT_ONCE = 4
"""Images of one deck that are generated at the same time by an AsyncSeedX; a deck leaves room for other callers."""


@dataclass(slots=True)
class DraftSlide:
    """A planned slide that is not written yet."""

    number: int
    """0 is the title slide."""
    plan: SlidePlan
    illustration: Illustration | None = None
    """From a file, or what the model generated for `request`."""
    gallery: Sequence[Illustration] = ()
    """Further images from files."""
    request: ImageRequest | None = None
    """What the model is to generate; None if nothing."""
    design_request: DesignRequest | None = None
    """What the specialist is to lay out; None if nothing."""
    design: SlideDesign | None = None
    """What the specialist made of that; None if nothing that can be used."""
    warnings: list[str] = field(default_factory=list)

    @property
    def where(self) -> str:
        """Its name in warnings."""
        return f"slide {self.number + 1}"

    def shows_picture(self, plan: SlidePlan) -> bool:
        """Return whether its image is shown when it is written from a plan: its own one, or that of a repair."""
        return plan is self.plan or plan.picture != "" or bool(plan.picture_file)

    def use_design(self, design: SlideDesign | None) -> None:
        """Take a design, with its first image as the slide's; without one, the slide is made as others are."""
        self.design = design
        if design is not None:
            self.request = None
            self.illustration = design.pictures[0][1] if design.pictures else None


def generate_illustrations(seedx: SeedX, slides: Sequence[DraftSlide], report: Progress) -> None:
    """Generate the designs and images that slides request, one after the other."""
    for slide in slides:
        report(slide.number, len(slides), slide.plan.title)
        if slide.design_request is not None:
            slide.use_design(design_slide(seedx, slide.design_request, slide.warnings.append))
        if slide.request is not None:
            slide.illustration = generate_illustration(seedx, slide.request, slide.warnings.append)


async def generate_illustrations_async(seedx: AsyncSeedX, slides: Sequence[DraftSlide], report: Progress) -> None:
    """Generate the designs and images that slides request, in the order of the slides, some at the same time."""
    done = 0
    capacity = anyio.Semaphore(_IMAGES_AT_ONCE)

    async def generate(slide: DraftSlide) -> None:
        nonlocal done
        async with capacity:
            report(done, len(slides), slide.plan.title)
            if slide.design_request is not None:
                slide.use_design(await design_slide_async(seedx, slide.design_request, slide.warnings.append))
            if slide.request is not None:
                slide.illustration = await generate_illustration_async(seedx, slide.request, slide.warnings.append)
        done += 1

    try:
        async with anyio.create_task_group() as group:
            for slide in slides:
                if slide.request is None and slide.design_request is None:
                    done += 1
                else:
                    group.start_soon(generate, slide)
    except ExceptionGroup as errors:  # generate_illustrations raises the first error, too
        raise errors.exceptions[0] from errors
