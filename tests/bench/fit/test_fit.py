"""The training loop: what it leaves behind, that it goes on as if nothing had happened, that it is one loop for all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import yaml
from click.testing import CliRunner
from safetensors import safe_open
from safetensors.torch import load_file

from lavida.losses import LOSSES
from lavida.modeling import Lavida
from lavida.parts import fitted_on
from lavida.processing import LavidaProcessor
from lavida_bench.cli import main
from lavida_bench.config.recipe import RunRecipe
from lavida_bench.fitting.fit_record import fitted_corpora
from lavida_bench.fitting.loader import Loader
from lavida_bench.fitting.logger import read_log
from lavida_bench.fitting.model_init import make_model
from lavida_bench.fitting.sharded import Sharding
from lavida_bench.fitting.trainer import fit
from lavida_gen.common.errors import UserError
from lavida_gen.corpus.reader import open_corpus

Make = Callable[..., RunRecipe]
NAMES = {"preset": "tiny", "config": {"loss": {"names": 1.0, "name_maps": 1.0}}}
COMPARED: dict[str, Any] = {
    "model": NAMES, "accumulation": 2, "steps": 3, "lr": 1e-4, "validation": {"every": 3, "samples": 6},
}  # fmt: skip
"""Adam's first steps are as long for a gradient of noise as for a real one: a small rate keeps rounding small."""
ROUNDING = 1e-5
"""Relative: what float32 leaves of a sum (norms of 80 here) that is taken in another order, three steps on."""
LORA = {"preset": "tiny", "config": {"trainable": {"language": "lora", "vision": "frozen", "names": "frozen"}}}


def quiet(text: str) -> None:
    """Nothing on the console."""


def curve(out: Path) -> dict[int, dict[str, Any]]:
    return {line["step"]: line for line in read_log(out / "log.jsonl") if "loss" in line}


def assert_equal_curves(one: Path, other: Path, steps: int, rel: float = 1e-6) -> None:
    left, right = curve(one), curve(other)
    assert list(left) == list(right) == list(range(1, steps + 1))
    for step in left:
        losses = left[step].keys() & {"loss", "norm", *LOSSES}
        assert losses >= {"loss", "norm", "focal", "dice", "iou", "object", "names", "text"}
        for name in losses:
            assert left[step][name] == pytest.approx(right[step][name], rel=rel, abs=1e-5), (step, name)
        assert left[step]["lr"] == right[step]["lr"]


def test_what_a_fit_leaves_behind(make: Make, tmp_path: Path) -> None:
    recipe = make(validation={"every": 2, "samples": 6}, checkpoint={"every": 1, "keep": 2}, schedule_steps=6)
    out, console = tmp_path / "run", []
    assert fit(recipe, out, console.append) == out / "model"
    assert console[0] == "learning rate (1 process): 0 at step 1, 0.001 at step 3, 0.00075 at step 4"
    assert [curve(out)[step]["lr"]["projector"] for step in range(1, 5)] == pytest.approx([0.0, 5e-4, 1e-3, 7.5e-4])
    assert sorted(path.name for path in out.iterdir() if path.name[0] != ".") == [
        "best.safetensors", "checkpoints", "fit.json", "log.jsonl", "model", "recipe.yaml", "tensorboard",
    ]  # fmt: skip
    assert [path.name for path in sorted((out / "checkpoints").iterdir())] == ["step-00000003", "step-00000004"]
    assert (out / "checkpoints" / "step-00000004" / "recipe.yaml").read_bytes() == (out / "recipe.yaml").read_bytes()
    assert yaml.safe_load((out / "recipe.yaml").read_text())["fit"]["steps"] == 4
    lines = read_log(out / "log.jsonl")
    validated = [line for line in lines if "validation" in line]
    assert [line["step"] for line in validated] == [2, 4]
    assert set(validated[0]["validation"]) >= {"loss", "focal", "object", "text", "names", "pixel_auc"}
    assert any("samples/s" in line and "left" in line for line in console)
    best = min(validated, key=lambda line: line["validation"]["loss"])
    summary = json.loads((out / "fit.json").read_text())
    assert summary["step"] == 4
    assert (summary["best"], summary["best_step"]) == (best["validation"]["loss"], best["step"])
    _same_weights(out)
    seen = fitted_on.read(out / "model")
    (corpus,), last = seen.fits[-1].corpora, seen.fits[-1]
    assert (len(seen.fits), last.recipe, last.steps, last.samples) == (3, "test", best["step"], 2 * best["step"])
    assert (corpus.share, corpus.digest) == (1.0, open_corpus(recipe.data[0].corpus).manifest.digest)
    assert [(one.name, one.pictures, one.licence) for one in corpus.sources] == [("street", "drawn", "CC0-1.0")]
    assert seen.notice.startswith("This model knows drawings only")
    board = next((out / "tensorboard").iterdir()).read_bytes()
    assert b"train/loss" in board
    assert b"validation/pixel_auc" in board


