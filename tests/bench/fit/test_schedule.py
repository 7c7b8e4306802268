"""Which samples a step sees: nothing twice in a round, the same for any number of processes, lanes that read apart."""

from __future__ import annotations

import pickle
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lavida_bench.fitting.sampling import BLOCK, DatasetSize, MixtureSchedule
from lavida_gen.common.errors import UserError

shards = st.lists(st.integers(1, 40), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None)
@given(shards, st.integers(1, 24), st.integers(1, 32), st.integers(1, 50), st.integers(0, 5))
def test_no_sample_comes_twice_in_a_round(sizes: list[int], batch: int, lanes: int, shuffle: int, seed: int) -> None:
    if sum(sizes) < batch:
        sizes = [*sizes, batch]
    schedule = MixtureSchedule([DatasetSize("a", tuple(sizes), 1.0)], seed, batch, lanes, shuffle)
    steps = (sum(sizes) // schedule.lanes) // (batch // schedule.lanes)
    for round_ in range(2):
        seen = [place for step in range(steps) for place in schedule.positions(round_ * steps + step)]
        assert len(set(seen)) == len(seen) == steps * batch
        assert all(0 <= place.sample < sizes[place.shard] for place in seen)
        assert sum(sizes) - len(seen) < 2 * batch, "what a round leaves out is less than two batches"


def test_every_sample_comes_up_in_time() -> None:
    schedule = MixtureSchedule([DatasetSize("a", (7, 5), 1.0)], 0, batch=5)
    seen = {place for step in range(60) for place in schedule.positions(step)}
    assert len(seen) == 12


def test_rounds_differ_and_seeds_differ() -> None:
    pool = DatasetSize("a", (30, 30), 1.0)
    one, other = MixtureSchedule([pool], 1, 4), MixtureSchedule([pool], 2, 4)
    first, second = ([one.positions(step) for step in range(15 * r, 15 * r + 15)] for r in range(2))
    assert first != second
    assert first != [other.positions(step) for step in range(15)]


def test_a_step_is_a_pure_function() -> None:
    pools = [DatasetSize("a", (30, 30), 3.0), DatasetSize("b", (20,), 1.0)]
    walked = [step for step in [MixtureSchedule(pools, 5, 4)] for step in [step.positions(n) for n in range(3 * BLOCK)]]
    for step in (0, 1, BLOCK - 1, BLOCK, 2 * BLOCK + 7):
        assert MixtureSchedule(pools, 5, 4).positions(step) == walked[step]
        assert pickle.loads(pickle.dumps(MixtureSchedule(pools, 5, 4))).positions(step) == walked[step]


def test_pools_take_their_share_and_a_step_has_one_pool() -> None:
    schedule = MixtureSchedule([DatasetSize("a", (50,), 3.0), DatasetSize("b", (50,), 1.0)], 0, 4)
    steps = [schedule.positions(step) for step in range(2000)]
    assert all(len({place.dataset for place in step}) == 1 for step in steps)
    share = Counter(step[0].dataset for step in steps)[1] / 2000
    assert abs(share - 0.25) < 3 * np.sqrt(0.25 * 0.75 / 2000)
    assert schedule.epochs(2000) == {
        "a": sum(step[0].dataset == 0 for step in steps) * 4 / 50,
        "b": sum(step[0].dataset == 1 for step in steps) * 4 / 50,
    }


def test_processes_read_different_shards() -> None:
    """16 shards for 4 processes: within a round each reads 4 or 5 of them, and no two the same samples."""
    schedule = MixtureSchedule([DatasetSize("a", (64,) * 16, 1.0)], 0, batch=16, shuffle=64)
    steps = [schedule.positions(step) for step in range(64)]
    read = [{place.shard for step in steps for place in step[4 * p : 4 * p + 4]} for p in range(4)]
    assert [len(one) for one in read] == [5, 5, 5, 5]
    assert sum(map(len, read)) - len(set().union(*read)) == 4, "only the borders are shared"


@pytest.mark.parametrize(("batch", "processes"), [(1, 3), (3, 5), (2, 3), (16, 3)])
def test_odd_numbers_of_processes_read_different_shards(batch: int, processes: int) -> None:
    """16 shards, one round: a process reads its share of them and what a border cuts."""
    whole = batch * processes
    schedule = MixtureSchedule([DatasetSize("a", (60,) * 16, 1.0)], 0, batch=whole, shuffle=64)
    steps = [schedule.positions(step) for step in range(960 // whole)]
    for process in range(processes):
        read = {place.shard for step in steps for place in step[batch * process : batch * (process + 1)]}
        assert len(read) <= 16 / processes + 2


def test_samples_are_mixed_across_shards() -> None:
    schedule = MixtureSchedule([DatasetSize("a", (100,) * 10, 1.0)], 0, batch=10, shuffle=2000)
    shards_of = [{place.shard for place in schedule.positions(step)} for step in range(50)]
    assert np.mean([len(one) for one in shards_of]) > 5


def test_a_pool_smaller_than_a_batch_is_refused() -> None:
    with pytest.raises(UserError, match=r"a: 7 samples; expected at least one batch of 8; build a larger corpus"):
        MixtureSchedule([DatasetSize("a", (4, 3), 1.0)], 0, 8)
