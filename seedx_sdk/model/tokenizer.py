"""The tokenizer of the released models, over bare sentencepiece.

Libraries changed how they treat added tokens since the model was trained (other ids for the same prompt), so the rule
of the slow LlamaTokenizer of transformers 4.30.2 is written out here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

from sentencepiece import SentencePieceProcessor

from seedx_sdk.tokens import NUM_IMAGE_TOKENS, TokenIds

__all__ = ["Tokenizer"]

_CONTRACTIONS = [" .", " ?", " !", " ,", " ' ", " n't", " 'm", " 's", " 've", " 're"]


class Tokenizer:
    """Text to ids and back, with added tokens that are matched before anything else.

    Args:
        pieces: The sentencepiece model.
        added: Added tokens by name.
        clean_up_spaces: Whether decoding removes the space before punctuation.
    """

    def __init__(self, pieces: SentencePieceProcessor, added: dict[str, int], *, clean_up_spaces: bool = False) -> None:
        self.pieces = pieces
        self.added = dict(added)
        self.clean_up_spaces = clean_up_spaces
        self.unk_id, self.bos_id, self.eos_id = pieces.unk_id(), pieces.bos_id(), pieces.eos_id()
        self._core = {pieces.id_to_piece(i): i for i in (self.unk_id, self.bos_id, self.eos_id)}
        self._names = {i: name for name, i in self.added.items()}
        names = sorted([*self.added, *self._core], key=len, reverse=True)
        self._splitter = re.compile("(" + "|".join(re.escape(name) for name in names) + ")")

    @classmethod
    def from_pretrained(cls, directory: str | Path) -> Tokenizer:
        """Read `tokenizer.model`, `added_tokens.json` and `tokenizer_config.json` of a directory.

        Raises:
            FileNotFoundError: If one of the first two is missing.
        """
        directory = Path(directory)
        for name in ("tokenizer.model", "added_tokens.json"):
            if not (directory / name).is_file():
                raise FileNotFoundError(f"{directory} has no {name}; use the directory of the released tokenizer")
        config: dict[str, Any] = {}
        if (directory / "tokenizer_config.json").is_file():
            config = json.loads((directory / "tokenizer_config.json").read_text(encoding="utf-8"))
        return cls(
            SentencePieceProcessor(model_file=str(directory / "tokenizer.model")),
            json.loads((directory / "added_tokens.json").read_text(encoding="utf-8")),
            clean_up_spaces=bool(config.get("clean_up_tokenization_spaces", True)),
        )

    def __len__(self) -> int:
        """Return the number of ids, added tokens included."""
        return max([self.pieces.get_piece_size(), *(i + 1 for i in self.added.values())])

    @property
    def pad_id(self) -> int:
        """Id that fills short sequences: the unknown token, which text never produces beside images."""
        return self.unk_id

    @cached_property
    def ids(self) -> TokenIds:
        """Ids of the tokens that the model code has to know, for images of 64 tokens."""
        return self.token_ids(NUM_IMAGE_TOKENS)

    def token_ids(self, num_image_tokens: int) -> TokenIds:
        """Return the same ids for images of another number of tokens."""
        return TokenIds.from_lookup(
            self.token_to_id, bos=self.bos_id, eos=self.eos_id, pad=self.pad_id, num_image_tokens=num_image_tokens
        )

    def token_to_id(self, name: str) -> int:
        """Return the id of an added or core token.

        Raises:
            KeyError: If there is no such token.
        """
        found = self.added.get(name, self._core.get(name))
        if found is None:
            raise KeyError(f"{name!r} is neither an added token nor one of {sorted(self._core)}")
        return found

    def is_text(self, token_id: int) -> bool:
        """Return whether an id stands for text: neither an added token nor the start or the end."""
        return token_id not in self._names and token_id not in (self.bos_id, self.eos_id)

    def encode(self, text: str) -> list[int]:
        """Return the ids of the text, without a start token.

        White space beside an added token is lost, and every stretch of text between tokens is encoded on its own.
        """
        parts = self._splitter.split(text)  # text, token, text, token, ..., text
        for i in range(1, len(parts), 2):
            if parts[i] in self.added:
                parts[i - 1] = parts[i - 1].rstrip()
                parts[i + 1] = parts[i + 1].lstrip()
        ids: list[int] = []
        for i, part in enumerate(parts):
            if i % 2:
                ids.append(self.token_to_id(part))
            elif part:
                ids.extend(self.pieces.encode(part))
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of the ids, all special tokens kept; added tokens stand between single spaces."""
        parts: list[str] = []
        for is_added, run in groupby(ids, key=lambda i: i in self._names):
            stretch = list(run)
            parts.extend([self._names[i] for i in stretch] if is_added else [self._decode_run(stretch)])
        text = " ".join(parts)
        if self.clean_up_spaces:
            for spaced in _CONTRACTIONS:
                text = text.replace(spaced, spaced.strip())
        return text

    def _decode_run(self, ids: list[int]) -> str:
        """Decode ids without added tokens; a core token that follows text puts a space before that text."""
        core = set(self._core.values())
        text, pending = "", list[int]()
        for position, i in enumerate(ids):
            if i not in core:
                pending.append(i)
                continue
            if position and ids[position - 1] not in core:
                text += " "
            text += self.pieces.decode(pending) + self.pieces.id_to_piece(i)
            pending = []
        decoded: str = text + self.pieces.decode(pending)
        return decoded
