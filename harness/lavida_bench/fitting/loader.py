"""Shards to batches, in worker processes. A loader's position is one number: the step.

    loader = Loader(recipe, processor, process=0, processes=1)
    for loaded in loader.batches(start=0, stop=1000): model(loaded.batch)

Shards are plain WebDataset tars, but samples are read by their position (videos/shard_index.py), not as a stream: the
order of a streaming pipeline depends on the number of workers, and resuming it means reading everything before.
"""

from __future__ import annotations

import signal
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from lavida.batch import Batch, Sample
from lavida.errors import LavidaError
from lavida.frame_times import valid_or_unknown
from lavida_bench.config.recipe import RunRecipe
from lavida_bench.fitting.datasets import MixtureDataset, open_datasets
from lavida_bench.fitting.sampling import DatasetSize, MixtureSchedule, SamplePosition
from lavida_bench.videos.shard_index import OpenShard
from lavida_gen.common.errors import DataError, UserError
from lavida_gen.corpus.format1 import frame_times
from lavida_gen.corpus.shards import EncodedSample
from lavida_gen.processes.sockets import name_sockets_folder
from lavida_gen.scenes.images import decode
from lavida_gen.scenes.masks import from_png

if TYPE_CHECKING:
    from lavida.processing import LavidaProcessor

OPEN_SHARDS = 64
"""Shards that a worker keeps open."""
DEAD_WORKER = "DataLoader worker (pid"
"""Beginning of torch's error for a worker that died; an error raised in a worker begins with its type."""
STAND_IN_STEPS = 10_000
"""Later steps to search for an undamaged sample where a step has none and damaged samples are skipped."""

PositionsOf = Callable[[int], Sequence[SamplePosition]]
"""The samples of a step."""


@dataclass(frozen=True, slots=True)
class LoadedBatch:
    """One process' part of a step.

    Attributes:
        step: The step's number.
        batch: The undamaged samples.
        damaged: One message for each damaged sample that was left out.
        stands_in: No sample of the step was undamaged: the batch is that of a later step.
    """

    step: int
    batch: Batch
    damaged: tuple[str, ...] = ()
    stands_in: bool = False

    def pin_memory(self) -> LoadedBatch:
        """Pin the batch's tensors; DataLoader calls it, so that copies to a GPU run beside its work."""
        return replace(self, batch=self.batch.map_tensors(torch.Tensor.pin_memory))


def to_sample(encoded: EncodedSample, key: str) -> Sample:
    """Decode a sample of a shard.

    Args:
        encoded: Its record and encoded frames and masks.
        key: Name for messages, `corpus/kind/number`.

    Returns:
        Frames (T, H, W, 3) uint8 RGB, masks (T, H, W) bool.

    Raises:
        DataError: A picture is damaged; the message names the sample.
    """
    record = encoded.record
    size = (record["height"], record["width"])
    return Sample(
        frames=np.stack([decode(frame, size, key) for frame in encoded.frames]),
        names=tuple(record["names"]),
        question=record["question"],
        answer=record["answer"],
        masks=np.stack([from_png(mask, key) for mask in encoded.masks]),
        labels=tuple(record["labels"]),
        key=key,
        seconds=valid_or_unknown(frame_times(record)),
    )


class SampleReader:
    """Reads samples by position and keeps the most recently used shards open.

    Pickling keeps the datasets only, so each worker process opens shards of its own.

    Args:
        datasets: `SamplePosition.dataset` counts them.
    """

    def __init__(self, datasets: Sequence[MixtureDataset]) -> None:
        self.datasets = tuple(datasets)
        self._open: OrderedDict[tuple[int, int], OpenShard | DataError] = OrderedDict()

    def __reduce__(self) -> tuple[type[SampleReader], tuple[tuple[MixtureDataset, ...]]]:
        return type(self), (self.datasets,)

    def sample(self, position: SamplePosition) -> Sample:
        """Read and decode a sample.

        Args:
            position: Where it is.

        Raises:
            DataError: The shard or the sample is damaged; the message names both.
        """
        dataset = self.datasets[position.dataset]
        encoded = self._shard(position.dataset, position.shard).sample(position.sample)
        try:
            return to_sample(encoded, f"{dataset.name}/{encoded.key}")
        except DataError as error:
            raise DataError(f"{dataset.corpus.folder / dataset.shards[position.shard].file}: {error}") from error

    def _shard(self, dataset: int, number: int) -> OpenShard:
        key = (dataset, number)
        shard = self._open.pop(key, None)
        if shard is None:
            entry = self.datasets[dataset].shards[number]
            try:
                shard = OpenShard(self.datasets[dataset].corpus.path(entry), entry.samples)
            except DataError as error:
                shard = error  # remembered, too: a damaged shard is not read again for each of its samples
        self._open[key] = shard
        while len(self._open) > OPEN_SHARDS:
            oldest = self._open.popitem(last=False)[1]
            if isinstance(oldest, OpenShard):
                oldest.close()
        if isinstance(shard, DataError):
            raise shard
        return shard


