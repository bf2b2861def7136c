"""Cases of the readers of training data: what the reference makes of a record, with the random numbers it drew."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from parity_case import Report
from parity_text import tokenizer as read_tokenizer

from seedx_finetune.data.documents import Document, Draws, ImageRef, Text
from seedx_finetune.data.examples import encode
from seedx_finetune.data.formats.base import Row, image_to_row
from seedx_finetune.data.formats.captions import Captions
from seedx_finetune.data.formats.edits import Edits
from seedx_finetune.data.formats.llava import Llava
from seedx_finetune.data.formats.stories import Stories
from seedx_finetune.data.reference import Limits, ReferenceSample, caption_document, cut, pad, story_time_ids, views
from seedx_sdk import prompts
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.tokens import image_block

T = TypeVar("T")
PER_IMAGE = ("embeds_gen_mask", "embeds_cmp_mask", "images_patch_length", "patch_position", "image_size")


class RecordedDraws:
    """The random numbers that a case recorded, in their order."""

    def __init__(self, draws: Sequence[tuple[str, Any]]) -> None:
        self.left = [(name.rpartition(".")[2], value) for name, value in draws]

    def uniform(self) -> float:
        return float(self._next("uniform")[1])

    def choice(self, options: Sequence[T]) -> T:
        kind, value = self._next("choice", "randint")
        chosen: T = options[value] if kind == "randint" else value  # the authors' choice, which is none of our options
        return chosen

    def randint(self, low: int, high: int) -> int:
        value = int(self._next("randint")[1])
        assert low <= value <= high
        return value

    def _next(self, *kinds: str) -> tuple[str, Any]:
        kind, value = self.left.pop(0)
        assert kind in kinds, f"a case drew a {kind} where we draw {' or '.join(kinds)}"
        return kind, value


def reference(name: str, size: Sequence[int]) -> ImageRef:
    return ImageRef(name, Path(name), size[0], size[1])


def row(images: Sequence[ImageRef], **fields: Any) -> Row:
    return {"images": [image_to_row(image) for image in images], **fields}


def run_data(report: Report) -> None:
    spec = report.case.inputs["spec"]
    names = read_tokenizer(report)
    limits = Limits(spec["max_length"], spec["base_resolution"], spec["num_img_tokens"], tuple(spec["grids"]))
    draws = RecordedDraws(spec["draws"])
    if spec["format"] == "llava_jsonl":
        document: Document | None = llava(spec, draws)
    elif spec["format"] == "edit_jsonl":
        document = edit(spec, draws)
    else:
        document = caption(report, spec, draws, names, limits)
    report.check("random numbers left", draws.left, [])
    compare(report, document, names, limits, whole=spec["format"] == "edit_jsonl")


def compare_example(report: Report, document: Document, names: Tokenizer, limits: Limits) -> None:
    """Compare the text, which has the tokens of images in it, except for captions."""
    expected = report.case.outputs["text"]
    if report.case.inputs["spec"]["format"] == "caption_webdataset":
        report.equal("text", "".join(part.text for part in document if isinstance(part, Text)))
        return
    report.check("text", joined(text_of(document, limits), names), joined(expected, names))
    report.equal("text", expected)


def llava(spec: dict[str, Any], draws: Draws) -> Document:
    record = spec["record"]
    shown = record.get("image") not in (None, "", "none")
    images = [reference(record["image"], spec["image_size_wh"])] if shown else []
    options = Llava(grids=spec["grids"], system_prompt=spec.get("system_message", ""))
    return options.document(row(images, turns=record["data"]), draws)


def edit(spec: dict[str, Any], draws: Draws) -> Document:
    record = spec["record"]
    images = [reference(record[f"{role}_image"], spec[f"{role}_size_wh"]) for role in ("source", "target")]
    turn = {"instruction": record["instruction"] or "", "response": None}
    if "instruction_new" in record and "response" in record:
        turn = {"instruction": record["instruction_new"] or "", "response": record["response"]}
    options = Edits(grids=spec["grids"], polite=spec["use_polite_response"], drop_instruction=spec["prompt_drop_ratio"])
    return options.document(row(images, turns=[turn]), draws)


def caption(report: Report, spec: dict[str, Any], draws: Draws, names: Tokenizer, limits: Limits) -> Document | None:
    if spec["instruction_prompt"] is not None:
        report.check("instruction prompt", prompts.instruct("{instruction}"), spec["instruction_prompt"])
    options = Captions(
        read_share=min(1, max(0, spec["img_first_ratio"])),
        instruct=spec["instruction_prompt"] is not None,
        requests=(request_in(report.case.outputs.get("text", ""), spec["caption"]),) * 28,
        grids=spec["grids"],
    )
    record = row([reference("image.jpg", spec["image_size_wh"])], caption=spec["caption"])
    return caption_document(record, options, draws, names, limits, ask=spec["add_gen_prompt"])


def request_in(text: str, caption: str) -> tuple[str, str]:
    """Return the authors' request and reply around a caption, for their lists are not ours."""
    before, _, after = text.partition(caption.strip(" "))
    return before.removeprefix("[INST] ").rstrip(" "), after.rpartition("\n")[2].strip(" ")


