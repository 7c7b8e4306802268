"""What the harness reads: labels and masks of every benchmark, score files, models, checkpoints, videos, runs, recipes.

Valid input comes from the miniatures of the tests.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import drawing
import numpy as np
from benchmark_miniatures import folder as own_videos
from fuzz_areas import STREET, verb
from fuzz_case import Area
from numpy.typing import NDArray

from lavida_bench import ClipScores, CorpusDataset, predict, score
from lavida_bench.benchmarks import _base as benchmarks
from lavida_bench.cli import main
from lavida_bench.commands._shared import progress
from lavida_bench.config import recipe as run_recipes
from lavida_bench.prediction.predict_many import find_inputs, predict_all
from lavida_bench.prediction.prediction import PredictionSettings
from lavida_bench.protocols.prompt_names import parse_prompt_names
from lavida_bench.results import published
from lavida_bench.runs import ablation
from lavida_bench.scoring.scorer import PendingScores
from lavida_gen.building import build as builder
from lavida_gen.common.errors import DataError, LavidaGenError
from lavida_gen.config import recipe as corpus_recipes


class Brightness:
    """A scorer without a model: the mean brightness of each frame."""

    name = "brightness"
    identity = {"version": 1}  # noqa: RUF012  # as the protocol has it

    def prepare(self, clips: Sequence[NDArray[np.uint8]], names: tuple[str, ...]) -> NDArray[np.uint8]:
        """The clips as one array."""
        return np.concatenate(clips)

    def score(self, prepared: NDArray[np.uint8]) -> PendingScores:
        """The brightness."""
        return lambda: ClipScores(prepared.mean(axis=(1, 2, 3)).astype(np.float32))


@contextlib.contextmanager
def _as_in_a_case(folder: Path) -> Iterator[None]:
    """Work as a case does, with `../in` from the folder `out`, so that stored relative places hold there; then move it all."""
    here = os.getcwd()
    with tempfile.TemporaryDirectory() as name:
        for part in ("in", "out"):
            (Path(name) / part).mkdir()
        os.chdir(Path(name) / "out")
        try:
            yield
        finally:
            os.chdir(here)
        shutil.copytree(Path(name) / "in", folder, symlinks=True, dirs_exist_ok=True)


# ---- benchmarks ---------------------------------------------------------------------------------------------------------


class BenchmarkReader:
    """Checks a benchmark's files, every frame and mask decoded; every other case without."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.miniature = importlib.import_module(f"benchmark_miniatures.{name}")

    def prepare(self, folder: Path) -> None:
        """Draw the miniature."""
        self.miniature.draw(folder / "data", drawing)

    def __call__(self, given: Path, out: Path, seed: int) -> str:
        """See the class."""
        settings = [
            word
            for key, value in getattr(self.miniature, "SETTINGS", {}).items()
            for word in ("--option", f"{key}={value}")
        ]
        if seed == 0:  # a miniature has not the official counts
            return f"{len(benchmarks.make(self.name, given / 'data', getattr(self.miniature, 'SETTINGS', {})).videos())} videos"
        return verb(main, "check", self.name, "--root", given / "data", *settings, *(["--quick"] if seed % 2 else []))


def _benchmarks() -> Iterator[Area]:
    for name in benchmarks.known():
        if name != "street":  # draws itself
            reader = BenchmarkReader(name)
            yield Area(f"benchmark {name}", reader.prepare, reader)


# ---- scores and runs ------------------------------------------------------------------------------------------------------


def _write_scores(folder: Path) -> None:
    own_videos.draw(folder / "videos", drawing)
    scores = folder / "scores"
    scores.mkdir()
    for number, video in enumerate(benchmarks.make("folder", folder / "videos").videos()):
        frames = np.random.default_rng(number).random(video.frame_count)
        if number == 0:
            np.save(scores / f"{video.key}.npy", frames)
            np.save(scores / f"{video.key}.maps.npy", np.repeat(frames, 4).reshape(-1, 2, 2).astype(np.float16))
        elif number == 1:
            (scores / f"{video.key}.csv").write_text("".join(f"{n},{value:.3f}\n" for n, value in enumerate(frames)))
            (scores / f"{video.key}.boxes.csv").write_text(
                "frame,left,top,right,bottom,score\n1,2,3,20,30,0.5\n4,1,1,9,9,0.25\n"
            )
        else:
            plain = {"frames": frames.tolist(), "boxes": [[1, 2, 9, 9]], "box_frames": [2], "box_scores": [0.5]}
            (scores / f"{video.key}.json").write_text(json.dumps(plain))
    np.savez(
        scores / "spare.npz", frames=np.zeros(12), scored=np.ones(12, bool), pixels=np.zeros((12, 2, 2), np.float16)
    )


