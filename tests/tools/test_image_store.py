from __future__ import annotations

import pickle
import threading
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("langgraph")

from langgraph.store.memory import InMemoryStore
from langgraph.store.sqlite import SqliteStore
from PIL import Image

from seedx_sdk.errors import ImageError, OutputPathError
from seedx_tools import FolderImages, ImageBackend, ImageStore, MemoryImages
from seedx_tools.adapters.langgraph_store import LangGraphImages
from seedx_tools.illustration.contact_sheet import contact_sheet


def image(color: str = "red", size: tuple[int, int] = (10, 10)) -> Image.Image:
    return Image.new("RGB", size, color)


@pytest.fixture(params=["memory", "folder", "langgraph"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> ImageBackend:
    if request.param == "langgraph":
        return LangGraphImages(InMemoryStore())
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
    with pytest.raises(ImageError, match="image:4 is gone: it is not stored in this conversation; use image:5"):
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
    images = [[Image.new("RGB", (10, 10), (row, column, 0)) for column in range(5)] for row in range(8)]
    threads = [threading.Thread(target=lambda row=row: names.extend(map(store.add, row))) for row in images]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = sorted(int(name.removeprefix("image:")) for name in names)
    assert len(set(numbers)) == 40 and numbers[0] == 1
    assert {store[name].getpixel((0, 0)) for name in names} == {
        (row, column, 0) for row in range(8) for column in range(5)
    }


def test_a_label_never_hides_a_name(backend: ImageBackend) -> None:
    store = ImageStore(backend)
    store.add(image("red"))
    store.add(image("blue"), label="image:1")
    assert store["image:1"] == image("red")


def test_names_that_messages_mention_open_what_is_elsewhere() -> None:
    store = ImageStore()
    store.take(["image:2", "image:7"], {"image:2": image("red")}.get)
    assert store["image:2"] == image("red") and "image:7" not in store
    assert store.add(store["image:2"]) == "image:2", "it is the image of that name"
    assert store.add(image("blue")) == "image:8" and list(store) == ["image:2", "image:8"]
    with pytest.raises(
        ImageError, match="image:7 is gone: it is not stored in this conversation; use image:2, image:8"
    ):
        store["image:7"]


def test_names_are_random_where_earlier_ones_are_not_known(tmp_path: Path) -> None:
    store = ImageStore().in_thread("1", unique=True)
    name = store.add(image())
    assert len(name) == len("image:") + 9 and name.startswith("image:r") and list(store) == [name]
    durable = ImageStore(FolderImages(tmp_path / "images")).in_thread("1", unique=True)
    assert durable.add(image()) == "image:1", "these are known after a restart"


def test_who_has_no_thread_reaches_only_what_he_is_told(backend: ImageBackend) -> None:
    store = ImageStore(backend)
    store.add(image("red"))
    alice, bob = store.in_thread(None), store.in_thread(None)
    name = alice.add(image("blue"), label="cat.png")
    assert bob[name] == image("blue") and "image:1" not in bob and not bob.labels
    with pytest.raises(ImageError, match="there is no image 'cat.png'; use a name from an earlier result"):
        bob["cat.png"]
    assert list(store) == ["image:1"]


def test_an_image_keeps_its_name_among_all_views_of_a_thread(backend: ImageBackend) -> None:
    store, drawn = ImageStore(backend), image()
    assert [store.in_thread(thread).add(drawn) for thread in ("1", "2", "1", "2")] == ["image:1"] * 4
    assert store.in_thread("1").add(image()) == "image:2"


def test_stores_travel_to_other_processes() -> None:
    store = ImageStore()
    store.add(image("red"), label="cat.png")
    copy: ImageStore = pickle.loads(pickle.dumps(store))
    assert copy["cat.png"] == image("red") and copy.add(image()) == "image:2" and list(store) == ["image:1"]


def test_claims_of_two_workers_on_one_store_never_agree() -> None:
    """Both workers look before either writes: then neither takes the word."""
    barrier, names = threading.Barrier(2), dict[int, str]()

    class Store(InMemoryStore):
        def search(self, *args: Any, **options: Any) -> Any:
            found = super().search(*args, **options)
            if options["filter"] == {"word": "1"} and not found:
                barrier.wait(timeout=60)
            return found

    store = Store()
    workers = [LangGraphImages(store), LangGraphImages(store)]

    def add(number: int) -> None:
        names[number] = ImageStore(workers[number]).add(image())

    threads = [threading.Thread(target=add, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names[0] != names[1] and set(ImageStore(workers[0])) == set(names.values())


def test_images_outlive_their_store_only_in_a_durable_place(tmp_path: Path) -> None:
    assert not MemoryImages().durable and not LangGraphImages(InMemoryStore()).durable
    with SqliteStore.from_conn_string(str(tmp_path / "images.db")) as database:
        database.setup()
        before = ImageStore(LangGraphImages(database), thread="a.b")
        assert before.durable and before.add(image("red"), label="the cat") == "image:1"
        after = ImageStore(LangGraphImages(database), thread="a.b")
        assert after["the cat"] == image("red") and after.add(image("blue")) == "image:2"


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputPathError, match="create it first"):
        FolderImages(tmp_path / "missing" / "images")


def test_a_sheet_shows_images_in_reading_order() -> None:
    sheet = contact_sheet([image(color, (64, 32)) for color in ("red", "lime", "blue", "black")])
    assert sheet is not None and sheet.size == (3 * 328 + 8, 2 * 168 + 8)
    centers = [(8 + 160 + 328 * (n % 3), 8 + 80 + 168 * (n // 3)) for n in range(5)]
    seen = [sheet.getpixel(center) for center in centers]
    assert seen == [(255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0), (255, 255, 255)]
    assert contact_sheet([]) is None


def test_a_damaged_image_hides_no_other_and_is_named(tmp_path: Path) -> None:
    store = ImageStore(FolderImages(tmp_path), thread="t")
    names = [store.add(image(color)) for color in ("red", "blue")]
    next(tmp_path.glob("*/1.png")).write_bytes(b"cut off")
    assert sorted(store) == names and "image:1" in store and store["image:2"] == image("blue")
    with pytest.raises(ImageError, match=r"^image:1 is damaged: .* a path or a data URI$") as caught:
        store["image:1"]
    assert str(tmp_path) not in str(caught.value)
    with pytest.raises(ImageError, match="there is no image 'image:3'"):
        store["image:3"]


def test_an_error_reads_no_image(backend: ImageBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ImageStore(backend, thread="t")
    for _ in range(12):
        store.add(image())
    monkeypatch.setattr(type(backend), "get", lambda *_: pytest.fail("an image was read"))
    assert store.choices() == "".join(f"image:{number}, " for number in range(5, 13)) + "a path or a data URI"
    assert len(store) == 12 and "image:1" in store and "image:13" not in store
