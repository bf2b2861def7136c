"""Room for decoded images: no more than fits, in the order of coming, and nothing is lost when a caller leaves."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from seedx_sdk.imaging import MODEL_PIXELS
from seedx_sdk.serve.budgets.room import ImageRoom


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_finds_no_room_waits_in_order_and_those_without_images_never_do() -> None:
    room, inside = ImageRoom(100), list[str]()
    leave = {name: asyncio.Event() for name in "abcd"}

    async def hold(name: str, pixels: int) -> None:
        async with room.hold([pixels]):
            inside.append(name)
            await leave[name].wait()
        inside.remove(name)

    tasks = [asyncio.create_task(hold(*one)) for one in (("a", 60), ("b", 60), ("c", 30), ("d", 0))]
    await settle()
    assert inside == ["a", "d"], "c would fit, but b came first"
    leave["a"].set()
    await settle()
    assert inside == ["d", "b", "c"]
    for event in leave.values():
        event.set()
    await asyncio.gather(*tasks)
    async with room.hold([100]):
        pass


async def hold(room: ImageRoom, pixels: int) -> None:
    async with room.hold([pixels]):
        pass


@pytest.mark.parametrize("granted", [False, True])
async def test_a_caller_who_leaves_takes_no_room_with_it(granted: bool) -> None:
    room = ImageRoom(100)

    async with AsyncExitStack() as first:
        await first.enter_async_context(room.hold([80]))
        waiting, behind = asyncio.create_task(hold(room, 90)), asyncio.create_task(hold(room, 20))
        await settle()
        if granted:
            await first.aclose()
        waiting.cancel()
        await settle()
        assert waiting.cancelled() and behind.done()
    async with room.hold([100]):
        pass


async def test_a_caller_who_is_leaving_when_room_comes_is_passed_over() -> None:
    room = ImageRoom(100)

    async with AsyncExitStack() as first:
        await first.enter_async_context(room.hold([80]))
        waiting, behind = asyncio.create_task(hold(room, 90)), asyncio.create_task(hold(room, 20))
        await settle()
        waiting.cancel()  # it does not run before there is room
        await first.aclose()
        await settle()
        assert waiting.cancelled() and behind.done()
    async with room.hold([100]):
        pass


async def test_images_count_as_they_are_kept_and_one_request_always_fits() -> None:
    room = ImageRoom(2 * MODEL_PIXELS)
    async with room.hold([10 * MODEL_PIXELS]), room.hold([10 * MODEL_PIXELS]):
        pass
    async with room.hold([MODEL_PIXELS] * 16):
        pass


async def test_only_requests_with_large_images_wait_to_be_decoded() -> None:
    room = ImageRoom(100)
    async with room.decoding([MODEL_PIXELS + 1]), room.decoding([MODEL_PIXELS + 1]):
        third = room.decoding([MODEL_PIXELS + 1])
        entering = asyncio.ensure_future(third.__aenter__())
        async with room.decoding([MODEL_PIXELS] * 9):
            pass
        await settle()
        assert not entering.done()
    await entering
    await third.__aexit__(None, None, None)
