"""What a caller has used in a moving window."""

from __future__ import annotations

import pytest

from seedx_sdk.errors import InputError
from seedx_sdk.serve.access.callers import Accounts, Caller, network_of
from seedx_sdk.serve.access.limits import Limits, Work
from seedx_sdk.serve.access.rates import Account, RateLimitError, Window
from seedx_sdk.serve.access.usage_headers import USAGE_HEADERS, usage_headers
from seedx_sdk.types import ModelInfo

INFO = ModelInfo(
    name="m", revision="r", image_size=128, sizes="", is_picture_book=False, default_steps=20, fast_steps=8
)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def caller(limits: Limits, clock: Clock, account: Account | None = None) -> Caller:
    return Caller("a", limits=limits, account=account or Account(clock))


def test_the_wait_is_until_enough_has_left_the_window() -> None:
    window = Window(60.0)
    for now, amount in ((0.0, 2.0), (10.0, 3.0), (20.0, 1.0)):
        window.add(amount, now)
    assert window.used(20.0) == 6.0
    assert window.wait(4.0, 10.0, 20.0) == 0.0
    assert window.wait(5.0, 10.0, 20.0) == 41.0  # when the first two are gone, a second later at most
    assert window.wait(9.0, 10.0, 20.0) == 51.0
    assert window.wait(10.0, 10.0, 20.0) == 61.0
    window.take_back(2.0, 20.0)
    assert window.used(20.0) == 4.0 and window.used(61.0) == 2.0 and window.used(71.0) == 0.0


def test_what_others_added_later_is_not_taken_back() -> None:
    window = Window(60.0)
    for now, amount in ((0.0, 5.0), (50.0, 2.0), (59.0, 4.0)):
        window.add(amount, now)
    window.take_back(3.0, 50.0)  # 2 of them there, and 1 of before
    assert window.used(59.0) == 8.0 and window.used(61.0) == 4.0
    window.take_back(100.0, 1.0)  # all of it has left the window
    assert window.used(61.0) == 4.0


def test_a_request_that_ends_late_gives_back_nothing_of_others() -> None:
    clock = Clock()
    account, limits = Account(clock), Limits(steps_per_minute=100)
    late = caller(limits, clock, account)
    late.begin()
    late.prepay(Work.drawing(1, 100))
    clock.now += 90.0
    with late.reserve(Work.drawing(1, 100)):  # its turn has come
        other = caller(limits, clock, account)
        other.begin()
        other.prepay(Work.drawing(1, 100))
    late.end()
    with pytest.raises(RateLimitError):
        caller(limits, clock, account).prepay(Work.drawing(1, 1))


def test_a_caller_sees_what_is_left() -> None:
    clock = Clock()
    clock.now = 60.0
    seen = caller(Limits(requests_per_minute=5, steps_per_minute=100, steps_per_day=120, weight=2), clock)
    seen.begin()
    seen.prepay(Work.drawing(2, 70.5))
    assert {name: (usage.used, usage.remaining, usage.reset_seconds) for name, usage in seen.usage.items()} == {
        "requests_per_minute": (2.0, 3.0, 61.0),
        "steps_per_minute": (70.5, 29.5, 61.0),
        "steps_per_day": (70.5, 49.5, 87780.0),
    }
    headers = usage_headers(seen)
    assert headers == {
        "x-ratelimit-limit-requests": "5",
        "x-ratelimit-remaining-requests": "3",
        "x-ratelimit-reset-requests": "61s",
        "x-ratelimit-limit-steps": "100",
        "x-ratelimit-remaining-steps": "29",
        "x-ratelimit-reset-steps": "61s",
    }
    assert set(headers) < set(USAGE_HEADERS)


def test_a_window_of_a_day_keeps_few_numbers() -> None:
    window = Window(86400.0)
    for now in range(0, 86400, 10):
        window.add(1.0, float(now))
    assert window.used(86390.0) == 8640 and len(window._slots) == 60


