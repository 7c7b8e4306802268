"""THE training loop: a recipe's model on a recipe's corpora, stopped and continued at any moment.

    fit(load("demo"), Path("runs/demo"))

One process, DDP, FSDP or DeepSpeed, as `accelerate launch` or `torchrun` start it. The run folder:

    recipe.yaml   the recipe, resolved       log.jsonl, tensorboard/   losses, rates, validation
    checkpoints/  to go on from              best.safetensors          the best weights by validation
    model/        the fitted model, for `score` and `predict`          fit.json   written last
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from lavida_bench.common.distributed import PATIENCE
from lavida_bench.fitting import fit_folder, optimiser, validation
from lavida_bench.fitting.checkpoint import Checkpoints, Progress, improved, locked, write_best
from lavida_bench.fitting.loader import LoadedBatch, Loader
from lavida_bench.fitting.logger import TrainingLogger
from lavida_bench.fitting.loss_normalisation import LossNormaliser, weighted_sum
from lavida_bench.fitting.model_init import make_model
from lavida_bench.fitting.sharded import Sharding, is_sharded
from lavida_bench.fitting.signals import StopSignals
from lavida_bench.fitting.sync import LocalStep, reduce_step
from lavida_gen.common.errors import UserError

if TYPE_CHECKING:
    from accelerate import Accelerator

    from lavida_bench.config.recipe import FitSettings, RunRecipe

Say = Callable[[str], None]


def fit(recipe: RunRecipe, out: Path, say: Say = print) -> Path:
    """Fit, or go on fitting, and give the folder of the fitted model; at once if it is there already.

    Raises UserError for a recipe that does not fit the folder or the data, DataError if data, disk or numbers fail,
    KeyboardInterrupt after a checkpoint when it is asked to stop.
    """
    assert recipe.fit is not None, "the recipe has no fit"
    if fit_folder.is_finished(recipe, out):
        return out / fit_folder.MODEL
    accelerator = _accelerator(recipe.fit)
    main = accelerator.is_main_process
    with locked(out) if main else nullcontext():
        if main:
            fit_folder.mark_begun(recipe, out)
        return _FitRun(recipe, out, accelerator, say if main else _silent).go()


def _silent(text: str) -> None:
    """What the other processes say."""


def _accelerator(fit: FitSettings) -> Accelerator:
    from accelerate import Accelerator, DistributedDataParallelKwargs, InitProcessGroupKwargs
    from accelerate.state import AcceleratorState, GradientState

    AcceleratorState._reset_state()  # an earlier fit of this process may have had another precision or accumulation
    GradientState._reset_state()
    ddp = DistributedDataParallelKwargs(find_unused_parameters=fit.unused_parameters)
    patient = InitProcessGroupKwargs(timeout=PATIENCE)  # one process reads every shard while the others wait
    made = Accelerator(
        cpu=not torch.accelerator.is_available(),  # or torchrun's processes would not find each other without a GPU
        mixed_precision=fit.precision,
        gradient_accumulation_steps=fit.accumulation,
        kwargs_handlers=[ddp, patient],
    )
    made.gradient_accumulation_steps = fit.accumulation  # whatever ACCELERATE_GRADIENT_ACCUMULATION_STEPS says
    return made


@dataclass(slots=True)
class _LogInterval:
    """What happened since the last line of the log."""

    began: float
    samples: int = 0


class _FitRun:
    """One run: everything that is made once, then the loop."""

    def __init__(self, recipe: RunRecipe, out: Path, accelerator: Accelerator, say: Say) -> None:
        from accelerate.utils import set_seed

        assert recipe.fit is not None
        self.recipe, self.fit, self.out, self.accelerator, self.say = recipe, recipe.fit, out, accelerator, say
        if self.fit.validation:
            validation.check_metric_name(self.fit.validation.by)
        set_seed(recipe.seed)
        self.raw, self.processor = make_model(recipe, say)
        self.sharding = Sharding(accelerator, self.raw, self.fit)
        with accelerator.local_main_process_first():  # it looks at every shard, the others find that done
            self.loader = Loader(recipe, self.processor, accelerator.process_index, accelerator.num_processes)
        made = optimiser.make_optimiser(self.raw, self.fit)
        self.model, self.optimiser = accelerator.prepare(self.raw, made)
        self.average = (
            optimiser.WeightAverage(self.raw, self.fit.ema) if self.fit.ema else None
        )  # where the weights are now
        self.schedule = optimiser.make_lr_schedule(made, self.fit)
        accelerator.register_for_checkpointing(self.schedule, *([self.average] if self.average else []))
        self.checkpoints = Checkpoints(out, self.fit.checkpoint.keep, accelerator, self.raw)
        self.progress = Progress(batch=self.fit.batch * accelerator.num_processes)
        set_seed(recipe.seed, device_specific=True)
        self.since = _LogInterval(time.monotonic())

    def go(self) -> Path:
        """From the newest checkpoint to the end."""
        self._go_on()
        journal = None
        if self.accelerator.is_main_process:
            journal = TrainingLogger(self.out, self.progress.step, self.fit.steps, self.say)
            for words in self.loader.damaged:
                journal.note(self.progress.step, f"left out: {words}")
        try:
            with StopSignals() as stopping:
                self._train(journal, stopping)
        finally:
            if journal:
                journal.close()
        return self._finish()

    def _go_on(self) -> None:
        newest = self.checkpoints.newest()
        if newest is None:
            return
        loaded = self.checkpoints.load(newest)
        if loaded.batch != self.progress.batch:
            raise UserError(
                f"{newest}: made with {loaded.batch} samples a forward over all processes, now {self.progress.batch}; "
                "start as many processes as before"
            )
        self.progress = loaded
        self.say(f"goes on from step {loaded.step}")

    # ---- the loop ----

    def _train(self, journal: TrainingLogger | None, stopping: StopSignals) -> None:
        fit = self.fit
        self.model.train()
        first, last = self.progress.step * fit.accumulation, fit.steps * fit.accumulation
        for group in _grouped(self.loader.batches(first, last), fit.accumulation):
            made = self._step(group)
            agreed = reduce_step(self.accelerator, self.progress.step + 1, group, made, stopping.asked, self._offending)
            self._apply()
            damaged = self.progress.damaged + agreed.damaged
            self.progress = replace(self.progress, step=self.progress.step + 1, damaged=damaged)
            self._tell(journal, group, agreed.losses, made.norm)
            step, done = self.progress.step, self.progress.step == fit.steps
            if fit.validation and (step % fit.validation.every == 0 or done):
                self._validate(journal)
            if step % fit.checkpoint.every == 0 or done or agreed.stop:
                self.checkpoints.save(self.progress)
            if agreed.stop and not done:
                raise KeyboardInterrupt

    def _step(self, group: list[LoadedBatch]) -> LocalStep:
        """Forward and backward of one optimiser step, this process' part of it."""
        device, weights = self.accelerator.device, self.raw.config.weights
        shares = LossNormaliser([loaded.batch for loaded in group], self.accelerator)
        scale = self.accelerator.num_processes * self.fit.accumulation  # backward divides by both
        sums: dict[str, torch.Tensor] = {}
        micros: list[torch.Tensor] = []
        norm = torch.zeros(())
        for micro, loaded in enumerate(group):
            with self.accelerator.accumulate(self.model):
                found = shares.of(micro, self.model(loaded.batch.to(device)).parts)
                loss = weighted_sum(found, weights)
                self.accelerator.backward(loss * scale)
                if self.accelerator.sync_gradients:
                    norm = self._clip()
            micros.append(loss.detach())
            for name, value in found.items():
                sums[name] = sums[name] + value.detach() if name in sums else value.detach()
        own = [float(value) for value in micros]
        return LocalStep({"loss": sum(own)} | {name: float(value) for name, value in sums.items()}, own, float(norm))

    @torch.no_grad()
    def _offending(self, loaded: LoadedBatch) -> list[str]:
        """Keys of the samples whose loss alone is not finite; of all where none is, or where weights are cut."""
        found: list[str] = []
        for batch in [] if is_sharded(self.accelerator) else self.loader.alone(loaded.step):
            if not all(
                bool(part.isfinite().all()) for part in self.raw(batch.to(self.accelerator.device)).parts.values()
            ):
                found += batch.keys
        return found or list(loaded.batch.keys)

    def _clip(self) -> torch.Tensor:
        limit = float("inf") if self.fit.clip is None else self.fit.clip
        norm = self.accelerator.clip_grad_norm_(self.model.parameters(), limit)
        return torch.zeros(()) if norm is None else torch.as_tensor(norm)

    def _apply(self) -> None:
        self.sharding.fill(self.optimiser)
        self.optimiser.step()
        if not self.accelerator.optimizer_step_was_skipped:
            self.schedule.step()
        self.optimiser.zero_grad()
        if self.average:
            self.average.update(self.raw)

    def _tell(
        self, journal: TrainingLogger | None, group: list[LoadedBatch], losses: dict[str, float], norm: float
    ) -> None:
        step = self.progress.step
        self.since.samples += sum(len(loaded.batch) for loaded in group) * self.accelerator.num_processes
        for words in (words for loaded in group for words in loaded.damaged):
            _note(journal, step, f"left out: {words}")
        if journal is None or (step % self.fit.log_every and step not in (1, self.fit.steps)):
            return
        now = time.monotonic()
        rate = self.since.samples / max(now - self.since.began, 1e-9)
        self.since = _LogInterval(now)
        rates = {group["name"]: group["lr"] for group in self.optimiser.param_groups}
        rounds = {
            name: round(done, 4) for name, done in self.loader.schedule.rounds(step * self.fit.accumulation).items()
        }
        more = {"lr": rates, "norm": norm, "samples_per_second": round(rate, 2), "rounds": rounds}
        left_out = {"damaged": self.progress.damaged, "damaged_shards": len(self.loader.damaged)}
        journal.training(step, losses, more | left_out)

    def _validate(self, journal: TrainingLogger | None) -> None:
        """Measure, and keep the weights if they are the best so far."""
        assert self.fit.validation is not None
        by, weights = self.fit.validation.by, self.raw.config.weights
        with self.average.inside(self.raw) if self.average else nullcontext():
            note = partial(_note, journal, self.progress.step)
            values = validation.validate(self.model, self.loader, self.accelerator, weights, note)
            if by not in values:
                raise UserError(
                    f"fit.validation.by: {by} is not defined on these shards; measured: {', '.join(values)}"
                )
            found = improved(self.progress, values[by], by in validation.HIGHER_IS_BETTER)
            if found is not None:
                self.progress = found
                self._keep(values)
        if journal:
            journal.validation(self.progress.step, values, found is not None)

    def _keep(self, values: dict[str, float]) -> None:
        whole = self.sharding.whole(self.model)  # every process: weights may be cut over them
        if self.accelerator.is_main_process:
            state = {name: whole[name] for name in optimiser.trainable_parameters(self.raw)}
            notes = {"step": str(self.progress.step)} | {name: repr(value) for name, value in values.items()}
            write_best(self.out, state, notes)

    def _finish(self) -> Path:
        """The best weights, or the last ones where nothing was validated, as a model for use."""
        with self.average.inside(self.raw) if self.average else nullcontext():
            whole = self.sharding.whole(self.model)  # may be the weights themselves, which change back after this
            if self.accelerator.is_main_process:
                shards = len(self.loader.damaged)
                fit_folder.write_result(self.out, self.recipe, self.raw, self.processor, whole, self.progress, shards)
        self.say(f"fitted: {self.out / fit_folder.MODEL}")
        self.accelerator.wait_for_everyone()
        return self.out / fit_folder.MODEL


def _note(journal: TrainingLogger | None, step: int, text: str) -> None:
    """A sentence of any process: only the main one has a journal."""
    if journal:
        journal.note(step, text)
    else:
        print(text, flush=True)


def _grouped(batches: Iterator[LoadedBatch], size: int) -> Iterator[list[LoadedBatch]]:
    """The micro-batches of one optimiser step at a time."""
    group: deque[LoadedBatch] = deque()
    for loaded in batches:
        group.append(loaded)
        if len(group) == size:
            yield list(group)
            group.clear()
