"""Checkpoints of a fit: complete or absent, the newest few kept; the best weights in a file of their own.

    checkpoints/step-00000500/     the state of the fit (see `fit_state`), progress.json, the resolved recipe
    best.safetensors               the weights that train, of the step with the best validation

A checkpoint is written under a temporary name and renamed when all processes are done. Only the weights that train are
saved: frozen ones come from where the model came from.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lavida_bench.fitting.tensor_files import ADVICE, EXPECTED, write_tensors
from lavida_gen.common.atomic_file import describe_write_failure, partial_path, write_atomic, write_error
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.json_file import read_json_object
from lavida_gen.processes.leftovers import PARTIAL, remove, sweep

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch import Tensor

    from lavida_bench.fitting.fit_state import FitState

FOLDER, PROGRESS, BEST = "checkpoints", "progress.json", "best.safetensors"
RECIPE = "recipe.yaml"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a fit is.

    Attributes:
        step: Optimiser steps done; with the recipe it determines the loader's position, too.
        batch: Samples of a micro-batch over all processes.
        best: Best value of validation so far.
        best_step: Step of the best value.
        damaged: Samples left out so far.
    """

    step: int = 0
    batch: int = 0
    best: float | None = None
    best_step: int = 0
    damaged: int = 0


class Checkpoints:
    """The checkpoints of one run folder. Every process calls `save` and `load`.

    Args:
        out: Run folder.
        keep: How many checkpoints are kept, the newest ones.
        accelerator: Knows the processes.
        state: Saves and restores the fit.
    """

    def __init__(self, out: Path, keep: int, accelerator: Accelerator, state: FitState) -> None:
        self.out, self.keep, self.accelerator, self.state = out, keep, accelerator, state
        self.folder = out / FOLDER

    def newest(self) -> Path | None:
        """Return the newest complete checkpoint, None if there is none."""
        complete = sorted(self.folder.glob("step-*[0-9]"))
        return complete[-1] if complete else None

    def save(self, progress: Progress) -> Path:
        """Write a checkpoint, then delete the oldest ones.

        Args:
            progress: Saved in it.

        Returns:
            Folder of the checkpoint.

        Raises:
            DataError: The disk is full or cannot be written; earlier checkpoints are kept.
        """
        main = self.accelerator.is_main_process
        name = f"step-{progress.step:08d}"
        partial = self.folder / f"{name}{PARTIAL}"  # all processes write to it, under the lock of the first
        if main:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
        self.accelerator.wait_for_everyone()
        failures = self._save_state(partial)
        if main and not failures:
            failures = _complete(partial, self.folder / name, progress)
        failures = _gather(self.accelerator, failures if main else [])
        if failures:
            if main:
                shutil.rmtree(partial, ignore_errors=True)
            raise self._save_error(name, failures[0])
        if main:
            self._prune()
        return self.folder / name

    def _save_state(self, folder: Path) -> list[str]:
        """Save in every process; what failed in any."""
        failures = []
        try:
            self.state.save(folder)
        except Exception as error:  # safetensors and DeepSpeed have their own for a full disk
            if not _is_disk_error(error):
                raise
            failures = [describe_write_failure(error)]
        return _gather(self.accelerator, failures)

    def _save_error(self, name: str, failure: str) -> DataError:
        newest = self.newest()
        resume = f"run the same command again: it continues from {newest.name if newest else 'step 0'}"
        return write_error(self.folder / name, failure, resume)

    def _prune(self) -> None:
        for old in sorted(self.folder.glob("step-*[0-9]"))[: -self.keep]:
            renamed = partial_path(old)
            old.rename(renamed)  # so that no half-deleted checkpoint has the name of a complete one
            shutil.rmtree(renamed, ignore_errors=True)

    def load(self, path: Path) -> Progress:
        """Restore model, optimiser, schedule, averaged weights and random state.

        Args:
            path: Folder of a checkpoint.

        Raises:
            DataError: The checkpoint is damaged.
        """
        progress = _read_progress(path / PROGRESS)
        self.state.load(path)
        return progress


def _read_progress(file: Path) -> Progress:
    plain = read_json_object(file, EXPECTED, ADVICE, (field.name for field in fields(Progress)))
    counts, best = [plain[name] for name in ("step", "batch", "best_step", "damaged")], plain["best"]
    if any(type(count) is not int or count < 0 for count in counts) or not isinstance(best, int | float | None):
        raise DataError(problem(file, "holds no counts of steps and samples", EXPECTED, ADVICE))
    return Progress(**{field.name: plain[field.name] for field in fields(Progress)})


def _complete(partial: Path, final: Path, progress: Progress) -> list[str]:
    """Give a checkpoint its final name; what failed."""
    try:
        shutil.copyfile(partial.parent.parent / RECIPE, partial / RECIPE)
        write_atomic(partial / PROGRESS, json.dumps(asdict(progress)).encode())
        for file in partial.rglob("*"):
            _sync_to_disk(file)
        shutil.rmtree(final, ignore_errors=True)
        partial.rename(final)
        _sync_to_disk(final.parent)
    except (OSError, DataError) as error:
        return [describe_write_failure(error)]
    return []


def _gather(accelerator: Accelerator, texts: list[str]) -> list[str]:
    """The texts of all processes."""
    if accelerator.num_processes == 1:
        return texts
    from accelerate.utils import gather_object

    gathered: list[str] = gather_object(texts)
    return gathered


def _is_disk_error(error: Exception) -> bool:
    text = str(error).lower()
    return isinstance(error, OSError) or any(
        word in text for word in ("no space", "os error", "failed writing", "write failed", "unexpected pos", "quota")
    )


def _sync_to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_best(out: Path, weights: Mapping[str, Tensor], notes: Mapping[str, str]) -> None:
    """Write the best weights so far, atomically.

    Args:
        out: Run folder.
        weights: Weights by name.
        notes: Step and values of validation, stored in the file.

    Raises:
        DataError: The disk is full or cannot be written.
    """
    from safetensors import SafetensorError

    partial = partial_path(out / BEST)
    try:
        write_tensors(partial, weights, notes)
        _sync_to_disk(partial)
        partial.replace(out / BEST)
    except (OSError, SafetensorError) as error:
        raise write_error(out / BEST, error) from error
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Lock a run folder for this fit and remove what a killed one left half-written.

    Args:
        out: Run folder; created if it does not exist.

    Raises:
        DataError: Another fit is writing there.
    """
    import fcntl

    out.mkdir(parents=True, exist_ok=True)
    with open(out / ".lock", "w") as lock:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # unlike flock it is not inherited by the loader's workers
        except OSError as error:
            raise DataError(problem(out, "another fit is writing here", todo="wait for it, or give --out")) from error
        for leftover in (out / FOLDER).glob(f"*{PARTIAL}*"):
            remove(leftover)
        sweep(out)
        yield


def improved(progress: Progress, value: float, higher_is_better: bool) -> Progress | None:
    """Compare a value of validation with the best so far.

    Args:
        progress: Has the best value so far and the present step.
        value: The present value.
        higher_is_better: Direction of the comparison.

    Returns:
        The progress with the new best value, None if it is not better.
    """
    best = progress.best
    if best is not None:
        is_better = value > best if higher_is_better else value < best
        if not is_better:
            return None
    return replace(progress, best=value, best_step=progress.step)