@pytest.mark.parametrize(
    ("task", "options", "work"),
    [
        ("describe", {}, Work()),
        ("chat", {"max_images": 4}, Work()),
        ("generate", {}, Work.drawing(1, 20)),
        ("edit", {"sampler": "fast"}, Work.drawing(1, 8)),
        ("generate", {"width": 256, "height": 256, "num_inference_steps": 1000}, Work.drawing(1, 4000)),
        ("generate", {"width": 64, "height": 64, "num_inference_steps": 10}, Work.drawing(1, 2.5)),
        ("generate", {"width": -64, "height": 64, "num_inference_steps": 10**9}, Work.drawing(1, 1000 / 256)),
        ("story", {"max_images": 4, "num_inference_steps": 5}, Work.drawing(4, 20)),
        ("generate", {"num_inference_steps": 10, "preview_every": 3}, Work.drawing(1, 10 + 3 * 2)),
        ("generate", {"num_inference_steps": 10, "preview_every": 1, "width": 256}, Work.drawing(1, 2 * (10 + 9 * 2))),
        ("story", {"max_images": 10**400, "num_inference_steps": 10**400}, Work.drawing(64, 64000)),
        ("generate", {"width": 10**400, "height": 10**400}, Work.drawing(1, 20 * 512**2)),
    ],
)
def test_work_is_estimated_from_what_is_asked_for(task: str, options: dict[str, object], work: Work) -> None:
    assert Work.estimate(task, options, INFO) == work  # type: ignore[arg-type]


def test_steps_and_images_are_counted_and_not_requests() -> None:
    clock = Clock()
    account, limits = Account(clock), Limits(images_per_minute=3, steps_per_minute=100)
    first = caller(limits, clock, account)
    first.begin()
    with first.reserve(Work.drawing(2, 80)) as reservation:
        reservation.draw(2, 80)
    first.end()
    second = caller(limits, clock, account)
    second.begin()
    with (
        pytest.raises(RateLimitError, match="more than 100 steps per minute") as caught,
        second.reserve(Work.drawing(1, 21)),
    ):
        pass
    assert caught.value.retry_after == 61.0
    clock.now += 30.0
    with pytest.raises(RateLimitError, match="3 images per minute.*retry in 31 s"):
        second.prepay(Work.drawing(2, 0))
    with pytest.raises(InputError, match="counts as 101 steps, and 100 per minute are allowed"):
        second.prepay(Work.drawing(1, 101))
    second.prepay(Work.drawing(1, 20))


def test_a_request_counts_once_or_as_often_as_it_draws() -> None:
    clock = Clock()
    account, limits = Account(clock), Limits(requests_per_minute=10)
    asked = caller(limits, clock, account)
    asked.begin()
    asked.prepay(Work.drawing(9, 9))
    for _ in range(3):
        with asked.reserve(Work.drawing(1, 1)) as reservation:
            reservation.draw(1, 1)
    with asked.reserve(Work.drawing(1, 1)):
        asked.end()  # the client has left, and the call is told to stop
    for _ in range(7):  # 3 are drawn, so 7 are left
        text = caller(limits, clock, account)
        text.begin()
        with text.reserve(Work()):
            pass
        text.end()
    with pytest.raises(RateLimitError):
        caller(limits, clock, account).begin()


def test_what_a_chat_draws_is_charged_afterwards() -> None:
    clock = Clock()
    account, limits = Account(clock), Limits(images_per_minute=3)
    chat = caller(limits, clock, account)
    chat.begin()
    with chat.reserve(Work()) as reservation:
        for _ in range(5):
            reservation.draw(1, 20)
    chat.end()
    with pytest.raises(RateLimitError):
        caller(limits, clock, account).prepay(Work.drawing(1, 20))


def test_limits_of_a_key_go_over_the_defaults() -> None:
    limits = Limits(steps_per_minute=5, weight=2).over(Limits(requests_per_minute=3, steps_per_minute=9))
    assert limits == Limits(requests_per_minute=3, steps_per_minute=5, weight=2)


def test_hosts_of_an_ipv6_network_share() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:1") != network_of("2001:db8:0:1::1")
    assert network_of("192.0.2.1") != network_of("192.0.2.2")
    assert network_of("::ffff:192.0.2.1") == network_of("192.0.2.1") != network_of("::ffff:192.0.2.2")
    assert network_of("unknown") == "unknown"


def test_accounts_that_are_not_used_are_forgotten() -> None:
    accounts = Accounts()
    used = accounts.of("used")
    used.add(Work(requests=1))
    for number in range(5000):
        accounts.of(str(number))
    assert accounts.of("used") is used and len(accounts._accounts) <= 4096