def test_a_corpus_without_a_word_about_its_pictures(make: Make, tmp_path: Path) -> None:
    """An older corpus: sources of this package are known, those of others are not."""
    recipe = make()
    plain = json.loads((Path(recipe.data[0].corpus) / "corpus.json").read_text("utf-8"))
    (street,) = plain["sources"]
    assert street.pop("pictures") == "drawn"
    plain["sources"] = [street | {"name": name} for name in ("street", "coco", "folder", "theirs")]
    (tmp_path / "corpus.json").write_text(json.dumps(plain), "utf-8")
    (corpus,) = fitted_corpora(make(data=[{"corpus": str(tmp_path)}]))
    assert [source.pictures for source in corpus.sources] == ["drawn", "photographed", "unknown", "unknown"]


def _same_weights(out: Path) -> None:
    """model/ opens without the fit and holds the best weights."""
    model = dict(Lavida.from_pretrained(out / "model").named_parameters())
    assert LavidaProcessor.from_pretrained(out / "model").sizes == LavidaProcessor.from_preset("tiny").sizes
    with safe_open(str(out / "best.safetensors"), "pt") as best:
        names = list(best.keys())
        assert len(names) > 300
        assert all(torch.equal(best.get_tensor(name), model[name]) for name in names)


def test_a_finished_fit_is_left_as_it_is(make: Make, tmp_path: Path) -> None:
    fit(make(steps=1), tmp_path, quiet)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    console: list[str] = []
    assert fit(make(steps=1, checkpoint={"every": 7}), tmp_path, console.append) == tmp_path / "model"
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert not console


@pytest.mark.slow
def test_ctrl_c_and_the_same_command(make: Make, tmp_path: Path) -> None:
    """With everything that has a state: dropout, averaged weights, accumulation, validation, workers.

    Weights are equal to the bit: one machine, one thread, aligned weights and optimiser state (lavida.alignment).
    """
    recipe = make(
        model=LORA, steps=5, accumulation=2, ema=0.9, loader={"workers": 1}, checkpoint={"every": 100},
        validation={"every": 3, "samples": 4},
    )  # fmt: skip
    fit(recipe, tmp_path / "whole", quiet)

    def press(text: str) -> None:
        if text.startswith("step 2/"):
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        fit(recipe, tmp_path / "cut", press)
    assert [path.name for path in (tmp_path / "cut" / "checkpoints").iterdir()] == ["step-00000003"]
    assert signal.getsignal(signal.SIGINT) is before
    console: list[str] = []
    fit(recipe, tmp_path / "cut", console.append)
    assert "continuing from step 3" in console
    assert_equal_curves(tmp_path / "whole", tmp_path / "cut", 5)
    whole, cut = (
        dict(Lavida.from_pretrained(tmp_path / name / "model").named_parameters()) for name in ("whole", "cut")
    )
    assert all(torch.equal(whole[name], cut[name]) for name in whole)
    assert_same_files(tmp_path / "whole", tmp_path / "cut")


def assert_same_files(one: Path, other: Path) -> None:
    """The best weights and the model have the same bytes."""
    for name in ("best.safetensors", "model/model.safetensors"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


def command(recipe: RunRecipe, out: Path, folder: Path) -> list[str]:
    """The arguments of a fit from the shell."""
    file = folder / "recipe.yaml"
    file.write_text(yaml.safe_dump(recipe.model_dump(mode="json")))
    return ["-m", "lavida_bench", "fit", "--recipe", str(file), "--out", str(out)]


ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}


