"""The training loop: a recipe's model on a recipe's corpora. It can be stopped and continued at any time.

    fit(load("demo"), Path("runs/demo"))

One process, DDP, FSDP or DeepSpeed, as `accelerate launch` or `torchrun` start it. The run folder:

    recipe.yaml   the recipe, resolved       log.jsonl, tensorboard/   losses, learning rates, validation
    checkpoints/  to continue from           best.safetensors          the best weights by validation
    model/        the fitted model, for `score` and `predict`          fit.json   written last
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from lavida_bench.common.stop_signals import StopSignals
from lavida_bench.fitting import fit_folder, optimiser, validation
from lavida_bench.fitting.accelerator import compile_model, make_accelerator
from lavida_bench.fitting.checkpoint import Checkpoints, Progress, improved, locked, write_best
from lavida_bench.fitting.fit_record import fitted_corpora, past_fit
from lavida_bench.fitting.fit_state import FitState
from lavida_bench.fitting.learning_rate import describe_rates, make_lr_schedule
from lavida_bench.fitting.loader import LoadedBatch, Loader
from lavida_bench.fitting.logger import StepInfo, TrainingLogger
from lavida_bench.fitting.model_init import make_model
from lavida_bench.fitting.sharded import Sharding, is_sharded
from lavida_bench.fitting.sync import LocalStep, LossNormaliser, reduce_step, weighted_sum
from lavida_gen.common.console import echo
from lavida_gen.common.errors import UserError

if TYPE_CHECKING:
    from accelerate import Accelerator

    from lavida_bench.config.recipe import RunRecipe

Log = Callable[[str], None]


def fit(recipe: RunRecipe, out: Path, log: Log = print) -> Path:
    """Fit a model, or continue a fit that was stopped.

    Args:
        recipe: Recipe with a `fit`.
        out: Run folder; created if it does not exist.
        log: Takes each line of the console output. Only the main process calls it.

    Returns:
        Folder of the fitted model. A fit that is already finished is left as it is.

    Raises:
        UserError: The recipe does not fit the folder or the data.
        DataError: Data, disk or numbers failed.
        KeyboardInterrupt: The fit was asked to stop; a checkpoint was written before.
    """
    assert recipe.fit is not None, "the recipe has no fit"
    if fit_folder.is_finished(recipe, out):
        return out / fit_folder.MODEL
    accelerator = make_accelerator(recipe.fit)
    main = accelerator.is_main_process
    if main:
        log(describe_rates(recipe.fit, accelerator.num_processes))
    with locked(out) if main else nullcontext():
        if main:
            fit_folder.mark_begun(recipe, out)
        return _FitRun(recipe, out, accelerator, log if main else _no_output).run()


def _no_output(text: str) -> None:
    """The console output of all processes but the main one."""


@dataclass(slots=True)
class _LogInterval:
    """Time since the last line of the log (monotonic seconds of its start) and samples of all processes in it."""

    start: float
    samples: int = 0


class _FitRun:
    """One fit: everything that is created once, then the loop."""

    def __init__(self, recipe: RunRecipe, out: Path, accelerator: Accelerator, log: Log) -> None:
        from accelerate.utils import set_seed

        assert recipe.fit is not None
        self.recipe, self.fit, self.out, self.accelerator, self.log = recipe, recipe.fit, out, accelerator, log
        if self.fit.validation:
            validation.check_metric_name(self.fit.validation.by)
        set_seed(recipe.seed)
        self.corpora = fitted_corpora(recipe)
        self.model, self.processor = make_model(recipe, log)
        self.sharding = Sharding(accelerator, self.model, self.fit)
        with accelerator.local_main_process_first():  # it checks every shard, the others find the result
            self.loader = Loader(recipe, self.processor, accelerator.process_index, accelerator.num_processes)
        adamw = optimiser.make_optimiser(self.model, self.fit)
        self.prepared_model, self.optimiser = accelerator.prepare(self.model, adamw)
        if self.fit.compile:
            compile_model(accelerator, self.model)
        self.average = optimiser.WeightAverage(self.model, self.fit.ema) if self.fit.ema else None
        self.lr_schedule = make_lr_schedule(adamw, self.fit, accelerator.num_processes)
        state = FitState(accelerator, self.model, self.prepared_model, adamw, self.lr_schedule, self.average)
        self.checkpoints = Checkpoints(out, self.fit.checkpoint.keep, accelerator, state)
        self.progress = Progress(batch=self.fit.batch * accelerator.num_processes)
        set_seed(recipe.seed, device_specific=True)
        self.interval = _LogInterval(time.monotonic())

    def run(self) -> Path:
        """Train from the newest checkpoint to the end."""
        self._resume()
        logger = None
        if self.accelerator.is_main_process:
            logger = TrainingLogger(self.out, self.progress.step, self.fit.steps, self.log)
            for message in self.loader.damaged:
                logger.note(self.progress.step, f"left out: {message}")
        try:
            with StopSignals() as signals:
                self._train(logger, signals)
        finally:
            if logger:
                logger.close()
        return self._finish()

    def _resume(self) -> None:
        newest = self.checkpoints.newest()
        if newest is None:
            return
        loaded = self.checkpoints.load(newest)
        if loaded.batch != self.progress.batch:
            raise UserError(
                f"{newest}: saved with micro-batches of {loaded.batch} samples over all processes, now they have "
                f"{self.progress.batch}; start the same number of processes as before"
            )
        self.progress = loaded
        self.log(f"continuing from step {loaded.step}")

    # ---- the loop ----

    def _train(self, logger: TrainingLogger | None, signals: StopSignals) -> None:
        fit = self.fit
        self.prepared_model.train()
        first, last = self.progress.step * fit.accumulation, fit.steps * fit.accumulation
        for group in _grouped(self.loader.batches(first, last), fit.accumulation):
            step = self.progress.step + 1
            local = self._forward_backward(group)
            reduced = reduce_step(
                self.accelerator, step, group, local, signals.stop_requested, self._non_finite_samples
            )
            rates = self._update_weights()
            self.progress = replace(self.progress, step=step, damaged=self.progress.damaged + reduced.damaged)
            self._log_step(logger, group, rates, reduced.losses, local.norm)
            done = step == fit.steps
            if fit.validation and (step % fit.validation.every == 0 or done):
                self._validate(logger)
            if step % fit.checkpoint.every == 0 or done or reduced.stop:
                self.checkpoints.save(self.progress)
            if reduced.stop and not done:
                raise signals.interrupt()

    def _forward_backward(self, group: list[LoadedBatch]) -> LocalStep:
        """Forward and backward pass of this process' micro-batches of one step."""
        device, weights = self.accelerator.device, self.model.config.weights
        normaliser = LossNormaliser([loaded.batch for loaded in group], self.accelerator)
        scale = self.accelerator.num_processes * self.fit.accumulation  # backward divides by both
        sums: dict[str, torch.Tensor] = {}
        micro_losses: list[torch.Tensor] = []
        norm = torch.zeros(())
        for number, loaded in enumerate(group):
            with self.accelerator.accumulate(self.prepared_model):
                losses = normaliser.normalise(number, self.prepared_model(loaded.batch.to(device)).parts)
                loss = weighted_sum(losses, weights)
                self.accelerator.backward(loss * scale)
                if self.accelerator.sync_gradients:
                    norm = self._clip_gradient()
            micro_losses.append(loss.detach())
            for name, value in losses.items():
                sums[name] = sums[name] + value.detach() if name in sums else value.detach()
        own = [float(value) for value in micro_losses]
        return LocalStep({"loss": sum(own)} | {name: float(value) for name, value in sums.items()}, own, float(norm))

    @torch.no_grad()
    def _non_finite_samples(self, loaded: LoadedBatch) -> list[str]:
        """Keys of the samples whose own loss is not finite; all keys where none is, or where weights are sharded."""
        if is_sharded(self.accelerator):
            return list(loaded.batch.keys)
        keys: list[str] = []
        for batch in self.loader.single_samples(loaded.step):
            parts = self.model(batch.to(self.accelerator.device)).parts
            if not all(bool(part.isfinite().all()) for part in parts.values()):
                keys += batch.keys
        return keys or list(loaded.batch.keys)

    def _clip_gradient(self) -> torch.Tensor:
        limit = float("inf") if self.fit.clip is None else self.fit.clip
        norm = self.accelerator.clip_grad_norm_(self.prepared_model.parameters(), limit)
        return torch.zeros(()) if norm is None else torch.as_tensor(norm)

    def _update_weights(self) -> dict[str, float]:
        """Finish the step; the learning rates that it had, by group of parameters."""
        rates = {group["name"]: group["lr"] for group in self.optimiser.param_groups}
        self.optimiser.step()
        if not self.accelerator.optimizer_step_was_skipped:
            self.lr_schedule.step()
        self.optimiser.zero_grad()
        if self.average:
            self.average.update(self.model)
        return rates

    def _log_step(
        self,
        logger: TrainingLogger | None,
        group: list[LoadedBatch],
        rates: dict[str, float],
        losses: dict[str, float],
        norm: float,
    ) -> None:
        step = self.progress.step
        self.interval.samples += sum(len(loaded.batch) for loaded in group) * self.accelerator.num_processes
        for message in (message for loaded in group for message in loaded.damaged):
            _note(logger, step, f"left out: {message}")
        if logger is None or (step % self.fit.log_every and step not in (1, self.fit.steps)):
            return
        now = time.monotonic()
        speed = self.interval.samples / max(now - self.interval.start, 1e-9)
        self.interval = _LogInterval(now)
        epochs = self.loader.schedule.epochs(step * self.fit.accumulation)
        info = StepInfo(
            lr=rates,
            norm=norm,
            samples_per_second=round(speed, 2),
            rounds={name: round(count, 4) for name, count in epochs.items()},
            damaged=self.progress.damaged,
            damaged_shards=len(self.loader.damaged),
        )
        logger.training(step, losses, info)

    def _validate(self, logger: TrainingLogger | None) -> None:
        """Measure, and keep the weights if they are the best so far."""
        assert self.fit.validation is not None
        by, weights = self.fit.validation.by, self.model.config.weights
        with self.average.applied_to(self.model) if self.average else nullcontext():
            note = partial(_note, logger, self.progress.step)
            values = validation.validate(self.prepared_model, self.loader, self.accelerator, weights, note)
            if by not in values:
                raise UserError(
                    f"fit.validation.by: {by} is not defined on these shards; measured: {', '.join(values)}"
                )
            best = improved(self.progress, values[by], by in validation.HIGHER_IS_BETTER)
            if best is not None:
                self.progress = best
                self._save_best(values)
        if logger:
            logger.validation(self.progress.step, values, best is not None)

    def _save_best(self, values: dict[str, float]) -> None:
        weights = self.sharding.full_state_dict(self.prepared_model)  # all processes: weights may be sharded over them
        if self.accelerator.is_main_process:
            state = {name: weights[name] for name in optimiser.trainable_parameters(self.model)}
            notes = {"step": str(self.progress.step)} | {name: repr(value) for name, value in values.items()}
            write_best(self.out, state, notes)

    def _finish(self) -> Path:
        """Save the best weights, or the last ones where nothing was validated, as a model for use."""
        with self.average.applied_to(self.model) if self.average else nullcontext():
            weights = self.sharding.full_state_dict(self.prepared_model)  # may be the parameters, not copies
            if self.accelerator.is_main_process:
                shards = len(self.loader.damaged)
                self.model.fitted_on = self.model.fitted_on.after(past_fit(self.recipe, self.corpora, self.progress))
                fit_folder.write_result(
                    self.out, self.recipe, self.model, self.processor, weights, self.progress, shards
                )
        self.log(f"fitted: {self.out / fit_folder.MODEL}")
        self.accelerator.wait_for_everyone()
        return self.out / fit_folder.MODEL


def _note(logger: TrainingLogger | None, step: int, text: str) -> None:
    """Log a message of any process: only the main one has a logger, the others print."""
    if logger:
        logger.note(step, text)
    else:
        echo(text)


def _grouped(batches: Iterator[LoadedBatch], size: int) -> Iterator[list[LoadedBatch]]:
    """The micro-batches of one optimiser step at a time."""
    group: list[LoadedBatch] = []
    for loaded in batches:
        group.append(loaded)
        if len(group) == size:
            yield group
            group = []
