"""Saved conversations: what is written, what comes back, and what a failure leaves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from PIL import Image

from seedx_agents import Approve, Assistant, Budget
from seedx_sdk import InputError, OutputPathError, SeedX
from seedx_sdk.testing import ScriptedEngine
from seedx_tools.image_backends import FolderImages
from seedx_tools.image_store import ImageStore
from tests.agents.conftest import Script


@tool
def weather(city: str) -> str:
    """Tell the weather."""
    return f"sunny in {city}"


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Each file with its inode, which a rewritten file does not keep, and its bytes."""
    return {path.name: (path.stat().st_ino, path.read_bytes()) for path in folder.iterdir()}


def test_a_saved_conversation_continues(seedx: SeedX, script: Script, picture: Image.Image, tmp_path: Path) -> None:
    answers = (("edit", {"image": "my yard.png", "instruction": "make it blue"}), "Done.")
    assistant = Assistant(seedx, script(*answers), seed=5)
    assistant.ask("Make it blue.", {"my yard.png": picture})
    folder = assistant.save(tmp_path / "talk")
    assert sorted(path.suffix for path in folder.iterdir()) == [".json", ".jsonl", ".png", ".png"]
    assert "base64" not in (folder / "messages.jsonl").read_text(encoding="utf-8")

    chat_model = script(("detect", {"image": "my yard.png", "phrase": "the house"}), "There.")
    again = Assistant.load(folder, seedx, chat_model)
    assert again.messages == assistant.messages
    assert again.album["my yard.png"].tobytes() == picture.tobytes()
    assert again.album["image:2"].tobytes() == assistant.album["image:2"].tobytes()
    assert again.ask("Find the house.").images == ("image:3",), "new names continue after the old ones"
    texts = [message.text for message in chat_model.seen[0]]
    assert texts[1] == 'Make it blue.The next image is image:1, which the user calls "my yard.png".'
    assert again.save(folder) == folder
    assert len(Assistant.load(folder, seedx).messages) == len(again.messages)


def test_a_second_save_writes_only_what_is_new(
    seedx: SeedX, script: Script, picture: Image.Image, tmp_path: Path
) -> None:
    assistant = Assistant(seedx, script("Yes.", ("generate", {"prompt": "a house"}), "Here."))
    assistant.ask("See?", picture)
    before = contents(assistant.save(tmp_path / "talk"))
    assistant.ask("Draw.")
    after = contents(assistant.save(tmp_path / "talk"))
    assert after["messages.jsonl"][0] == before["messages.jsonl"][0]
    assert after["messages.jsonl"][1].startswith(before["messages.jsonl"][1])
    png, *more = (name for name in before if name.endswith(".png"))
    assert not more and after[png] == before[png] and len(after) == len(before) + 1


def test_what_a_crash_left_behind_is_not_read(seedx: SeedX, script: Script, tmp_path: Path) -> None:
    assistant = Assistant(seedx, script("Yes.", "Again."))
    assistant.ask("See?")
    folder = assistant.save(tmp_path / "talk")
    with (folder / "messages.jsonl").open("ab") as file:
        file.write(b'{"type": "human", "data": {"cont')
    again = Assistant.load(folder, seedx, script("Good."))
    assert again.messages == assistant.messages
    again.ask("Go on.")
    again.save(folder)
    assert Assistant.load(folder, seedx).messages == again.messages


def test_all_that_a_provider_returns_is_saved(seedx: SeedX, script: Script, tmp_path: Path) -> None:
    answer = AIMessage(
        [
            {"type": "reasoning", "reasoning": "hm", "extras": {"signature": b"\x00\xff"}},
            {"type": "text", "text": "Yes.", "$bytes": "no bytes"},
            {"type": "thinking", "thinking": "hm", "signature": "Eq=="},
        ],
        additional_kwargs={"__gemini_function_call_thought_signatures__": {"a": b"\x80sig"}, "schema": {"$ref": "#"}},
        response_metadata={"raw": b"", "only": {"$bytes": "AAAA"}, "score": 0.5},
        usage_metadata={"input_tokens": 3, "output_tokens": 2, "total_tokens": 5},
    )
    assistant = Assistant(seedx, script(answer))
    assistant.ask("Well?")
    folder = assistant.save(tmp_path / "talk")
    loaded = Assistant.load(folder, seedx, script("Good."))
    assert loaded.messages[-1].model_dump() == answer.model_dump()
    loaded.ask("And?")
    loaded.save(folder)
    assert len(Assistant.load(folder, seedx).messages) == 4


