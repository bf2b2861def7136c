from __future__ import annotations

import threading
from pathlib import Path

import pytest
from PIL import Image

from seedx_sdk.errors import ImageError
from seedx_tools import FolderImages, ImageBackend, ImageStore, MemoryImages
from seedx_tools.illustration.contact_sheet import contact_sheet


def image(color: str = "red", size: tuple[int, int] = (10, 10)) -> Image.Image:
    return Image.new("RGB", size, color)


@pytest.fixture(params=["memory", "folder"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> ImageBackend:
    return MemoryImages() if request.param == "memory" else FolderImages(tmp_path / "images")


def test_images_get_names_in_order_and_keep_them(backend: ImageBackend) -> None:
    store = ImageStore(backend)
    first, same = image(), image()
    assert [store.add(first), store.add(image("blue")), store.add(first)] == ["image:1", "image:2", "image:1"]
    assert store.add(store["image:1"]) == "image:1" and store.add(same) == "image:3"
    assert store["image:1"] == image() and list(store) == ["image:1", "image:2", "image:3"]
    assert "image:4" not in store
    with pytest.raises(
        ImageError, match="there is no image 'image:4'; use image:1, image:2, image:3, a path or a data"
    ):
        store["image:4"]


def test_threads_do_not_reach_the_images_of_others(backend: ImageBackend) -> None:
    store = ImageStore(backend)
    alice, bob = store.in_thread("alice"), store.in_thread("bob/../alice")
    assert alice.add(image("red"), label="cat.png") == "image:1"
    with pytest.raises(ImageError, match="there is no image 'image:1'"):
        bob["image:1"]
    assert bob.add(image("blue")) == "image:1"
    assert "cat.png" not in bob and not bob.labels
    assert alice["image:1"] == alice["cat.png"] == image("red") and bob["image:1"] == image("blue")
    backend.delete("alice")
    assert not alice and not alice.labels and list(bob) == ["image:1"]


def test_a_label_means_the_latest_image_that_has_it(backend: ImageBackend) -> None:
    store = ImageStore(backend)
    store.add(image("red"), label="my photo.png")
    name = store.add(image("blue"), label="my photo.png")
    assert store["my photo.png"] == image("blue") and store.labels == {"my photo.png": name}


def test_a_folder_keeps_names_over_restarts(tmp_path: Path) -> None:
    before = ImageStore(FolderImages(tmp_path / "images"), thread="1")
    before.add(image("red"), label="the cat")
    after = ImageStore(FolderImages(tmp_path / "images"), thread="1")
    assert after["the cat"] == after["image:1"] == image("red")
    assert after.add(image("blue")) == "image:2"


def test_names_of_messages_are_not_given_again() -> None:
    store = ImageStore()
    store.take(["image:4"])
    assert store.add(image()) == "image:5"
    with pytest.raises(ImageError, match="image:4 is gone: it is no longer stored; use image:5"):
        store["image:4"]


def test_the_least_recently_used_image_is_evicted_first() -> None:
    store = ImageStore(MemoryImages(max_bytes=2 * 300))
    names = [store.add(image("red")), store.add(image("blue"))]
    assert store[names[0]]
    third = store.add(image("lime"))
    assert set(store) == {names[0], third}
    with pytest.raises(ImageError, match="image:2 is gone: it is no longer stored; use image:1, image:3, a path"):
        store[names[1]]
    large = store.add(image(size=(100, 100)))
    assert list(store) == [large] == ["image:4"], "the newest image is kept whatever its size"


def test_secret_names_cannot_be_guessed_and_are_not_listed() -> None:
    store = ImageStore(secret=True)
    name = store.add(image("red"))
    assert len(name) == len("image:") + 16 and store.add(image("blue")) != name
    with pytest.raises(ImageError) as caught:
        store["image:1"]
    assert name not in str(caught.value) and "use a name from an earlier result" in str(caught.value)


def test_restored_images_have_their_old_names(backend: ImageBackend) -> None:
    store = ImageStore(backend)
    store.restore({"image:3": image("red"), "image:9": image("blue")})
    assert store["image:3"] == image("red")
    assert store.add(image("lime")) == "image:10"
    with pytest.raises(ImageError, match="image:9 is another image in this store"):
        store.restore({"image:9": image("white")})
    with pytest.raises(ImageError, match="must be like image:1"):
        store.restore({"image:../1": image()})


def test_simultaneous_images_never_get_the_same_name(backend: ImageBackend) -> None:
    store, names = ImageStore(backend), list[str]()
    images = [[Image.new("RGB", (10, 10), (row, column, 0)) for column in range(20)] for row in range(8)]
    threads = [threading.Thread(target=lambda row=row: names.extend(map(store.add, row))) for row in images]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(names, key=lambda name: int(name[6:])) == [f"image:{number}" for number in range(1, 161)]


def test_a_sheet_shows_images_in_reading_order() -> None:
    sheet = contact_sheet([image(color, (64, 32)) for color in ("red", "lime", "blue", "black")])
    assert sheet is not None and sheet.size == (3 * 328 + 8, 2 * 168 + 8)
    centers = [(8 + 160 + 328 * (n % 3), 8 + 80 + 168 * (n // 3)) for n in range(5)]
    seen = [sheet.getpixel(center) for center in centers]
    assert seen == [(255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0), (255, 255, 255)]
    assert contact_sheet([]) is None