def _write_npz(folder: Path) -> None:
    own_videos.draw(folder / "videos", drawing)
    (folder / "scores").mkdir()
    for video in benchmarks.make("folder", folder / "videos").videos():
        count = video.frame_count
        np.savez(
            folder / "scores" / f"{video.key}.npz",
            frames=np.arange(count),
            scored=np.ones(count, bool),
            pixels=np.zeros((count, 2, 2), np.float16),
        )


def _read_scores(given: Path, out: Path, seed: int) -> str:
    words = [
        "score-files",
        "-b",
        "folder",
        "--root",
        given / "videos",
        "-s",
        given / "scores",
        "--resamples",
        10,
        "--baseline",
        "random",
    ]
    return verb(main, *words, *(["--allow-partial"] if seed % 2 else []), "--out", out / "run")


def _write_runs(folder: Path) -> None:
    with _as_in_a_case(folder):
        _write_scores(Path("../in"))
        words = [
            "score-files",
            "-b",
            "folder",
            "--root",
            "../in/videos",
            "-s",
            "../in/scores",
            "--resamples",
            10,
            "--baseline",
            "random",
        ]
        verb(main, *words, "--out", "../in/a")
        shutil.copytree("../in/a", "../in/b")


def _read_run(given: Path, out: Path, seed: int) -> str:
    if seed % 2:
        return verb(main, "report", Path("../in/a"), "--text")
    return verb(main, "compare", Path("../in/a"), Path("../in/b"), "--resamples", 10, "--out", out / "c")


def _write_stored(folder: Path) -> None:
    with _as_in_a_case(folder):
        own_videos.draw(Path("../in/videos"), drawing)
        score("folder", Brightness(), "../in/a", root="../in/videos")


def _read_stored(given: Path, out: Path, seed: int) -> str:
    return verb(main, "compare", Path("../in/a"), Path("../in/a"), "--resamples", 10, "--out", out / "c")


# ---- models, fits, videos -------------------------------------------------------------------------------------------------


def _write_model(folder: Path) -> None:
    from lavida.modeling import Lavida
    from lavida.processing import LavidaProcessor

    Lavida.from_preset("tiny").save_pretrained(folder / "model")
    LavidaProcessor.from_preset("tiny").save_pretrained(folder / "model")


def _read_model(given: Path, out: Path, seed: int) -> str:
    from lavida_bench.scoring.lavida_scorer import load_scorer

    scorer = load_scorer(str(given / "model"))
    clip = np.zeros((1, 64, 96, 3), np.uint8)
    return f"{scorer.score(scorer.prepare([clip], ('dog', 'cat')))().frames.shape} scores"


def _fit_recipe() -> Any:
    fit = {"steps": 1, "batch": 1, "accumulation": 1, "lr": 1e-3, "warmup": 0, "precision": "no", "log_every": 1, "loader": {"workers": 0},
           "validation": None, "checkpoint": {"every": 1}}  # fmt: skip
    return run_recipes.parse(
        {"name": "x", "seed": 3, "model": {"preset": "tiny"}, "data": [{"corpus": "../in/corpus"}], "fit": fit}
    )


def _fit() -> str:
    import torch

    from lavida_bench.fitting.trainer import fit

    torch.set_num_threads(1)
    return str(fit(_fit_recipe(), Path("../in/fit"), lambda text: None))


def _write_fit(folder: Path) -> None:
    with _as_in_a_case(folder):
        builder.build(corpus_recipes.parse(STREET), Path("../in/corpus"))
        _fit()
        shutil.rmtree("../in/fit/model")  # as if it had been stopped before the end
        Path("../in/fit/fit.json").unlink()


def _continue_fit(given: Path, out: Path, seed: int) -> str:
    return _fit()


