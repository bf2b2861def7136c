from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from seedx_finetune.data.batches import PackedBatch, Position
from seedx_finetune.data.collate import Collator
from seedx_finetune.data.config import SourceConfig
from seedx_finetune.data.examples import IGNORE, Example
from seedx_finetune.data.features import FeatureStore
from seedx_finetune.data.index import Source
from seedx_finetune.data.mixture import Mixture
from seedx_finetune.data.packing import WINDOW, Packer, best_fit
from seedx_sdk.imaging import open_image
from seedx_sdk.model.anyres import split_image
from seedx_sdk.model.grids import READ_GRIDS
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.model.transforms import CLIP_MEAN, CLIP_STD, ImageTransform
from tests.support.notes import CELL, TOKENS, Check, Line, Paint, texts

END = Position(1, 1, 0)


def make_packer(words: Tokenizer, *sources: SourceConfig, pack_length: int = 1024) -> Packer:
    mixture = Mixture([Source(source) for source in sources], 0)
    return Packer(mixture, words, pack_length, CELL, TOKENS)


def one_batch(packer: Packer, features: FeatureStore | None = None) -> PackedBatch:
    """Return the first pack of the stream as a batch."""
    (pack, *_), _ = packer.packs(0)
    return Collator(packer, features).batch(pack, END, ())


def test_rows_hold_all_indices_once_and_no_more_than_fits() -> None:
    rng = np.random.default_rng(1)
    lengths = rng.integers(1, 50, 300).tolist()
    rows = best_fit(lengths, 100)
    assert sorted(i for row in rows for i in row) == list(range(300))
    assert all(sum(lengths[i] for i in row) <= 100 for row in rows)
    assert len(rows) <= sum(lengths) / 100 + 1
    assert best_fit([], 10) == []


def test_rows_of_mixed_lengths_are_full(source: Check, words: Tokenizer) -> None:
    packer = make_packer(words, source(texts(600, longest=300)), pack_length=1024)
    packs = [pack for window in range(8) for pack in packer.packs(window)[0]]
    lengths = [len(example.input_ids) for pack in packs for example in pack.examples]
    assert np.std(lengths) > 0.7 * np.mean(lengths), "the lengths are very different"
    assert sum(lengths) / (1024 * len(packs)) > 0.9


def test_a_window_holds_its_positions_once(source: Check, words: Tokenizer) -> None:
    packer = make_packer(words, source(texts(WINDOW * 2)), pack_length=512)
    names = [example.name for window in (0, 1) for pack in packer.packs(window)[0] for example in pack.examples]
    assert sorted(names) == sorted(f"notes.jsonl:{i + 1}" for i in range(WINDOW * 2))
    firsts = [max(len(e.input_ids) for e in packer.packs(window)[0][0].examples) for window in range(6)]
    longest = [max(len(e.input_ids) for p in packer.packs(w)[0] for e in p.examples) for w in range(6)]
    assert firsts != longest, "the longest examples do not always come first"


def mixed_lines(paint: Paint) -> list[Line]:
    lines = texts(WINDOW, longest=20)
    for i, line in enumerate(lines):
        if i % 3 == 0:
            line["read"] = paint(f"r{i}.png", 40 + i, 30)
        if i % 4 == 0:
            line["draw"] = paint(f"d{i}.png", 40, 30 + i)
    return lines


