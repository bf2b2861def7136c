from __future__ import annotations

import torch
from PIL import Image

from seedx_sdk.engine.image_service.feature_cache import FeatureCache, image_key


def test_the_oldest_goes_when_the_bytes_run_out() -> None:
    cache = FeatureCache(100)
    for name in ("a", "b"):
        cache.put(name, torch.zeros(10))  # 40 bytes
    assert cache.get("a") is not None  # so b is now the oldest
    cache.put("c", torch.zeros(10))
    assert cache.get("b") is None and cache.get("a") is not None and cache.get("c") is not None
    assert (len(cache), cache.num_bytes) == (2, 80)


def test_bytes_are_counted_once_for_a_key_and_never_exceed_the_bound() -> None:
    cache = FeatureCache(100)
    for length in (10, 20, 5):
        cache.put("a", torch.zeros(length), torch.zeros(2))
    assert (len(cache), cache.num_bytes) == (1, 28)
    cache.put("big", torch.zeros(26))
    assert cache.get("big") is None and cache.num_bytes == 28


def test_a_key_is_pixels_size_grids_and_weights() -> None:
    red = Image.new("RGB", (4, 6), "red")
    key = image_key(red, ("1x1",), "r1")
    assert key == image_key(red.copy(), ("1x1",), "r1") == image_key(red.convert("RGBA"), ("1x1",), "r1")
    others = [
        image_key(Image.new("RGB", (6, 4), "red"), ("1x1",), "r1"),
        image_key(Image.new("RGB", (4, 6), "blue"), ("1x1",), "r1"),
        image_key(red, ("1x1", "2x1"), "r1"),
        image_key(red, ("1x1",), "r2"),
    ]
    assert len({key, *others}) == 5
