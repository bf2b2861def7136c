"""Images in a LangGraph store: in the database that a deployment has anyway."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from PIL import Image

from seedx_sdk.forks import ThreadLock
from seedx_sdk.imaging import open_image, to_png

if TYPE_CHECKING:
    from langgraph.store.base import BaseStore, Item, SearchItem

_PAGE = 1000
"""How many items one query returns."""


class LangGraphImages:
    """Images of all threads in a store of LangGraph, as PNG in base64; several processes may use one store.

    A store cannot add a key only where it is free, so a word is claimed first under a key of one's own: who then sees
    another claim takes the next word. Nothing is evicted: delete a thread when its conversation is deleted.

    Args:
        store: Such as PostgresStore. From an async program call its methods in a thread, as the tools do.
        namespace: Where in the store the images lie.
    """

    def __init__(self, store: BaseStore, *, namespace: tuple[str, ...] = ("seedx_images",)) -> None:
        from langgraph.store.memory import InMemoryStore

        self.durable = not isinstance(store, InMemoryStore)
        self._store, self._namespace = store, namespace
        self._lock = ThreadLock()  # InMemoryStore has none

    def words(self, thread: str) -> tuple[str, ...]:
        """Return all words given out in a thread, the oldest first, also those whose image is gone."""
        claims = sorted(self._items(thread, "words"), key=lambda item: item.created_at)
        return tuple(dict.fromkeys(str(item.value["word"]) for item in claims))

    def add(self, thread: str, image: Image.Image, words: Iterator[str]) -> str:
        """Keep an image under the first of these words that was never given out, and return the word."""
        png = base64.b64encode(to_png(image)).decode("ascii")
        word = next(word for word in words if self._claim(thread, word))
        self._put(thread, "images", word, {"png": png})
        return word

    def has(self, thread: str, word: str) -> bool:
        """Return whether there is an image."""
        return self._item(thread, word) is not None

    def get(self, thread: str, word: str) -> Image.Image | None:
        """Return an image; None if there is none.

        Raises:
            ImageError: If it is damaged.
        """
        item = self._item(thread, word)
        return None if item is None else open_image(base64.b64decode(item.value["png"]))

    def labels(self, thread: str) -> Mapping[str, str]:
        """Return the names that users gave to images, each with the word of its image."""
        return {str(item.value["label"]): str(item.value["word"]) for item in self._items(thread, "labels")}

    def set_label(self, thread: str, label: str, word: str) -> None:
        """Keep a name that a user gave to an image; the latest image of a label has it."""
        self._put(thread, "labels", _sha256(label), {"label": label, "word": word})

    def delete(self, thread: str) -> None:
        """Forget a thread with its images."""
        keys = [("images", word) for word in self.words(thread)]
        keys += [(kind, item.key) for kind in ("labels", "words") for item in self._items(thread, kind)]
        with self._lock:
            for kind, key in keys:
                self._store.delete(self._at(thread, kind), key)

    def _claim(self, thread: str, word: str) -> bool:
        """Return whether a word is free; it is taken from now on in any case."""
        if self._items(thread, "words", word=word):
            return False
        self._put(thread, "words", secrets.token_hex(8), {"word": word})
        return len(self._items(thread, "words", word=word)) == 1

    def _item(self, thread: str, word: str) -> Item | None:
        with self._lock:
            return self._store.get(self._at(thread, "images"), word)

    def _items(self, thread: str, kind: str, **match: str) -> list[SearchItem]:
        found: list[SearchItem] = []
        while len(found) % _PAGE == 0:
            with self._lock:
                page = self._store.search(self._at(thread, kind), filter=match or None, limit=_PAGE, offset=len(found))
            if not page:
                break
            found += page
        return found

    def _put(self, thread: str, kind: str, key: str, value: dict[str, Any]) -> None:
        with self._lock:
            self._store.put(self._at(thread, kind), key, value, index=False)

    def _at(self, thread: str, kind: str) -> tuple[str, ...]:
        return (*self._namespace, _sha256(thread), kind)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