def _write_videos(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    drawing.video(folder / "a.mp4", 12, bframes=2)
    drawing.video(folder / "b.avi", 8)
    drawing.video(folder / "c.mkv", 8, title=b"caf\xe9 title")


def _read_videos(given: Path, out: Path, seed: int) -> str:
    problems, done = [], []
    for path in sorted(
        path for path in given.iterdir() if path.is_file()
    ):  # a user may name a FIFO, which is waited for
        try:
            found = predict(path, ["dog"], Brightness(), out / "p", every=2, overlay=seed % 4 == 0)
            done.append(f"{found.frames} frames")
        except LavidaGenError as error:
            problems.append(error)
    if problems:
        raise problems[0]
    return ", ".join(done)


def _write_predictions(folder: Path) -> None:
    with _as_in_a_case(folder):
        _write_videos(Path("../in/videos"))
        _predict_again(Path("../in"), Path(), 0)


def _predict_again(given: Path, out: Path, seed: int) -> str:
    """Predict what is not done yet, by the results of before; the seed is not a setting, which would make them another's."""
    sources = find_inputs("../in/videos", Path("../in/made"), nested=True)
    outcomes = predict_all(Brightness(), sources, ("dog",), PredictionSettings(every=2, overlay=False), False, progress)
    if problem := next((outcome.text() for outcome in outcomes if outcome.error), ""):
        raise DataError(problem)
    return f"{sum(outcome.kept for outcome in outcomes)} of {len(outcomes)} done before"


def _write_corpus(folder: Path) -> None:
    builder.build(corpus_recipes.parse(STREET), folder / "corpus")


def _read_data_set(given: Path, out: Path, seed: int) -> str:
    data = CorpusDataset(given / "corpus", skip_damaged=bool(seed % 2))
    return f"{sum(len(data[number].names) for number in range(min(len(data), 20)))} names"


# ---- recipes and tables ---------------------------------------------------------------------------------------------------


def _write_recipes(folder: Path) -> None:
    (folder / "run.yaml").write_text(json.dumps(run_recipes.load("demo").model_dump(mode="json")))
    plain = {
        "name": "small", "corpus": STREET, "run": {"name": "r", "model": {"preset": "tiny"}, "fit": {"steps": 1, "batch": 2}, "score": [{"benchmark": "street"}]},
        "arms": [{"name": "plain", "exposures": ["relabel", "absent"]}, {"name": "pasted", "exposures": ["paste"]}],
    }  # fmt: skip
    (folder / "ablation.yaml").write_text(json.dumps(plain))


def _read_recipes(given: Path, out: Path, seed: int) -> str:
    if seed % 2:
        return verb(main, "recipes", given / "run.yaml")
    made = ablation.load(str(given / "ablation.yaml"))
    run = run_recipes.load(str(given / "run.yaml"))
    return f"{len(ablation.resolve_arms(made, out))} arms, {len(run.score)} benchmarks"


def _write_prompt_names(folder: Path) -> None:
    (folder / "names.txt").write_text("# what may happen\nfight\n a person on a bench \nfire\n")


def _read_prompt_names(given: Path, out: Path, seed: int) -> str:
    found = [parse_prompt_names(str(path)).names for path in given.iterdir() if path.is_file()]
    return f"{len(found)} lists"


def _write_published(folder: Path) -> None:
    shutil.copyfile(published.FILE, folder / "published.yaml")


def _read_published(given: Path, out: Path, seed: int) -> str:
    ours = published.FILE
    published.FILE = given / "published.yaml"
    published.published_numbers.cache_clear()
    try:
        return f"{len([*published.published_for('ucf_crime')])} methods"
    finally:
        published.FILE = ours
        published.published_numbers.cache_clear()


def harness_areas() -> list[Area]:
    """All areas of the harness."""
    return [
        *_benchmarks(),
        Area("score files", _write_scores, _read_scores),
        Area("score files, npz", _write_npz, _read_scores),
        Area("runs", _write_runs, _read_run, own_input=True),
        Area("stored scores", _write_stored, _read_stored),
        Area("models", _write_model, _read_model),
        Area("checkpoints of fits", _write_fit, _continue_fit, own_input=True),
        Area("videos", _write_videos, _read_videos),
        Area("predictions", _write_predictions, _predict_again, own_input=True),
        Area("corpora as data sets", _write_corpus, _read_data_set),
        Area("recipes of runs", _write_recipes, _read_recipes),
        Area("names of prompts", _write_prompt_names, _read_prompt_names),
        Area("published numbers", _write_published, _read_published),
    ]
