"""nginx and Caddy with the configurations of docs/proxy.md, in front of a server of a test."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.support.http_server import wait_until

PAGE = Path(__file__).resolve().parents[2] / "docs/proxy.md"


@dataclass(frozen=True)
class Proxy:
    port: int
    trust: ssl.SSLContext
    """Trusts its certificate."""

    def client(self, **options: object) -> httpx.Client:
        transport = httpx.HTTPTransport(verify=self.trust, **options)  # type: ignore[arg-type]
        return httpx.Client(base_url=f"https://localhost:{self.port}", transport=transport, timeout=120)

    def connection(self) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=120)
        return self.trust.wrap_socket(plain, server_hostname="localhost")


@contextmanager
def nginx(server: str, folder: Path, changes: dict[str, str]) -> Iterator[Proxy]:
    """Run nginx in front of a server, with changes of the configuration."""
    if not (shutil.which("nginx") and shutil.which("openssl")):
        pytest.skip("nginx or openssl is not installed")
    certificate, key, port = folder / "seedx.pem", folder / "seedx.key", _free_port()
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, *name],
        check=True,
        capture_output=True,
    )
    site = _configuration(
        "nginx",
        {
            "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            "seedx.example.org": "localhost",
            "/etc/ssl/seedx.pem": str(certificate),
            "/etc/ssl/seedx.key": str(key),
            "127.0.0.1:8000": server.removeprefix("http://"),
            **changes,
        },
    )
    files = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if os.geteuid() == 0 else ""  # or its workers cannot write into the folder
    config = folder / "nginx.conf"
    config.write_text(
        f"{user}daemon off;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{files}{site}}}\n"
    )
    with _running(["nginx", "-p", str(folder), "-c", str(config)], port, folder):
        yield Proxy(port, ssl.create_default_context(cafile=str(certificate)))


@contextmanager
def caddy(server: str, folder: Path, changes: dict[str, str]) -> Iterator[Proxy]:
    """Run Caddy, with a certificate of its own authority, in front of a server, with changes of the configuration."""
    if not shutil.which("caddy"):
        pytest.skip("Caddy is not installed")
    port = _free_port()
    config = folder / "Caddyfile"
    site = {"seedx.example.org": f"https://localhost:{port}", "127.0.0.1:8000": server.removeprefix("http://")}
    text = _configuration("caddy", {**site, **changes})
    config.write_text(
        text.replace("{", "{\nadmin off\nskip_install_trust\nauto_https disable_redirects\nlocal_certs", 1)
    )
    root = folder / "caddy/pki/authorities/local/root.crt"
    with _running(["caddy", "run", "--adapter", "caddyfile", "--config", str(config)], port, folder):
        wait_until(lambda: _has_certificate(port, root))
        yield Proxy(port, ssl.create_default_context(cafile=str(root)))


PROXIES = {"nginx": nginx, "caddy": caddy}


def _has_certificate(port: int, root: Path) -> bool:
    """Return whether the certificate is there."""
    try:
        Proxy(port, ssl.create_default_context(cafile=str(root))).connection().close()
    except OSError:
        return False
    return True


def _configuration(language: str, changes: dict[str, str]) -> str:
    block = re.search(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    text = block[1]
    for there, here in changes.items():
        assert there in text, there
        text = text.replace(there, here)
    return text


@contextmanager
def _running(command: list[str], port: int, folder: Path) -> Iterator[None]:
    log = folder / "proxy.log"
    environment = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
    try:

        def listens() -> bool:
            with socket.socket() as sock:
                return process.poll() is not None or sock.connect_ex(("127.0.0.1", port)) == 0

        wait_until(listens)
        assert process.poll() is None, log.read_text()
        yield
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
