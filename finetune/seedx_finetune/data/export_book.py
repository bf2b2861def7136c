"""The picture-book world as small training sets, one directory for each format."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image
from pptx import Presentation
from pptx.util import Emu

from seedx_finetune.data.check import check_source
from seedx_finetune.data.config import SourceConfig
from seedx_finetune.data.formats import make_format
from seedx_finetune.data.formats.base import BadRecord
from seedx_finetune.data.index import Source
from seedx_finetune.errors import DataError
from seedx_finetune.world import (
    BACKGROUNDS,
    SEEN_PAIRS,
    SIZES,
    SPOTS,
    Box,
    EditPair,
    Scene,
    Thing,
    box_around,
    caption,
    count_noun,
    describe,
    facts,
    place,
    questions,
    referring,
    render,
    sample_edit,
    sample_scene,
)
from seedx_finetune.world.language import with_article
from seedx_finetune.world.scene import pick
from seedx_sdk import prompts
from seedx_sdk.engine import NANO
from seedx_sdk.files import write_file
from seedx_sdk.imaging import to_png
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.tokens import NUM_IMAGE_TOKENS, box_from_pixels, box_text

__all__ = ["SPLITS", "export_book", "prepare_book"]

SPLITS = ("train", "held_out")
_HELD_OUT_SHARE = 0.25
_TAR_SAMPLES = 1000
_BOOK_RECORDS = 24
"""Of each format in a book that is written for a debug recipe."""
_BOOK_SIZE = 128
"""Side of its images in pixels: nano's."""
_DECK_SLIDES = 10
_TITLES = ("1. {}", "A page with {}", "Seen here: {}")
"""One begins with a number, as the lines of an outline do."""


