"""The picture-book world in every format, read back by the formats."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from seedx_finetune.data.documents import DrawImage, RandomDraws, ReadImage
from seedx_finetune.data.export_book import SPLITS, export_book
from seedx_finetune.data.formats import FORMATS, make_format
from seedx_finetune.errors import DataError
from seedx_finetune.world import HELD_OUT_PAIRS, parse_description
from tests.support.training_records import answers, rows

SETS = sorted(set(FORMATS) - {"ocr"})
SIZE = 64


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("book") / "new"
    export_book(directory, 12, 5, size=SIZE)
    return directory


def options(name: str) -> dict[str, object]:
    return {"min_side": 0} if name in ("captions", "edits", "grounded_captions", "stories") else {}


def digest(directory: Path) -> dict[str, str]:
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("name", SETS)
def test_every_record_is_sound_and_teaches_something(book: Path, name: str) -> None:
    assert sorted(path.name for path in (book / "train").iterdir()) == SETS
    format_ = make_format(name, options(name))
    for split, count in zip(SPLITS, (12, 3), strict=True):
        found = rows(format_, book / split / name)
        assert len(found) == count
        for number, row in enumerate(found):
            document = format_.document(row, RandomDraws(np.random.default_rng(number)))
            assert answers(document)
            images = [part.image for part in document if isinstance(part, ReadImage | DrawImage)]
            assert {(image.width, image.height) for image in images} == (set() if name == "text" else {(SIZE, SIZE)})


def test_the_same_seed_gives_the_same_files_and_another_one_others(book: Path, tmp_path: Path) -> None:
    export_book(tmp_path / "again", 12, 5, size=SIZE)
    export_book(tmp_path / "other", 12, 6, size=SIZE)
    assert digest(tmp_path / "again") == digest(book)
    assert digest(tmp_path / "other")["train/text/text.jsonl"] != digest(book)["train/text/text.jsonl"]


def test_splits_differ_and_no_text_names_a_held_out_pair(book: Path) -> None:
    files = digest(book)
    assert files["train/text/text.jsonl"] != files["held_out/text/text.jsonl"]
    for split in SPLITS:
        for row in rows(make_format("captions", options("captions")), book / split / "captions"):
            assert not set(parse_description(row["caption"])[1]) & set(HELD_OUT_PAIRS)


def test_edits_come_alone_and_in_sessions(book: Path) -> None:
    turns = [len(row["turns"]) for row in rows(make_format("edits", options("edits")), book / "train" / "edits")]
    assert set(turns) == {1, 2}


def test_some_titles_begin_with_a_number(book: Path) -> None:
    titles = [row["texts"][0] for row in rows(make_format("slides", {}), book / "train" / "slides")]
    assert any(title.startswith("1. ") for title in titles)


def test_a_directory_that_is_not_empty_or_no_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="n is 0; at least one record"):
        export_book(tmp_path / "new", 0, 1)
    (tmp_path / "notes.txt").touch()
    with pytest.raises(DataError, match="is not an empty directory; give a new one"):
        export_book(tmp_path, 1, 1)
