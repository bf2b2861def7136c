from __future__ import annotations

import threading

import pytest
from PIL import Image

from seedx_sdk.errors import ImageError
from seedx_tools import ImageStore
from seedx_tools.illustration.contact_sheet import contact_sheet


def image(color: str = "red", size: tuple[int, int] = (10, 10)) -> Image.Image:
    return Image.new("RGB", size, color)


def test_images_get_names_in_order_and_keep_them() -> None:
    store, first = ImageStore(), image()
    assert [store.add(first), store.add(image("blue")), store.add(first)] == ["image:1", "image:2", "image:1"]
    assert store["image:1"] is first and list(store) == ["image:2", "image:1"] and "image:2" in store


def test_the_least_recently_used_image_is_evicted_first() -> None:
    store = ImageStore(max_bytes=2 * 300)
    names = [store.add(image()), store.add(image())]
    assert store[names[0]]
    third = store.add(image())
    assert set(store) == {names[0], third}
    with pytest.raises(ImageError, match="there is no image 'image:2'; use image:1, image:3, a path"):
        store[names[1]]
    large = store.add(image(size=(100, 100)))
    assert list(store) == [large], "the newest image is kept whatever its size"


def test_secret_names_cannot_be_guessed_and_are_not_listed() -> None:
    store = ImageStore(secret=True)
    name = store.add(image())
    assert len(name) == len("image:") + 16 and store.add(image()) != name
    with pytest.raises(ImageError) as caught:
        store["image:1"]
    assert name not in str(caught.value) and "use a name from an earlier result" in str(caught.value)


def test_threads_never_get_the_same_name() -> None:
    store, names = ImageStore(), list[str]()
    threads = [threading.Thread(target=lambda: names.extend(store.add(image()) for _ in range(50))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(names, key=lambda name: int(name[6:])) == [f"image:{number}" for number in range(1, 401)]


def test_a_sheet_shows_images_in_reading_order() -> None:
    sheet = contact_sheet([image(color, (64, 32)) for color in ("red", "lime", "blue", "black")])
    assert sheet is not None and sheet.size == (3 * 328 + 8, 2 * 168 + 8)
    centers = [(8 + 160 + 328 * (n % 3), 8 + 80 + 168 * (n // 3)) for n in range(5)]
    seen = [sheet.getpixel(center) for center in centers]
    assert seen == [(255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0), (255, 255, 255)]
    assert contact_sheet([]) is None
