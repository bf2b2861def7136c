from __future__ import annotations

import asyncio
from collections.abc import Callable

import anyio
import httpx
import pytest
from PIL import Image

from seedx_sdk import image_fetcher as image_urls
from seedx_sdk.errors import ImageError
from seedx_sdk.image_fetcher import ImageFetcher
from seedx_sdk.imaging import to_png

PNG = to_png(Image.new("RGB", (8, 8), "red"))
ADDRESSES = {
    "images.example.org": ["93.184.216.34"],
    "inner.example.org": ["10.0.0.5"],
    "half.example.org": ["93.184.216.34", "127.0.0.1"],
    "mapped.example.org": ["::ffff:127.0.0.1"],
    "cloud.example.org": ["169.254.169.254"],
    "nat64.example.org": ["64:ff9b::a00:5"],
    "sixtofour.example.org": ["2002:7f00:1::1"],
    "teredo.example.org": ["2001:0:5db8:d822:0:0:f5ff:fffa"],
    "compatible.example.org": ["::10.0.0.5"],
    "local64.example.org": ["64:ff9b:1::a00:5"],
    "translated.example.org": ["::ffff:0:10.0.0.5"],
    "site.example.org": ["fec0::1"],
    "isatap.example.org": ["2620:4f:8000::5efe:a00:5"],
    "compatible-public.example.org": ["::93.184.216.34"],
    "reserved.example.org": ["4000::1"],
    "scoped.example.org": ["fe80::1%eth0"],
    "public64.example.org": ["64:ff9b::5db8:d822"],
    "public6.example.org": ["2606:2800:220:1:248:1893:25c8:1946"],
    "public-mapped.example.org": ["::ffff:93.184.216.34"],
    "public-sixtofour.example.org": ["2002:5db8:d822::1"],
    "elsewhere.net": ["93.184.216.35"],
}


def fetcher(answer: Callable[[httpx.Request], httpx.Response], max_bytes: int = 10_000) -> ImageFetcher:
    async def resolve(host: str, _port: int) -> list[str]:
        if host not in ADDRESSES:
            raise OSError
        return ADDRESSES[host]

    transport = httpx.MockTransport(answer)
    return ImageFetcher(["*.example.org"], max_bytes=max_bytes, resolve=resolve, transport=transport)


def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, content=PNG)

    assert anyio.run(fetcher(answer).fetch, "https://images.example.org/a.png?b=1") == PNG
    (request,) = asked
    assert str(request.url) == "https://93.184.216.34/a.png?b=1"
    assert request.headers["host"] == "images.example.org"
    assert request.extensions["sni_hostname"] == "images.example.org"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://inner.example.org/a.png", "private network"),
        ("http://half.example.org/a.png", "private network"),
        ("http://mapped.example.org/a.png", "private network"),
        ("http://nat64.example.org/a.png", "private network"),
        ("http://sixtofour.example.org/a.png", "private network"),
        ("http://teredo.example.org/a.png", "private network"),
        ("http://compatible.example.org/a.png", "private network"),
        ("http://local64.example.org/a.png", "private network"),
        ("http://translated.example.org/a.png", "private network"),
        ("http://site.example.org/a.png", "private network"),
        ("http://isatap.example.org/a.png", "private network"),
        ("http://compatible-public.example.org/a.png", "private network"),
        ("http://reserved.example.org/a.png", "private network"),
        ("http://scoped.example.org/a.png", "private network"),
        ("http://cloud.example.org/latest/meta-data", "private network"),
        ("http://images.example.org:22/a.png", "from port 22 of 'images.example.org'"),
        ("https://images.example.org:8443/a.png", "from port 8443"),
        ("http://elsewhere.net/a.png", "fetches no images from 'elsewhere.net'"),
        ("http://127.0.0.1/a.png", "fetches no images"),
        ("http://unknown.example.org/a.png", "not known"),
        ("file:///etc/passwd", "no http or https"),
        ("http://user:secret@images.example.org/a.png", "without a password"),
        ("http://[", "fetches no images"),
        ("http://a:b:c/", "cannot be fetched"),
    ],
)
def test_what_is_not_allowed_is_not_asked(url: str, words: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise AssertionError(f"asked {request.url}")

    with pytest.raises(ImageError, match=words):
        anyio.run(fetcher(answer).fetch, url)


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("http://inner.example.org/a.png", "private network"),
        ("http://elsewhere.net/a.png", "fetches no images"),
        ("http://images.example.org:6379/", "from port 6379"),
        ("http://images.example.org/again", "more than 3 times"),
    ],
)
def test_redirects_are_checked_like_the_first(location: str, words: str) -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(302, headers={"location": location})

    with pytest.raises(ImageError, match=words):
        anyio.run(fetcher(answer).fetch, "http://images.example.org/a.png")


