from __future__ import annotations

import json
import os
import pickle
import shutil
from pathlib import Path

import pytest

from seedx_finetune.data.check import check_source
from seedx_finetune.data.config import SourceConfig
from seedx_finetune.data.formats import make_format
from seedx_finetune.data.formats.base import BadRecord
from seedx_finetune.data.index import Source
from seedx_finetune.errors import DataError
from seedx_sdk.model.tokenizer import Tokenizer
from tests.support.notes import CELL, TOKENS, Check, Paint, texts


def test_a_source_gives_the_records_of_the_check(source: Check, paint: Paint, tmp_path: Path) -> None:
    lines = texts(3)
    lines[1] |= {"read": paint("a.png", 50, 20)}
    opened = Source(source(lines))
    assert len(opened) == 3
    assert [opened.record(i).name for i in range(3)] == ["notes.jsonl:1", "notes.jsonl:2", "notes.jsonl:3"]
    assert [opened.record(i).row["answer"] for i in range(3)] == [line["answer"] for line in lines]
    image = opened.record(1).row["images"][0]
    assert (image["path"], image["width"], image["height"]) == (str(tmp_path / "a.png"), 50, 20)


def test_a_source_can_be_moved(
    source: Check, paint: Paint, words: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = source([{"ask": "a", "answer": "b", "read": paint("a.png")}])
    monkeypatch.chdir(tmp_path)
    reader = make_format("notes", {})
    path = Path("notes.jsonl")
    check_source(path, reader, words, cell=CELL, num_tokens=TOKENS, on_bad=lambda bad: pytest.fail(str(bad)))
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("notes.jsonl", ".notes.jsonl.seedx-index", "a.png"):
        shutil.move(tmp_path / name, moved)
    opened = Source(config.model_copy(update={"path": moved / "notes.jsonl"}))
    assert opened.record(0).row["images"][0]["path"] == str(moved / "a.png")


def test_a_worker_opens_the_records_anew(source: Check) -> None:
    opened = Source(source(texts(2000)))
    sent = pickle.dumps(opened)
    assert len(sent) < 2000, "the records themselves are not sent"
    assert pickle.loads(sent).record(1999) == opened.record(1999)


def test_the_hash_changes_with_the_records(source: Check) -> None:
    first = Source(source(texts(3))).hash
    assert Source(source(texts(4))).hash != first


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda file: file.write_text(file.read_text() + "\n"), "a.jsonl has changed"),
        (lambda file: os.utime(file, ns=(0, 0)), "a.jsonl has changed"),
        (lambda file: file.unlink(), "a.jsonl is gone"),
        (lambda file: shutil.copy(file, file.with_name("c.jsonl")), "deep/c.jsonl has come"),
    ],
)
def test_an_outdated_index_is_refused_with_the_command(
    change: object, reason: str, tmp_path: Path, words: Tokenizer
) -> None:
    folder = tmp_path / "two words"
    (folder / "deep").mkdir(parents=True)
    for name in ("deep/a.jsonl", "b.jsonl"):
        (folder / name).write_text('{"ask": "a", "answer": "b"}\n')
    (folder / "read me.txt").write_text("not of this format")
    options = {"grids": ["1x1", "2x1"]}
    reader = make_format("notes", options)
    check_source(folder, reader, words, cell=CELL, num_tokens=TOKENS, on_bad=lambda bad: pytest.fail(str(bad)))
    config = SourceConfig(name="notes", format="notes", path=folder, weight=1, options=options)
    assert len(Source(config)) == 2
    assert callable(change)
    change(folder / "deep/a.jsonl")
    with pytest.raises(DataError) as refusal:
        Source(config)
    assert f"{reason} since it was checked" in str(refusal.value)
    command = f"""seedx data check '{folder}' --format notes --option 'grids=["1x1", "2x1"]'"""
    assert str(refusal.value).endswith(f"run: {command}")


def test_a_file_and_its_directory_may_both_be_sources(source: Check, words: Tokenizer, tmp_path: Path) -> None:
    file = source(texts(2))
    reader = make_format("notes", {})
    check_source(tmp_path, reader, words, cell=CELL, num_tokens=TOKENS, on_bad=lambda bad: pytest.fail(str(bad)))
    folder = file.model_copy(update={"path": tmp_path})
    assert len(Source(file)) == len(Source(folder)) == 2


def test_a_source_that_was_not_checked_is_refused(source: Check, tmp_path: Path) -> None:
    config = source(texts(2))
    for update, reason in (
        (
            {"options": {"at_least": 1}},
            "not been checked with this format and these options; run: seedx data check",
        ),
        ({"path": tmp_path / "none.jsonl"}, "there is no .*none.jsonl"),
        ({"format": "other"}, "there is no format 'other'"),
    ):
        with pytest.raises(DataError, match=reason):
            Source(config.model_copy(update=update))


def test_an_index_of_another_version_is_refused(source: Check, tmp_path: Path) -> None:
    config = source(texts(2))
    (meta,) = tmp_path.glob(".notes.jsonl.seedx-index/*/meta.json")
    meta.write_text(json.dumps(json.loads(meta.read_text()) | {"version": 0}))
    with pytest.raises(DataError, match="has version 0, not 1; run: seedx data check"):
        Source(config)


def test_a_source_without_a_good_record_is_refused(source: Check) -> None:
    config = source(texts(2), at_least=10_000)
    with pytest.raises(DataError, match="holds no usable record"):
        Source(config)


def test_an_interrupted_check_leaves_the_old_index(source: Check, words: Tokenizer, tmp_path: Path) -> None:
    config = source(texts(2))
    config.path.write_text('{"ask": "a", "answer": "b"}\n{', encoding="utf-8")
    stamp = config.path.stat()

    def stop(_: BadRecord) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_source(config.path, make_format("notes", {}), words, cell=CELL, num_tokens=TOKENS, on_bad=stop)
    (directory,) = tmp_path.glob(".notes.jsonl.seedx-index/*")
    meta = json.loads((directory / "meta.json").read_text())
    assert meta["counts"]["records"] == 2
    assert meta["files"]["notes.jsonl"] != [stamp.st_size, stamp.st_mtime_ns]
