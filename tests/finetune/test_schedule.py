from __future__ import annotations

from itertools import pairwise

import pytest

from seedx_finetune.training.schedule import lr_at


@pytest.mark.parametrize("kind", ["linear", "inverse_sqrt", "constant_with_warmup", "cosine"])
def test_schedules_warm_up_and_never_rise_before_the_end(kind: str) -> None:
    rates = [lr_at(step, kind, 2.0, 10, 100) for step in range(101)]  # type: ignore[arg-type]
    assert rates[:11] == pytest.approx([0.2 * step for step in range(11)])
    assert all(later <= earlier + 1e-12 for earlier, later in pairwise(rates[10:]))
    assert lr_at(3, "constant", 2.0, 10, 100) == 2.0


def test_schedule_refuses_what_it_cannot_do() -> None:
    with pytest.raises(ValueError, match="use one of"):
        lr_at(1, "stairs", 1.0, 1, 10)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="takes no min_lr_ratio"):
        lr_at(1, "linear", 1.0, 1, 10, 0.1)
