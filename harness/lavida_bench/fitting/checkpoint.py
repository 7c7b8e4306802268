"""Checkpoints of a fit: whole or not there, the newest few kept, the best weights apart.

    checkpoints/step-00000500/     optimiser, schedule, random state of each process, weights that train, progress.json,
                                   the resolved recipe
    best.safetensors               the weights that train, of the step with the best validation

A checkpoint is written beside its name and renamed when every process is done. What accelerate, FSDP and DeepSpeed keep
is theirs; without these two only the weights that train are stored: frozen ones come from where the model came from.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lavida_bench.fitting.sharded import is_sharded
from lavida_gen.common.atomic_file import PARTIAL, describe_write_failure, partial_path, write_atomic, write_error
from lavida_gen.common.errors import DataError, problem

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch import Tensor, nn

FOLDER, PROGRESS, WEIGHTS, BEST = "checkpoints", "progress.json", "trained.safetensors", "best.safetensors"
RECIPE = "recipe.yaml"


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands.

    step       optimiser steps done: with the recipe also the loader's position
    batch      samples of one forward over all processes
    best       the best value of validation so far and its step
    damaged    samples left out so far
    """

    step: int = 0
    batch: int = 0
    best: float | None = None
    best_step: int = 0
    damaged: int = 0


class Checkpoints:
    """The checkpoints of one run folder. Every process calls `save` and `load`."""

    def __init__(self, out: Path, keep: int, accelerator: Accelerator, model: nn.Module) -> None:
        self.out, self.keep, self.accelerator = out, keep, accelerator
        self.folder = out / FOLDER
        if not is_sharded(accelerator):
            accelerator.register_save_state_pre_hook(_saver(accelerator, model))
            accelerator.register_load_state_pre_hook(_putter(model))

    def newest(self) -> Path | None:
        """The newest whole checkpoint."""
        found = sorted(self.folder.glob("step-*[0-9]"))
        return found[-1] if found else None

    def save(self, progress: Progress) -> Path:
        """Write one, then let the oldest go. Raises DataError when the disk is full: the earlier ones are kept."""
        main = self.accelerator.is_main_process
        name = f"step-{progress.step:08d}"
        partial = partial_path(self.folder / name)
        if main:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
        self.accelerator.wait_for_everyone()
        said = _tried(self.accelerator, partial)
        if main and not any(said):
            said = [_finished(partial, self.folder / name, progress)]
        said = _gathered(self.accelerator, [word for word in said if word])
        if said:
            if main:
                shutil.rmtree(partial, ignore_errors=True)
            raise self._lost(name, said[0])
        if main:
            self._prune()
        return self.folder / name

    def _lost(self, name: str, failure: str) -> DataError:
        kept = self.newest()
        resume = "run the same command again: it goes on from " + (kept.name if kept else "step 0")
        return write_error(self.folder / name, failure, resume)

    def _prune(self) -> None:
        for old in sorted(self.folder.glob("step-*[0-9]"))[: -self.keep]:
            gone = partial_path(old)
            old.rename(gone)  # never half a checkpoint under a whole one's name
            shutil.rmtree(gone, ignore_errors=True)

    def load(self, path: Path) -> Progress:
        """Put everything back. Raises DataError for a damaged checkpoint."""
        from pickle import UnpicklingError

        from safetensors import SafetensorError

        damaged = (OSError, RuntimeError, ValueError, TypeError, KeyError, EOFError, SafetensorError, UnpicklingError)
        try:
            self.accelerator.load_state(str(path))
            plain = json.loads((path / PROGRESS).read_bytes())
            return Progress(**{field.name: plain[field.name] for field in fields(Progress)})
        except damaged as error:
            why = _line(error).partition(". ")[0]  # torch goes on with advice that is unsafe
            todo = "remove it: the run then goes on from the one before, if there is one"
            raise DataError(problem(path, f"cannot be loaded ({why})", "a whole checkpoint", todo)) from error


