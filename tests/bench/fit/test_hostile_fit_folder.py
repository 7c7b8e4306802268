"""A fit folder that somebody else made: each file is used, ignored, or one error; none of them runs code."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file, save_file

from lavida_bench.config.recipe import RunRecipe
from lavida_bench.fitting import deepspeed_files, optimiser
from lavida_bench.fitting.checkpoint import Checkpoints
from lavida_bench.fitting.fit_state import FitState
from lavida_bench.fitting.learning_rate import make_lr_schedule
from lavida_bench.fitting.logger import read_log
from lavida_bench.fitting.model_init import make_model
from lavida_bench.fitting.trainer import fit
from lavida_gen.common.errors import DataError

Make = Callable[..., RunRecipe]


def quiet(text: str) -> None:
    """Nothing on the console."""


class _Attack:
    """Creates a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, int]]:
        return os.open, (str(self.mark), os.O_CREAT)


def attacks(mark: Path) -> list[bytes]:
    """A pickle and a file of `torch.save`, both of which create `mark` when they are loaded."""
    buffer = io.BytesIO()
    torch.save({"state": _Attack(mark)}, buffer)
    return [pickle.dumps(_Attack(mark)), buffer.getvalue()]


def test_the_attack_works(tmp_path: Path) -> None:
    """Or the tests below would show nothing."""
    for number, data in enumerate(attacks(tmp_path / "ran")):
        (tmp_path / "file").write_bytes(data)
        pickle.loads(data) if number == 0 else torch.load(tmp_path / "file", weights_only=False)
        (tmp_path / "ran").unlink()


@pytest.fixture(scope="module")
def fitted(make: Make, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Checkpoints]:
    """A checkpoint with averaged weights, and what loads it."""
    out = tmp_path_factory.mktemp("fitted")
    recipe = make(steps=1, ema=0.9, checkpoint={"every": 1})
    assert recipe.fit is not None
    fit(recipe, out, quiet)
    accelerator = Accelerator(cpu=True)
    model, _ = make_model(recipe, quiet)
    adamw = optimiser.make_optimiser(model, recipe.fit)
    schedule = make_lr_schedule(adamw, recipe.fit, 1)
    average = optimiser.WeightAverage(model, 0.9)
    state = FitState(accelerator, model, model, adamw, schedule, average)
    return out / "checkpoints" / "step-00000001", Checkpoints(out, 1, accelerator, state)


FILES = (
    "average.safetensors", "optimiser.safetensors", "progress.json", "random-00000.json", "schedule.json",
    "trained.safetensors",
)  # fmt: skip
PICKLES = ("optimizer.bin", "scheduler.bin", "sampler.bin", "scaler.pt", "random_states_0.pkl", "custom_checkpoint_0.pkl",
           "pytorch_model.bin", "dl_state_dict.bin")  # fmt: skip


def test_planted_pickles_run_nothing(fitted: tuple[Path, Checkpoints], tmp_path: Path) -> None:
    """In place of each file of a checkpoint, and beside them under the names that accelerate reads."""
    checkpoint, checkpoints = fitted
    assert sorted(file.name for file in checkpoint.iterdir()) == sorted([*FILES, "recipe.yaml"])
    for data in attacks(tmp_path / "ran"):
        copy = tmp_path / "copy"
        shutil.copytree(checkpoint, copy)
        for name in (*PICKLES, "recipe.yaml"):
            (copy / name).write_bytes(data)
        assert checkpoints.load(copy).step == 1, "what is not read changes nothing"
        for name in FILES:
            (copy / name).write_bytes(data)
            with pytest.raises(
                DataError, match=rf"/copy/{name}: .*; expected a complete checkpoint; remove the folder"
            ):
                checkpoints.load(copy)
            shutil.copyfile(checkpoint / name, copy / name)
        shutil.rmtree(copy)
        assert not (tmp_path / "ran").exists()


def test_files_that_never_end(fitted: tuple[Path, Checkpoints], tmp_path: Path) -> None:
    checkpoint, checkpoints = fitted
    for name in FILES:
        copy = tmp_path / name
        shutil.copytree(checkpoint, copy)
        (copy / name).unlink()
        os.mkfifo(copy / name)
        with pytest.raises(DataError, match=rf"{name}: cannot be read \(it is a FIFO"):
            checkpoints.load(copy)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("progress.json", {"step": -1}, "holds no counts"),
        ("progress.json", {"step": "2"}, "holds no counts"),
        ("progress.json", {"best": "high"}, "holds no counts"),
        ("schedule.json", {"steps": 1e30}, "holds another schedule"),
        ("schedule.json", {"scaler": {"scale": 2}}, "holds another schedule"),
        ("random-00000.json", {"torch": "00"}, "cannot be loaded"),
        ("random-00000.json", {"torch": "ff" * 5056}, "cannot be loaded"),
        ("random-00000.json", {"torch": 7}, "cannot be loaded"),
    ],
)
def test_odd_numbers(
    fitted: tuple[Path, Checkpoints], tmp_path: Path, name: str, change: dict[str, object], message: str
) -> None:
    checkpoint, checkpoints = fitted
    shutil.copytree(checkpoint, tmp_path / "copy")
    file = tmp_path / "copy" / name
    file.write_text(json.dumps(json.loads(file.read_bytes()) | change))
    with pytest.raises(DataError, match=rf"{name}: {message}"):
        checkpoints.load(tmp_path / "copy")


