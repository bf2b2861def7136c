from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from seedx_sdk import Message, SeedX
from seedx_sdk.cli.main import app
from seedx_sdk.imaging import open_image, save_image
from seedx_sdk.testing import ScriptedEngine

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture: Image.Image) -> Iterator[Run]:
    """`seedx` in an empty folder that holds in.png, over the stand-in for a model."""
    monkeypatch.chdir(tmp_path)
    save_image(picture, "in.png")

    def invoke(*args: str, stdin: bytes | str = b"", engine: ScriptedEngine | None = None) -> Result:
        client = SeedX(engine=engine or ScriptedEngine())
        return CliRunner().invoke(app, list(args), input=stdin, obj=lambda _: client, catch_exceptions=False)

    yield invoke


def files() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


def test_describe_prints_the_answer_and_can_save_it(run: Run) -> None:
    result = run("describe", "in.png", "-q", "what is it?", "-o", "answer.txt")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "a scripted answer about 1 picture(s)\n", "")
    assert Path("answer.txt").read_text() == result.stdout


def test_detect_prints_one_line_per_box_and_saves_the_annotated_picture(run: Run) -> None:
    result = run("detect", "in.png", "the red rectangle", "-o", "found.png")
    assert (result.exit_code, result.stdout) == (0, "16 12 48 36\tthe red rectangle\n")
    assert open_image("found.png").size == (64, 48)


def test_generate_saves_a_picture_and_prints_its_path(run: Run) -> None:
    result = run("generate", "a house", "--width", "96", "--height", "64", "-o", "house.jpg")
    assert (result.exit_code, result.stdout) == (0, "house.jpg\n")
    assert open_image("house.jpg").size == (96, 64)
    assert result.stderr.startswith("warning: 96x64 is not scripted's own size")


def test_without_an_output_no_file_is_overwritten(run: Run) -> None:
    assert [run("generate", "a house").stdout for _ in range(3)] == [
        "generate.png\n",
        "generate-2.png\n",
        "generate-3.png\n",
    ]
    assert run("edit", "in.png", "make it blue").stdout == "edit.png\n"


def test_try_on_takes_a_region_or_finds_it(run: Run) -> None:
    assert run("try-on", "in.png", "in.png", "--region", "1,2,30,40").stdout == "try-on.png\n"
    found = json.loads(run("try-on", "in.png", "in.png", "--phrase", "the shirt", "-o", "worn.png", "--json").stdout)
    assert (found["image"], found["region"]["pixels"], found["region"]["label"]) == (
        "worn.png",
        [16, 12, 48, 36],
        "the shirt",
    )
    wrong = run("try-on", "in.png", "in.png", "--region", "1,2,3")
    assert wrong.exit_code == 2 and "is not four whole numbers" in wrong.stderr
    outside = run("try-on", "in.png", "in.png", "--region", "1,2,300,400")
    assert outside.exit_code == 1 and "not inside the image of 64x48 pixels" in outside.stderr


def test_json_holds_the_whole_result_with_the_path_of_the_picture(run: Run) -> None:
    drawn = json.loads(run("generate", "a house", "--seed", "5", "-o", "a.png", "--json").stdout)
    assert (drawn["image"], drawn["seed"], drawn["model"], drawn["warnings"]) == ("a.png", 5, "scripted", [])
    found = json.loads(run("detect", "in.png", "it", "--json").stdout)
    assert found["boxes"][0]["pixels"] == [16, 12, 48, 36]
    assert found["annotated"] is None, "pixels that were not saved are left out"
    assert json.loads(run("describe", "in.png", "--json").stdout)["text"]
    assert json.loads(run("info", "--json").stdout)["is_picture_book"] is True


def test_a_prompt_can_come_from_stdin(run: Run) -> None:
    engine = ScriptedEngine()
    assert run("generate", "-", stdin="a h\u00f6use\n", engine=engine).exit_code == 0
    assert engine.requests[0].messages[0].text == "a h\u00f6use"


def test_chat_answers_each_line_and_remembers(run: Run, picture: Image.Image) -> None:
    engine = ScriptedEngine([Message.assistant("a rectangle"), Message.assistant("here:", picture)])
    result = run("chat", stdin="/image in.png\nwhat is it?\n\ndraw it\n/quit\nignored\n", engine=engine)
    assert (result.exit_code, result.stdout) == (0, "a rectangle\nhere: [chat-1.png] \n")
    assert len(engine.requests) == 2
    assert [message.role for message in engine.requests[1].messages] == ["user", "assistant", "user"]
    assert engine.requests[1].messages[0].images[0].size == (64, 48)
    assert open_image("chat-1.png").size == (64, 48)


def test_chat_with_a_message_is_one_turn(run: Run) -> None:
    result = run("chat", "what is it?", "-i", "in.png", "--json")
    assert json.loads(result.stdout)["message"]["role"] == "assistant"


def test_warnings_go_to_stderr(run: Run) -> None:
    result = run("describe", "in.png", engine=ScriptedEngine(notices=("only drawn scenes",)))
    assert result.stderr == "warning: only drawn scenes\n"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("describe", "nope.png"), "no image at 'nope.png'; check the path"),
        (("describe", "."), "is a directory"),
        (("describe", "https://example.org/a.png"), "URLs are not opened"),
        (("describe", "in.png", "-q", ""), "question is empty; write at least one word"),
        (("describe", "in.png", "-o", "no/a.txt"), "the folder 'no' does not exist; create it first: mkdir -p 'no'"),
        (("detect", "in.png", " "), "phrase is empty"),
        (("generate", ""), "prompt is empty"),
        (("generate", "a\udcff"), "prompt has bytes that are not UTF-8"),
        (("generate", "a" * 3000), "shorten it"),
        (("generate", "a", "--width", "1000", "--height", "700"), "size 1000x700 is not a multiple of 8; use 1000x704"),
        (("generate", "a", "--seed", "-1"), "seed -1 is not allowed"),
        (("generate", "a", "--num-inference-steps", "0"), "num_inference_steps 0 is not allowed"),
        (("generate", "a", "-o", "a.gif"), "use one of .png, .jpg, .jpeg, .webp"),
        (("generate", "a", "-o", "in.png/a.png"), "is a file, so nothing can be written inside it"),
        (("edit", "in.png", "a", "--guidance-scale", "nan"), "guidance_scale nan is not allowed"),
        (("chat", ""), "is empty"),
        (("chat", "/wave"), "there is no command '/wave'"),
        (("chat", "hi", "-o", "nowhere"), "the folder 'nowhere' does not exist"),
    ],
)
def test_our_errors_are_one_line_with_the_cure_and_exit_code_1(run: Run, args: tuple[str, ...], message: str) -> None:
    result = run(*args)
    assert result.exit_code == 1
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ") and message in line
    assert files() == ["in.png"]


def test_stdin_that_is_not_utf_8_or_endless_is_refused(run: Run) -> None:
    result = run("generate", "-", stdin=b"a\xff")
    assert (result.exit_code, result.stderr) == (1, "error: prompt on stdin is not UTF-8 at byte 1; save it as UTF-8\n")
    assert "shorten it" in run("generate", "-", stdin=b"a" * 2_000_000).stderr


@pytest.mark.parametrize(
    "args",
    [
        ("draw",),
        ("generate",),
        ("generate", "a", "--size", "big"),
        ("generate", "a", "--size", "128"),
        ("generate", "a", "--seed", "x"),
        ("describe",),
        ("describe", "in.png", "--nope"),
    ],
)
def test_wrong_usage_has_exit_code_2(run: Run, args: tuple[str, ...]) -> None:
    result = run(*args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Usage:" in result.stderr
