"""The in-process engine: a loaded model directory that answers requests with a stream of events."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from seedx_sdk import prompts
from seedx_sdk.engine.drawing import draw
from seedx_sdk.engine.familiarity import unfamiliar_picture, unfamiliar_words
from seedx_sdk.engine.protocol import Request
from seedx_sdk.engine.reply import ReplyBuilder
from seedx_sdk.model.anyres import EDIT_GRIDS, split_image
from seedx_sdk.model.directory import ModelParts, load_directory
from seedx_sdk.model.generation import ImageEvent, ImageTokenRule, stream
from seedx_sdk.model.lvlm import LVLM, pool_features
from seedx_sdk.model.transforms import ImageTransform
from seedx_sdk.tokens import TokenIds, image_block, input_mask
from seedx_sdk.types import ImagePart, Message, ModelInfo, Notice, StreamEvent

__all__ = ["LocalEngine"]

_DESCRIBE = "Describe the picture."


class LocalEngine:
    """Answers requests with the parts of a model directory, one at a time, on the CPU or one GPU."""

    def __init__(self, parts: ModelParts) -> None:
        self.parts = parts
        config = parts.config
        self._transform = ImageTransform("clip", config.visual_encoder.image_size)
        self._negative: Tensor | None = None
        self._info = ModelInfo(
            name=config.name,
            revision=config.revision,
            image_size=config.image_size,
            sizes=config.sizes,
            is_picture_book=config.familiar_psnr is not None,
        )

    @classmethod
    def load(cls, folder: Path) -> LocalEngine:
        """Loads a model directory.

        Raises:
            WeightsMissingError: If the directory or a file is missing.
            WeightsCorruptError: If a file was cut short or changed.
        """
        return cls(load_directory(folder))

    @property
    def info(self) -> ModelInfo:
        """What the model is and what it accepts."""
        return self._info

    @torch.inference_mode()
    def stream(self, request: Request, cancel: Callable[[], bool] | None = None) -> Iterator[StreamEvent]:
        """The events of one reply; see `Engine.stream`."""
        started = time.perf_counter()
        yield from self._notices(request)
        parts, options = self.parts, request.options
        defaults = parts.config.generation
        model = parts.specialists.get(request.task, parts.lvlm)
        tokens = parts.tokenizer.ids
        embeds, last_id = self._read_prompt(request, model, tokens)
        reply = ReplyBuilder(self._info, parts.tokenizer, request, encode_seconds=time.perf_counter() - started)
        generator = torch.Generator().manual_seed(options.seed)
        temperature = options.temperature
        if temperature is None:
            temperature = defaults.temperature if request.task == "generate" else 0.0
        answer = stream(
            model,
            embeds,
            tokens,
            max_new_tokens=options.max_new_tokens or defaults.max_new_tokens,
            last_id=last_id,
            rule=_DrawFirst(tokens) if options.force_image else ImageTokenRule(tokens),
            temperature=temperature,
            generator=generator,
        )
        for event in answer:
            if cancel is not None and cancel():
                return
            if isinstance(event, ImageEvent):
                with reply.timed("denoise"):
                    picture = yield from draw(
                        parts.detokenizer,
                        event.features[None],
                        self._negative_features(),
                        condition=request.messages[-1].images[0] if request.task == "edit" else None,
                        options=options,
                        defaults=defaults,
                        cancel=cancel,
                    )
                if picture is None:
                    return
                yield reply.add_picture(picture)
                if request.task in ("generate", "edit"):
                    break
            else:
                yield from reply.add_token(event.token_id)
        yield reply.done(time.perf_counter() - started)

    def _read_prompt(self, request: Request, model: LVLM, tokens: TokenIds) -> tuple[Tensor, int]:
        """Returns the prompt's embeddings (1, L, D) and its last id."""
        pictures = [image for message in request.messages for image in message.images]
        grids = EDIT_GRIDS if request.task == "edit" else self.parts.config.read_grids
        views = [split_image(p, grids, self.parts.config.visual_encoder.image_size, self._transform) for p in pictures]
        blocks = [image_block(view.num_patches) for view in views]
        ids = [tokens.bos]
        for segment in _prompt(request, blocks):
            ids += self.parts.tokenizer.encode(segment)
        input_ids = torch.tensor([ids])
        if not views:
            return model.embed(input_ids), ids[-1]
        features = self.parts.visual_encoder(torch.cat([view.images for view in views]))
        positions = torch.cat([view.positions for view in views])
        mask = torch.tensor([input_mask(ids, tokens)])
        return model.embed(input_ids, features, mask, patch_positions=positions), ids[-1]

    def _negative_features(self) -> Tensor:
        """Returns the features (1, N, K) of the all-zero picture, averaged as the regressed ones are."""
        if self._negative is None:
            size = self.parts.config.visual_encoder.image_size
            features = self.parts.visual_encoder(torch.zeros(1, 3, size, size))
            self._negative = pool_features(features) if self.parts.config.lvlm.vit_down else features
        return self._negative

    def _notices(self, request: Request) -> Iterator[Notice]:
        """Warns of what a model of a small world can't know."""
        if not self._info.is_picture_book:
            return
        for picture in request.messages[-1].images:
            if note := unfamiliar_picture(picture, self.parts):
                yield Notice(text=note)
        if note := unfamiliar_words(request.messages[-1].text, self.parts):
            yield Notice(text=note)


class _DrawFirst(ImageTokenRule):
    """Does not let an answer end before it has drawn a picture."""

    def __init__(self, tokens: TokenIds, *, max_words: int = 160) -> None:
        super().__init__(tokens)
        self._words_left, self._drawn = max_words, False

    def _apply(self, last: int, row: Tensor) -> None:
        super()._apply(last, row)
        self._drawn = self._drawn or last == self.tokens.end_image
        if self._drawn or last in self.next_of:
            return
        self._words_left -= 1
        row[self.tokens.eos] = float("-inf")
        if self._words_left <= 0:
            row[self.tokens.begin_image] = row.max() + 10.0


def _prompt(request: Request, blocks: list[str]) -> list[str]:
    """Returns the segments of the conversation as the model was trained to read it.

    Args:
        request: What was said.
        blocks: The image tokens that stand for each picture, in order.
    """
    waiting = iter(blocks)
    turns: list[tuple[str, str]] = []
    user = ""
    for message in request.messages[:-1]:
        text = _inline(message, waiting)
        if message.role == "user":
            user = f"{user} {text}".strip()
        else:
            turns.append((user, text))
            user = ""
    question = f"{user} {_last(request, waiting)}".strip()
    return prompts.chat_segments(turns, question)


def _last(request: Request, waiting: Iterator[str]) -> str:
    message = request.messages[-1]
    text = message.text
    if request.task == "describe":
        text = text or _DESCRIBE
    elif request.task == "detect":
        text = prompts.detect_question(text)
    elif request.task == "generate" and not message.images:
        text = prompts.generate_request(text)
    if request.task == "chat":
        return _inline(message, waiting)
    return "".join(next(waiting) for _ in message.images) + text


def _inline(message: Message, waiting: Iterator[str]) -> str:
    """Returns the parts of a message in the order in which they were said."""
    return "".join(next(waiting) if isinstance(part, ImagePart) else part.text for part in message.content)
