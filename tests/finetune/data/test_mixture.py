from __future__ import annotations

from collections import Counter

import pytest

from seedx_finetune.data.index import Source
from seedx_finetune.data.mixture import Mixture, permuted
from seedx_finetune.errors import DataError
from tests.support.notes import Check, texts


@pytest.mark.parametrize("length", [1, 2, 3, 7, 64, 1000])
def test_a_shuffle_gives_each_record_once(length: int) -> None:
    orders = [[permuted(i, length, key) for i in range(length)] for key in ("0/0/0", "0/0/1", "1/0/0")]
    assert all(sorted(order) == list(range(length)) for order in orders)
    if length > 7:
        assert orders[0] != orders[1] != orders[2] != list(range(length))
        still = sum(place == i for i, place in enumerate(orders[0]))
        assert still < 8, "a random permutation of any length leaves one record in its place, on average"


def test_sources_stand_in_their_shares_in_every_stretch(source: Check) -> None:
    configs = [source(texts(n), name, weight) for n, name, weight in ((5, "a", 3), (50, "b", 1), (7, "c", 0.5))]
    mixture = Mixture([Source(config) for config in configs], 3)
    assert len(mixture) == 62
    for start in (0, 1234, 10**9):
        found = Counter(mixture.locate(position)[0] for position in range(start, start + 90))
        assert found == pytest.approx({0: 60, 1: 20, 2: 10}, abs=1)


def test_each_source_is_cycled_epoch_by_epoch(source: Check) -> None:
    configs = [source(texts(n), name) for n, name in ((20, "a"), (30, "b"))]
    mixture = Mixture([Source(config) for config in configs], 3)
    records = [index for number, index in map(mixture.locate, range(120)) if number == 0]
    epochs = [records[0:20], records[20:40], records[40:60]]
    assert [sorted(epoch) for epoch in epochs] == [list(range(20))] * 3
    assert epochs[0] != epochs[1] != epochs[2]


def test_a_sample_depends_on_the_seed_and_its_position_alone(source: Check) -> None:
    config = source(texts(30))
    one, same, other = (Mixture([Source(config)], seed) for seed in (5, 5, 6))
    forwards = [one.sample(position) for position in range(60)]
    assert [same.sample(position) for position in reversed(range(60))] == forwards[::-1]
    assert [other.sample(position) for position in range(60)] != forwards
    # the same record in another epoch: other random choices
    assert len({sample.document for sample in forwards}) > 30


def test_substitutes_come_to_an_end(source: Check) -> None:
    mixture = Mixture([Source(source(texts(30)))], 0)
    substitutes = mixture.substitutes(7)
    positions = [next(substitutes) for _ in range(100)]
    assert len({mixture.locate(position) for position in positions}) > 20
    with pytest.raises(DataError, match="run seedx data check again"):
        next(substitutes)