class _StepDataset(Dataset[LoadedBatch]):
    """Item `step` is this process' part of that step."""

    def __init__(
        self, reader: SampleReader, positions_of: PositionsOf, processor: LavidaProcessor, skip_damaged: bool
    ) -> None:
        self.reader, self.positions_of = reader, positions_of
        self.processor, self.skip_damaged = processor, skip_damaged

    def __getitem__(self, step: int) -> LoadedBatch:
        samples, damaged = self._undamaged(step)
        stands_in = not samples
        if stands_in:  # a process without a batch would hold up the others
            samples = self._stand_in(step)
        if not samples:
            raise DataError(f"every sample of the batch and of those after it is damaged: {'; '.join(damaged)}")
        try:
            return LoadedBatch(step, self.processor(samples, "train"), tuple(damaged), stands_in)
        except LavidaError as error:  # special tokens in a prompt, an extreme aspect ratio
            raise DataError(str(error)) from error

    def _undamaged(self, step: int) -> tuple[list[Sample], list[str]]:
        """Undamaged samples of a step, and messages on the others. Raises DataError unless damage is skipped."""
        samples: list[Sample] = []
        damaged: list[str] = []
        for position in self.positions_of(step):
            try:
                samples.append(self.reader.sample(position))
            except DataError as error:
                if not self.skip_damaged:
                    raise
                damaged.append(str(error))
        return samples, damaged

    def _stand_in(self, step: int) -> list[Sample]:
        """The undamaged samples of the next step of the same dataset that has any."""
        dataset = self.positions_of(step)[0].dataset
        for later in range(step + 1, step + STAND_IN_STEPS):
            if self.positions_of(later)[0].dataset == dataset:
                samples, _ = self._undamaged(later)
                if samples:
                    return samples
        return []


@dataclass(frozen=True, slots=True)
class _ProcessPart:
    """The part of a step's samples that one process takes."""

    schedule: MixtureSchedule
    process: int
    batch: int

    def __call__(self, step: int) -> list[SamplePosition]:
        return self.schedule.positions(step)[self.process * self.batch : (self.process + 1) * self.batch]


@dataclass(frozen=True, slots=True)
class _FixedBatches:
    """A list of batches; the first follows the last."""

    batches: tuple[tuple[SamplePosition, ...], ...]

    def __call__(self, step: int) -> tuple[SamplePosition, ...]:
        return self.batches[step % len(self.batches)]


