"""A file of API keys: TOML, with a name and limits for each.

    [defaults]                      # of keys that say nothing else
    requests_per_minute = 60

    [keys.alice]
    sha256 = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
    steps_per_minute = 3000

    [keys.bob]
    key = ["KEY-2", "KEY-1"]      # several, while clients change over
    weight = 2

A key is kept as its SHA-256 (`printf %s KEY | sha256sum`) or in plain text.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)

from seedx_sdk.errors import InputError
from seedx_sdk.serve.access.limits import Limits

__all__ = ["ApiKey", "digest_of", "read_key_file"]


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of a server, without the key itself."""

    name: str
    digests: tuple[bytes, ...]
    """SHA-256 of each text that is this key."""
    limits: Limits


def digest_of(key: str) -> bytes:
    """Return the SHA-256 of a key, which is compared instead of it."""
    return hashlib.sha256(key.encode()).digest()


def read_key_file(path: Path, defaults: Limits) -> list[ApiKey]:
    """Return the keys of a file.

    Args:
        path: A TOML file.
        defaults: Limits of keys where the file has none.

    Raises:
        InputError: If the file cannot be read, or is not as it should be; the message names the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # editors on Windows write a byte order mark
        parsed = _KeyFile.model_validate(tomllib.loads(text))
    except OSError as error:
        raise InputError(f"the file of API keys {path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = tuple(str(part) for part in first["loc"])
        field = ".".join(place) or "the file"
        raise InputError(f"{path}, line {_line_of(text, place)}: {field}: {first['msg']}") from None
    except ValueError as error:  # not UTF-8, or not TOML; the message has the line
        raise InputError(f"{path} is no TOML file: {error}") from error
    common = parsed.defaults.over(defaults)
    keys = [ApiKey(name, entry.digests, entry.over(common)) for name, entry in parsed.keys.items()]
    owners: dict[bytes, str] = {}
    for key in keys:
        for digest in key.digests:
            if (owner := owners.setdefault(digest, key.name)) != key.name:
                line = _line_of(text, ("keys", key.name))
                raise InputError(f"{path}, line {line}: keys.{key.name}: it is the same key as that of {owner}")
    return keys


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _sendable(key: SecretStr) -> SecretStr:
    text = key.get_secret_value()
    if not text or not text.isascii() or not text.isprintable() or text != text.strip():
        raise ValueError(
            "a header cannot carry it: use printable ASCII without spaces around it (openssl rand -hex 32)"
        )
    return key


_Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.@-]{1,64}$")]
_Text = Annotated[SecretStr, Field(max_length=1024), AfterValidator(_sendable)]
_Digest = Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{64}$")]


class _Entry(Limits):
    key: Annotated[tuple[_Text, ...], BeforeValidator(_listed)] = ()
    sha256: Annotated[tuple[_Digest, ...], BeforeValidator(_listed)] = ()

    @model_validator(mode="after")
    def _has_key(self) -> _Entry:
        if not self.key and not self.sha256:
            raise ValueError("it has neither 'key' nor 'sha256'")
        return self

    @property
    def digests(self) -> tuple[bytes, ...]:
        """SHA-256 of each of its keys."""
        plain = (digest_of(key.get_secret_value()) for key in self.key)
        return (*plain, *map(bytes.fromhex, self.sha256))


class _KeyFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    defaults: Limits = Limits()
    keys: Annotated[dict[_Name, _Entry], Field(min_length=1)]


def _line_of(text: str, place: Sequence[str]) -> int:
    """Return the number of the line that sets a value, or of the table that it would be in; the first line is 1."""
    best, found = 0, 1
    for number, path in _settings(text):
        common = 0
        while common < min(len(path), len(place)) and path[common] == place[common]:
            common += 1
        if common > best:
            best, found = common, number
    return found


def _settings(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield the number and the full name of each line that is a header or begins a value."""
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        is_header = line.lstrip().startswith("[")
        for alone in (line, f"{line.partition('=')[0]}=0"):  # the second, where the value has several lines
            try:
                names = _names(tomllib.loads(alone))
            except tomllib.TOMLDecodeError:
                continue
            table = names if is_header else table
            if names:
                yield number, names if is_header else (*table, *names)
            break


def _names(parsed: dict[str, Any]) -> tuple[str, ...]:
    """Return the names on the way to the only value of nested tables."""
    names: list[str] = []
    while isinstance(parsed, dict) and parsed:
        name, parsed = next(iter(parsed.items()))
        names.append(name)
    return tuple(names)
