"""Shards -> batches: the same whatever the number of workers and processes, from any step on; damage is reported."""

from __future__ import annotations

import functools
import multiprocessing
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
import webdataset

from lavida.batch import Batch, Sample
from lavida.processing import LavidaProcessor, Use
from lavida_bench.config.recipe import RunRecipe
from lavida_bench.fitting import datasets
from lavida_bench.fitting.loader import LoadedBatch, Loader
from lavida_gen.common.errors import DataError, UserError
from lavida_gen.corpus.reader import open_corpus

Make = Callable[..., RunRecipe]


@pytest.fixture(scope="session")
def processor() -> LavidaProcessor:
    return LavidaProcessor.from_preset("tiny")


def keys(batches: Iterator[LoadedBatch]) -> list[tuple[str, ...]]:
    return [loaded.batch.keys for loaded in batches]


def equal(one: LoadedBatch, other: LoadedBatch) -> bool:
    return one.batch.keys == other.batch.keys and all(
        torch.equal(getattr(one.batch, name), getattr(other.batch, name))
        for name in ("input_ids", "patches", "frames", "masks", "labels", "name_ids", "name_labels")
    )


def test_workers_change_nothing(make: Make, processor: LavidaProcessor) -> None:
    alone, two = (list(Loader(make(loader={"workers": workers}), processor).batches(0, 6)) for workers in (0, 2))
    assert all(map(equal, alone, two))


def test_it_goes_on_in_the_middle(make: Make, processor: LavidaProcessor) -> None:
    loader = Loader(make(), processor)
    whole = list(loader.batches(0, 40))
    assert len({key for loaded in whole for key in loaded.batch.keys}) == 42, "more than one round of each kind"
    assert all(map(equal, whole[25:], Loader(make(), processor).batches(25, 40)))


def test_processes_share_a_step(make: Make, processor: LavidaProcessor) -> None:
    """Two processes see what one with the doubled batch sees."""
    whole = keys(Loader(make(batch=4), processor).batches(0, 12))
    parts = [keys(Loader(make(batch=2), processor, process, 2).batches(0, 12)) for process in range(2)]
    assert whole == [left + right for left, right in zip(*parts, strict=True)]


def test_a_batch_holds_one_kind_by_weight(make: Make, corpus: Path, processor: LavidaProcessor) -> None:
    data = [{"corpus": str(corpus), "kind": "clip", "weight": 3}, {"corpus": str(corpus), "kind": "image"}]
    batches = [loaded.batch for loaded in Loader(make(data=data), processor).batches(0, 60)]
    assert {batch.counts for batch in batches} == {(3, 3), (1, 1)}
    assert 35 <= sum(batch.counts == (3, 3) for batch in batches) <= 55


def test_samples_are_what_the_shards_hold(make: Make, corpus: Path, processor: LavidaProcessor) -> None:
    """webdataset reads the same shards: prompt and mask of every sample agree."""
    shards = [str(path) for path in sorted(corpus.glob("image/train-*.tar"))]
    stored = {one["__key__"]: one for one in webdataset.WebDataset(shards, shardshuffle=False).decode("rgb8")}
    data = [{"corpus": str(corpus), "kind": "image"}]
    for loaded in Loader(make(data=data), processor).batches(0, 8):
        for number, key in enumerate(loaded.batch.keys):
            one = stored[key.rpartition("/")[2]]
            assert bool(loaded.batch.masks[number].any()) == one["json"]["exposed"] == bool(one["mask.png"].any())
            text = processor.tokenizer.decode(loaded.batch.input_ids[number])
            assert one["json"]["question"] in text
            assert one["json"]["answer"] in text


