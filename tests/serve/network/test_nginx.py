"""The configuration of nginx in docs/proxy.md, in front of a server; skipped without nginx and openssl."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from httpx_sse import connect_sse

from tests.support.http_server import Serve, wait_until

if not (shutil.which("nginx") and shutil.which("openssl")):
    pytest.skip("nginx or openssl is not installed", allow_module_level=True)

PAGE = Path(__file__).resolve().parents[3] / "docs/proxy.md"


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture
def proxied(serve: Serve, tmp_path: Path) -> Iterator[tuple[str, ssl.SSLContext]]:
    """The address of nginx with the configuration of the page, and what trusts its certificate."""
    address = httpx.URL(serve(api_keys=("alice-key",), trusted_proxies=("127.0.0.1",), requests_per_minute=50))
    certificate, key, port = tmp_path / "seedx.pem", tmp_path / "seedx.key", free_port()
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, *name],
        check=True,
        capture_output=True,
    )
    block = re.search(r"```nginx\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    server = block[1]
    for there, here in {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "seedx.example.org": "localhost",
        "/etc/ssl/seedx.pem": str(certificate),
        "/etc/ssl/seedx.key": str(key),
        "127.0.0.1:8000": f"127.0.0.1:{address.port}",
    }.items():
        assert there in server, there
        server = server.replace(there, here)
    files = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = tmp_path / "nginx.conf"
    config.write_text(
        f"daemon off;\npid {tmp_path}/nginx.pid;\nerror_log {tmp_path}/error.log;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{files}{server}}}\n"
    )
    nginx = subprocess.Popen(["nginx", "-p", tmp_path, "-c", config], stderr=subprocess.PIPE)
    try:

        def listens() -> bool:
            with socket.socket() as sock:
                return nginx.poll() is not None or sock.connect_ex(("127.0.0.1", port)) == 0

        wait_until(listens)
        assert nginx.poll() is None and nginx.stderr is not None, nginx.stderr
        yield f"https://localhost:{port}", ssl.create_default_context(cafile=str(certificate))
    finally:
        nginx.terminate()
        nginx.communicate()


def test_the_configuration_of_the_page(proxied: tuple[str, ssl.SSLContext]) -> None:
    address, trust = proxied
    key = {"Authorization": "Bearer alice-key"}
    with httpx.Client(base_url=address, verify=trust, headers=key, http1=True) as client:
        assert client.get("/v1/info").json()["name"] == "scripted"
        assert client.get("/v1/info", headers={"Authorization": "Bearer wrong"}).status_code == 401
        assert client.get("/metrics").status_code == 403
        body = {"messages": [{"role": "user", "content": "Draw a house."}], "stream": True}
        with connect_sse(client, "POST", "/v1/chat/completions", json=body) as stream:
            assert [event.data for event in stream.iter_sse()][-1] == "[DONE]"
        too_large = client.post("/v1/chat", content=b"x" * (49 << 20))
        assert too_large.status_code == 413
