"""Files of the user are kept: what the tools of a thread did not write is replaced only where a call says so."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
from PIL import Image

from seedx_sdk import OutputPathError, SeedX
from seedx_tools import TOOLS, Toolbox, ToolRetry

OURS = {"prompt_or_outline": "# Ours\n\n## B\n- c\n", "pictures": False}
WORK = b"three weeks of work"


@pytest.fixture
def toolbox(seedx: SeedX, tmp_path: Path) -> Toolbox:
    return Toolbox.of(seedx, roots=[tmp_path])


@pytest.mark.parametrize("written", ["report.pptx", "./report.pptx", "{root}/report.pptx", "link.pptx"])
def test_a_file_of_the_user_is_kept_and_a_free_name_offered(toolbox: Toolbox, tmp_path: Path, written: str) -> None:
    (tmp_path / "report.pptx").write_bytes(WORK)
    (tmp_path / "report-2.pptx").write_bytes(WORK)
    os.symlink(tmp_path / "report.pptx", tmp_path / "link.pptx")
    with pytest.raises(ToolRetry, match=r"path: '\S+' exists and is not from these tools; use a free name, such as"):
        toolbox.run("make_slides", OURS | {"path": written.format(root=tmp_path)})
    with pytest.raises(ToolRetry, match="such as 'report-3.pptx', or set overwrite to true if the user wants it repl"):
        toolbox.run("make_slides", OURS | {"path": "report.pptx"})
    assert (tmp_path / "report.pptx").read_bytes() == WORK
    toolbox.run("make_slides", OURS | {"path": "report.pptx", "overwrite": "true"})
    assert (tmp_path / "report.pptx").read_bytes() != WORK


def test_what_the_tools_wrote_is_written_anew_until_the_user_changes_it(toolbox: Toolbox, tmp_path: Path) -> None:
    for _ in range(2):
        toolbox.run("make_slides", OURS | {"path": "deck.pptx"})
    toolbox.unseen().run("append_slides", {"path": "deck.pptx", "more": "## D\n- e", "pictures": False})
    with pytest.raises(ToolRetry, match="'deck.pptx' exists and is not from these tools"):
        toolbox.in_thread("of another user").run("make_slides", OURS | {"path": "deck.pptx"})
    (tmp_path / "deck.pptx").write_bytes(WORK)
    with pytest.raises(ToolRetry, match="'deck.pptx' exists and is not from these tools"):
        toolbox.run("make_slides", OURS | {"path": "deck.pptx"})
    assert (tmp_path / "deck.pptx").read_bytes() == WORK


def test_a_deck_of_the_user_is_revised_under_another_name(toolbox: Toolbox, seedx: SeedX, tmp_path: Path) -> None:
    deck = tmp_path / "deck.pptx"
    TOOLS["make_slides"].run(seedx, OURS | {"path": str(deck)})
    before = deck.read_bytes()
    change = {"path": "deck.pptx", "slide": 2, "change": "## New\n- point", "pictures": False}
    with pytest.raises(ToolRetry, match="revise_slide: output: 'deck.pptx' exists .* such as 'deck-2.pptx'"):
        toolbox.run("revise_slide", change)
    told = toolbox.run("revise_slide", change | {"output": "deck-2.pptx"})
    assert "2. New" in told.text and deck.read_bytes() == before
    toolbox.run("append_slides", {"path": "deck-2.pptx", "more": "## Last\n- point", "pictures": False})
    toolbox.run("revise_slide", change | {"overwrite": True})
    assert deck.read_bytes() != before


def test_a_folder_of_the_user_is_never_replaced_and_one_of_the_tools_is_whole(toolbox: Toolbox, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").write_bytes(WORK)
    story = {"prompt": "a red cat", "pages": 1}
    with pytest.raises(ToolRetry, match="path: 'photos' exists .* such as 'photos-2'$"):
        toolbox.run("tell_story", story | {"path": "photos", "overwrite": True})
    assert (tmp_path / "photos" / "cat.png").read_bytes() == WORK
    toolbox.run("tell_story", story | {"path": "tale", "pages": 2})
    before = {file: file.read_bytes() for file in (tmp_path / "tale").iterdir()}
    toolbox.run("tell_story", story | {"path": "tale"})
    assert {file.name for file in (tmp_path / "tale").iterdir()} == {"page-01.png", "story.json", "story.md"}
    (tmp_path / "bad.png").write_bytes(b"no image")
    kept = {file: file.read_bytes() for file in (tmp_path / "tale").iterdir()}
    with pytest.raises(ToolRetry, match="bad.png"):
        toolbox.run("tell_story", story | {"path": "tale", "first_image": "bad.png"})
    assert {file: file.read_bytes() for file in (tmp_path / "tale").iterdir()} == kept != before
    (tmp_path / "tale" / "mine.txt").write_bytes(WORK)
    with pytest.raises(ToolRetry, match="'tale' exists and is not from these tools"):
        toolbox.run("tell_story", story | {"path": "tale"})


def test_of_two_calls_that_write_one_file_the_second_is_told(seedx: SeedX, tmp_path: Path) -> None:
    alice = Toolbox.of(seedx, roots=[tmp_path])
    bob, told = alice.in_thread("bob"), list[str]()

    def meanwhile(_done: int, _total: int, _what: str) -> None:
        if not told:
            told.append("")
            with pytest.raises(ToolRetry) as caught:
                bob.run("tell_story", {"prompt": "a dog", "pages": 1, "path": "tale.html"})
            told.append(str(caught.value))

    alice.run("tell_story", {"prompt": "a red cat", "pages": 1, "path": "tale.html"}, on_progress=meanwhile)
    assert "'tale.html' exists and is not from these tools; use a free name, such as 'tale-2.html'" in told[1]
    output = alice.workspace.file_to_write("new.html")
    bob.run("tell_story", {"prompt": "a dog", "pages": 1, "path": "new.html"})
    with pytest.raises(OutputPathError, match="new.html' exists"), alice.workspace.writing(output):
        pytest.fail("it was written after the check")


def test_those_who_share_no_thread_replace_nothing(toolbox: Toolbox) -> None:
    toolbox.in_thread(None).run("make_slides", OURS | {"path": "deck.pptx"})
    with pytest.raises(ToolRetry, match="'deck.pptx' exists"):
        toolbox.in_thread(None).run("make_slides", OURS | {"path": "deck.pptx"})


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("a" * 300 + ".html", "File name too long"),
        ("con\udc80.html", "'con?.html' is outside the allowed folders; use a relative path, such as 'file'"),
        (".", "'.' is outside the allowed folders; use a relative path, such as 'file'"),
        ("..", "'..' is outside the allowed folders"),
        ("/", "'/' is outside the allowed folders"),
        ("no/tale.html", "the folder of 'no/tale.html' does not exist; use one that exists, such as 'tale.html'"),
    ],
)
def test_a_path_that_cannot_be_written_is_a_fault(toolbox: Toolbox, path: str, fault: str) -> None:
    with pytest.raises(ToolRetry) as caught:
        toolbox.run("tell_story", {"prompt": "a red cat", "pages": 1, "path": path})
    assert fault in str(caught.value)


def test_labels_are_found_however_their_letters_are_composed(toolbox: Toolbox, picture: Image.Image) -> None:
    toolbox.images.add(picture, label="cafe\u0301.png")
    assert toolbox.workspace.resolve_image("caf\u00e9.png") is picture


def test_people_who_call_a_tool_name_what_it_replaces(seedx: SeedX, tmp_path: Path) -> None:
    path = tmp_path / "deck.pptx"
    path.write_bytes(WORK)
    TOOLS["make_slides"].run(seedx, OURS | {"path": str(path)})
    assert path.read_bytes() != WORK


def test_relative_paths_are_found_in_every_root_and_faults_name_none(seedx: SeedX, tmp_path: Path) -> None:
    for folder in ("decks", "images"):
        (tmp_path / folder).mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "images" / "cat.png")
    (tmp_path / "images" / "bad.png").write_bytes(b"no image")
    toolbox = Toolbox.of(seedx, roots=[tmp_path / "decks", tmp_path / "images"])
    assert toolbox.run("describe", {"images": ["cat.png"]}).text == "a scripted answer about 1 picture(s)"
    for args in ({"images": ["bad.png"]}, {"images": ["../x.png"]}, {"images": [str(tmp_path / "y.png")[:-6] + "z"]}):
        with pytest.raises(ToolRetry) as caught:
            toolbox.run("describe", args)
        assert str(tmp_path) not in str(caught.value).replace(args["images"][0], "")


def test_what_a_toolbox_holds_besides_the_model_pickles(toolbox: Toolbox, picture: Image.Image) -> None:
    toolbox.images.add(picture)
    state = {name: value for name, value in toolbox.__getstate__().items() if name != "seedx"}
    copy = pickle.loads(pickle.dumps(state))
    assert list(copy["tools"]) == list(TOOLS) and copy["workspace"].images["image:1"] == picture
    assert copy["workspace"].roots == toolbox.workspace.roots
