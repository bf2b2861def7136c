from __future__ import annotations

from seedx_finetune.nano.training_words import training_vocabulary
from seedx_finetune.world import COLORS, KINDS
from seedx_sdk.checkpoints.directory import DirectoryConfig
from seedx_sdk.engine import NANO


def test_the_shipped_vocabulary_is_that_of_the_training_requests() -> None:
    shipped = DirectoryConfig.read(NANO).vocabulary
    assert training_vocabulary(seed=1) == shipped
    assert shipped is not None
    for words in (text.split() for text in shipped.values()):
        assert {*COLORS, *KINDS} <= {*words}
    assert "behind" in shipped["describe"].split() and "behind" not in shipped["generate"].split()
