"""Who sends a request: what it may use, and what it has used."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager

from seedx_sdk.engine.fair_line import Share
from seedx_sdk.serve import metrics
from seedx_sdk.serve.access.limits import UNLIMITED, Limits, Work
from seedx_sdk.serve.access.rates import Account, RateLimitError, Usage

__all__ = ["NO_KEY", "Accounts", "Caller", "Reservation", "network_of"]

NO_KEY = "(none)"
"""The label of all callers without a key; no key can have this name."""
_MAX_ACCOUNTS = 4096
"""From this number on, accounts without recent use are dropped."""


class Caller:
    """Who sends one request.

    Args:
        name: Of the key, or the address; idempotency keys are the caller's own.
        label: Of its metrics.
        shared: The name under which it has its turns; None is its own.
        limits: What it may use.
        account: What it has used; None: nothing.
    """

    def __init__(
        self,
        name: str,
        *,
        label: str = NO_KEY,
        shared: str | None = None,
        limits: Limits = UNLIMITED,
        account: Account | None = None,
    ) -> None:
        self.name, self.label, self.limits, self._account = name, label, limits, account or Account()
        self.share = Share(shared or name, limits.weight, limits.replies_in_flight, limits.steps_in_flight)
        self._charged = Work()
        self._unused = Work()  # charged, and not claimed by a call
        self._charged_at = 0.0
        self._is_repeat = self._ended = False

    @property
    def usage(self) -> dict[str, Usage]:
        """What is used and left of each of its limits of a time, by name."""
        return self._account.usage(self.limits)

    def begin(self, *, repeats: bool = False) -> None:
        """Charge the request itself; of one that repeats another whose answer is kept, only when it is computed.

        Raises:
            RateLimitError: If the caller has used what it may.
        """
        metrics.KEY_REQUESTS.labels(self.label).inc()
        if not repeats:
            self.charge_request()

    def charge_request(self) -> None:
        """Charge the request itself, unless it is charged already.

        Raises:
            RateLimitError: If the caller has used what it may.
        """
        self.prepay(Work(requests=1) - self._charged)

    def repeat(self) -> None:
        """Note that an answer is one that is kept: the request costs no more than what is drawn for it."""
        self._is_repeat = True

    def prepay(self, work: Work) -> None:
        """Charge what the calls of the request draw, before the first of them begins.

        Raises:
            RateLimitError: If the caller has used what it may.
            InputError: If so much is never allowed at once.
        """
        missing = work - self._unused
        try:
            charged_at = self._account.charge(missing, self.limits, already=self._charged)
        except RateLimitError:
            metrics.reject("rate", self.label)
            raise
        if missing != Work():
            self._charged_at = charged_at
        self._charged += missing
        self._unused += missing

    @contextmanager
    def reserve(self, work: Work) -> Iterator[Reservation]:
        """Charge what a call draws, unless it is prepaid; what it did not draw is there for the next call.

        Raises:
            RateLimitError: If the caller has used what it may.
            InputError: If so much is never allowed at once.
        """
        self.charge_request()
        self.claim(work)
        reservation = Reservation(self, work)
        try:
            yield reservation
        finally:
            self._unused += reservation.left
            if self._ended:
                self.end()

    def claim(self, work: Work) -> None:
        """Charge what a call draws, unless it is prepaid; arguments and errors as in `reserve`."""
        self.prepay(work)
        self._unused -= work

    def draw(self, work: Work) -> None:
        """Charge what is drawn beyond what was expected, allowed or not."""
        missing = work - self._unused
        self._unused -= work
        if missing != Work():
            self._charged_at = self._account.add(missing)
        self._charged += missing

    def end(self) -> None:
        """Refund what is charged and not used, now that the request is answered, and later what its calls give back.

        The request itself counts in any case, unless its answer is one that was kept.
        """
        self._ended = True
        kept = Work() if self._is_repeat else Work(requests=1) - (self._charged - self._unused)
        not_used = self._unused - kept
        self._account.take_back(not_used, self._charged_at)
        self._charged -= not_used
        self._unused -= not_used


class Reservation:
    """What one call is expected to draw, and draws."""

    def __init__(self, caller: Caller, expected: Work) -> None:
        self._caller, self.label = caller, caller.label
        self.left = expected
        """What is expected and not drawn."""

    def admit(self, work: Work) -> None:
        """Expect so much more to be drawn, as far as it was not expected.

        Raises:
            RateLimitError: If the caller has used what it may.
            InputError: If so much is never allowed at once.
        """
        missing = work - self.left
        self._caller.claim(missing)
        self.left += missing

    def draw(self, images: int, steps: float) -> None:
        """Count images that are finished, and denoising steps that were taken, at the model's own size."""
        work = Work.drawing(images, steps)
        metrics.KEY_IMAGES.labels(self.label).inc(images)
        metrics.KEY_STEPS.labels(self.label).inc(steps)
        self._caller.draw(work - self.left)
        self.left -= work


class Accounts:
    """The accounts of all callers, by name."""

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}
        self._max = _MAX_ACCOUNTS

    def of(self, name: str) -> Account:
        """Return the account of a name."""
        if len(self._accounts) >= self._max and name not in self._accounts:
            self._accounts = {name: kept for name, kept in self._accounts.items() if not kept.is_empty}
            self._max = max(_MAX_ACCOUNTS, 2 * len(self._accounts))
        return self._accounts.setdefault(name, Account())


def network_of(address: str) -> str:
    """Return what counts as one caller without a key: an IPv4 address, or the /64 network of an IPv6 host."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:  # a socket file, or a name that a proxy made up
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped is not None:  # as proxies that listen on both write an IPv4 address
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
