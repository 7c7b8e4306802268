"""Which samples a step sees: a pure function of (datasets, seed, batch, step), so a loader's position is one number.

It depends neither on the number of processes nor of workers: processes share a step's samples, so two processes see
what one with twice the batch sees. A batch is split into lanes. Every lane walks its own part of the shuffled shards,
so that processes read different shards, and shuffles `shuffle` samples at a time.
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
"""Steps whose datasets are drawn at once."""


class SamplePosition(NamedTuple):
    """Where a sample is: number of its dataset, of the shard in the dataset, of the sample in the shard."""

    dataset: int
    shard: int
    sample: int


@dataclass(frozen=True, slots=True)
class DatasetSize:
    """One dataset of the mixture.

    Attributes:
        name: For messages and the log.
        shards: Samples in each shard.
        weight: Its share of the steps, relative to the other datasets' weights.
    """

    name: str
    shards: tuple[int, ...]
    weight: float

    @property
    def samples(self) -> int:
        """Samples in all shards."""
        return sum(self.shards)


class _ShardLine(NamedTuple):
    """An epoch's shards in a row: their order (S,), where each ends (S,) in samples, where the first lane starts."""

    shards: NDArray[np.int64]
    ends: NDArray[np.int64]
    start: int


class MixtureSchedule:
    """The samples of every step; all samples of a step come from one dataset.

    Args:
        datasets: The mixture.
        seed: Seed of all draws.
        batch: Samples of a micro-batch over all processes.
        lanes: Most lanes that a batch is split into, of equal size.
        shuffle: Samples that a lane shuffles at a time.

    Raises:
        UserError: A dataset has fewer samples than a batch.
    """

    def __init__(
        self, datasets: Sequence[DatasetSize], seed: int, batch: int, lanes: int = 32, shuffle: int = 2000
    ) -> None:
        for dataset in datasets:
            if dataset.samples < batch:
                todo = "build a larger corpus, or lower fit.batch"
                raise UserError(
                    problem(dataset.name, f"{dataset.samples} samples", f"at least one batch of {batch}", todo)
                )
        self.datasets, self.seed, self.batch, self.shuffle = tuple(datasets), seed, batch, shuffle
        self.lanes = max(count for count in range(1, min(batch, lanes) + 1) if batch % count == 0)
        weights = np.array([dataset.weight for dataset in datasets])
        self._probabilities = weights / weights.sum()
        self._block = lru_cache(maxsize=4)(self._draw_block)
        self._line = lru_cache(maxsize=2 * len(datasets))(self._draw_line)
        self._order = lru_cache(maxsize=4 * self.lanes * len(datasets))(self._draw_order)
        self._steps_before: list[NDArray[np.int64]] = [np.zeros(len(datasets), np.int64)]

    def __reduce__(self) -> tuple[type[MixtureSchedule], tuple[object, ...]]:
        """Pickle the arguments: a worker draws again what it needs."""
        return type(self), (self.datasets, self.seed, self.batch, self.lanes, self.shuffle)

    def positions(self, step: int) -> list[SamplePosition]:
        """Return the `batch` samples of a micro-batch; each process takes its part of them.

        Args:
            step: Number of the micro-batch since the beginning of the run.
        """
        dataset, number = self.dataset_turn(step)
        size = self.datasets[dataset].samples
        per_lane = self.batch // self.lanes
        lane_samples = size // self.lanes
        epoch, turn = divmod(number, lane_samples // per_lane)
        line = self._line(dataset, epoch)
        positions = []
        for slot in range(self.batch):
            lane, offset = divmod(slot, per_lane)
            block, within = divmod(turn * per_lane + offset, self.shuffle)
            order = self._order(dataset, epoch, lane, block, min(self.shuffle, lane_samples - block * self.shuffle))
            sample = (line.start + lane * lane_samples + block * self.shuffle + int(order[within])) % size
            entry = int(np.searchsorted(line.ends, sample, side="right"))
            shard = int(line.shards[entry])
            first = int(line.ends[entry]) - self.datasets[dataset].shards[shard]
            positions.append(SamplePosition(dataset, shard, sample - first))
        return positions

    def dataset_turn(self, step: int) -> tuple[int, int]:
        """Return (number of the step's dataset, how many earlier steps had the same dataset)."""
        block, within = divmod(step, BLOCK)
        drawn = self._block(block)
        dataset = int(drawn[within])
        return dataset, int(self._steps_before_block(block)[dataset]) + int((drawn[:within] == dataset).sum())

    def epochs(self, step: int) -> dict[str, float]:
        """Return how many epochs of each dataset lie before this step, by the dataset's name."""
        block, within = divmod(step, BLOCK)
        drawn = self._block(block)[:within]
        steps = self._steps_before_block(block) + np.bincount(drawn, minlength=len(self.datasets))
        return {
            dataset.name: int(count) * self.batch / dataset.samples
            for dataset, count in zip(self.datasets, steps, strict=True)
        }

    def _steps_before_block(self, block: int) -> NDArray[np.int64]:
        """Steps of each dataset in all earlier blocks, (D,); counted once and remembered."""
        while len(self._steps_before) <= block:
            drawn = self._block(len(self._steps_before) - 1)
            self._steps_before.append(self._steps_before[-1] + np.bincount(drawn, minlength=len(self.datasets)))
        return self._steps_before[block]

    # ---- draws: each from its own generator, so that any step can be asked for alone ----

    def _draw_block(self, block: int) -> NDArray[np.int64]:
        """The dataset of each of BLOCK steps."""
        rng = np.random.default_rng([self.seed, 0, block])
        return rng.choice(len(self.datasets), size=BLOCK, p=self._probabilities)

    def _draw_line(self, dataset: int, epoch: int) -> _ShardLine:
        rng = np.random.default_rng([self.seed, 1, dataset, epoch])
        sizes = np.array(self.datasets[dataset].shards, np.int64)
        shards = rng.permutation(len(sizes))
        return _ShardLine(shards, np.cumsum(sizes[shards]), int(rng.integers(sizes.sum())))

    def _draw_order(self, dataset: int, epoch: int, lane: int, block: int, size: int) -> NDArray[np.int64]:
        """The order of `size` samples that a lane shuffles together."""
        return np.random.default_rng([self.seed, 2, dataset, epoch, lane, block]).permutation(size)
