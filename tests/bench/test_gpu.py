"""On a GPU: the scores and the losses of the CPU, in every precision. Skipped where there is none.

Float32 is held to rounding, with TF32 off. Half precision is held to what a ranking of frames and the outline of a
mask can bear. CUDA adds in no fixed order: what is made twice is never the same to the bit.
"""

from __future__ import annotations

import importlib.util
import math
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np
import pytest
import torch
from safetensors import safe_open

from lavida.losses import LOSSES
from lavida.modeling import Lavida
from lavida_bench.config.recipe import RunRecipe, ScoreEntry
from lavida_bench.fitting import logger as journal
from lavida_bench.fitting.trainer import fit
from lavida_bench.results.score_store import ScoreStore
from lavida_bench.runs import score_stage as score_run
from lavida_bench.scoring import lavida_scorer
from lavida_bench.scoring.score import ScoringSettings, score
from lavida_bench.scoring.scorer import ClipScores
from lavida_bench.videos.types import Pixels, VideoScore
from lavida_gen.common.json_file import read_json_object

DEVICE = "cuda"
pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

STREET: dict[str, Any] = {"videos": 2, "frames": 16, "size": [96, 144]}
NAMES = {"preset": "tiny", "config": {"loss": {"names": 1.0, "name_maps": 1.0}}}
LORA = {"preset": "tiny", "config": {"trainable": {"language": "lora", "vision": "frozen", "names": "frozen"}}}
SMALL_RATE = 1e-4
"""Adam's first steps are as long for a gradient of noise as for a real one: a small rate keeps rounding small."""

Make = Callable[..., RunRecipe]
FitOn = Callable[..., Path]


def _fit_fixtures() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fit_fixtures", Path(__file__).parent / "fit" / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_fixtures = _fit_fixtures()
corpus, make = _fixtures.corpus, _fixtures.make


