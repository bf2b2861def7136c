"""The shipped model behind a server must answer as it does in process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from seedx_sdk import Message, SeedX
from seedx_sdk.types import ImageDone, ReplyDone


@pytest.fixture(scope="module")
def here() -> Iterator[SeedX]:
    seedx = SeedX()
    yield seedx
    seedx.close()


@pytest.fixture
def there(nano_server: str) -> Iterator[SeedX]:
    seedx = SeedX(base_url=nano_server)
    yield seedx
    seedx.close()


def test_the_same_bytes_come_over_http(here: SeedX, there: SeedX) -> None:
    drawn, expected = (s.generate("a red house beside a green tree", seed=3, steps=6) for s in (there, here))
    assert drawn.image is not None and expected.image is not None
    assert drawn.image.tobytes() == expected.image.tobytes() and drawn.layout == expected.layout
    page = expected.image
    assert there.describe(page).text == here.describe(page).text
    assert there.detect(page, "the house").boxes == here.detect(page, "the house").boxes
    changed, expected_change = (s.edit(page, "Make it night.", seed=2, steps=6) for s in (there, here))
    assert changed.image.tobytes() == expected_change.image.tobytes()
    assert there.info == here.info


def test_a_conversation_comes_as_it_is_made(there: SeedX) -> None:
    events = list(there.chat_stream([Message.user("Draw a red house.")], steps=6))
    kinds = [event.type for event in events]
    assert kinds[-1] == "reply_done" and "text_delta" in kinds and kinds.count("image_progress") == 6
    done = next(event for event in events if isinstance(event, ImageDone))
    whole = events[-1]
    assert isinstance(whole, ReplyDone) and whole.reply.message.images[0].tobytes() == done.image.tobytes()