def test_another_conversation_is_not_overwritten(
    seedx: SeedX, script: Script, picture: Image.Image, tmp_path: Path
) -> None:
    blank = Image.new("RGB", picture.size)
    conversations = {"first": ("See?", picture), "other words": ("Look!", picture), "another image": ("See?", blank)}
    assistants = {}
    for name, (prompt, image) in conversations.items():
        assistants[name] = Assistant(seedx, script("Yes."))
        assistants[name].ask(prompt, image)
    folder = assistants["first"].save(tmp_path / "talk")
    before = contents(folder)
    for name in ("other words", "another image"):
        with pytest.raises(OutputPathError, match="holds another conversation"):
            assistants[name].save(folder)
        assert Assistant.load(folder, seedx).album["image:1"].tobytes() == picture.tobytes()
    assert {name: contents(folder)[name] for name in before} == before


def test_the_options_come_back_unless_they_are_given(seedx: SeedX, script: Script, tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "instructions": "Answer in rhymes.",
        "tools": ["generate"],
        "history": 3,
        "budget": Budget(calls=1),
        "seed": 9,
        "num_inference_steps": 2,
        "show_images": False,
    }
    folder = Assistant(seedx, script(), **options).save(tmp_path / "talk")
    engine = ScriptedEngine()
    chat_model = script([("generate", {"prompt": "a house"}), ("generate", {"prompt": "a tree"})], "Never said.")
    loaded = Assistant.load(folder, SeedX(engine=engine), chat_model)
    turn = loaded.ask("Draw.")
    assert (turn.ending, len(turn.steps)) == ("calls", 1)
    assert (engine.requests[0].options.seed, engine.requests[0].options.num_inference_steps) == (9, 2)
    assert [bound.name for bound in chat_model.tools] == ["generate"]
    assert chat_model.seen[0][0].text.endswith("\n\nAnswer in rhymes.")
    assert contents(loaded.save(tmp_path / "copy"))["transcript.json"][1].count(b"rhymes") == 1

    other = script(("generate", {"prompt": "a house"}), "Here.")
    Assistant.load(folder, seedx, other, instructions=None, budget=Budget()).ask("Draw.")
    assert "rhymes" not in other.seen[0][0].text and len(other.seen) == 2


def test_own_tools_and_the_approver_must_be_given_again(seedx: SeedX, script: Script, tmp_path: Path) -> None:
    own = Assistant(seedx, script(), tools=["generate", weather]).save(tmp_path / "own")
    with pytest.raises(InputError, match=r"tools of yours.*pass tools=\['generate', weather\]"):
        Assistant.load(own, seedx, script())
    chat_model = script(("weather", {"city": "Ulm"}), "Sunny.")
    assert Assistant.load(own, seedx, chat_model, tools=["generate", weather]).ask("?").steps[0].text == "sunny in Ulm"

    approved = Assistant(seedx, script(), approve=lambda _call: Approve()).save(tmp_path / "approved")
    with pytest.raises(InputError, match="pass approve= again, or approve=None"):
        Assistant.load(approved, seedx, script())
    assert Assistant.load(approved, seedx, script("Yes."), approve=None).ask("?").text == "Yes."