@pytest.mark.long  # `make kill` ends a fit at many moments
@pytest.mark.slow
def test_kill_9_and_the_same_command(make: Make, tmp_path: Path) -> None:
    recipe = make(
        steps=4, loader={"workers": 1}, checkpoint={"every": 2}, validation={"every": 2, "samples": 4}
    )  # fmt: skip
    fit(recipe, tmp_path / "whole", quiet)
    words = [sys.executable, *command(recipe, tmp_path / "cut", tmp_path)]
    running = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
    assert running.stdout is not None
    for line in running.stdout:
        if line.startswith("step 3/"):
            running.kill()
            break
    assert running.wait() == -signal.SIGKILL
    assert not (tmp_path / "cut" / "fit.json").exists()
    again = subprocess.run(words, capture_output=True, text=True, env=ENVIRONMENT, check=True)
    assert "continuing from step 2" in again.stdout
    assert_equal_curves(tmp_path / "whole", tmp_path / "cut", 4)
    assert_same_files(tmp_path / "whole", tmp_path / "cut")
    assert not list(tmp_path.rglob("*.partial*"))


@pytest.mark.slow
def test_accelerate_launch_starts_it_too(make: Make, tmp_path: Path) -> None:
    recipe = make(steps=1)
    fit(recipe, tmp_path / "plain", quiet)
    words = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_cpu_threads_per_process", "1"]
    words += command(recipe, tmp_path / "launched", tmp_path)
    done = subprocess.run(words, capture_output=True, text=True, env=ENVIRONMENT, timeout=300)
    assert done.returncode == 0, done.stderr
    assert_equal_curves(tmp_path / "plain", tmp_path / "launched", 1)


FSDP = {"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2", "FSDP_AUTO_WRAP_POLICY": "NO_WRAP"}
DEEPSPEED = {"ACCELERATE_USE_DEEPSPEED": "true", "ACCELERATE_DEEPSPEED_ZERO_STAGE": "2"}