@pytest.fixture(autouse=True)
def _whole_float32() -> Iterator[None]:
    """TF32 has 10 bits of a float32's 23: with it nothing could be held to rounding. Convolutions have it by default."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    matmul.allow_tf32, cudnn.allow_tf32 = False, False
    yield
    matmul.allow_tf32, cudnn.allow_tf32 = before


@pytest.fixture
def fit_on(monkeypatch: pytest.MonkeyPatch) -> Iterator[FitOn]:
    """`fit_on(device, recipe, out, log)`: accelerate chooses a device once in a process; here it chooses again."""
    from accelerate.state import AcceleratorState, PartialState

    def fitted(device: str, recipe: RunRecipe, out: Path, log: Callable[[str], None] = lambda text: None) -> Path:
        AcceleratorState._reset_state(reset_partial_state=True)
        with monkeypatch.context() as patch:
            if device == "cpu":
                patch.setattr(torch.accelerator, "is_available", lambda: False)
            made = fit(recipe, out, log)
        assert PartialState().device.type == device
        return made

    yield fitted
    AcceleratorState._reset_state(reset_partial_state=True)


# ---- scores -------------------------------------------------------------------------------------------------------


@pytest.fixture
def task(tmp_path: Path) -> score_run.ScoreJob:
    return score_run.ScoreJob.open(ScoreEntry(benchmark="street", options=STREET), tmp_path)


@pytest.fixture
def clips(task: score_run.ScoreJob) -> dict[str, list[Pixels]]:
    """A frame alone, clips, and both in one batch, whose masks the decoder chooses apart."""
    one, other = task.benchmark.videos()
    alone, moving = [one.read(3, 4, 1)], [one.read(0, 8, 1), other.read(8, 13, 1)]
    return {"image": alone, "clips": moving, "both": [*moving, *alone]}


def scored(
    clips: list[Pixels], names: tuple[str, ...], precision: Literal["fp32", "bf16", "fp16"], device: str
) -> ClipScores:
    scorer = lavida_scorer.load_scorer("tiny", precision, device)
    prepared = scorer.prepare(clips, names)
    assert prepared.frames.is_pinned() == (device == "cuda")
    return scorer.score(prepared)()


def overlap(one: Any, other: Any) -> float:
    """Of what either outlines: the anomaly is a few pixels of a thousand, so that most signs agree whatever it is."""
    mine, theirs = one > 0, other > 0
    assert (mine == theirs).mean() > 0.97
    assert theirs.any(), "nothing outlined, nothing compared"
    return float((mine & theirs).sum() / (mine | theirs).sum())


@pytest.mark.parametrize("which", ["image", "clips", "both"])
def test_the_scores_of_the_cpu(task: score_run.ScoreJob, clips: dict[str, list[Pixels]], which: str) -> None:
    names = task.names.for_video(task.benchmark.videos()[0])
    wanted = scored(clips[which], names, "fp32", "cpu")
    got = scored(clips[which], names, "fp32", DEVICE)
    assert got.maps is not None
    assert wanted.maps is not None
    assert got.names is not None
    assert wanted.names is not None
    assert [str(part.dtype) for part in (got.frames, got.maps, got.names)] == ["float32", "float32", "float32"]
    assert len(got.frames) == len(got.maps) == sum(map(len, clips[which]))
    np.testing.assert_allclose(got.frames, wanted.frames, atol=1e-3)
    np.testing.assert_allclose(got.names.astype(float), wanted.names.astype(float), atol=1e-3)
    np.testing.assert_allclose(got.maps.astype(float), wanted.maps.astype(float), atol=2e-2)
    assert overlap(got.maps, wanted.maps) > 0.99


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@pytest.mark.parametrize("which", ["image", "clips", "both"])
def test_half_precision_scores_nearly_the_same(
    task: score_run.ScoreJob, clips: dict[str, list[Pixels]], which: str, precision: Literal["bf16", "fp16"]
) -> None:
    names = task.names.for_video(task.benchmark.videos()[0])
    wanted = scored(clips[which], names, "fp32", "cpu")
    got = scored(clips[which], names, precision, DEVICE)
    assert got.maps is not None
    assert got.maps.dtype == np.float16
    assert 0 < np.abs(got.frames - wanted.frames).mean() < 0.3
    assert overlap(got.maps, wanted.maps) > 0.8


def street_scores(task: score_run.ScoreJob, folder: Path, device: str) -> list[VideoScore]:
    """Of a whole run: pinned batches of one clip from two readers, two of them on the device at once."""
    scorer = lavida_scorer.load_scorer("tiny", "fp32", device)
    store = ScoreStore.create(folder, task.identity(scorer, task.names))
    store.write_header()
    videos = task.protocol.select(task.benchmark.videos())
    found = score(scorer, videos, task.protocol, task.names, store, ScoringSettings(batch=1, readers=2))
    assert (found.frames, found.failed) == (32, {})
    read = [store.read(video) for video in videos]
    return [one for one in read if one is not None]


def test_the_loop_gives_every_frame_its_own_score(task: score_run.ScoreJob, tmp_path: Path) -> None:
    wanted, got = (street_scores(task, tmp_path / name, name) for name in ("cpu", DEVICE))
    assert len(wanted) == len(got) == 2
    for one, other in zip(wanted, got, strict=True):
        assert np.ptp(one.frames) > 0.01, "frames that score alike would hide a mix-up"
        np.testing.assert_allclose(other.frames, one.frames, atol=1e-3)
        assert one.read_pixels is not None
        assert other.read_pixels is not None
        assert overlap(other.read_pixels(0, 16), one.read_pixels(0, 16)) > 0.99


# ---- fits ---------------------------------------------------------------------------------------------------------


def curve(out: Path) -> dict[int, dict[str, float]]:
    """The losses and the norm of each step."""
    kept = {"loss", "norm", *LOSSES}
    lines = [line for line in journal.read_log(out / "log.jsonl") if "loss" in line]
    return {line["step"]: {name: line[name] for name in line.keys() & kept} for line in lines}


def assert_finite(out: Path, steps: int) -> None:
    """Of the losses: a norm in fp16 may be infinite, its step is then left out."""
    found = curve(out)
    assert list(found) == list(range(1, steps + 1))
    for step, values in found.items():
        assert all(math.isfinite(value) for name, value in values.items() if name != "norm"), (step, values)


def assert_near(one: Path, other: Path, rel: float) -> None:
    """The loss to `rel`; its parts, some of them near 0, to as much of 1; the norm, which follows them, to ten times."""
    left, right = curve(one), curve(other)
    assert left.keys() == right.keys()
    for step, values in left.items():
        assert values.keys() == right[step].keys()
        for name, value in values.items():
            slack = {"loss": (rel, 0.0), "norm": (10 * rel, 0.0)}.get(name, (rel, rel))
            assert right[step][name] == pytest.approx(value, rel=slack[0], abs=slack[1]), (step, name)


@pytest.mark.parametrize("precision", ["no", "bf16", "fp16"])
def test_ctrl_c_and_the_same_command(make: Make, fit_on: FitOn, tmp_path: Path, precision: str) -> None:
    """With all that has a state, dropout's on the device too. In float32 the losses are those of a fit in one go."""
    recipe = make(
        model=LORA, steps=5, lr=SMALL_RATE, precision=precision, accumulation=2, ema=0.9, gradient_checkpointing=True,
        loader={"workers": 1}, checkpoint={"every": 100}, validation={"every": 3, "samples": 4},
    )  # fmt: skip

    def press(text: str) -> None:
        if text.startswith("step 2/"):
            os.kill(os.getpid(), signal.SIGINT)

    cut, whole = tmp_path / "cut", tmp_path / "whole"
    with pytest.raises(KeyboardInterrupt):
        fit_on(DEVICE, recipe, cut, press)
    stopped = cut / "checkpoints" / "step-00000003"
    assert [path.name for path in stopped.parent.iterdir()] == [stopped.name]
    assert (read_json_object(stopped / "schedule.json")["scaler"] is None) == (precision != "fp16")
    console: list[str] = []
    fit_on(DEVICE, recipe, cut, console.append)
    assert "continuing from step 3" in console
    assert_finite(cut, 5)
    assert_opens(cut)
    if precision == "no":
        fit_on(DEVICE, recipe, whole)
        assert_near(whole, cut, 1e-4)


