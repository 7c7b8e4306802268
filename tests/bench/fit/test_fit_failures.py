"""What goes wrong in a fit is printed in a sentence, and nothing that was finished is lost."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType

from lavida.batch import Batch, Output
from lavida.modeling import Lavida
from lavida.processing import LavidaProcessor
from lavida_bench.common.stop_signals import StopSignals
from lavida_bench.config.recipe import RunRecipe
from lavida_bench.fitting import logger as journal
from lavida_bench.fitting.accelerator import compile_model
from lavida_bench.fitting.checkpoint import locked
from lavida_bench.fitting.loader import Loader
from lavida_bench.fitting.trainer import fit
from lavida_gen.building import build
from lavida_gen.common.errors import DataError, UserError
from lavida_gen.config import recipe as corpora

Make = Callable[..., RunRecipe]
WHOLE = 25_000_000
"""Bytes of a checkpoint of the tiny model, about: weights and two moments of 1.7 million parameters."""


def quiet(text: str) -> None:
    """Nothing on the console."""


def checkpoints(out: Path) -> list[str]:
    return sorted(path.name for path in (out / "checkpoints").iterdir())


def test_numbers_that_are_not_finite_name_their_samples(make: Make, tmp_path: Path) -> None:
    """A rate that breaks the weights: the second step names what it was looking at."""
    recipe = make(lr=1e20, warmup=0, checkpoint={"every": 1})
    with pytest.raises(DataError, match=r"step 2: .* is not finite") as stopped:
        fit(recipe, tmp_path, quiet)
    loaded = list(Loader(recipe, LavidaProcessor.from_preset("tiny")).batches(0, 2))
    for key in loaded[1].batch.keys:
        assert key in str(stopped.value)
    assert not set(loaded[0].batch.keys) & set(str(stopped.value).replace(";", ",").split(", "))
    assert "look at them with `lavida-gen show`, lower fit.lr" in str(stopped.value)
    assert checkpoints(tmp_path) == ["step-00000001"]


def test_only_the_offending_sample_of_a_micro_batch_is_named(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No picture makes the model's numbers endless: here one sample's losses are made so."""
    recipe = make(batch=4)
    keys = [loaded.batch.keys for loaded in Loader(recipe, LavidaProcessor.from_preset("tiny")).batches(0, 2)]
    bad, forward = keys[1][2], Lavida.forward

    def broken(model: Lavida, batch: Batch) -> Output:
        output = forward(model, batch)
        worse = float("nan") if bad in batch.keys else 1.0
        return replace(output, parts={name: part * worse for name, part in output.parts.items()})

    monkeypatch.setattr(Lavida, "forward", broken)
    with pytest.raises(DataError, match=rf"step 2: the loss is not finite \(.*\); samples {bad}; look at them with"):
        fit(recipe, tmp_path, quiet)