@pytest.fixture(scope="module")
def one_process(make: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fit of one process with a batch of 4, that fits of two processes with a batch of 2 must equal."""
    out = tmp_path_factory.mktemp("one_process")
    return fit(make(batch=4, **COMPARED), out, quiet).parent


def assert_same_validation(one: Path, two: Path) -> dict[str, float]:
    """The losses of the last validation are equal; returns that of `two`."""
    expected, got = (read_log(out / "log.jsonl")[-1]["validation"] for out in (one, two))
    for name in ("loss", *(curve(one)[1].keys() & set(LOSSES))):
        assert got[name] == pytest.approx(expected[name], rel=ROUNDING, abs=1e-5), name
    assert got["pixel_auc"] == pytest.approx(expected["pixel_auc"], abs=1e-3)  # by bins of logits
    return dict(got)


@pytest.mark.slow
def test_two_processes_are_one_with_the_doubled_batch(make: Make, one_process: Path, tmp_path: Path) -> None:
    """gloo on the CPU, every loss, accumulation, a norm that is clipped, validation; equal up to `ROUNDING`.

    The rates, too: of a schedule twice as long that advances by two at each step.
    """
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    rates = {"schedule_steps": 6, "warmup": 4, "schedule_advance": "processes"}
    words += command(make(batch=2, **COMPARED, **rates), tmp_path / "two", tmp_path)
    done = subprocess.run(words, capture_output=True, text=True, env=ENVIRONMENT, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("fitted:") == 1, "only the main process prints"
    assert_equal_curves(one_process, tmp_path / "two", 3, ROUNDING)
    assert_same_validation(one_process, tmp_path / "two")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("library", "stored"),
    [
        pytest.param(FSDP, "optimiser-00001.safetensors", id="FSDP"),
        pytest.param(DEEPSPEED, "deepspeed/*zero_pp_rank_1*_optim_states.pt", id="DEEPSPEED"),
    ],
)
@pytest.mark.long  # half a minute of both cores and more
def test_sharded_weights_give_the_same_and_resume(
    make: Make, one_process: Path, tmp_path: Path, library: dict[str, str], stored: str
) -> None:
    """Two processes with FSDP 2 or ZeRO-2 over gloo equal one process up to `ROUNDING`, also after a checkpoint."""
    if library is DEEPSPEED:
        pytest.importorskip("deepspeed", reason="DeepSpeed is installed on Linux only")
    recipe, two = tmp_path / "recipe.yaml", tmp_path / "two"
    recipe.write_text(yaml.safe_dump(make(batch=2, **COMPARED).model_dump(mode="json")))
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    words += [str(Path(__file__).with_name("shards_on_cpu.py")), str(recipe), str(two), "2"]
    done = subprocess.run(words, capture_output=True, text=True, env=ENVIRONMENT | library, timeout=300)
    assert done.returncode == 0, done.stderr
    assert list((two / "checkpoints" / "step-00000002").glob(stored)), "in shards"
    assert "continuing from step 2" in done.stdout
    first = {line["step"]: line for line in read_log(two / "first.jsonl") if "loss" in line}
    resumed = curve(two)
    assert_equal_curves(one_process, two, 3, ROUNDING)
    assert first[3]["loss"] == pytest.approx(resumed[3]["loss"], rel=ROUNDING, abs=1e-5)
    assert_same_validation(one_process, two)
    _same_weights(two)


@pytest.mark.parametrize(
    ("version", "ema", "message"),
    [
        (2, 0.9, "fit.ema: averaged weights are not supported where FSDP shards the weights; leave it out"),
        (1, None, "FSDP of version 1 is not supported; start with"),
    ],
    ids=["ema", "FSDP 1"],
)
def test_what_cannot_be_fitted_in_shards(make: Make, version: int, ema: float | None, message: str) -> None:
    settings = make(ema=ema).fit
    accelerator = SimpleNamespace(distributed_type="DistributedType.FSDP", is_fsdp2=version == 2)
    with pytest.raises(UserError, match=message):
        Sharding(accelerator, torch.nn.Linear(2, 2), settings)


def test_micro_batches_weigh_as_one_batch(make: Make) -> None:
    """Loss and gradient of a batch and of its parts one after another: clips beside images, answers of any length, an
    anomaly in some forwards only.
    """
    from accelerate import Accelerator

    from lavida_bench.fitting.sync import LossNormaliser, weighted_sum

    recipe = make(batch=4, model=NAMES)
    model, processor = make_model(recipe, quiet)
    model.train()
    loader = Loader(recipe, processor)
    steps = [loader.schedule.positions(step) for step in range(30)]
    images, clips = (
        [loader.reader.sample(place) for s in steps if loader.reader.datasets[s[0].dataset].kind == kind for place in s]
        for kind in ("image", "clip")
    )
    shown, normal = (next(s for s in images if s.masks is not None and s.masks.any() == on) for on in (True, False))
    samples = [shown, normal, *clips[:2]]
    groups = [[samples], [samples[:1], samples[1:2], samples[2:]]]
    found = []
    for group in groups:
        model.zero_grad()
        batches = [processor(part, "train") for part in group]
        shares = LossNormaliser(batches, Accelerator(cpu=True))
        losses = [
            weighted_sum(shares.normalise(n, model(b).parts), model.config.weights) for n, b in enumerate(batches)
        ]
        torch.stack(losses).sum().backward()
        gradient = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
        found.append((float(torch.stack(losses).sum().detach()), gradient))
    assert found[0][0] == pytest.approx(found[1][0], abs=1e-5)
    assert torch.allclose(found[0][1], found[1][1], atol=1e-5)


@pytest.mark.parametrize(
    "more",
    [
        {"precision": "bf16", "half_frozen": True},
        {"gradient_checkpointing": True, "ema": 0.5},
        {"schedule": "cosine", "clip": None, "lr_of": {"projector": 1e-2}},
    ],
    ids=["bf16", "checkpointing", "rates"],
)
def test_ways_to_fit(make: Make, tmp_path: Path, more: dict[str, Any]) -> None:
    """Frozen groups stay, the others move."""
    recipe = make(model=LORA, steps=2, warmup=0, **more)
    torch.manual_seed(0)
    fit(recipe, tmp_path, quiet)
    from accelerate.utils import set_seed

    set_seed(recipe.seed)
    begun, _ = make_model(recipe, quiet)
    before, after = dict(begun.named_parameters()), dict(Lavida.from_pretrained(tmp_path / "model").named_parameters())
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert not [name for name in moved if name.startswith(("mllm.model.visual", "names.", "sam.memory"))]
    assert any("lora_B" in name for name in moved)
    assert any(name.startswith("sam.mask_decoder") for name in moved)
    rates = curve(tmp_path)[1]["lr"]
    assert rates["projector"] == pytest.approx(more.get("lr_of", {}).get("projector", 1e-3))
    assert rates["mask_decoder"] == pytest.approx(1e-3)


def test_averaged_weights_are_what_is_validated_and_kept(make: Make, tmp_path: Path) -> None:
    """Two steps, each kept as a checkpoint: the average by hand."""
    every: dict[str, Any] = {
        "steps": 2,
        "warmup": 0,
        "checkpoint": {"every": 1},
        "validation": {"every": 2, "samples": 6},
    }
    recipe = make(**every, ema=0.75)
    fit(recipe, tmp_path / "run", quiet)
    begun, _ = make_model(recipe, quiet)
    first, second = (load_file(tmp_path / f"run/checkpoints/step-0000000{n}/trained.safetensors") for n in (1, 2))
    kept = dict(Lavida.from_pretrained(tmp_path / "run" / "model").named_parameters())
    start = dict(begun.named_parameters())
    for name, last in second.items():
        average = 0.75 * (0.75 * start[name] + 0.25 * first[name]) + 0.25 * last
        torch.testing.assert_close(kept[name], average, rtol=1e-5, atol=1e-6)
    assert any(not torch.equal(kept[name], second[name]) for name in second)
    fit(make(**every), tmp_path / "plain", quiet)
    averaged, plain = (read_log(tmp_path / run / "log.jsonl")[-1]["validation"] for run in ("run", "plain"))
    assert averaged["loss"] != plain["loss"], "the average is what was validated"
    _same_weights(tmp_path / "run")
    fit(make(**every | {"validation": None}, ema=0.75), tmp_path / "unseen", quiet)
    unseen = dict(Lavida.from_pretrained(tmp_path / "unseen" / "model").named_parameters())
    assert all(torch.equal(kept[name], unseen[name]) for name in second), "also where nothing is validated"


def test_the_recipe_determines_the_micro_batches_of_a_step(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit(make(steps=2, accumulation=2), tmp_path / "plain", quiet)
    monkeypatch.setenv("ACCELERATE_GRADIENT_ACCUMULATION_STEPS", "1")
    fit(make(steps=2, accumulation=2), tmp_path / "with_environment", quiet)
    assert_equal_curves(tmp_path / "plain", tmp_path / "with_environment", 2)


def test_what_chooses_the_weights_is_part_of_the_recipe(make: Make) -> None:
    plain, often, other, none = (
        make(validation=given).fit_identity() for given in ({}, {"every": 2, "samples": 3}, {"by": "frame_auc"}, None)
    )
    assert plain == often
    assert len({plain, other, none}) == 3


def test_checkpointing_changes_no_number(make: Make, tmp_path: Path) -> None:
    fit(make(steps=2), tmp_path / "plain", quiet)
    fit(make(steps=2, gradient_checkpointing=True), tmp_path / "saving", quiet)
    assert_equal_curves(tmp_path / "plain", tmp_path / "saving", 2)


@pytest.mark.slow
def test_it_learns(make: Make, tmp_path: Path) -> None:
    nothing = {"preset": "tiny", "random": True}
    fit(make(steps=12, model=nothing, data=make().model_dump()["data"], lr=2e-3), tmp_path, quiet)
    losses = curve(tmp_path)
    assert losses[12]["text"] < losses[1]["text"] - 1.5


def test_the_command(make: Make, tmp_path: Path) -> None:
    words = command(make(steps=1), tmp_path / "run", tmp_path)[2:]
    done = CliRunner().invoke(main, [*words, "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["step"] == 1
    other = CliRunner().invoke(main, [*words, "--set", "fit.step=3", "--set", "fit.lr=-1"])
    assert other.exit_code == 2
    assert "2 problems" in other.output
    assert "fit.step: no such option; did you mean 'steps'?" in other.output


def test_the_command_answers_at_once() -> None:
    began = time.process_time()
    assert CliRunner().invoke(main, ["fit", "--help"]).exit_code == 0
    assert time.process_time() - began < 0.5
