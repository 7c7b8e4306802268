"""Which samples a step sees: a pure function of (pools, seed, batch, step), so that a loader's position is one number.

Neither the number of processes nor of workers enters: processes share a step's samples among them, so two processes
see what one with the doubled batch sees. A batch is cut into lanes. Every lane walks its own stretch of the
shuffled shards, so that processes read different shards, and mixes `shuffle` samples at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lavida_gen.common.errors import UserError, problem

BLOCK = 1024
"""Steps whose pools are drawn at once."""


class SamplePosition(NamedTuple):
    """A sample: number of its pool, of the shard in the pool, of the sample in the shard."""

    pool: int
    shard: int
    sample: int


@dataclass(frozen=True, slots=True)
class DatasetSize:
    """Samples of one kind of one corpus: how many each shard holds, and the pool's share of the steps."""

    name: str
    shards: tuple[int, ...]
    weight: float

    @property
    def samples(self) -> int:
        """Of all shards."""
        return sum(self.shards)


class MixtureSchedule:
    """`at(step)` gives the samples of a step, all of one pool.

    batch is that of all processes together; lanes is the most lanes that a batch is cut into, equal ones.
    """

    def __init__(
        self, pools: Sequence[DatasetSize], seed: int, batch: int, lanes: int = 32, shuffle: int = 2000
    ) -> None:
        for pool in pools:
            if pool.samples < batch:
                todo = "build a larger corpus, or lower fit.batch"
                raise UserError(problem(pool.name, f"{pool.samples} samples", f"at least one batch of {batch}", todo))
        self.pools, self.seed, self.batch, self.shuffle = tuple(pools), seed, batch, shuffle
        self.lanes = max(many for many in range(1, min(batch, lanes) + 1) if batch % many == 0)
        weights = np.array([pool.weight for pool in pools])
        self._shares = weights / weights.sum()
        self._block = lru_cache(maxsize=4)(self._draw_block)
        self._line = lru_cache(maxsize=2 * len(pools))(self._draw_line)
        self._order = lru_cache(maxsize=4 * self.lanes * len(pools))(self._draw_order)
        self._before: list[NDArray[np.int64]] = [np.zeros(len(pools), np.int64)]

    def __getstate__(self) -> tuple[object, ...]:
        return self.pools, self.seed, self.batch, self.lanes, self.shuffle

    def __setstate__(self, state: tuple[object, ...]) -> None:
        self.__init__(*state)  # type: ignore[misc]  # the caches are made anew in a worker

    def at(self, step: int) -> list[SamplePosition]:
        """The `batch` samples of a step; a process takes its stretch of them."""
        pool, number = self.turn(step)
        size = self.pools[pool].samples
        per_slot = self.batch // self.lanes
        lane_samples = size // self.lanes
        round_, turn = divmod(number, lane_samples // per_slot)
        shards, ends, start = self._line(pool, round_)
        places = []
        for slot in range(self.batch):
            lane, offset = divmod(slot, per_slot)
            block, within = divmod(turn * per_slot + offset, self.shuffle)
            order = self._order(pool, round_, lane, block, min(self.shuffle, lane_samples - block * self.shuffle))
            at = (start + lane * lane_samples + block * self.shuffle + int(order[within])) % size
            entry = int(np.searchsorted(ends, at, side="right"))
            shard = int(shards[entry])
            places.append(SamplePosition(pool, shard, at - int(ends[entry]) + self.pools[pool].shards[shard]))
        return places

    def turn(self, step: int) -> tuple[int, int]:
        """(pool, how many earlier steps took the same pool) of a step."""
        block, within = divmod(step, BLOCK)
        while len(self._before) <= block:
            drawn = self._block(len(self._before) - 1)
            self._before.append(self._before[-1] + np.bincount(drawn, minlength=len(self.pools)))
        drawn = self._block(block)
        pool = int(drawn[within])
        return pool, int(self._before[block][pool]) + int((drawn[:within] == pool).sum())

    def rounds(self, step: int) -> dict[str, float]:
        """How often each pool has been gone through before this step."""
        done = [0] * len(self.pools)
        block = step // BLOCK
        self.turn(step)
        for pool, count in enumerate(self._before[block]):
            done[pool] = int(count) + int((self._block(block)[: step % BLOCK] == pool).sum())
        return {pool.name: count * self.batch / pool.samples for pool, count in zip(self.pools, done, strict=True)}

    # ---- draws: each from its own generator, so that any step can be asked for alone ----

    def _draw_block(self, block: int) -> NDArray[np.int64]:
        rng = np.random.default_rng([self.seed, 0, block])
        return rng.choice(len(self.pools), size=BLOCK, p=self._shares)

    def _draw_line(self, pool: int, round_: int) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
        """Shards in the order of this round, where each ends on the line of samples, where the first lane begins."""
        rng = np.random.default_rng([self.seed, 1, pool, round_])
        sizes = np.array(self.pools[pool].shards, np.int64)
        shards = rng.permutation(len(sizes))
        return shards, np.cumsum(sizes[shards]), int(rng.integers(sizes.sum()))

    def _draw_order(self, pool: int, round_: int, lane: int, block: int, size: int) -> NDArray[np.int64]:
        return np.random.default_rng([self.seed, 2, pool, round_, lane, block]).permutation(size)