def run_story_data(report: Report) -> None:
    spec = report.case.inputs["spec"]
    names = read_tokenizer(report)
    limits = Limits(spec["max_length"], num_tokens=spec["num_img_tokens"], grids=())
    images = [reference(name, spec["image_size_wh"]) for name in spec["record"]["images"]]
    draws = RecordedDraws(spec["draws"])
    document = Stories().document(row(images, captions=spec["record"]["captions"]), draws)
    report.check("random numbers left", draws.left, [])
    compare(report, document, names, limits, whole=True)
    if report.expects("time_ids"):
        report.equal("time_ids", list(story_time_ids(images[-1], spec["sd_size"])))


def compare(report: Report, document: Document | None, names: Tokenizer, limits: Limits, *, whole: bool) -> None:
    """Compare the sample of a document, which is dropped, and not cut, if it must stay `whole`."""
    sample: ReferenceSample | None = None
    if document is not None:
        example = encode(document, names, name="", source="", cell=limits.cell, num_tokens=limits.num_tokens)
        sample = pad(example, names, limits) if whole else cut(example, names, limits)
    if document is None or sample is None:
        return dropped(report)
    report.equal("input_ids", sample.input_ids)
    report.equal("attention_mask", sample.attention_mask)
    report.equal("labels", sample.labels)
    report.equal("ids_cmp_mask", sample.read_mask)
    report.equal("ids_gen_mask", sample.draw_mask)
    report.equal("decoded_input", names.decode(sample.input_ids[: sum(sample.attention_mask)]))
    compare_example(report, document, names, limits)
    compare_images(report, document, limits)


def compare_images(report: Report, document: Document, limits: Limits) -> None:
    blocks = views(document, limits)
    flat = [view for block in blocks for view in block]
    report.equal("n_images", len(flat) or report.case.outputs["n_images"] and 0)
    if report.expects("none_keys"):
        absent = set() if flat else {*PER_IMAGE, "images"}
        expected = report.case.outputs["none_keys"]
        report.check("none_keys", absent - {"images"}, set(expected) - {"images"})
        report.equal("none_keys", expected)
    if not flat:
        return
    sizes = [[part.image.width, part.image.height] for part in document if not isinstance(part, Text)]
    report.equal("embeds_cmp_mask", [view.read for view in flat])
    report.equal("embeds_gen_mask", [view.draw for view in flat])
    if limits.grids:
        report.equal("images_patch_length", [len(block) for block in blocks])
        report.close("patch_position", torch.tensor([view.position for view in flat]), atol=1e-6)
        report.equal("image_size", sizes)


def dropped(report: Report) -> None:
    """Note every output that the case holds of a sample that we drop; it may say that there is none."""
    report.check("tensors of a sample that is dropped", sorted(report.case.tensors), [])
    for name, value in report.case.outputs.items():
        report.equal(name, True if value is True else type(value)())


def text_of(document: Document, limits: Limits) -> str:
    """Return what the document says, images as their tokens."""
    blocks = iter(views(document, limits))
    texts = []
    for part in document:
        if isinstance(part, Text):
            texts.append(part.text)
        else:
            block = next(blocks)
            texts.append(image_block(len(block) - 1 if block[0].read else 0, limits.num_tokens))
    return "".join(texts)


def joined(text: str, names: Tokenizer) -> str:
    """Return the text without the white space beside added tokens, which means nothing to the tokenizer."""
    tokens = "|".join(re.escape(name) for name in names.added)
    return re.sub(rf"\s*({tokens})\s*", r"\1", text)


KINDS = {"data": run_data, "story_data": run_story_data}
