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
from typing import TypeAlias

import httpx

from seedx_sdk.errors import ImageError

__all__ = ["ImageFetcher"]

_REDIRECTS = 3
_TIMEOUT = httpx.Timeout(10.0)
_SECONDS = 30.0
"""What an image may take, with its redirects."""
_PORTS = frozenset((80, 443))
"""Of hosts that are allowed without a port."""
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
"""All IPv6 addresses that the internet routes (RFC 4291, 2.4). Of others, `is_global` of Python 3.11 lets some pass:
site-local fec0::/10, IPv4-translated ::ffff:0:0:0/96, IPv4-compatible ::/96, local NAT64 64:ff9b:1::/48."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_ISATAP = (0x00005EFE, 0x02005EFE)
"""First half of an interface identifier whose second half is an IPv4 address (RFC 5214, 6.1)."""
IPAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class ImageFetcher:
    """Fetches images.

    Args:
        allowed_hosts: Names, or patterns such as "*.example.org"; without any, every URL is refused. One with a port,
            such as "example.org:8443", is for that port, others for 80 and 443.
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
        self._allowed = [_host_and_ports(host.lower()) for host in allowed_hosts]
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
        allowed = [ports for pattern, ports in self._allowed if fnmatchcase(host, pattern)]
        if not allowed:
            raise ImageError(f"SeedX fetches no images from {host!r} here; send a data URI: data:image/png;base64,...")
        port = url.port or (443 if url.scheme == "https" else 80)
        if not any(port in ports for ports in allowed):
            raise ImageError(
                f"SeedX fetches no images from port {port} of {host!r} here; use https or http on their usual ports, "
                "or send a data URI: data:image/png;base64,..."
            )
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:  # the latter where a part of the name is empty or too long
            raise ImageError(f"the host {host!r} is not known") from error
        if not addresses or not all(_is_public(address) for address in addresses):
            raise ImageError(f"{host!r} is in a private network, from which nothing is fetched")
        return addresses[0]


def _host_and_ports(allowed: str) -> tuple[str, frozenset[int]]:
    host, colon, port = allowed.rpartition(":")
    if not colon or not port.isdecimal() or (":" in host and not host.endswith("]")):  # an IPv6 address without a port
        host, ports = allowed, _PORTS
    else:
        ports = frozenset((int(port),))
    return host[1:-1] if ":" in host and host.endswith("]") else host, ports


def _is_public(address: str) -> bool:
    return all(
        part.is_global and not part.is_multicast and (part.version == 4 or part in _GLOBAL_UNICAST)
        for part in _parts(ipaddress.ip_address(address))
    )


def _parts(ip: IPAddress) -> list[IPAddress]:
    """Return the address, if it is one of the internet's, and the IPv4 addresses to which packets to it may go on."""
    if isinstance(ip, ipaddress.IPv4Address):
        return [ip]
    low = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    if ip.ipv4_mapped is not None or ip in _NAT64:
        return [low]
    inside = [*(ip.teredo or ()), *([ip.sixtofour] if ip.sixtofour is not None else [])]
    return [ip, *inside, *([low] if int(ip) >> 32 & 0xFFFFFFFF in _ISATAP else [])]


async def _addresses(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in found]