def test_a_row_is_its_examples_one_behind_the_other(source: Check, paint: Paint, words: Tokenizer) -> None:
    packer = make_packer(words, source(mixed_lines(paint), grids=["1x1", "2x1"]))
    examples = {found.name: found for found in map(packer.example, range(WINDOW)) if isinstance(found, Example)}
    packs, skipped = packer.packs(0)
    assert (len(examples), skipped) == (WINDOW, [])
    for pack in packs:
        batch = Collator(packer).batch(pack, END, ())
        assert batch.names == tuple(example.name for example in pack.examples)
        assert batch.boundaries.dtype == torch.int32
        bounds = batch.boundaries.tolist()
        assert bounds[0] == 0
        assert bounds[-1] == batch.input_ids.shape[1] <= 1024
        for name, begin, end in zip(batch.names, bounds, bounds[1:], strict=False):
            example, row = examples[name], slice(begin, end)
            assert batch.input_ids[0, row].tolist() == example.input_ids
            assert batch.labels[0, row].tolist() == example.labels
            assert batch.labels[0, begin] == IGNORE
            assert batch.labels[0, end - 1] == words.eos_id
            assert batch.position_ids[0, row].tolist() == list(range(end - begin))
            assert batch.read_mask[0, row].tolist() == example.read_mask
            assert batch.draw_mask[0, row].tolist() == example.draw_mask
        assert batch.read_mask.sum() == TOKENS * len(batch.read_cells) == TOKENS * len(batch.read_positions)
        assert batch.draw_mask.sum() == TOKENS * len(batch.draw_cells)
        assert batch.pixels is None or len(batch.pixels) == len(batch.cell_keys) == len(set(batch.cell_keys))


def test_blocks_are_the_engine_s_views(source: Check, paint: Paint, words: Tokenizer, tmp_path: Path) -> None:
    lines = [{"ask": "a", "answer": "b", "read": paint("wide.png", 200, 70)}]
    batch = one_batch(make_packer(words, source(lines, grids=list(READ_GRIDS))))
    engine = split_image(open_image(tmp_path / "wide.png"), READ_GRIDS, CELL, ImageTransform("clip", CELL))
    assert batch.pixels is not None
    assert batch.pixels.dtype == torch.uint8
    mean, std = (torch.tensor(values)[:, None, None] for values in (CLIP_MEAN, CLIP_STD))
    blocks = (batch.pixels[batch.read_cells].float() / 255 - mean) / std
    views = len(engine.images)
    assert views > 2
    assert torch.equal(blocks[:views], engine.images)
    assert torch.equal(batch.read_positions[:views], engine.positions)


def test_an_image_of_one_cell_is_encoded_once(source: Check, paint: Paint, words: Tokenizer) -> None:
    name = paint("a.png")
    batch = one_batch(make_packer(words, source([{"ask": "a", "answer": "b", "read": name, "draw": name}])))
    count = len(batch.names)
    assert batch.pixels is not None
    assert batch.pixels.shape == (1, 3, CELL, CELL)
    assert batch.read_cells.tolist() == [0] * 2 * count
    assert batch.draw_cells.tolist() == [0] * count
    assert batch.read_positions.tolist() == [[0.5, 0.5]] * 2 * count


def test_text_alone_has_no_cell(source: Check, words: Tokenizer) -> None:
    batch = one_batch(make_packer(words, source(texts(5))))
    assert (batch.pixels, batch.features, batch.cell_keys, batch.drawn) == (None, None, (), None)
    assert (batch.read_cells.shape, batch.read_positions.shape, batch.draw_cells.shape) == ((0,), (0, 2), (0,))


def test_what_is_too_long_is_dropped_by_name_and_nothing_is_cut(source: Check, paint: Paint, words: Tokenizer) -> None:
    lines = texts(WINDOW, longest=5)
    lines[7] = {"ask": "a", "answer": "b", "read": paint("wide.png", 200, 30)}
    lines[9]["answer"] = "a red fox " * 200
    packer = make_packer(words, source(lines, grids=["4x1"]), pack_length=256)
    packs, skipped = packer.packs(0)
    assert {(name, reason.split(",")[1]) for name, reason in skipped} == {
        ("notes.jsonl:8", " and a row holds at most 256"),
        ("notes.jsonl:10", " and a row holds at most 256"),
    }
    examples = [example for pack in packs for example in pack.examples]
    assert len(examples) == WINDOW - 2
    for example in examples:
        answer = [token for token, label in zip(example.input_ids, example.labels, strict=True) if label != IGNORE]
        number = int(example.name.split(":")[1]) - 1
        assert words.decode(answer).removesuffix("</s>").strip() == lines[number]["answer"].strip()