def test_validation_is_the_same_for_any_number_of_processes(make: Make, processor: LavidaProcessor) -> None:
    recipe = make(validation={"samples": 7})
    counted = [(n, one.batch.keys) for n, one in Loader(recipe, processor).validation()]
    assert [number for number, _ in counted] == list(range(len(counted)))
    parts = [list(Loader(recipe, processor, process, 3).validation()) for process in range(3)]
    assert len({len(part) for part in parts}) == 1, "all processes do equally many forwards"
    both = {n: one.batch.keys for part in parts for n, one in part if n >= 0}
    assert both == dict(counted)
    train = {key for loaded in Loader(recipe, processor).batches(0, 60) for key in loaded.batch.keys}
    assert not train & {key for _, found in counted for key in found}


def test_batches_can_be_pinned(make: Make, processor: LavidaProcessor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every tensor of the batch is; without a GPU torch refuses, so a copy stands for its pinned one."""
    loaded = next(Loader(make(), processor).batches(0, 1))
    if not torch.cuda.is_available():
        monkeypatch.setattr(torch.Tensor, "pin_memory", torch.Tensor.clone)
    pinned = loaded.pin_memory()
    for field in fields(loaded.batch):
        before, after = getattr(loaded.batch, field.name), getattr(pinned.batch, field.name)
        if isinstance(before, torch.Tensor):
            assert after is not before, field.name
            assert torch.equal(after, before), field.name
            assert after.is_pinned() or not torch.cuda.is_available(), field.name


# ---- damage -------------------------------------------------------------------------------------------------------


@pytest.fixture
def copy(corpus: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(corpus, tmp_path / "copy"))


def damage(shard: Path, how: str) -> None:
    data = bytearray(shard.read_bytes())
    if how == "flipped":
        at = data.index(b"\xff\xd8\xff") + 2  # the first picture's header
        data[at : at + 300] = bytes(300)
    shard.write_bytes(data[: len(data) // 2] if how == "cut" else data)
    if how == "missing":
        shard.unlink()


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("flipped", "content differs from corpus.json; expected sha256 "),
        ("cut", " bytes; expected "),
        ("missing", "is missing"),
    ],
)
def test_a_damaged_shard_stops_or_is_left_out(
    make: Make, copy: Path, processor: LavidaProcessor, how: str, message: str
) -> None:
    shard = copy / "image" / "train-00001.tar"
    damage(shard, how)
    data = [{"corpus": str(copy)}]
    with pytest.raises(DataError) as stopped:
        Loader(make(data=data), processor)
    assert "1 damaged shards; build or fetch them again, or set fit.loader.damaged=skip" in str(stopped.value)
    assert f"{shard}: " in str(stopped.value)
    assert message in str(stopped.value)
    skipping = Loader(make(data=data, loader={"workers": 0, "damaged": "skip"}), processor)
    assert [str(shard) in line and message in line for line in skipping.damaged] == [True]
    seen = {key for loaded in skipping.batches(0, 60) for key in loaded.batch.keys}
    assert len(seen) == 42 - 10, "the other shards are read"


@pytest.mark.parametrize("workers", [0, 1])
def test_unexpected_damage_names_shard_and_sample(
    make: Make, copy: Path, processor: LavidaProcessor, workers: int
) -> None:
    shard = copy / "image" / "train-00000.tar"
    damage(shard, "flipped")
    data, quick = [{"corpus": str(copy), "kind": "image"}], {"workers": workers, "check": "size"}
    with pytest.raises(DataError) as stopped:
        list(Loader(make(data=data, loader=quick), processor).batches(0, 15))
    assert str(stopped.value).startswith(f"{shard}: street/image/0000000"), "the worker's traceback is left out"
    assert "\n" not in str(stopped.value)
    batches = list(Loader(make(data=data, loader=quick | {"damaged": "skip"}), processor).batches(0, 15))
    short = [loaded for loaded in batches if loaded.damaged]
    assert short
    assert all(len(loaded.batch) == 1 and str(shard) in loaded.damaged[0] for loaded in short)


def test_a_later_batch_stands_in_for_one_of_nothing_but_damage(
    make: Make, copy: Path, processor: LavidaProcessor
) -> None:
    """Of a shard that cannot be read: processes keep step, and nothing is counted twice in validation."""
    damage(copy / "image" / "train-00000.tar", "cut")
    damage(copy / "image" / "val-00000.tar", "flipped")
    recipe = make(
        data=[{"corpus": str(copy), "kind": "image"}], batch=1, validation={"samples": 7},
        loader={"workers": 0, "check": "none", "damaged": "skip"},
    )  # fmt: skip
    loader = Loader(recipe, processor)
    batches = list(loader.batches(0, 30))
    found = [loaded for loaded in batches if loaded.stands_in]
    assert len(found) == 10, "the shard's samples"
    assert all(len(loaded.damaged) == 1 and "train-00000.tar" in loaded.damaged[0] for loaded in found)
    sound = {key for loaded in batches if not loaded.stands_in for key in loaded.batch.keys}
    assert {key for loaded in found for key in loaded.batch.keys} <= sound | {
        key for loaded in loader.batches(30, 60) for key in loaded.batch.keys
    }
    held_out = list(loader.validation())
    assert [number for number, loaded in held_out if loaded.stands_in] == [-1]
    assert sorted(number for number, _ in held_out)[1:] == [
        number for number in range(len(held_out)) if not held_out[number][1].stands_in
    ]


def test_a_batch_of_nothing_but_damage_stops(make: Make, copy: Path, processor: LavidaProcessor) -> None:
    for shard in copy.glob("image/train-*.tar"):
        damage(shard, "cut")
    data = [{"corpus": str(copy), "kind": "image"}]
    settings = {"workers": 0, "check": "none", "damaged": "skip"}
    with pytest.raises(
        DataError,
        match="every sample of the batch and of those after it is damaged: .*(is not a complete tar|is cut off|holds)",
    ):
        list(Loader(make(data=data, loader=settings), processor).batches(0, 1))
    with pytest.raises(DataError, match="every shard is damaged"):
        Loader(make(data=data, loader=settings | {"check": "size"}), processor)


def test_missing_corpora(make: Make, corpus: Path, tmp_path: Path, processor: LavidaProcessor) -> None:
    with pytest.raises(UserError, match=r"none: no such folder; build it: `lavida-gen build"):
        Loader(make(data=[{"corpus": str(tmp_path / "none")}]), processor)
    images = tmp_path / "images"
    shutil.copytree(corpus, images)
    manifest = open_corpus(images).manifest
    only = manifest.model_copy(
        update={
            "shards": [shard for shard in manifest.shards if shard.kind == "image"],
            "splits": {"image/train": 30},
        }
    )
    (images / "corpus.json").write_bytes(only.text())
    with pytest.raises(UserError, match=r"data\[0\]\.corpus: .*: no shard of clip/train; expected one of image/train"):
        Loader(make(data=[{"corpus": str(images), "kind": "clip"}]), processor)


def test_a_prompt_with_the_models_own_tokens(make: Make, copy: Path, processor: LavidaProcessor) -> None:
    for shard in copy.glob("image/train-*.tar"):
        data, at = bytearray(shard.read_bytes()), 0
        while (at := data.find(b'"question":"', at + 1)) > 0:
            data[at + 12 : at + 25] = b"<|image_pad|>"
        shard.write_bytes(data)
    recipe = make(data=[{"corpus": str(copy), "kind": "image"}], loader={"workers": 0, "check": "none"})
    with pytest.raises(DataError, match="Sample 'street/image/.*': question or names have special tokens of the model"):
        list(Loader(recipe, processor).batches(0, 1))


def test_a_worker_that_is_killed(make: Make, processor: LavidaProcessor) -> None:
    before = set(multiprocessing.active_children())
    batches = Loader(make(loader={"workers": 1, "prefetch": 1}), processor).batches(0, 30)
    next(batches)
    for worker in set(multiprocessing.active_children()) - before:
        worker.kill()
    with pytest.raises(DataError, match="a worker process of the loader died .*lower fit.loader.workers"):
        list(batches)


def test_other_errors_of_a_worker_are_raised_unchanged(make: Make) -> None:
    class Breaks(LavidaProcessor):
        def __call__(self, samples: Sequence[Sample], use: Use = "train") -> Batch:
            raise RuntimeError("The size of tensor a must match the size of tensor b")

    batches = Loader(make(loader={"workers": 1}), Breaks.from_preset("tiny")).batches(0, 2)
    with pytest.raises(RuntimeError, match="The size of tensor a must match"):
        list(batches)


# ---- URLs ---------------------------------------------------------------------------------------------------------


@contextmanager
def served(folder: Path, refused: int = 0) -> Iterator[tuple[str, list[str]]]:
    """The folder over HTTP on loopback, and what was asked for; the first `refused` shards are answered with 503."""
    asked: list[str] = []
    left = [refused]

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            asked.append(str(args[0]))

        def do_GET(self) -> None:
            if self.path.endswith(".tar") and left[0] > 0:
                left[0] -= 1
                self.send_error(503)
            else:
                super().do_GET()

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def test_a_corpus_behind_a_url(make: Make, copy: Path, tmp_path: Path, processor: LavidaProcessor) -> None:
    """The same batches as from the folder; every shard is fetched once, also by several workers."""
    local = keys(Loader(make(data=[{"corpus": str(copy)}]), processor).batches(0, 20))
    with served(copy) as (url, asked):
        settings = {"workers": 2, "cache": str(tmp_path / "cache")}
        assert keys(Loader(make(data=[{"corpus": url}], loader=settings), processor).batches(0, 20)) == local
        fetched = [line for line in asked if line.startswith("GET") and ".tar" in line]
        assert sorted(set(fetched)) == sorted(fetched)
        before = len(fetched)
        keys(Loader(make(data=[{"corpus": url}], loader=settings), processor).batches(0, 20))
        assert len([line for line in asked if line.startswith("GET") and ".tar" in line]) == before


def test_a_server_that_is_busy_is_asked_again(
    make: Make, copy: Path, tmp_path: Path, processor: LavidaProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets, "PAUSE", 0.01)
    data, cache = [{"corpus": str(copy), "kind": "image"}], str(tmp_path / "cache")
    local = keys(Loader(make(data=data), processor).batches(0, 3))
    for refused in (2, 3):
        with served(copy, refused) as (url, _):
            recipe = make(data=[{"corpus": url, "kind": "image"}], loader={"workers": 0, "cache": cache})
            batches = Loader(recipe, processor).batches(0, 3)
            if refused < datasets.TRIES:
                assert keys(batches) == local
            else:
                with pytest.raises(DataError, match=r"\.tar: cannot be fetched \(503.*\), 3 times; check the URL"):
                    keys(batches)


def test_two_corpora_of_one_name_stay_apart(make: Make, corpus: Path, processor: LavidaProcessor) -> None:
    loader = Loader(make(data=[{"corpus": str(corpus), "kind": "image"}] * 2), processor)
    assert list(loader.schedule.epochs(40)) == ["street/image", "street-1/image"]
    assert sum(loader.schedule.epochs(40).values()) == pytest.approx(40 * 2 / 30)


def test_a_shard_that_comes_damaged(make: Make, copy: Path, tmp_path: Path, processor: LavidaProcessor) -> None:
    damage(copy / "image" / "train-00000.tar", "flipped")
    with served(copy) as (url, _):
        data, cache = [{"corpus": url, "kind": "image"}], tmp_path / "cache"
        loader = Loader(make(data=data, loader={"workers": 0, "cache": str(cache)}), processor)
        with pytest.raises(DataError) as stopped:
            keys(loader.batches(0, 15))
        assert f"{url}/image/train-00000.tar: came with sha256" in str(stopped.value)
        assert "3 times; check the URL and the connection, then run it again" in str(stopped.value)
        assert not list(cache.rglob("train-00000.tar")), "nothing damaged gets a final name"
        assert not list(cache.rglob("*.partial*"))
