"""Authentication: by API key, or by client address on a server without keys."""

from __future__ import annotations

from fastapi import HTTPException, Request

from seedx_sdk.serve import metrics
from seedx_sdk.serve.access.callers import NO_KEY, Accounts, Caller, network_of
from seedx_sdk.serve.access.keyring import Keyring
from seedx_sdk.serve.access.limits import Limits

__all__ = ["Authenticator"]


class Authenticator:
    """Finds out who sends a request.

    Args:
        keyring: The keys of the server.
        limits: For callers without a key.
    """

    def __init__(self, keyring: Keyring, limits: Limits) -> None:
        self._keyring, self._limits, self._accounts = keyring, limits, Accounts()

    def __call__(self, request: Request) -> Caller:
        """Return who sends a request, and charge it.

        Raises:
            HTTPException: If it has no valid key (401).
            RateLimitError: If the caller is over its limits.
        """
        caller = self.identify(request)
        caller.begin()
        return caller

    def identify(self, request: Request) -> Caller:
        """Return who sends a request, which costs nothing.

        Raises:
            HTTPException: If it has no valid key (401).
        """
        if not self._keyring.is_needed:
            address = request.client.host if request.client is not None else "unknown"
            return self._caller(address, network_of(address), NO_KEY, self._limits)
        key = self._keyring.find(request.headers.get("authorization", ""))
        if key is None:
            metrics.REJECTED.labels("key").inc()
            raise HTTPException(
                401, "this server needs an API key: Authorization: Bearer KEY", {"WWW-Authenticate": "Bearer"}
            )
        return self._caller(key.name, key.name, key.name, key.limits)

    def _caller(self, name: str, shared: str, label: str, limits: Limits) -> Caller:
        return Caller(name, label=label, shared=shared, limits=limits, account=self._accounts.of(shared))