def test_images_in_a_store_of_their_own_are_found_again(
    seedx: SeedX, script: Script, picture: Image.Image, tmp_path: Path
) -> None:
    store = ImageStore(FolderImages(tmp_path / "images"), thread="anna")
    assistant = Assistant(seedx, script("Yes."), images=store)
    assistant.ask("See?", {"me.jpg": picture})
    folder = assistant.save(tmp_path / "talk")
    reopened = ImageStore(FolderImages(tmp_path / "images"), thread="anna")
    assert reopened["me.jpg"].tobytes() == picture.tobytes()
    chat_model = script(("generate", {"prompt": "a house"}), "Here.")
    again = Assistant.load(folder, seedx, chat_model, images=reopened)
    assert again.ask("Draw.").images == ("image:2",)

    other = ImageStore(FolderImages(tmp_path / "images"), thread="bob")
    other.add(Image.new("RGB", (8, 8)))
    with pytest.raises(InputError, match="the given images have another image:1"):
        Assistant.load(folder, seedx, script(), images=other)


def test_a_folder_with_other_files_is_rejected(seedx: SeedX, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x", encoding="utf-8")
    with pytest.raises(OutputPathError, match="holds other files"):
        Assistant(seedx).save(tmp_path)
    with pytest.raises(OutputPathError, match="does not exist"):
        Assistant(seedx).save(tmp_path / "no" / "talk")
    with pytest.raises(OutputPathError, match="is a file"):
        Assistant(seedx).save(tmp_path / "mine.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_leaves_the_conversation_that_was_there(
    seedx: SeedX, script: Script, picture: Image.Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assistant = Assistant(seedx, script("Yes."))
    assistant.ask("See?", picture)
    folder = assistant.save(tmp_path / "talk")

    def full(*_args: object) -> None:
        with open("/dev/full", "wb", buffering=0) as file:
            file.write(b"x")

    assistant.ask("And this?", Image.new("RGB", (8, 8)))
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputPathError, match="No space left"):
        assistant.save(folder)
    monkeypatch.undo()
    assert len(Assistant.load(folder, seedx).messages) == 2
    assistant.save(folder)
    assert len(Assistant.load(folder, seedx).album.images) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 1}, "was saved in another format"),
        ({"images": {"image:1": "../../etc/passwd"}}, "String should match pattern"),
        ({"images": {"image:1": "0" * 64}}, "no image at"),
        ({"images": {"/etc/passwd": None}}, "valid string"),
        ({"num_bytes": 999}, "bytes of 999"),
        ({"num_bytes": -1}, "greater than or equal to 0"),
        ({"more": 1}, "Extra inputs"),
    ],
)
def test_a_damaged_transcript_is_rejected(seedx: SeedX, tmp_path: Path, change: dict[str, Any], message: str) -> None:
    file = Assistant(seedx).save(tmp_path / "talk") / "transcript.json"
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | change), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        Assistant.load(tmp_path / "talk", seedx)


@pytest.mark.parametrize("line", ["[]", '{"type": "constructor", "data": {}}', "{", '{"$bytes": "?"}'])
def test_damaged_messages_are_rejected(seedx: SeedX, tmp_path: Path, line: str) -> None:
    file = Assistant(seedx).save(tmp_path / "talk") / "transcript.json"
    (tmp_path / "talk" / "messages.jsonl").write_text(line, encoding="utf-8")
    head = json.loads(file.read_text(encoding="utf-8")) | {"num_bytes": len(line)}
    file.write_text(json.dumps(head), encoding="utf-8")
    with pytest.raises(InputError, match="is damaged"):
        Assistant.load(tmp_path / "talk", seedx)


def test_a_replaced_image_is_rejected(seedx: SeedX, script: Script, picture: Image.Image, tmp_path: Path) -> None:
    assistant = Assistant(seedx, script("Yes."))
    assistant.ask("See?", picture)
    folder = assistant.save(tmp_path / "talk")
    (file,) = folder.glob("*.png")
    Image.new("RGB", picture.size).save(file)
    with pytest.raises(InputError, match="is not the image that was saved"):
        Assistant.load(folder, seedx)
    with pytest.raises(InputError, match="give the folder that save"):
        Assistant.load(tmp_path, seedx)