@pytest.mark.parametrize("name", ["average.safetensors", "optimiser.safetensors", "trained.safetensors"])
def test_tensors_of_another_model(fitted: tuple[Path, Checkpoints], tmp_path: Path, name: str) -> None:
    """Other names, other shapes, fewer tensors; and a header that states a terabyte."""
    checkpoint, checkpoints = fitted
    shutil.copytree(checkpoint, tmp_path / "copy")
    file = tmp_path / "copy" / name
    tensors = load_file(file)
    first = next(iter(tensors))
    others = (
        {**tensors, "other": torch.zeros(1)},
        {**tensors, first: torch.zeros(3, 3, 3, 3)},
        {key: value for key, value in tensors.items() if key != first},
    )
    for other in others:
        save_file(other, file)
        with pytest.raises(
            DataError, match=rf"{name}: holds (other weights than the model trains|a part of the state)"
        ):
            checkpoints.load(tmp_path / "copy")
    header = json.dumps({first: {"dtype": "F32", "shape": [1 << 38], "data_offsets": [0, 1 << 40]}}).encode()
    file.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(DataError, match=rf"{name}: cannot be loaded"):
        checkpoints.load(tmp_path / "copy")


def test_the_other_files_of_the_folder(make: Make, fitted: tuple[Path, Checkpoints], tmp_path: Path) -> None:
    """best.safetensors, the log, and the notes on what the fit began with."""
    source, out = fitted[0].parent.parent, tmp_path / "fit"
    recipe = make(steps=1, ema=0.9, checkpoint={"every": 1})
    for data in attacks(tmp_path / "ran"):
        shutil.copytree(source, out)
        (out / "fit.json").unlink()
        for name in ("log.jsonl", "recipe.yaml"):
            (out / name).write_bytes(data)
        (out / "best.safetensors").write_bytes(data)
        with pytest.raises(DataError, match=r"best.safetensors: cannot be loaded .*; remove it, and the last weights"):
            fit(recipe, out, quiet)
        assert read_log(out / "log.jsonl") == []
        for text in ('{"facts": [], "inputs": {}}', '{"facts": {}, "inputs": []}'):
            (out / ".fit.json").write_text(text)
            with pytest.raises(DataError, match=r"\.fit\.json: (facts|inputs): holds a list"):
                fit(recipe, out, quiet)
        shutil.rmtree(out)
        assert not (tmp_path / "ran").exists()


def test_the_scale_of_fp16_is_part_of_a_checkpoint(fitted: tuple[Path, Checkpoints], tmp_path: Path) -> None:
    """accelerate makes a scaler on accelerators only; torch has one for the CPU."""
    state = fitted[1].state
    state.accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=3)
    try:
        with torch.no_grad():
            state.accelerator.scaler.scale(torch.ones(1))
        state.accelerator.scaler.update(2048.0)
        state.save(tmp_path)
        state.accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=1.0, growth_interval=3)
        state.load(tmp_path)
        assert state.accelerator.scaler.get_scale() == 2048.0
        (tmp_path / "schedule.json").write_text('{"steps": 1, "scaler": {"scale": "much", "growth_tracker": 0}}')
        with pytest.raises(DataError, match=r"schedule\.json: cannot be loaded"):
            state.load(tmp_path)
    finally:
        state.accelerator.scaler = None


class _FilesOnly:
    """A DeepSpeed engine of which the files alone are of interest."""

    def __init__(self, state: object) -> None:
        self.checkpoint_engine, self.state = SimpleNamespace(), state

    def save_checkpoint(self, folder: str, tag: str, **options: object) -> None:
        self.checkpoint_engine.save(self.state, f"{folder}/states.pt")

    def load_checkpoint(self, folder: str, tag: str, **options: object) -> tuple[str, object]:
        self.state = self.checkpoint_engine.load(f"{folder}/states.pt")
        return folder, None


def test_deepspeed_stores_plain_data(tmp_path: Path) -> None:
    """What its checkpoints hold comes back; a pickle in their place is an error, and code is not stored."""
    pytest.importorskip("deepspeed", reason="DeepSpeed is installed on Linux only")
    from deepspeed.runtime.fp16.loss_scaler import LossScaler

    state = {
        "tensors": [torch.arange(3.0), torch.zeros((), dtype=torch.bfloat16)], 7: (None, True, float("inf")),
        "kind": torch.float16, "size": torch.Size([2, 3]), "scaler": LossScaler(4.0), ("a", 1): {"set": {1}},
    }  # fmt: skip
    engine: Any = _FilesOnly(state)
    deepspeed_files.save(engine, tmp_path)
    engine.state = None
    deepspeed_files.load(engine, tmp_path)
    assert all(
        torch.equal(one, two) for one, two in zip(state.pop("tensors"), engine.state.pop("tensors"), strict=True)
    )
    assert vars(state.pop("scaler")) == vars(engine.state.pop("scaler"))
    assert engine.state == state
    for data in attacks(tmp_path / "ran"):
        (tmp_path / "states.pt").write_bytes(data)
        with pytest.raises(DataError, match="deepspeed: cannot be loaded"):
            deepspeed_files.load(engine, tmp_path)
    assert not (tmp_path / "ran").exists()
    engine.state = {"code": quiet}
    with pytest.raises(TypeError, match="not known to be plain data"):
        deepspeed_files.save(engine, tmp_path)