def _finished(partial: Path, final: Path, progress: Progress) -> str:
    """Give a checkpoint its name; what went wrong, "" if nothing did."""
    try:
        shutil.copyfile(partial.parent.parent / RECIPE, partial / RECIPE)
        write_atomic(partial / PROGRESS, json.dumps(asdict(progress)).encode())
        for file in partial.rglob("*"):
            _sync(file)
        shutil.rmtree(final, ignore_errors=True)
        partial.rename(final)
        _sync(final.parent)
    except (OSError, DataError) as error:
        return describe_write_failure(error)
    return ""


def _tried(accelerator: Accelerator, folder: Path) -> list[str]:
    """Save in every process; what went wrong in any."""
    said = []
    try:
        accelerator.save_state(str(folder))
    except Exception as error:  # torch, safetensors and accelerate each have their own for a full disk
        if not _is_disk(error):
            raise
        said = [describe_write_failure(error)]
    return _gathered(accelerator, said)


def _gathered(accelerator: Accelerator, said: list[str]) -> list[str]:
    if accelerator.num_processes == 1:
        return said
    from accelerate.utils import gather_object

    found: list[str] = gather_object(said)
    return found


def _is_disk(error: Exception) -> bool:
    text = str(error).lower()
    return isinstance(error, OSError) or any(
        word in text for word in ("no space", "os error", "failed writing", "write failed", "unexpected pos", "quota")
    )


def _line(error: Exception) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:300]


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# ---- weights ------------------------------------------------------------------------------------------------------


def _saver(accelerator: Accelerator, model: nn.Module) -> Any:
    def save(models: list[Any], weights: list[Any], folder: str) -> None:
        from safetensors.torch import save_file

        from lavida_bench.fitting.optimiser import trainable_parameters

        weights.clear()  # accelerate would store the frozen ones too, again and again
        if accelerator.is_main_process:
            save_file(
                {k: v.detach().contiguous() for k, v in trainable_parameters(model).items()},
                str(Path(folder) / WEIGHTS),
            )

    return save


def _putter(model: nn.Module) -> Any:
    def load(models: list[Any], folder: str) -> None:
        models.clear()
        restore_weights(model, Path(folder) / WEIGHTS)

    return load


def restore_weights(model: nn.Module, file: Path) -> dict[str, str]:
    """Put stored weights into the model; the file's notes. Raises DataError if they are not this model's."""
    from safetensors import safe_open

    from lavida_bench.fitting.optimiser import copy_weights, trainable_parameters

    with safe_open(str(file), "pt") as stored:
        weights = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118  # it is no dict
        notes = dict(stored.metadata() or {})
    own = trainable_parameters(model)
    shapes = {name: tuple(value.shape) for name, value in weights.items()}
    if shapes != {name: tuple(value.shape) for name, value in own.items()}:
        raise DataError(problem(file, "holds other weights than the model trains", todo="was model.config changed?"))
    copy_weights(model, weights)
    return notes


def write_best(out: Path, weights: Mapping[str, Tensor], notes: Mapping[str, str]) -> None:
    """The best weights so far, whole or not at all. Raises DataError when the disk is full."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    partial = partial_path(out / BEST)
    try:
        save_file({name: value.detach().cpu().contiguous() for name, value in weights.items()}, partial, dict(notes))
        _sync(partial)
        partial.replace(out / BEST)
    except (OSError, SafetensorError) as error:
        partial.unlink(missing_ok=True)
        raise write_error(out / BEST, error) from error


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Hold a run folder for this fit alone. Raises DataError if another one writes there."""
    import fcntl

    out.mkdir(parents=True, exist_ok=True)
    with open(out / ".lock", "w") as lock:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # unlike flock it is not inherited by the loader's workers
        except OSError as error:
            raise DataError(problem(out, "another fit is writing here", todo="wait for it, or give --out")) from error
        for left in (out / FOLDER).glob(f"*{PARTIAL}"):
            shutil.rmtree(left, ignore_errors=True)
        partial_path(out / BEST).unlink(missing_ok=True)
        yield


def improved(progress: Progress, value: float, rises: bool) -> Progress | None:
    """The progress with a new best, if it is one."""
    best = progress.best
    if best is not None and (value <= best if rises else value >= best):
        return None
    return replace(progress, best=value, best_step=progress.step)