class Loader:
    """Training batches of one process, and validation batches.

    Args:
        recipe: Its `data` are the mixture, its `fit` has batch size and loader settings.
        processor: Makes batches of samples.
        process: Number of this process.
        processes: How many processes there are.

    Raises:
        UserError: A corpus is missing.
        DataError: Shards are damaged (see `open_datasets`).
    """

    def __init__(self, recipe: RunRecipe, processor: LavidaProcessor, process: int = 0, processes: int = 1) -> None:
        assert recipe.fit is not None, "a recipe without fit has no loader"
        self.fit, self.settings = recipe.fit, recipe.fit.loader
        self.processor, self.process, self.processes = processor, process, processes
        datasets, damaged = open_datasets(recipe.data, "train", self.settings)
        held_out, more = open_datasets(recipe.data, "val", self.settings) if self.fit.validation else ([], [])
        self.damaged = damaged + more
        sizes = [DatasetSize(dataset.name, dataset.sizes, dataset.weight) for dataset in datasets]
        whole = recipe.fit.batch * processes
        self.schedule = MixtureSchedule(sizes, recipe.seed, whole, self.settings.lanes, self.settings.shuffle)
        self.reader, self._held_out = SampleReader(datasets), SampleReader(held_out)

    def batches(self, start: int, stop: int) -> Iterator[LoadedBatch]:
        """Yield the batches of steps start..stop-1, in order."""
        part = _ProcessPart(self.schedule, self.process, self.fit.batch)
        return self._load(self.reader, part, range(start, stop))

    def validation(self) -> Iterator[tuple[int, LoadedBatch]]:
        """Yield this process' validation batches: always the same ones, dataset after dataset.

        Yields:
            (number, batch). Every process gets the same number of batches; number -1 marks those that repeat another
            one or replace damaged ones, and must not be counted.
        """
        assert self.fit.validation is not None, "the recipe has no validation"
        batches: list[tuple[SamplePosition, ...]] = []
        for number, dataset in enumerate(self._held_out.datasets):
            positions = _spread_evenly(number, dataset, self.fit.validation.samples)
            size = self.fit.batch
            batches += [tuple(positions[start : start + size]) for start in range(0, len(positions), size)]
        rounds = -(-len(batches) // self.processes)
        mine = range(self.process, rounds * self.processes, self.processes)
        steps = [min(step, len(batches) - 1) for step in mine]
        for number, loaded in zip(mine, self._load(self._held_out, _FixedBatches(tuple(batches)), steps), strict=True):
            counts = number < len(batches) and not loaded.stands_in
            yield number if counts else -1, loaded

    def single_samples(self, step: int) -> Iterator[Batch]:
        """Yield the samples of a step as batches of one; damaged ones are left out."""
        for position in _ProcessPart(self.schedule, self.process, self.fit.batch)(step):
            try:
                yield self.processor([self.reader.sample(position)], "train")
            except (DataError, LavidaError):
                continue

    def _load(self, reader: SampleReader, positions_of: PositionsOf, steps: Sequence[int]) -> Iterator[LoadedBatch]:
        workers = min(self.settings.workers, len(steps))
        if workers:
            name_sockets_folder()
        loader = DataLoader(
            _StepDataset(reader, positions_of, self.processor, self.settings.damaged == "skip"),
            batch_size=None,
            sampler=steps,
            num_workers=workers,
            prefetch_factor=self.settings.prefetch if workers else None,
            pin_memory=torch.cuda.is_available(),
            worker_init_fn=_leave_signals_to_parent,
            generator=torch.Generator(),  # a loader draws a seed: not from the state that a checkpoint holds
        )
        return _plain_errors(loader)


def _leave_signals_to_parent(worker: int) -> None:
    """ctrl-C goes to the whole process group: the main process finishes its step and needs its workers for that.

    SIGTERM ends a worker; a forked one would otherwise have the main process' handler.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _plain_errors(loader: DataLoader[LoadedBatch]) -> Iterator[LoadedBatch]:
    """Raise a worker's DataError or UserError with its message alone: torch puts the worker's traceback around it."""
    try:
        yield from loader
    except (DataError, UserError) as error:
        mark = f"{type(error).__module__}.{type(error).__qualname__}: "
        raise type(error)(str(error).rpartition(mark)[2].strip()) from error
    except RuntimeError as error:
        if not str(error).startswith(DEAD_WORKER):
            raise
        todo = "lower fit.loader.workers or fit.loader.prefetch; the last checkpoint is kept"
        raise DataError(f"a worker process of the loader died (killed, or out of memory); {todo}") from error


def _spread_evenly(number: int, dataset: MixtureDataset, samples: int) -> list[SamplePosition]:
    """At most `samples` positions of dataset `number`, at equal distances."""
    ends = np.cumsum(dataset.sizes)
    total = int(ends[-1])
    chosen = np.unique(np.linspace(0, total - 1, min(samples, total)).round().astype(np.int64))
    shards = np.searchsorted(ends, chosen, side="right")
    return [
        SamplePosition(number, int(shard), int(sample - ends[shard] + dataset.sizes[shard]))
        for shard, sample in zip(shards, chosen, strict=True)
    ]