def test_a_redirect_on_the_same_host_is_followed() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/a.png":
            return httpx.Response(302, headers={"location": "/b.png"})
        return httpx.Response(200, content=PNG)

    assert anyio.run(fetcher(answer).fetch, "http://images.example.org/a.png") == PNG


def test_a_large_file_and_an_error_are_refused() -> None:
    with pytest.raises(ImageError, match="more than 20 bytes"):
        anyio.run(
            fetcher(lambda _: httpx.Response(200, content=PNG), max_bytes=20).fetch, "http://images.example.org/a"
        )
    with pytest.raises(ImageError, match="404"):
        anyio.run(fetcher(lambda _: httpx.Response(404)).fetch, "http://images.example.org/a")


@pytest.mark.parametrize("name", ["public64", "public6", "public-mapped", "public-sixtofour"])
def test_an_address_that_stands_for_a_public_one_is_public(name: str) -> None:
    answer = fetcher(lambda _: httpx.Response(200, content=PNG))
    assert anyio.run(answer.fetch, f"http://{name}.example.org/a.png") == PNG


@pytest.mark.parametrize(
    ("allowed", "url", "fetched"),
    [
        ("images.example.org:8443", "https://images.example.org:8443/a.png", True),
        ("images.example.org:8443", "https://images.example.org/a.png", False),
        ("images.example.org:8443", "https://images.example.org:8444/a.png", False),
        ("*.org:8080", "http://images.example.org:8080/a.png", True),
        ("images.example.org", "http://images.example.org:443/a.png", True),
        ("[2606:2800::1]:8080", "http://[2606:2800::1]:8080/a.png", True),
        ("2606:2800::1", "http://[2606:2800::1]/a.png", True),
        ("2606:2800::1", "http://[2606:2800::1]:8080/a.png", False),
    ],
)
def test_a_host_may_be_allowed_with_a_port(allowed: str, url: str, fetched: bool) -> None:
    async def resolve(host: str, _port: int) -> list[str]:
        return [host] if ":" in host else ADDRESSES[host]

    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=PNG))
    fetch = ImageFetcher([allowed], max_bytes=10_000, resolve=resolve, transport=transport).fetch
    if fetched:
        assert anyio.run(fetch, url) == PNG
    else:
        with pytest.raises(ImageError, match="from port"):
            anyio.run(fetch, url)


@pytest.mark.parametrize("status", [300, 304])
def test_a_redirect_to_nowhere_is_refused(status: int) -> None:
    with pytest.raises(ImageError, match=str(status)):
        anyio.run(fetcher(lambda _: httpx.Response(status)).fetch, "http://images.example.org/a")


@pytest.mark.parametrize("host", [f"{'a' * 64}.example.org", "a..example.org"])
def test_a_name_that_cannot_be_looked_up_is_not_known(host: str) -> None:
    with pytest.raises(ImageError, match="is not known|cannot be fetched"):
        anyio.run(ImageFetcher(["*.example.org"], max_bytes=10).fetch, f"http://{host}/a.png")


def test_a_picture_that_takes_too_long_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        await asyncio.sleep(60)
        return []

    monkeypatch.setattr(image_urls, "_SECONDS", 0.05)
    with pytest.raises(ImageError, match="more than 0.05 seconds"):
        anyio.run(ImageFetcher(["*"], max_bytes=10, resolve=resolve).fetch, "http://images.example.org/a.png")
