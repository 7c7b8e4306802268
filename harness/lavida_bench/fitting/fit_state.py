"""Everything that a fit changes, in files of plain data: weights, AdamW, averaged weights, schedule, random states.

    trained.safetensors     the weights that train              average.safetensors   their moving average
    optimiser.safetensors   AdamW's moments and steps           schedule.json         its steps, fp16's scale
    random-00000.json       random states of process 0

With FSDP each process has a `trained-00000.safetensors` and an `optimiser-00000.safetensors` of its shards; DeepSpeed's
states are in `deepspeed/` (see `deepspeed_files`). No file is a pickle, as those of accelerate's `save_state` are:
reading a pickle of somebody else can run code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from lavida_bench.fitting import deepspeed_files
from lavida_bench.fitting.learning_rate import restore_schedule
from lavida_bench.fitting.optimiser import WeightAverage, trainable_parameters
from lavida_bench.fitting.random_states import random_file, random_states, restore_random_states
from lavida_bench.fitting.sharded import library_name, local_part
from lavida_bench.fitting.tensor_files import ADVICE, EXPECTED, read_tensors, write_tensors
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import parsing
from lavida_gen.common.json_file import JsonObject, read_json_object

if TYPE_CHECKING:
    from accelerate import Accelerator

WEIGHTS, OPTIMISER, AVERAGE = "trained.safetensors", "optimiser.safetensors", "average.safetensors"
SCHEDULE = "schedule.json"
MOMENTS = ("exp_avg", "exp_avg_sq")


class FitState:
    """Saves and restores a fit. Every process calls `save` and `load`.

    Args:
        accelerator: Knows the processes and which library shards the weights.
        model: The model before `prepare`.
        prepared: The model after it.
        optimiser: The optimiser before `prepare`.
        schedule: Its learning rate schedule.
        average: Averaged weights, if the fit has them.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        model: nn.Module,
        prepared: nn.Module,
        optimiser: torch.optim.Optimizer,
        schedule: torch.optim.lr_scheduler.LambdaLR,
        average: WeightAverage | None,
    ) -> None:
        self.accelerator, self.model, self.prepared = accelerator, model, prepared
        self.optimiser, self.schedule, self.average = optimiser, schedule, average
        self._library = library_name(accelerator)

    def save(self, folder: Path) -> None:
        """Write the files of this process into a folder that exists.

        Raises:
            OSError | safetensors.SafetensorError: The disk is full or cannot be written.
        """
        process, main = self.accelerator.process_index, self.accelerator.is_main_process
        _write_json(random_file(folder, process), random_states(self.accelerator.device))
        if self._library == "DEEPSPEED":
            deepspeed_files.save(self.prepared, folder)
        elif main or self._library == "FSDP":
            weights = {name: local_part(value) for name, value in trainable_parameters(self.model).items()}
            write_tensors(self._own_file(folder / WEIGHTS), weights)
            write_tensors(self._own_file(folder / OPTIMISER), self._optimiser_tensors())
        if main:
            if self.average:
                write_tensors(folder / AVERAGE, self.average.weights)
            _write_json(folder / SCHEDULE, {"steps": self.schedule.last_epoch, "scaler": self._scaler_state()})

    def load(self, folder: Path) -> None:
        """Restore everything that `save` wrote with the same number of processes.

        Args:
            folder: Folder of a checkpoint.

        Raises:
            DataError: A file is damaged, or belongs to another model.
        """
        if self._library == "DEEPSPEED":
            deepspeed_files.load(self.prepared, folder)
        else:
            restore_weights(self.model, self._own_file(folder / WEIGHTS))
            self._load_optimiser(self._own_file(folder / OPTIMISER))
        if self.average:
            _fill(self.average.weights, read_tensors(folder / AVERAGE, _shapes(self.average.weights)))
        self._load_schedule(folder / SCHEDULE)
        restore_random_states(random_file(folder, self.accelerator.process_index), self.accelerator.device)

    def _own_file(self, file: Path) -> Path:
        """The file of this process, where processes hold different shards."""
        if self._library != "FSDP":
            return file
        return file.with_stem(f"{file.stem}-{self.accelerator.process_index:05d}")

    # ---- AdamW ----

    def _optimiser_tensors(self) -> dict[str, Tensor]:
        """State by `exp_avg/NAME`, `exp_avg_sq/NAME`, `step/NAME`; a weight without a gradient so far has none."""
        states, tensors = self.optimiser.state, {}
        for name, parameter in trainable_parameters(self.model).items():
            for key, value in states.get(parameter, {}).items():
                tensors[f"{key}/{name}"] = local_part(value)
        return tensors

    def _load_optimiser(self, file: Path) -> None:
        parameters = trainable_parameters(self.model)
        shapes: dict[str, tuple[int, ...]] = {f"step/{name}": () for name in parameters}
        for name, shape in _shapes(parameters).items():
            shapes |= {f"{key}/{name}": shape for key in MOMENTS}
        stored = read_tensors(file, shapes, allow_missing=True)
        names = {id(parameter): name for name, parameter in parameters.items()}
        order = [parameter for group in self.optimiser.param_groups for parameter in group["params"]]
        state: dict[int, dict[str, Tensor]] = {}
        for number, parameter in enumerate(order):
            name = names[id(parameter)]
            own = {key: stored[f"{key}/{name}"] for key in ("step", *MOMENTS) if f"{key}/{name}" in stored}
            if not own:
                continue
            if len(own) != 1 + len(MOMENTS):
                raise DataError(problem(file, f"holds a part of the state of {name}", EXPECTED, ADVICE))
            moments = {key: torch.zeros_like(parameter) for key in MOMENTS}
            _fill(moments, own)
            state[number] = {"step": own["step"], **moments}
        self.optimiser.load_state_dict({"state": state, "param_groups": self.optimiser.state_dict()["param_groups"]})

    # ---- schedule and fp16's scale ----

    def _scaler_state(self) -> JsonObject | None:
        scaler = self.accelerator.scaler
        if scaler is None:
            return None
        state = scaler.state_dict()
        return {"scale": state["scale"], "growth_tracker": state["_growth_tracker"]}

    def _load_schedule(self, file: Path) -> None:
        state = read_json_object(file, EXPECTED, ADVICE, ("steps", "scaler"))
        steps, scaled, scaler = state["steps"], state["scaler"], self.accelerator.scaler
        if type(steps) is not int or steps < 0 or (scaled is None) != (scaler is None):
            raise DataError(problem(file, "holds another schedule", EXPECTED, ADVICE))
        restore_schedule(self.schedule, steps)
        if scaler is not None:
            with parsing(file, EXPECTED, ADVICE, got="cannot be loaded"):
                changed = {"scale": float(scaled["scale"]), "_growth_tracker": int(scaled["growth_tracker"])}
            scaler.load_state_dict(scaler.state_dict() | changed)


def restore_weights(model: nn.Module, file: Path) -> None:
    """Copy saved weights into the model; its memory stays where it is, so alignment does too.

    Args:
        model: Model with the same trainable parameters.
        file: trained.safetensors of a checkpoint.

    Raises:
        DataError: The file is damaged, or holds the weights of another model.
    """
    parameters = trainable_parameters(model)
    _fill(parameters, read_tensors(file, _shapes(parameters)))


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """Shapes of what this process holds of each tensor."""
    return {name: tuple(local_part(value).shape) for name, value in tensors.items()}


@torch.no_grad()
def _fill(tensors: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> None:
    """Copy values into tensors of the same names; their memory stays where it is, so its alignment does too."""
    for name, tensor in tensors.items():
        local_part(tensor).copy_(values[name])


def _write_json(path: Path, value: JsonObject) -> None:
    path.write_text(json.dumps(value), "utf-8")
