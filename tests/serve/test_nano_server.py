"""The shipped model gives the same answers behind a server as in process."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from seedx_sdk import InputError, Message, SeedX
from seedx_sdk.types import ImageDone, ImageProgress, ReplyDone


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


def test_results_over_http_are_those_in_process(here: SeedX, there: SeedX) -> None:
    generated, expected = (
        s.generate("a red house beside a green tree", seed=3, num_inference_steps=6) for s in (there, here)
    )
    assert generated.image is not None and expected.image is not None
    assert generated.image.tobytes() == expected.image.tobytes() and generated.layout == expected.layout
    page = expected.image
    assert there.describe(page).text == here.describe(page).text
    assert there.detect(page, "the house").boxes == here.detect(page, "the house").boxes
    changed, expected_change = (s.edit(page, "Make it night.", seed=2, num_inference_steps=6) for s in (there, here))
    assert changed.image.tobytes() == expected_change.image.tobytes()
    assert there.info == here.info


def test_previews_come_while_the_image_is_generated(here: SeedX, there: SeedX) -> None:
    seen: dict[str, list[bytes | None]] = {}
    for name, seedx in (("here", here), ("there", there)):
        events: list[ImageProgress] = []
        generated = seedx.generate(
            "a red house", seed=3, num_inference_steps=6, preview_every=2, on_progress=events.append
        )
        seen[name] = [None if event.preview is None else event.preview.tobytes() for event in events]
        assert generated.image is not None and generated.image.tobytes() not in seen[name]
    assert seen["here"] == seen["there"]
    assert [preview is not None for preview in seen["here"]] == [False, True, False, True, False, False]


def test_the_fast_sampler_takes_the_steps_it_was_measured_with(nano_server: str, here: SeedX, there: SeedX) -> None:
    assert there.info.fast_steps == 12  # benchmarks/fast_mode_nano.json
    plain = here.generate("a red house", seed=3, num_inference_steps=12)
    generated, expected = (s.generate("a red house", seed=3, sampler="fast") for s in (there, here))
    assert generated.image is not None and expected.image is not None and plain.image is not None
    assert generated.image.tobytes() == expected.image.tobytes() != plain.image.tobytes()
    with pytest.raises(InputError, match="measured with 12 steps, not 6"):
        there.generate("a red house", sampler="fast", num_inference_steps=6)
    for path, body in (
        ("/v1/tools/generate", {"prompt": "a red house", "num_inference_steps": 6}),
        ("/v1/images/generations", {"prompt": "a red house", "num_inference_steps": 6}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "draw"}], "num_inference_steps": 6}),
    ):
        answer = httpx.post(f"{nano_server}{path}", json={**body, "sampler": "fast"})
        assert answer.status_code == 400 and "measured with 12 steps" in answer.json()["error"]["message"]


def test_a_schema_is_rejected_without_vllm(here: SeedX, there: SeedX) -> None:
    for seedx in (here, there):
        assert not seedx.info.supports_structured_output
        with pytest.raises(InputError, match="serve it on vLLM"):
            seedx.chat([Message.user("hello")], json_schema={"type": "object"})


def test_a_conversation_is_streamed(there: SeedX) -> None:
    events = list(there.chat_stream([Message.user("Draw a red house.")], num_inference_steps=6))
    kinds = [event.type for event in events]
    assert kinds[-1] == "reply_done" and "text_delta" in kinds and kinds.count("image_progress") == 6
    done = next(event for event in events if isinstance(event, ImageDone))
    whole = events[-1]
    assert isinstance(whole, ReplyDone) and whole.reply.message.images[0].tobytes() == done.image.tobytes()
