"""Images given by URL: fetched only from hosts that are allowed, never from a private network.

The server and the tools use it for callers that they do not trust.

The name is resolved once, every address is looked at, and the connection goes to an address that was looked at, so
a name server cannot answer differently the second time. Redirects are new URLs and are checked like the first.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from fnmatch import fnmatchcase

import httpx

from seedx_sdk.errors import ImageError

__all__ = ["ImageFetcher"]

_REDIRECTS = 3
_TIMEOUT = httpx.Timeout(10.0)
_SECONDS = 30.0
"""What an image may take, with its redirects."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class ImageFetcher:
    """Fetches images.

    Args:
        allowed_hosts: Names, or patterns such as "*.example.org"; without any, every URL is refused.
        max_bytes: Largest file.
        resolve: Gives the addresses of a host and port.
        transport: Replaces the network, for tests.
    """

    def __init__(
        self,
        allowed_hosts: Sequence[str],
        *,
        max_bytes: int,
        resolve: Resolve | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._hosts = [host.lower() for host in allowed_hosts]
        self._max_bytes, self._resolve, self._transport = max_bytes, resolve or _addresses, transport

    async def fetch(self, url: str) -> bytes:
        """Return the bytes of the file at a URL.

        Raises:
            ImageError: If the URL, its host, its address or the size of the file is not allowed, or it can't be read.
        """
        try:
            async with asyncio.timeout(_SECONDS):
                return await self._followed(url)
        except TimeoutError as error:
            raise ImageError(f"the image at {url[:200]!r} takes more than {_SECONDS:g} seconds") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ImageError(
                f"the image at {url[:200]!r} cannot be fetched ({type(error).__name__}: {error})"
            ) from error

    async def _followed(self, url: str) -> bytes:
        async with httpx.AsyncClient(timeout=_TIMEOUT, transport=self._transport, trust_env=False) as client:
            target = httpx.URL(url)
            for _ in range(_REDIRECTS + 1):
                found = await self._get(client, target)
                if isinstance(found, bytes):
                    return found
                target = target.join(found)
        raise ImageError(f"{url[:200]!r} redirects more than {_REDIRECTS} times; give the address of the image itself")

    async def _get(self, client: httpx.AsyncClient, url: httpx.URL) -> bytes | str:
        """Return the file, or where it is said to be."""
        request = client.build_request(
            "GET",
            url.copy_with(host=await self._checked_address(url)),
            headers={"Host": url.netloc.decode("ascii")},
            extensions={"sni_hostname": url.host},
        )
        response = await client.send(request, stream=True)
        try:
            if response.has_redirect_location:
                return str(response.headers["location"])
            response.raise_for_status()
            data = bytearray()
            async for chunk in response.aiter_bytes():
                data += chunk
                if len(data) > self._max_bytes:
                    raise ImageError(f"the image at {str(url)[:200]!r} has more than {self._max_bytes} bytes")
            return bytes(data)
        finally:
            await response.aclose()

    async def _checked_address(self, url: httpx.URL) -> str:
        host = url.host.lower()
        if url.scheme not in ("http", "https") or not host or url.userinfo:
            raise ImageError(f"{str(url)[:200]!r} is no http or https URL without a password; send a data URI")
        if not any(fnmatchcase(host, allowed) for allowed in self._hosts):
            raise ImageError(f"SeedX fetches no images from {host!r} here; send a data URI: data:image/png;base64,...")
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:  # the latter where a part of the name is empty or too long
            raise ImageError(f"the host {host!r} is not known") from error
        if not addresses or not all(_is_public(address) for address in addresses):
            raise ImageError(f"{host!r} is in a private network, from which nothing is fetched")
        return addresses[0]


def _is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address)
    return all(part.is_global and not part.is_multicast for part in _parts(ip))


def _parts(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """Return the address and the IPv4 addresses embedded in it, to which the network may forward packets."""
    if isinstance(ip, ipaddress.IPv4Address):
        return [ip]
    if ip.ipv4_mapped is not None:  # not public in itself
        return [ip.ipv4_mapped]
    inside = [*(ip.teredo or ()), *([ip.sixtofour] if ip.sixtofour is not None else [])]
    if ip in _NAT64 or ip in _COMPATIBLE:
        inside.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    return [ip, *inside]


async def _addresses(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in found]
