"""`from lavida_bench import ...`: notebooks' functions, a corpus as a torch data set, plug-ins of other packages."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import drawing
import numpy as np
import pytest
import stranger
import torch
from click.testing import CliRunner
from numpy.typing import NDArray
from torch.utils.data import DataLoader

import lavida_bench
from lavida import LavidaProcessor, Sample
from lavida_bench import (
    ClipScores,
    CorpusDataset,
    VideoScore,
    compare,
    evaluate,
    load_run_recipe,
    open_benchmark,
    predict,
    score,
)
from lavida_bench.benchmarks import _base as benchmarks
from lavida_bench.cli import main
from lavida_bench.scoring.lavida_scorer import load_scorer
from lavida_bench.scoring.scorer import PendingScores
from lavida_bench.testing import check_baseline, check_benchmark, check_metric, check_scorer
from lavida_gen import DataError, UserError, build, open_corpus

DOTTED = "harbour.quay:Quay"


class Brightness:
    """A scorer without a model: the mean brightness of each frame."""

    name = "brightness"

    def __init__(self) -> None:
        self.identity = {"version": 1}

    def prepare(self, clips: Sequence[NDArray[np.uint8]], names: tuple[str, ...]) -> NDArray[np.uint8]:
        return np.concatenate(clips)

    def score(self, prepared: NDArray[np.uint8]) -> PendingScores:
        return lambda: ClipScores(prepared.mean(axis=(1, 2, 3)).astype(np.float32))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder with the package of docs/plugins.md on sys.path, and its films."""
    stranger.forget()
    stranger.draw(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(stranger.install(tmp_path / "site")))
    yield tmp_path
    stranger.forget()