def assert_opens(out: Path) -> None:
    """What was fitted on a GPU is a model for the CPU too, with the best weights."""
    model = dict(Lavida.from_pretrained(out / "model").named_parameters())
    assert all(bool(value.isfinite().all()) for value in model.values())
    with safe_open(str(out / "best.safetensors"), "pt") as best:
        assert all(torch.equal(best.get_tensor(name), model[name]) for name in best.keys())  # noqa: SIM118


def test_the_losses_of_the_cpu(make: Make, fit_on: FitOn, tmp_path: Path) -> None:
    more: dict[str, Any] = {"accumulation": 2, "validation": {"every": 3, "samples": 6}}
    recipe = make(model=NAMES, steps=3, lr=SMALL_RATE, **more)
    for device in ("cpu", DEVICE):
        fit_on(device, recipe, tmp_path / device)
    assert len(curve(tmp_path / "cpu")) == 3
    assert_near(tmp_path / "cpu", tmp_path / DEVICE, 1e-3)
    one, other = (journal.read_log(tmp_path / device / "log.jsonl")[-1]["validation"] for device in ("cpu", DEVICE))
    assert one.keys() == other.keys()
    for name in one:
        assert other[name] == pytest.approx(one[name], rel=1e-3, abs=5e-3), name


def test_fp16_finds_its_scale(make: Make, fit_on: FitOn, tmp_path: Path) -> None:
    """The first steps may overflow and be left out, their rates with them; then the weights move."""
    fit_on(DEVICE, make(model=NAMES, steps=10, lr=SMALL_RATE, precision="fp16"), tmp_path)
    assert_finite(tmp_path, 10)
    lines = [line for line in journal.read_log(tmp_path / "log.jsonl") if "loss" in line]
    assert math.isfinite(lines[-1]["norm"])
    assert any(max(line["lr"].values()) > 0 for line in lines)
