"""Show the calls of SeedX in the API reference, which it makes from those of AsyncSeedX (an extension of griffe)."""

from __future__ import annotations

from copy import copy
from typing import Any

import griffe


class BlockingCalls(griffe.Extension):
    """Replace `name = _blocking(AsyncSeedX.name)` with the signature and docstring of the async call."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Change the class once its package is loaded."""
        if pkg.name != "seedx_sdk":
            return
        client, core = pkg["client.SeedX"], pkg["async_client.AsyncSeedX"]
        for name, member in list(client.members.items()):
            if isinstance(member, griffe.Attribute) and str(member.value).startswith("_blocking("):
                call = copy(core[name])
                call.labels = core[name].labels - {"async"}
                client.set_member(name, call)