def command(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
    return result.output


# ---- functions -----------------------------------------------------------------------------------------------------


def test_scores_as_arrays_files_and_objects_give_the_same_numbers(small_folder: Path, tmp_path: Path) -> None:
    videos = open_benchmark("folder", small_folder).videos()
    rng = np.random.default_rng(0)
    scores = {video.key: rng.random(video.frame_count).astype(np.float32) for video in videos}
    for key, frames in scores.items():
        np.save(tmp_path / f"{key}.npy", frames)
    objects = {key: VideoScore(key, frames) for key, frames in scores.items()}
    results = [
        evaluate("folder", given, root=small_folder, metrics=["frame_auc"], resamples=20).result
        for given in (scores, objects, tmp_path, str(tmp_path))
    ]
    values = {result.metrics["frame_auc"].headline.value for result in results}
    assert len(values) == 1
    assert results[0].method == "ours"
    whole = evaluate(
        open_benchmark("folder", root=str(small_folder), options={"fps": 25}), scores, baselines=["random"], resamples=0
    )
    assert [baseline.method for baseline in whole.baselines] == ["random"]


def test_scores_that_do_not_fit_are_named(small_folder: Path) -> None:
    with pytest.raises(UserError, match="scores: no test video 'gatte'; did you mean 'gate'"):
        evaluate("folder", {"gatte": [1.0]}, root=small_folder)
    with pytest.raises(DataError, match=r"gate: scores of shape \(1,\); expected \(12,\), one per frame"):
        evaluate("folder", {"gate": [1.0]}, root=small_folder)
    with pytest.raises(UserError, match="unknown benchmark 'foldr'; did you mean 'folder'"):
        evaluate("foldr", {})


def test_a_scorer_of_ones_own_scores_and_runs_are_compared(small_folder: Path, tmp_path: Path) -> None:
    one = score("folder", Brightness(), tmp_path / "a", root=small_folder)
    assert one.result.method == "brightness"
    assert one.result.coverage.complete
    assert (tmp_path / "a" / "report.html").is_file()
    videos = benchmarks.make("folder", small_folder).videos()
    flat = tmp_path / "flat"
    flat.mkdir()
    for video in videos:
        np.save(flat / f"{video.key}.npy", np.zeros(video.frame_count))
    words = ["score-files", "-b", "folder", "-s", str(flat), "--root", str(small_folder), "-o", str(tmp_path / "b")]
    command(*words, "--resamples", "20")
    (comparison,) = compare(tmp_path / "a", tmp_path / "b", root=small_folder, metrics=["frame_auc"], resamples=20)
    assert comparison.methods == ("brightness", "flat")
    value = one.result.metrics["frame_auc"].headline.value
    assert value is not None
    assert comparison.differences["frame_auc"]["micro"].value == pytest.approx(value - 0.5)


def test_predict(tmp_path: Path) -> None:
    drawing.video(tmp_path / "walk.mp4", 24)
    found = predict(tmp_path / "walk.mp4", ["a", "b"], Brightness(), tmp_path / "out", every=4, overlay=False)
    assert found.frames == 24
    assert found.sampled == 6
    with pytest.raises(UserError, match=r"names: got the text 'fight'; expected a list"):
        predict(tmp_path / "walk.mp4", "fight", Brightness(), tmp_path / "out")
    assert json.loads((tmp_path / "out" / "result.json").read_text())["model"]["name"] == "brightness"


def test_recipes_of_runs_come_by_name_and_mapping() -> None:
    recipe = load_run_recipe("demo", {"fit.steps": 3})
    assert recipe.fit is not None
    assert recipe.fit.steps == 3
    assert load_run_recipe(recipe) is recipe
    assert load_run_recipe({"name": "x", "model": {"preset": "tiny"}}).name == "x"


def test_the_models_scorer_keeps_the_contract() -> None:
    check_scorer(load_scorer("tiny"), size=(96, 128), tolerance=0.02)
    check_scorer(Brightness())


def test_the_front_door_has_what_it_names() -> None:
    assert sorted(lavida_bench.__all__) == sorted(lavida_bench._MODULES)
    assert all(hasattr(lavida_bench, name) for name in lavida_bench.__all__)
    with pytest.raises(AttributeError, match="module 'lavida_bench' has no attribute 'Fit'"):
        lavida_bench.Fit  # noqa: B018
    code = "import sys, lavida_bench; print([m for m in ('numpy', 'torch', 'pydantic') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ---- a corpus as a data set ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 images in 3 shards, 8 clips of 3 frames, an eighth of all for validation."""
    folder = tmp_path_factory.mktemp("dataset") / "corpus"
    sizes = {f"sources.{n}.size": [96, 128] for n in (0, 1)}
    weights = {"sources.0.weight": 3, "sources.1.weight": 1, "sources.1.frames": 3, "sources.1.scenes": 12}
    build("street", folder, settings={"samples": 32, "val": 0.125, "shard.samples": 8, **sizes, **weights})
    return folder


def first(sample: Sample) -> tuple[str, int]:
    return sample.key, int(sample.frames.sum())


def test_a_data_set_is_the_corpus_in_order(corpus: Path) -> None:
    dataset, stored = CorpusDataset(corpus), open_corpus(corpus)
    rows = [row for row in stored.rows(["index", "split", "kind"]) if row["split"] == "train"]
    indices = [row["index"] for kind in ("clip", "image") for row in rows if row["kind"] == kind]
    assert len(dataset) == len(indices) == 28
    for number in (0, 9, 27, -1):
        sample, wanted = dataset[number], stored[int(str(indices[number]))]
        assert np.array_equal(sample.frames, wanted.frames)
        assert sample.masks is not None
        assert np.array_equal(sample.masks, wanted.masks)
        assert (sample.names, sample.question, sample.answer) == (wanted.names, wanted.question, wanted.answer)
    assert repr(dataset) == f"CorpusDataset({corpus}: train, 28 samples)"
    with pytest.raises(IndexError, match="no sample 28; expected 0 to 27"):
        dataset[28]
    assert len(CorpusDataset(corpus, "val")) == 4
    assert len(CorpusDataset([corpus, str(corpus)], kind="clip")) == 2 * len(CorpusDataset(corpus, kind="clip"))
    with pytest.raises(UserError, match="no such folder"):
        CorpusDataset(corpus.parent / "nothing")
    with pytest.raises(UserError, match="unknown kind 'video'; known: image, clip"):
        CorpusDataset(corpus, kind=cast(Any, "video"))


def test_parts_of_processes_are_disjoint_and_of_one_length(corpus: Path) -> None:
    dataset = CorpusDataset(corpus)
    parts = [dataset.part(process, 3) for process in range(3)]
    assert [len(part) for part in parts] == [9, 9, 9]
    keys = [sample.key for part in parts for sample in part]
    assert keys == [dataset[number].key for number in range(27)]
    with pytest.raises(UserError, match="process 3 of 3; expected 0 to 2"):
        dataset.part(3, 3)
    with pytest.raises(UserError, match="28 samples for 40 processes"):
        dataset.part(0, 40)


def test_workers_that_are_spawned_share_it(corpus: Path) -> None:
    dataset = CorpusDataset(corpus, kind="image").part(1, 2)
    assert len(pickle.loads(pickle.dumps(dataset))) == len(dataset)
    loader: DataLoader[Sample] = DataLoader(
        dataset, batch_size=4, num_workers=2, collate_fn=list, multiprocessing_context="spawn"
    )
    loaded = [first(sample) for batch in loader for sample in batch]
    assert loaded == [first(sample) for sample in dataset]


def test_a_processor_makes_batches(corpus: Path) -> None:
    loader: DataLoader[Sample] = DataLoader(
        CorpusDataset(corpus, kind="image"), batch_size=3, collate_fn=LavidaProcessor.from_preset("tiny"),
        shuffle=True, generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    assert len(next(iter(loader)).keys) == 3


def test_damage_is_named_or_skipped(corpus: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(corpus, tmp_path / "c")
    shard = sorted((tmp_path / "c" / "image").glob("train-*.tar"))[0]
    shard.write_bytes(shard.read_bytes()[:5000])
    with pytest.raises(DataError, match=shard.name):
        CorpusDataset(tmp_path / "c")
    left = CorpusDataset(tmp_path / "c", skip_damaged=True)
    assert len(left) == 20
    assert shard.name in left.damaged[0]


# ---- plug-ins of other packages ------------------------------------------------------------------------------------


def test_a_strangers_plug_ins_keep_the_contracts(home: Path) -> None:
    from harbour.brightness import Brightness as StrangersBaseline
    from harbour.hits import PeakHits
    from harbour.quay import Quay

    check_benchmark(Quay, home / "films")
    check_metric(PeakHits)
    check_baseline(StrangersBaseline)


@pytest.mark.parametrize("name", ["quay", DOTTED])
def test_its_own_headline_metric_and_step_are_honoured(home: Path, name: str) -> None:
    allow = ["--allow-code"] if ":" in name else []
    opened = benchmarks.make(name, home / "films", allow_code=bool(allow))
    assert (opened.name, opened.rules.every) == (name, 2)
    (home / "scores").mkdir()
    for video in opened.videos():
        np.save(home / "scores" / f"{video.key}.npy", np.arange(video.frame_count) % 11)
    words = ["score-files", "-b", name, "--root", "films", "-s", "scores", "--resamples", "20", "-o", "run", *allow]
    command(*words, "--protocol", "paper")
    (entry,) = json.loads((home / "run" / "results.json").read_text())["entries"]
    result = entry["result"]
    assert result["benchmark"] == name
    assert next(iter(result["metrics"])) == "peak_hits"
    assert entry["provenance"]["versions"]["my-harbour"] == "1.2"
    assert "brightness" in [baseline["method"] for baseline in entry["baselines"]]
    assert "every 2" in result["protocol_text"]
    assert "peak hits" in command("report", "run", "--text")
    assert (opened.default_root().name) == "quay"
    entry_again = evaluate(name, "scores", root="films", resamples=0, allow_code=bool(allow))
    assert list(entry_again.result.metrics)[:2] == ["peak_hits", "frame_auc"]


def test_lists_say_where_they_come_from(home: Path) -> None:
    assert "my-harbour 1.2" in command("benchmarks")
    assert json.loads(command("metrics", "--json"))["peak_hits"]["from"] == "my-harbour 1.2"
    assert json.loads(command("metrics", "--json"))["frame_auc"]["from"] == "built in"


def test_code_on_the_command_line_or_in_a_recipe_needs_the_flag(home: Path) -> None:
    run = {"name": "x", "model": {"preset": "tiny"}, "score": [{"benchmark": DOTTED, "root": "films"}]}
    (home / "run.yaml").write_text(json.dumps(run))
    files = ["-s", "films"]
    for words in (
        ["run", "-r", "run.yaml"],
        ["fit", "-r", "run.yaml"],
        ["check", DOTTED, "--root", "films"],
        ["score", DOTTED, "--model", "tiny"],
        ["score-files", "-b", DOTTED, *files],
        ["score-files", "-b", "quay", "--root", "films", "--metric", "harbour.hits:PeakHits", *files],
        ["score-files", "-b", "quay", "--root", "films", "--baseline", "harbour.brightness:Brightness", *files],
        ["benchmarks", DOTTED],
        ["metrics", "harbour.hits:PeakHits"],
    ):
        assert "--allow-code" in command(*words, code=2)
    assert not {"harbour.hits", "harbour.brightness"} & set(sys.modules), "only an entry point was imported"
    with pytest.raises(UserError, match=r"score\[0\]\.benchmark: benchmark .* is Python code from outside"):
        load_run_recipe(run)
    assert load_run_recipe(run, allow_code=True).score[0].slug == "harbour.quay-Quay"


def test_a_strangers_benchmark_is_scored_and_compared(home: Path) -> None:
    one = score(DOTTED, Brightness(), home / "a", root=home / "films", allow_code=True)
    assert next(iter(one.result.metrics)) == "peak_hits"
    assert one.result.metrics["peak_hits"].headline.value == 1.0
    header = json.loads((home / "a" / "scores" / "harbour.quay-Quay" / "score.json").read_text())
    assert "my-harbour 1.2" in json.dumps(header)
    score(DOTTED, Brightness(), home / "b", root=home / "films", allow_code=True)
    with pytest.raises(UserError, match="add --allow-code"):
        compare(home / "a", home / "b")
    (comparison,) = compare(home / "a", home / "b", resamples=20, allow_code=True)
    assert comparison.differences["peak_hits"]["videos"].value == 0
