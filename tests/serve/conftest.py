from __future__ import annotations

from tests.support.http_server import http, nano_server, serve

__all__ = ["http", "nano_server", "serve"]