@dataclass(frozen=True, slots=True)
class _Set:
    """A set that is being written."""

    directory: Path
    count: int
    """Records."""
    size: int
    """Side of the images, in pixels."""
    rng: np.random.Generator

    def image(self, name: str, scene: Scene) -> str:
        """Write a page under a name and return the name."""
        self.write(name, to_png(render(scene, self.size)))
        return name

    def write(self, name: str, data: bytes) -> None:
        """Write a file, with its directory."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, data)

    def lines(self, name: str, records: Sequence[Mapping[str, object]]) -> None:
        """Write a JSONL file."""
        self.write(name, "".join(json.dumps(record) + "\n" for record in records).encode())

    def tars(self, samples: Sequence[Mapping[str, bytes]]) -> None:
        """Write samples, each the content of its files by suffix, to tar files."""
        for begin in range(0, len(samples), _TAR_SAMPLES):
            buffer = io.BytesIO()
            with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
                for number, sample in enumerate(samples[begin : begin + _TAR_SAMPLES], start=begin):
                    for suffix, data in sample.items():
                        member = tarfile.TarInfo(f"{number:06d}.{suffix}")
                        member.size = len(data)
                        tar.addfile(member, io.BytesIO(data))
            self.write(f"{begin // _TAR_SAMPLES:05d}.tar", buffer.getvalue())


def export_book(directory: Path, n: int, seed: int, *, size: int = 448) -> None:
    """Write `n` records of each format to DIRECTORY/train/FORMAT, and a quarter as many to DIRECTORY/held_out/FORMAT.

    Both splits hold the pairs of color and kind that training may show, on other pages. The same files come from the
    same arguments.

    Args:
        directory: New or empty.
        n: Records of each format to train on, at least 1.
        seed: Everything follows from it.
        size: Side of the images in pixels; the filters of the formats leave out those below 400, unless their
            `min_side` says otherwise.

    Raises:
        DataError: If the directory is not empty, or `n` is not positive.
    """
    if n < 1:
        raise DataError(f"n is {n}; at least one record of each format must be written")
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise DataError(f"{directory} is not an empty directory; give a new one")
    for split, name in enumerate(SPLITS):
        count = n if name == "train" else max(1, round(n * _HELD_OUT_SHARE))
        for number, (format_name, write) in enumerate(_WRITERS.items()):
            rng = np.random.default_rng([seed, split, number])
            write(_Set(directory / name / format_name, count, size, rng))


def prepare_book(book: Path | None, sources: Sequence[SourceConfig]) -> None:
    """Write the picture book, and the indexes of its sources, unless they are there.

    Args:
        book: Its directory; None does nothing.
        sources: Those of its sources that are trained on.

    Raises:
        DataError: If a source is not part of the book, or a record of it is bad.
    """
    if book is None:
        return
    if not book.exists():
        book.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=book.parent, prefix=".book-") as partial:
            export_book(Path(partial) / "book", _BOOK_RECORDS, seed=0, size=_BOOK_SIZE)
            (Path(partial) / "book").rename(book)
    for source in sources:
        try:
            Source(source)
        except DataError:
            _index(source)


def _index(source: SourceConfig) -> None:
    def refuse(bad: BadRecord) -> None:
        raise DataError(f"{bad.name}: {bad.reason}")

    tokenizer = Tokenizer.from_pretrained(NANO / "llm")
    format = make_format(source.format, source.options)
    check_source(source.path, format, tokenizer, cell=_BOOK_SIZE, num_tokens=NUM_IMAGE_TOKENS, on_bad=refuse)


def _captions(out: _Set) -> None:
    samples = []
    for _ in range(out.count):
        scene = sample_scene(out.rng)
        metadata = json.dumps({"width": out.size, "height": out.size})
        text = caption(scene, out.rng)
        samples.append({"png": to_png(render(scene, out.size)), "txt": text.encode(), "json": metadata.encode()})
    out.tars(samples)


def _grounded_captions(out: _Set) -> None:
    samples = []
    for _ in range(out.count):
        scene = sample_scene(out.rng)
        text, spans = "", []
        counts = facts(scene)
        for number, (pair, count) in enumerate(counts.items(), start=1):
            begin = len(text)
            text += count_noun(count, *pair)
            members = [thing for thing in scene.things if thing.pair == pair]
            spans += [[begin, len(text), *thing.box, 1.0] for thing in members]
            text += "" if number == len(counts) else " and " if number == len(counts) - 1 else ", "
        text += f" {BACKGROUNDS[scene.background].phrase}"
        metadata = json.dumps({"caption": text, "noun_chunks": spans, "ref_exps": []})
        samples.append({"png": to_png(render(scene, out.size)), "txt": text.encode(), "json": metadata.encode()})
    out.tars(samples)


def _llava(out: _Set) -> None:
    records = []
    for number in range(out.count):
        scene = sample_scene(out.rng)
        turns = ["Describe the image.", describe(scene)]
        for asked in questions(scene, out.rng)[:2]:
            turns += [asked.question, asked.answer]
        phrase, indices = referring(scene, out.rng)
        turns += [prompts.detect_question(phrase), "".join(_box(scene.things[index].box) for index in indices)]
        records.append({"image": out.image(f"images/{number:06d}.png", scene), "data": turns})
    out.lines("llava.jsonl", records)


def _edits(out: _Set) -> None:
    records: list[Mapping[str, object]] = []
    for number in range(out.count):
        first = sample_edit(out.rng)
        edits = [first]
        if out.rng.random() < 0.25:
            edits.append(sample_edit(out.rng, source=first.target, kind="background"))
        records.append(_session(out, number, edits))
    out.lines("edits.jsonl", records)


def _session(out: _Set, number: int, edits: Sequence[EditPair]) -> Mapping[str, object]:
    pages = [edits[0].source, *(edit.target for edit in edits)]
    names = [out.image(f"images/{number:06d}_{page}.png", scene) for page, scene in enumerate(pages)]
    if len(edits) == 1:
        return {"source_image": names[0], "target_image": names[1], "instruction": edits[0].instruction}
    turns = [
        {"input": before, "output": after, "instruction": edit.instruction}
        for edit, before, after in zip(edits, names, names[1:], strict=False)
    ]
    return {"turns": turns}


def _interleaved(out: _Set) -> None:
    records = []
    for number in range(out.count):
        texts: list[str | None] = []
        images: list[str | None] = []
        for page in range(int(out.rng.integers(1, 4))):
            scene = sample_scene(out.rng)
            texts += [_sentence(f"page {page + 1}: {caption(scene, out.rng)}"), None]
            images += [None, out.image(f"images/{number:06d}_{page}.png", scene)]
        records.append({"texts": texts, "images": images})
    out.lines("interleaved.jsonl", records)


def _stories(out: _Set) -> None:
    records = []
    for number in range(out.count):
        hero = pick(out.rng, SEEN_PAIRS)
        images, captions = [], []
        for page in range(int(out.rng.integers(3, 7))):
            met = pick(out.rng, [pair for pair in SEEN_PAIRS if pair != hero])
            scene = place(out.rng, [hero, met])
            images.append(out.image(f"images/{number:06d}_{page}.png", scene))
            who, whom = (" ".join(pair) for pair in (hero, met))
            where = BACKGROUNDS[scene.background].phrase
            hero_named = with_article(who) if page == 0 else f"the {who}"
            captions.append(_sentence(f"{hero_named} meets {with_article(whom)} {where}"))
        records.append({"id": number, "images": images, "captions": captions, "orders": list(range(len(images)))})
    out.lines("stories.jsonl", records)


def _text(out: _Set) -> None:
    records = []
    for _ in range(out.count):
        scene = sample_scene(out.rng)
        asked = [f"{_sentence(qa.question, end='')} {_sentence(qa.answer)}" for qa in questions(scene, out.rng)]
        records.append({"text": "\n".join([describe(scene), *asked])})
    out.lines("text.jsonl", records)


def _try_on(out: _Set) -> None:
    """Write pages as figures, and one of their things, alone and large, as the garment, in the layout of VITON-HD."""
    lines = []
    for number in range(out.count):
        scene = sample_scene(out.rng)
        worn = pick(out.rng, scene.things)
        box = box_around(worn.kind, SPOTS["in the middle"], SIZES["large"])
        name = f"{number:06d}_00"
        out.image(f"train/image/{name}.png", scene)
        out.image(f"train/cloth/{name}.png", Scene("room", (Thing(worn.kind, worn.color, "large", box),)))
        mask = Image.new("L", (out.size, out.size))
        mask.paste(255, _pixels(worn.box, out.size))
        out.write(f"train/agnostic-mask/{name}_mask.png", to_png(mask))
        lines.append(f"{name}.png {name}.png\n")
    out.write("train_pairs.txt", "".join(lines).encode())


def _slides(out: _Set) -> None:
    for begin in range(0, out.count, _DECK_SLIDES):
        deck = Presentation()
        for _ in range(begin, min(out.count, begin + _DECK_SLIDES)):
            _add_slide(deck, out)
        buffer = io.BytesIO()
        deck.save(buffer)
        out.write(f"{begin // _DECK_SLIDES:05d}.pptx", _undated(buffer.getvalue()))


def _add_slide(deck: Any, out: _Set) -> None:
    """Add a slide with a title, what is on a page, and the page, on either side."""
    scene = sample_scene(out.rng)
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    things = facts(scene)
    slide.shapes.title.text = pick(out.rng, _TITLES).format(count_noun(len(scene.things), None, "thing"))
    left = bool(out.rng.random() < 0.5)
    wide, high = int(deck.slide_width), int(deck.slide_height)
    side = int(high * (0.4 + 0.2 * out.rng.random()))
    body = slide.placeholders[1]
    body.left, body.top = Emu(side + wide // 10 if left else wide // 20), Emu(high // 4)
    body.width, body.height = Emu(wide - side - wide // 8), Emu(high // 2)
    body.text_frame.text = "\n".join(count_noun(count, *pair) for pair, count in things.items())
    at = Emu(wide // 20 if left else wide - wide // 20 - side)
    image = io.BytesIO(to_png(render(scene, out.size)))
    picture = slide.shapes.add_picture(image, at, Emu(high // 3), Emu(side), Emu(side))
    picture._element.nvPicPr.cNvPr.set("descr", caption(scene, out.rng))


def _undated(data: bytes) -> bytes:
    """Return a ZIP archive whose members all have the same date."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as dated, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as undated:
        for name in dated.namelist():
            undated.writestr(zipfile.ZipInfo(name), dated.read(name), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _pixels(box: Box, size: int) -> tuple[int, int, int, int]:
    x0, y0, x1, y1 = (round(value * size) for value in box)
    return x0, y0, x1, y1


def _box(box: Box) -> str:
    return box_text(box_from_pixels(box, 1, 1))


def _sentence(text: str, end: str = ".") -> str:
    return f"{text[0].upper()}{text[1:]}{end}"


_WRITERS: dict[str, Callable[[_Set], None]] = {
    "captions": _captions,
    "edits": _edits,
    "grounded_captions": _grounded_captions,
    "interleaved": _interleaved,
    "llava": _llava,
    "slides": _slides,
    "stories": _stories,
    "text": _text,
    "try_on": _try_on,
}
"""By format; a new one goes to the end, for the place decides its random numbers."""
