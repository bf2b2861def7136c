from __future__ import annotations

import threading

import pytest
from PIL import Image

from seedx_sdk.errors import ImageError
from seedx_tools import ImageStore
from seedx_tools.illustration.contact_sheet import contact_sheet


def picture(color: str = "red", size: tuple[int, int] = (10, 10)) -> Image.Image:
    return Image.new("RGB", size, color)


def test_pictures_get_names_in_order_and_keep_them() -> None:
    store, first = ImageStore(), picture()
    assert [store.add(first), store.add(picture("blue")), store.add(first)] == ["image:1", "image:2", "image:1"]
    assert store["image:1"] is first and list(store) == ["image:2", "image:1"] and "image:2" in store


def test_the_picture_used_longest_ago_goes_first() -> None:
    store = ImageStore(max_bytes=2 * 300)
    names = [store.add(picture()), store.add(picture())]
    assert store[names[0]]
    third = store.add(picture())
    assert set(store) == {names[0], third}
    with pytest.raises(ImageError, match="there is no picture 'image:2'; there are image:1, image:3"):
        store[names[1]]
    large = store.add(picture(size=(100, 100)))
    assert list(store) == [large], "one picture is kept whatever its size"


def test_secret_names_cannot_be_guessed_and_are_not_told() -> None:
    store = ImageStore(secret=True)
    name = store.add(picture())
    assert len(name) == len("image:") + 16 and store.add(picture()) != name
    with pytest.raises(ImageError) as caught:
        store["image:1"]
    assert name not in str(caught.value) and "use a name from an earlier result" in str(caught.value)


def test_many_threads_get_names_of_their_own() -> None:
    store, names = ImageStore(), list[str]()
    threads = [threading.Thread(target=lambda: names.extend(store.add(picture()) for _ in range(50))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(names, key=lambda name: int(name[6:])) == [f"image:{number}" for number in range(1, 401)]


def test_a_sheet_shows_pictures_in_reading_order() -> None:
    sheet = contact_sheet([picture(color, (64, 32)) for color in ("red", "lime", "blue", "black")])
    assert sheet is not None and sheet.size == (3 * 328 + 8, 2 * 168 + 8)
    centres = [(8 + 160 + 328 * (n % 3), 8 + 80 + 168 * (n // 3)) for n in range(5)]
    seen = [sheet.getpixel(centre) for centre in centres]
    assert seen == [(255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0), (255, 255, 255)]
    assert contact_sheet([]) is None