def test_features_stand_in_for_pixels_if_all_are_there(
    source: Check, paint: Paint, words: Tokenizer, tmp_path: Path
) -> None:
    lines = [{"ask": "a", "answer": "b", "read": paint("wide.png", 200, 70), "draw": paint("a.png")}]
    packer, store = make_packer(words, source(lines, grids=["2x1"])), FeatureStore(tmp_path / "cache", "encoder")
    fresh = one_batch(packer, store)
    assert fresh.pixels is not None
    assert fresh.features is None
    features = torch.arange(len(fresh.cell_keys) * 6.0).reshape(-1, 3, 2)
    *most, last = zip(fresh.cell_keys, features, strict=True)
    for key, value in most:
        store.put(key, value)
    assert one_batch(packer, store).features is None
    store.put(*last)
    cached = one_batch(packer, store)
    assert cached.pixels is None
    assert cached.features is not None
    assert torch.equal(cached.features, features)
    assert cached.cell_keys == fresh.cell_keys
    assert torch.equal(cached.read_cells, fresh.read_cells)


def test_images_to_draw_come_at_the_size_of_the_detokenizer(source: Check, paint: Paint, words: Tokenizer) -> None:
    edit = {"ask": "a", "answer": "b", "read": "a.png", "draw": paint("b.png", 60, 40), "from": paint("a.png", 50, 50)}
    packer = make_packer(words, source([edit, {"ask": "c", "answer": "d", "draw": "b.png"}]))
    batches = [Collator(packer, draw_size=64).batch(pack, END, ()) for pack in packer.packs(0)[0]]
    assert {name for batch in batches for name in batch.names} == {"notes.jsonl:1", "notes.jsonl:2"}
    for batch in batches:
        assert batch.drawn is not None
        assert batch.drawn.target.shape == (len(batch.draw_cells), 3, 64, 64)
        assert batch.drawn.names == batch.names
        assert batch.drawn.has_condition.tolist() == [name == "notes.jsonl:1" for name in batch.names]


@pytest.mark.parametrize("damage", ["gone", "cut", "other size"])
def test_a_record_that_is_damaged_later_is_skipped_by_name(
    damage: str, source: Check, paint: Paint, words: Tokenizer, tmp_path: Path
) -> None:
    lines = mixed_lines(paint)
    packer = make_packer(words, source(lines))
    for name in ("r0.png", "d4.png"):
        if damage == "gone":
            (tmp_path / name).unlink()
        elif damage == "cut":
            (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-50])
        else:
            paint(name, 99, 99)
    packs, _ = packer.packs(0)
    batches = [Collator(packer).batch(pack, END, ()) for pack in packs]
    assert sorted(skipped.name for batch in batches for skipped in batch.skipped) == ["notes.jsonl:1", "notes.jsonl:5"]
    names = [name for batch in batches for name in batch.names]
    assert sorted(names) == sorted(f"notes.jsonl:{i + 1}" for i in range(WINDOW) if i not in (0, 4))
    for batch in batches:
        assert batch.boundaries[-1] == batch.input_ids.shape[1]
        assert batch.read_mask.sum() == TOKENS * len(batch.read_cells)
        used = {*batch.read_cells.tolist(), *batch.draw_cells.tolist()}
        assert used == set(range(len(batch.cell_keys))), "no cell of a skipped record is encoded"


def test_a_row_is_never_empty(source: Check, paint: Paint, words: Tokenizer, tmp_path: Path) -> None:
    lines = [{"ask": "a", "answer": f"b{i}", "read": paint(f"{i}.png")} for i in range(40)]
    packer = make_packer(words, source(lines), pack_length=200)
    packs, _ = packer.packs(0)
    pack = packs[0]
    number = int(pack.examples[0].name.split(":")[1]) - 1
    (tmp_path / f"{number}.png").unlink()
    batch = Collator(packer).batch(pack, END, ())
    assert batch.skipped[0].name == pack.examples[0].name
    assert len(batch.names) == 1
    assert batch.names[0] != pack.examples[0].name
    assert batch.read_mask.sum() == 2 * TOKENS
