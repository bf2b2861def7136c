"""Try-on pairs in the directories of VITON-HD and DressCode, drawn by us."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from seedx_finetune.data.documents import DrawImage, ReadImage
from seedx_finetune.data.formats.try_on import TryOn
from seedx_finetune.errors import DataError
from seedx_sdk import prompts
from seedx_sdk.imaging import to_png
from tests.support.training_records import Script, answers, faults, image_bytes, rows, transcript, write


def mask(box: tuple[int, int, int, int], value: int, size: tuple[int, int] = (300, 400), mode: str = "L") -> bytes:
    image = Image.new(mode, size)
    if mode == "P":
        image.putpalette([0, 0, 0, 254, 85, 0] * 128)
    image.paste(value, box)
    return to_png(image)


@pytest.fixture
def viton(tmp_path: Path) -> Path:
    write(tmp_path / "train" / "image" / "00001_00.jpg", image_bytes(300, 400))
    write(tmp_path / "train" / "cloth" / "00001_00.jpg", image_bytes(310, 410))
    write(tmp_path / "train" / "agnostic-mask" / "00001_00_mask.png", mask((100, 80, 200, 280), 255))
    write(tmp_path / "train_pairs.txt", "00001_00.jpg 00001_00.jpg\n")
    return tmp_path


def test_the_figure_is_read_blanked_then_the_garment_and_the_figure_is_drawn(viton: Path) -> None:
    (row,) = rows(TryOn(), viton)
    document = TryOn().document(row, Script())
    figure, garment = "<train/image/00001_00.jpg>", "<train/cloth/00001_00.jpg>"
    assert transcript(document) == ["[INST]", figure, garment, f"{prompts.try_on_request()} [/INST]\n", f"+{figure}"]
    assert answers(document) == ["<img>"]
    _, read, worn, _, drawn = document
    assert isinstance(read, ReadImage) and isinstance(worn, ReadImage) and isinstance(drawn, DrawImage)
    assert read.image.blank == (95, 70, 205, 290)
    assert drawn.condition == read.image
    assert drawn.image.blank is None and worn.image.blank is None
    assert (drawn.image.path, worn.image.width) == (viton / "train/image/00001_00.jpg", 310)


@pytest.mark.parametrize(("margin", "region"), [(0, (100, 80, 200, 280)), (1, (0, 0, 300, 400))])
def test_the_margin_widens_the_region_up_to_the_edge(
    viton: Path, margin: float, region: tuple[int, int, int, int]
) -> None:
    assert tuple(rows(TryOn(margin=margin), viton)[0]["region"]) == region


def test_a_map_of_labels_says_where_the_garment_is_too(viton: Path) -> None:
    (viton / "train" / "agnostic-mask" / "00001_00_mask.png").unlink()
    (viton / "train" / "agnostic-mask").rmdir()
    write(viton / "train" / "image-parse-v3" / "00001_00.png", mask((10, 20, 30, 40), 5, mode="P"))
    assert tuple(rows(TryOn(margin=0), viton)[0]["region"]) == (10, 20, 30, 40)
    write(viton / "train" / "image-parse-v3" / "00001_00.png", mask((10, 20, 30, 40), 9, mode="P"))
    assert faults(TryOn(), viton) == [
        ("train_pairs.txt:1", "mask train/image-parse-v3/00001_00.png shows no garment (labels (5, 6, 7))")
    ]


def test_another_split_has_its_own_pairs(viton: Path) -> None:
    (viton / "train").rename(viton / "test")
    (viton / "train_pairs.txt").rename(viton / "test_pairs.txt")
    assert rows(TryOn(split="test"), viton)[0]["images"][0]["name"] == "test/image/00001_00.jpg"


def test_dress_code_has_a_directory_for_each_category(tmp_path: Path) -> None:
    for category, label in (("lower_body", 6), ("dresses", 7)):
        write(tmp_path / category / "images" / "020714_0.jpg", image_bytes(300, 400))
        write(tmp_path / category / "images" / "020714_1.jpg", image_bytes(300, 400))
        write(tmp_path / category / "label_maps" / "020714_4.png", mask((label, 20, 30, 40), label))
        write(tmp_path / category / "train_pairs.txt", "020714_0.jpg\t020714_1.jpg\n")
    dress_code = TryOn(layout="dress_code", margin=0)
    outcomes = list(dress_code.scan(tmp_path))
    assert [outcome.name for outcome in outcomes] == ["lower_body/train_pairs.txt:1", "dresses/train_pairs.txt:1"]
    first, second = rows(dress_code, tmp_path)
    assert [first["region"], second["region"]] == [(6, 20, 30, 40), (7, 20, 30, 40)]
    assert first["images"][1]["name"] == "lower_body/images/020714_1.jpg"
    write(tmp_path / "dresses" / "train_pairs.txt", "020714_0.jpg 020715_1.jpg\n")
    assert "020714_0.jpg does not wear 020715_1.jpg" in getattr(list(dress_code.scan(tmp_path))[1], "reason", "")


@pytest.mark.parametrize(
    ("file", "data", "reason"),
    [
        ("train_pairs.txt", "00001_00.jpg\n", "'00001_00.jpg' must be the names of a figure and a garment"),
        ("train_pairs.txt", "00001_00.jpg 00002_00.jpg\n", "00001_00.jpg does not wear 00002_00.jpg"),
        ("train_pairs.txt", "lost.jpg lost.jpg\n", "image train/image/lost.jpg: no image at"),
        ("train/cloth/00001_00.jpg", image_bytes()[:500], "image train/cloth/00001_00.jpg:"),
        ("train/agnostic-mask/00001_00_mask.png", b"no image", "cannot identify image file"),
        ("train/agnostic-mask/00001_00_mask.png", mask((0, 0, 9, 9), 0), "shows no garment (white)"),
        (
            "train/agnostic-mask/00001_00_mask.png",
            mask((0, 0, 9, 9), 255, (30, 40)),
            "has (30, 40) pixels and the figure",
        ),
    ],
)
def test_a_bad_record_is_named_with_its_reason(viton: Path, file: str, data: bytes | str, reason: str) -> None:
    write(viton / file, data)
    ((name, said),) = faults(TryOn(), viton)
    assert name == "train_pairs.txt:1"
    assert reason in said


def test_a_missing_mask_is_named(viton: Path) -> None:
    (viton / "train" / "agnostic-mask" / "00001_00_mask.png").unlink()
    ((_, said),) = faults(TryOn(), viton)
    assert "No such file" in said


def test_a_path_without_pairs_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no train_pairs.txt; give the root of the data set"):
        list(TryOn().scan(tmp_path))
    with pytest.raises(DataError, match="has no upper_body/train_pairs.txt or lower_body/train_pairs.txt or"):
        list(TryOn(layout="dress_code").scan(tmp_path))
