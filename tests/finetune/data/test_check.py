from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from seedx_finetune.cli.data import parse_options
from seedx_finetune.data.check import check_source
from seedx_finetune.data.config import SourceConfig
from seedx_finetune.data.examples import encode
from seedx_finetune.data.formats import make_format
from seedx_finetune.data.formats.base import BadRecord
from seedx_finetune.data.index import Source
from seedx_finetune.data.mixture import Mixture
from seedx_sdk.cli.main import app
from seedx_sdk.errors import InputError
from seedx_sdk.model.tokenizer import Tokenizer
from tests.support.notes import CELL, TOKENS, Check, Paint, texts


@pytest.fixture
def damaged(tmp_path: Path, paint: Paint) -> Path:
    """Nine records, three of them bad and two short."""
    lines = [json.dumps(line) for line in texts(4)]
    lines += [json.dumps({"ask": "a", "answer": "a red fox", "read": paint("good.png")})]
    cut = (tmp_path / "good.png").read_bytes()[:-100]
    (tmp_path / "cut.png").write_bytes(cut)
    lines.insert(1, json.dumps({"ask": "a", "answer": "a red fox", "draw": "cut.png"}))
    lines.insert(3, "{")
    lines.append(json.dumps({"ask": "nothing", "answer": "a red fox"}))
    lines.append(json.dumps({"ask": "a", "answer": "fox"}))
    (tmp_path / "notes.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path / "notes.jsonl"


def test_each_bad_record_is_told_by_its_line(damaged: Path, words: Tokenizer) -> None:
    bad: list[BadRecord] = []
    report = check_source(
        damaged, make_format("notes", {"at_least": 4}), words, cell=CELL, num_tokens=TOKENS, on_bad=bad.append
    )
    assert [record.name for record in bad] == ["notes.jsonl:2", "notes.jsonl:4", "notes.jsonl:8"]
    assert "is damaged or cut short" in bad[0].reason
    assert "Expecting property name" in bad[1].reason
    assert bad[2].reason == "there is nothing to ask"
    assert (report.samples, report.bad, report.images) == (5, 3, 1)
    assert report.filtered == {"the answer is too short": 1}
    config = SourceConfig(name="n", format="notes", path=damaged, weight=1, options={"at_least": 4})
    assert [Source(config).record(i).name for i in range(5)] == [f"notes.jsonl:{i}" for i in (1, 3, 5, 6, 7)]


def test_lengths_are_those_of_training(source: Check, paint: Paint, words: Tokenizer) -> None:
    lines = texts(40)
    for line in lines[::4]:
        line["read"] = paint("wide.png", 90, 30)
    config = source(lines, grids=["1x1", "3x1"])
    report = check_source(
        config.path,
        make_format("notes", config.options),
        words,
        cell=CELL,
        num_tokens=TOKENS,
        on_bad=lambda bad: pytest.fail(str(bad)),
    )
    mixture = Mixture([Source(config)], 0)
    trained = {
        sample.name: len(encode(sample.document, words, name="", source="", cell=CELL).input_ids)
        for sample in map(mixture.sample, range(40))
    }
    # "Please: " and "Now: " differ by no more than a few tokens
    assert list(report.lengths) == pytest.approx([trained[f"notes.jsonl:{i}"] for i in range(1, 41)], abs=8)
    assert report.images == 10
    assert report.tokens == sum(report.lengths)
    histogram = report.histogram()
    assert sum(number for _, number in histogram) == 40
    for most, number in histogram:
        assert number == sum(most // 2 < length <= most for length in report.lengths)


def run(*args: str) -> Result:
    return CliRunner().invoke(app, ["data", "check", *args])


def test_the_command_lists_bad_records_and_exits_1(damaged: Path) -> None:
    result = run(str(damaged), "--format", "notes", "--option", "at_least=4")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert [line.split(": ")[0] for line in lines[:3]] == ["notes.jsonl:2", "notes.jsonl:4", "notes.jsonl:8"]
    numbers = {line.split("│")[1].strip(): line.split("│")[2].strip() for line in lines if line.count("│") >= 3}
    assert numbers["samples"] == "5"
    assert (numbers["bad records"], numbers["left out"], numbers["images"]) == ("3", "1", "1")


def test_the_command_exits_0_if_all_is_well(source: Check) -> None:
    assert run(str(source(texts(3)).path), "--format", "notes").exit_code == 0


def test_an_unknown_format_is_refused_by_name(source: Check) -> None:
    result = run(str(source(texts(3)).path), "--format", "other")
    assert result.exit_code == 1
    assert "there is no format 'other'" in result.stderr
    assert "notes" in result.stderr


def test_options_are_json_or_text() -> None:
    options = ['grids=["1x1"]', "at_least=4", "prompt=draw it", "flag=true", "equal=a=b"]
    assert parse_options(options) == {
        "grids": ["1x1"],
        "at_least": 4,
        "prompt": "draw it",
        "flag": True,
        "equal": "a=b",
    }
    with pytest.raises(InputError, match="'grids' is not NAME=VALUE"):
        parse_options(["grids"])