def test_what_is_left_out_is_counted(make: Make, corpus: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(corpus, copy)
    (copy / "image" / "train-00001.tar").unlink()
    recipe = make(steps=1, data=[{"corpus": str(copy)}], loader={"workers": 0, "damaged": "skip"})
    fit(recipe, tmp_path / "run", quiet)
    lines = journal.read_log(tmp_path / "run" / "log.jsonl")
    assert any("left out: " in line.get("note", "") and "train-00001.tar" in line["note"] for line in lines)
    for counts in (lines[-1], json.loads((tmp_path / "run" / "fit.json").read_text())):
        assert (counts["damaged"], counts["damaged_shards"]) == (0, 1)


def test_a_checkpoint_that_cannot_be_written(make: Make, tmp_path: Path) -> None:
    """A limit on the size of files stands for any failure of the disk: the run stops, later it goes on."""
    recipe = make(steps=4, checkpoint={"every": 2})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def bind(text: str) -> None:
        if text.startswith("step 3/"):
            resource.setrlimit(resource.RLIMIT_FSIZE, (WHOLE // 10, hard))

    try:
        with pytest.raises(DataError) as stopped:
            fit(recipe, tmp_path / "run", bind)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "step-00000004: " in str(stopped.value)
    assert "run the same command again: it continues from step-00000002" in str(stopped.value)
    assert checkpoints(tmp_path / "run") == ["step-00000002"], "nothing half-written"
    fit(recipe, tmp_path / "run", quiet)
    fit(recipe, tmp_path / "whole", quiet)
    assert [line["loss"] for line in journal.read_log(tmp_path / "run" / "log.jsonl")] == [
        line["loss"] for line in journal.read_log(tmp_path / "whole" / "log.jsonl")
    ]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with space for one checkpoint, if this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={WHOLE * 3 // 2}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small tmpfs needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_at_a_checkpoint(make: Make, small_disk: Path) -> None:
    recipe = make(steps=2, checkpoint={"every": 1, "keep": 1})
    with pytest.raises(DataError, match=r"step-00000002: the disk is full; free some space and run the same command"):
        fit(recipe, small_disk / "run", quiet)
    assert checkpoints(small_disk / "run") == ["step-00000001"]
    subprocess.run(["mount", "-o", f"remount,size={WHOLE * 5}", str(small_disk)], check=True)
    console: list[str] = []
    fit(recipe, small_disk / "run", console.append)
    assert "continuing from step 1" in console


def test_a_damaged_checkpoint(make: Make, tmp_path: Path) -> None:
    recipe = make(steps=2, checkpoint={"every": 1})
    fit(recipe, tmp_path, quiet)
    (tmp_path / "fit.json").unlink()
    newest = tmp_path / "checkpoints" / "step-00000002"
    (newest / "trained.safetensors").write_bytes(b"no weights")
    with pytest.raises(
        DataError,
        match=r"step-00000002/trained.safetensors: cannot be loaded .*remove the folder of this checkpoint: the run then continues from",
    ):
        fit(recipe, tmp_path, quiet)
    fit_folder_files(recipe, tmp_path)
    shutil.rmtree(newest)
    console: list[str] = []
    fit(recipe, tmp_path, console.append)
    assert "continuing from step 1" in console
    (tmp_path / "fit.json").unlink()
    (newest / "progress.json").write_text("{}")
    with pytest.raises(DataError, match=r"step-00000002/progress.json: has no 'step'; expected a complete checkpoint"):
        fit(recipe, tmp_path, quiet)


def fit_folder_files(recipe: RunRecipe, out: Path) -> None:
    """Files of the folder that hold something else are named."""
    for name, keys in (("fit.json", "identity"), (".fit.json", "facts and inputs")):
        file = out / name
        before = file.read_bytes() if file.is_file() else None
        for odd in ("{}", "[]"):
            file.write_text(odd)
            with pytest.raises(
                DataError, match=rf"/{name}: (has no .*|holds a list); expected an object with {keys}; remo"
            ):
                fit(recipe, out, quiet)
        file.unlink() if before is None else file.write_bytes(before)


def test_a_folder_of_another_recipe(make: Make, corpus: Path, tmp_path: Path) -> None:
    fit(make(steps=1), tmp_path / "run", quiet)
    with pytest.raises(UserError) as refused:
        fit(make(steps=2, lr=2e-3), tmp_path / "run", quiet)
    assert str(refused.value).endswith(
        "holds a fit of another recipe: fit.lr 0.001 -> 0.002, fit.steps 1 -> 2; give another --out, or remove the folder"
    )


def test_a_corpus_that_has_changed(make: Make, corpus: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(corpus, copy)
    recipe = make(steps=1, data=[{"corpus": str(copy)}])
    fit(recipe, tmp_path / "run", quiet)
    plain = json.loads((copy / "corpus.json").read_text())
    (copy / "corpus.json").write_text(json.dumps(plain | {"digest": "0" * 64}))
    for _ in ("finished", "half done"):
        with pytest.raises(UserError, match="copy: has changed since this fit began; give another --out"):
            fit(recipe, tmp_path / "run", quiet)
        (tmp_path / "run" / "fit.json").unlink(missing_ok=True)


def test_a_fitted_model_outlives_its_corpus(make: Make, corpus: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(corpus, copy)
    recipe = make(steps=1, data=[{"corpus": str(copy)}])
    model = fit(recipe, tmp_path / "run", quiet)
    shutil.rmtree(copy)
    assert fit(recipe, tmp_path / "run", quiet) == model


def test_a_first_model_that_has_changed(make: Make, tmp_path: Path) -> None:
    first = fit(make(steps=1), tmp_path / "first", quiet)
    second = make(steps=1, model={"path": str(first)})
    fit(second, tmp_path / "run", quiet)
    (first / "config.json").write_text((first / "config.json").read_text() + " ")
    with pytest.raises(UserError, match="model: has changed since this fit began"):
        fit(second, tmp_path / "run", quiet)


def test_missing_validation_shards_are_reported_before_the_first_step(make: Make, tmp_path: Path) -> None:
    text = ("samples=20", "val=0", "sources.0.size=[96, 128]", "sources.1.size=[96, 128]", "sources.1.frames=3")
    build.build(corpora.load("street", text), tmp_path / "corpus")
    console: list[str] = []
    with pytest.raises(UserError, match="no shard of any/val"):
        fit(make(validation={}, data=[{"corpus": str(tmp_path / "corpus")}]), tmp_path / "run", console.append)
    assert not [line for line in console if line.startswith("step")]


def test_a_value_that_these_shards_do_not_have(make: Make, tmp_path: Path) -> None:
    recipe = make(steps=1, validation={"by": "frame_auc", "samples": 1}, data=one_kind(make))
    with pytest.raises(
        UserError, match=r"fit\.validation\.by: frame_auc is not defined on these shards; measured: loss"
    ):
        fit(recipe, tmp_path, quiet)


def one_kind(make: Make) -> list[dict[str, str]]:
    """The corpus' images alone."""
    return [{"corpus": make().data[0].corpus, "kind": "image"}]


def test_validation_that_is_not_finite_names_its_samples(make: Make, tmp_path: Path) -> None:
    recipe = make(steps=1, lr=1e20, warmup=0, validation={"every": 1, "samples": 4})
    with pytest.raises(
        DataError, match=r"validation: the model's numbers are not finite; samples street/.*lower fit\.lr"
    ):
        fit(recipe, tmp_path, quiet)


def _hold(out: Path, held: Any, done: Any) -> None:
    with locked(out):
        held.set()
        done.wait(60)


def test_two_fits_in_one_folder(make: Make, tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")  # the loader's workers are forked, too
    held, done = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(tmp_path, held, done))
    other.start()
    try:
        assert held.wait(60)
        with pytest.raises(DataError, match="another fit is writing here; wait for it, or give --out"):
            fit(make(), tmp_path, quiet)
    finally:
        done.set()
        other.join()


def test_another_number_of_processes(make: Make, tmp_path: Path) -> None:
    recipe = make(steps=2, checkpoint={"every": 1})
    fit(recipe, tmp_path, quiet)
    (tmp_path / "fit.json").unlink()
    progress = tmp_path / "checkpoints" / "step-00000002" / "progress.json"
    progress.write_text(json.dumps(json.loads(progress.read_text()) | {"batch": 8}))
    with pytest.raises(
        UserError, match="saved with micro-batches of 8 samples over all processes, now they have 2; start the same"
    ):
        fit(recipe, tmp_path, quiet)


def test_a_signal_that_comes_twice_is_one_and_a_later_one_stops_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """torchrun hands ctrl-C on to processes that got it already."""
    with StopSignals() as stopping:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        assert stopping.stop_requested
        monkeypatch.setattr("lavida_bench.common.stop_signals.ECHO_SECONDS", 0.0)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"lr_of": {"projecter": 1e-3}}, r"fit\.lr_of: unknown group 'projecter'; did you mean 'projector'\?"),
        ({"lr_of": {"memory": 1e-3}}, r"fit\.lr_of\.memory: no parameter of this group trains; see model\.config\.trainable"),
        ({"validation": {"by": "pixel_auk"}}, r"fit\.validation\.by: unknown value 'pixel_auk'; did you mean 'pixel_auc'\?"),
        ({"batch": 100}, r"street/clip: \d+ samples; expected at least one batch of 100"),
        (
            {"model": {"preset": "tiny", "config": {"reduction_rato": 0.3}}},
            r"model\.config: unknown LavidaConfig key 'reduction_rato'; did you mean 'reduction_ratio'\?",
        ),
        ({"model": {"preset": "tiny", "config": {"memory": "some"}}}, "model: memory: 'some'; expected one of none"),
        ({"model": {"path": "nowhere/at/all"}}, "model: "),
        (
            {"model": {"preset": "tiny", "config": {"trainable": dict.fromkeys(
                ("vision", "language", "embeddings", "lm_head", "names", "projector", "image_encoder",
                 "prompt_encoder", "mask_decoder"), "frozen")}}},
            "everything is frozen; expected at least one group to train",
        ),
    ],
    ids=["group", "idle group", "by", "batch", "config", "value", "path", "frozen"],
)  # fmt: skip
def test_invalid_settings(make: Make, tmp_path: Path, more: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        fit(make(**more), tmp_path, quiet)
    assert not (tmp_path / "checkpoints").exists()


def test_compiling_is_refused_where_weights_are_sharded_and_left_off_on_the_cpu() -> None:
    sharded: Any = SimpleNamespace(distributed_type=DistributedType.FSDP)
    with pytest.raises(UserError, match=r"fit\.compile: true with FSDP or DeepSpeed; expected false, or processes"):
        compile_model(sharded, torch.nn.Identity())
    compile_model(Accelerator(cpu=True), torch.nn.Identity())  # it has no stages: compiling them would be an error
