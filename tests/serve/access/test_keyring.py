"""API keys in a file that changes while it is read."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from seedx_sdk.errors import InputError
from seedx_sdk.serve.access import keyring as keyring_module
from seedx_sdk.serve.access.key_file import read_key_file
from seedx_sdk.serve.access.keyring import Keyring
from seedx_sdk.serve.access.limits import Limits

HASHED = hashlib.sha256(b"hashed").hexdigest()
FILE = f"""
[defaults]
requests_per_minute = 60

[keys.alice]
sha256 = "{HASHED}"
steps_per_minute = 3000

[keys."bob@example.org"]
key = [
  "new",
  "old",
]
requests_per_minute = 5
weight = 2
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.toml"
    path.write_text(FILE)
    path.chmod(0o600)
    return path


def bearer(keyring: Keyring, key: str) -> str | None:
    found = keyring.find(f"Bearer {key}")
    return None if found is None else found.name


def test_keys_have_names_and_limits(file: Path) -> None:
    alice, bob = read_key_file(file, Limits(steps_per_minute=7, images_per_day=8))
    assert (alice.name, bob.name, len(bob.digests)) == ("alice", "bob@example.org", 2)
    assert alice.limits == Limits(requests_per_minute=60, steps_per_minute=3000, images_per_day=8)
    assert bob.limits == Limits(requests_per_minute=5, steps_per_minute=7, images_per_day=8, weight=2)


def test_a_file_may_come_from_windows(file: Path) -> None:
    expected = read_key_file(file, Limits())
    file.write_bytes(b"\xef\xbb\xbf" + FILE.replace("\n", "\r\n").encode())
    assert read_key_file(file, Limits()) == expected


def test_plain_and_hashed_keys_are_found(file: Path) -> None:
    keyring = Keyring([SecretStr("first"), SecretStr("second")], file, Limits(images_per_minute=3))
    names = [bearer(keyring, key) for key in ("hashed", "new", "old", "first", "second", "none", "", HASHED)]
    assert names == ["alice", "bob@example.org", "bob@example.org", "key 1", "key 2", None, None, None]
    assert keyring.find("Basic new") is None and keyring.find("new") is None
    found = keyring.find("bearer second")
    assert found is not None and found.limits == Limits(images_per_minute=3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[keys.a]\nkey = 'k'\nimages_per_minute = 0\n", "line 3: keys.a.images_per_minute: .*greater than"),
        ("\n[keys.a]\nkey = 'k'\nimges_per_day = 1\n", "line 4: keys.a.imges_per_day: Extra inputs"),
        ("[keys.b]\nkey = 'b'\n# empty\n[keys.a]\nweight = 2\n", "line 4: keys.a: .*neither 'key' nor 'sha256'"),
        *(
            (
                f"[keys.a]\nkey = [\n 'k',\n '{unsendable}',\n]\n",
                "line 2: keys.a.key.1: .*use printable ASCII without spaces",
            )
            for unsendable in ("", "k ", "kéy", "a\tb")
        ),
        ("[keys.a]\nsha256 = 'abc'\n", "line 2: keys.a.sha256.0: String should match"),
        ("keys.a.key = 'k'\nkeys.a.weight = -1\n", "line 2: keys.a.weight: "),
        ("[keys]\na = {key = 'k', weight = 'x'}\n", "line 2: keys.a.weight: "),
        ("[keys.'a b']\nkey = 'k'\n", "line 1: keys.a b"),
        ("[keys.a]\nkey = 'k'\n\n[keys.b]\nkey = 'k'\n", "line 4: keys.b: it is the same key as that of a"),
        ("[defaults]\nweight = 1\n", "line 1: keys: Field required"),
        ("[keys]\n", "line 1: keys: .*at least 1"),
        ("[keys.a]\nkey = k\n", "no TOML file.*line 2"),
        ("[keys.a]\nkey = 'k'\n[keys.a]\n", "no TOML file.*line 3"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_key_file(path, Limits())
    assert "'k'" not in str(caught.value)  # no key gets into a log


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        Keyring([], tmp_path / "none", Limits())
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="is no TOML file"):
        Keyring([], tmp_path / "binary", Limits())


def test_keys_are_rotated(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    keyring = Keyring([], file, Limits())
    with caplog.at_level(logging.INFO, "seedx.keys"):
        keyring.refresh()
        assert not caplog.records
        replaced = file.with_suffix(".new")
        replaced.write_text("[keys.alice]\nkey = 'changed'\n[keys.carol]\nkey = 'hers'\n")
        os.replace(replaced, file)
        file.chmod(0o600)
        keyring.refresh()
    assert [bearer(keyring, key) for key in ("changed", "hers", "hashed", "new")] == ["alice", "carol", None, None]
    assert caplog.messages == [f"read {file}: 2 keys, added: carol, changed: alice, removed: bob@example.org"]


@pytest.mark.parametrize("broken", ["", "[keys.alice]\n", None])
def test_a_broken_file_leaves_the_keys_as_they_were(
    file: Path, caplog: pytest.LogCaptureFixture, broken: str | None
) -> None:
    keyring = Keyring([], file, Limits())
    if broken is None:
        file.unlink()
    else:
        file.write_text(broken)
    for _ in range(2):
        keyring.refresh()
    (record,) = caplog.records  # once, not each time
    assert record.levelname == "ERROR" and str(file) in record.message and "stay as they were" in record.message
    assert keyring.is_needed and bearer(keyring, "hashed") == "alice"
    file.write_text("[keys.dora]\nkey = 'hers'\n")
    file.chmod(0o600)
    keyring.refresh()
    assert bearer(keyring, "hers") == "dora" and bearer(keyring, "hashed") is None


def test_others_should_not_read_the_file(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    Keyring([], file, Limits())
    assert not caplog.records
    file.chmod(0o644)
    Keyring([], file, Limits())
    assert "644" in caplog.messages[0] and "chmod 600" in caplog.messages[0]


def test_a_watched_file_is_read_again(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring_module, "_CHECK_SECONDS", 0.01)

    async def run() -> None:
        keyring = Keyring([], file, Limits())
        async with keyring.watched():
            file.write_text("[keys.alice]\nkey = 'changed'\n")
            while bearer(keyring, "changed") is None:
                await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(run(), 60))
