"""Encodings of text files."""

import pytest

from seedx_sdk.errors import InputError
from seedx_tools.text_encoding import decode_text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_text_with_a_mark_or_in_utf_8_is_read_without_a_warning(encoding: str) -> None:
    warnings: list[str] = []
    text = "Gr\u00f6\u00dfe;\u20ac 5"
    assert decode_text(text.encode(encoding), "'a.csv'", warnings.append) == text
    assert warnings == []


def test_text_of_old_windows_is_read_with_a_warning() -> None:
    warnings: list[str] = []
    text = "\u20ac\u201cGr\u00f6\u00dfe\u201d"
    assert decode_text(text.encode("cp1252"), "'a.csv'", warnings.append) == text
    assert warnings == ["'a.csv' is not UTF-8 and was read as Windows-1252; save it as UTF-8 if letters are wrong"]


@pytest.mark.parametrize("data", [b"PK\x03\x04\xff\x00", b"a\x00b", b"\xff\xfea"])
def test_bytes_that_are_no_text_are_refused(data: bytes) -> None:
    with pytest.raises(InputError, match="'a.csv' is no text.*save it as UTF-8"):
        decode_text(data, "'a.csv'", list[str]().append)
