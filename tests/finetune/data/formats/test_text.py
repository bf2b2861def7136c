"""Plain text, written by us."""

from __future__ import annotations

from pathlib import Path

import pytest

from seedx_finetune.data.formats.text import PlainText
from tests.support.training_records import Script, answers, faults, rows, write_lines


def test_all_of_a_text_is_learned(tmp_path: Path) -> None:
    write_lines(tmp_path / "wiki.jsonl", {"id": "12", "title": "Pond", "text": "A pond is a small lake.\nIt is calm."})
    (row,) = rows(PlainText(), tmp_path)
    document = PlainText().document(row, Script())
    assert answers(document) == ["A pond is a small lake.\nIt is calm."]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ('{"text": "a"', "Invalid JSON: EOF while parsing an object at line 2 column 0"),
        ({"title": "Pond"}, "text: Field required"),
        ({"text": 7}, "text: Input should be a valid string"),
        ({"text": " \n"}, "text: it is empty"),
        ({"text": "a </s> b"}, "text: the text holds '</s>', which stands for images or the end; take it out"),
    ],
)
def test_a_bad_record_is_named_with_its_reason(tmp_path: Path, record: dict[str, object] | str, reason: str) -> None:
    write_lines(tmp_path / "wiki.jsonl", record)
    assert faults(PlainText(), tmp_path) == [("wiki.jsonl:1", reason)]


def test_files_are_read_in_order_of_their_names_and_hidden_ones_are_not(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a/z.jsonl", ".seedx-index/rows.jsonl", "a/.b.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_lines(tmp_path / name, {"text": "x"})
    assert [outcome.name for outcome in PlainText().scan(tmp_path)] == ["a/z.jsonl:1", "b.jsonl:1"]


def test_a_long_text_is_cut_at_the_ends_of_lines_and_nothing_is_lost(tmp_path: Path) -> None:
    write_lines(tmp_path / "wiki.jsonl", {"text": "one two\n\nthree\nfour five six seven\neight"})
    text = PlainText(max_characters=15)
    assert [row["text"] for row in rows(text, tmp_path)] == ["one two\n\nthree", "four five six seven", "eight"]
    assert [outcome.name for outcome in text.scan(tmp_path)] == [f"wiki.jsonl:1[{part}/3]" for part in (1, 2, 3)]
