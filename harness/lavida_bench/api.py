"""Fit, score, evaluate, compare and predict from Python: the commands' work with plain arguments.

Each function raises UserError (an argument) or DataError (files, scores) of `lavida_gen`, or LavidaError (the model).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from lavida_bench.benchmarks import _label_pack as benchmark_files
from lavida_bench.benchmarks._base import Benchmark
from lavida_bench.common.progress import no_bar
from lavida_bench.config import recipe as recipes
from lavida_bench.config.recipe import RunRecipe, ScoreEntry
from lavida_bench.protocols import protocol as protocols
from lavida_bench.results import results_json
from lavida_bench.results.results_json import ResultEntry
from lavida_bench.scoring.scorer import Precision, Scorer
from lavida_bench.videos.types import TestVideo, VideoScore
from lavida_gen.common.errors import DataError, UserError, did_you_mean
from lavida_gen.config.load_recipe import Settings, setting_lines
from lavida_gen.recipe_files.plugin_names import permission
from lavida_gen.recipe_files.reading import apply_setting

if TYPE_CHECKING:
    from lavida_bench.evaluation.compare import Comparison
    from lavida_bench.prediction.prediction import Prediction

PathLikeStr = str | PathLike[str]
RunRecipeLike = RunRecipe | Mapping[str, object] | PathLikeStr
"""A recipe of a run; its keys and values; the name of a built-in one; or a YAML file."""
Scores = PathLikeStr | Mapping[str, ArrayLike | VideoScore]
"""A folder with a file for each video, or video key -> (F,) scores."""


def open_benchmark(
    name: str,
    root: PathLikeStr | None = None,
    *,
    options: Mapping[str, object] | None = None,
    allow_code: bool = False,
) -> Benchmark:
    """Open a benchmark; its `videos()` have frames, labels and, in some, masks.

    Args:
        name: Its name, or ``package.module:Class`` if code is allowed.
        root: Its folder; None = NAME below ``$LAVIDA_BENCH_DATA``, or below data/.
        options: Its other options, as `lavida-bench benchmarks NAME` lists them.
        allow_code: Whether ``package.module:Class`` may be imported.

    Returns:
        The benchmark. No file is read yet.

    Raises:
        UserError: The name or an option is unknown.
    """
    return benchmark_files.open_benchmark(name, None if root is None else Path(root), options, allow_code)


def load_run_recipe(recipe: RunRecipeLike, settings: Settings = (), allow_code: bool = False) -> RunRecipe:
    """Read and check a recipe of a run.

    Args:
        recipe: Name of a built-in recipe, path of a YAML file, keys and values, or a recipe that was read before.
        settings: Changes on top, e.g. ``{"fit.steps": 200}``.
        allow_code: Whether benchmarks may be ``package.module:Class``.

    Returns:
        The recipe.
    """
    from lavida_bench.runs.option_hint import option_hint

    lines = setting_lines(settings)
    if isinstance(recipe, RunRecipe):
        assert not lines, "settings change a recipe that is still to be read"
        return recipe
    if not isinstance(recipe, Mapping):
        return recipes.load(str(recipe), lines, option_hint, allow_code)
    raw = dict(recipe)
    problems = [problem for line in lines for problem in apply_setting(raw, line)]
    return recipes.parse(raw, "recipe", problems, option_hint, allow_code)


def fit(
    recipe: RunRecipeLike,
    out: PathLikeStr,
    *,
    settings: Settings = (),
    log: Callable[[str], None] = print,
    allow_code: bool = False,
) -> Path:
    """Fit the model of a recipe on its corpora, or continue a fit that was stopped.

    Args:
        recipe: Recipe of a run with a `fit`: name, path, or keys and values.
        out: Folder of the fit.
        settings: Changes on top, e.g. ``{"fit.steps": 200, "data.0.corpus": "corpora/street"}``.
        log: Takes each line of the console output.
        allow_code: Whether benchmarks of the recipe may be ``package.module:Class``.

    Returns:
        Folder of the fitted model: ``Lavida.from_pretrained`` opens it, `score` and `predict` take it.
    """
    from lavida_bench.fitting import trainer

    loaded = load_run_recipe(recipe, settings, allow_code)
    if loaded.fit is None:
        raise UserError(f"recipe {loaded.name!r} has no `fit`; expected how to fit its model")
    return trainer.fit(loaded, Path(out), log)


def score(
    benchmark: str,
    model: PathLikeStr | Scorer | None,
    out: PathLikeStr,
    *,
    root: PathLikeStr | None = None,
    options: Mapping[str, object] | None = None,
    protocol: str = "official",
    names: str = "benchmark",
    batch: int = 4,
    smoothing: float | None = None,
    allow_partial: bool = False,
    allow_defects: bool = False,
    exact: bool = False,
    replace: bool = False,
    precision: Precision = "auto",
    device: str | None = None,
    scorer: str = "lavida",
    scorer_options: Mapping[str, object] | None = None,
    allow_code: bool = False,
) -> ResultEntry:
    """Score a benchmark with a model and write a report. Finished videos are kept: call it again to continue.

    Args:
        benchmark: Name of the benchmark, or ``package.module:Class``.
        model: Folder of a saved model, OWNER/NAME on the Hub, a preset (``tiny``), or a `Scorer` of your own; None =
            the default of `scorer`.
        out: Run folder: scores, results.json, report.md, report.html.
        root: The benchmark's folder.
        options: Its other options.
        protocol: ``official`` or ``paper``.
        names: Names of the prompt: ``benchmark``, ``generic``, names by commas, or a file with one per line.
        batch: Clips of one forward.
        smoothing: Sigma in frames: also measure smoothed scores.
        allow_partial: Measure although videos are missing; the result is marked.
        allow_defects: Measure although `lavida-bench check` fails; the result is marked.
        exact: Sort the pixels of float32 and float64 maps on disk, instead of counting them with a bound of the error.
        replace: Replace scores that another model or prompt left in the folder.
        precision: ``auto`` = bf16 on a GPU, else fp32.
        device: ``cpu``, ``cuda:1``, ...; None = the GPU of this process, if any.
        scorer: Kind of the model, as `lavida-bench scorers` lists them.
        scorer_options: Options of that kind.
        allow_code: Whether `benchmark` and `scorer` may be ``package.module:Class``.

    Returns:
        The entry of results.json: ``.result.metrics["frame_auc"].headline.value`` is a number.
    """
    from lavida_bench.runs.preflight import refuse_unscorable_entry
    from lavida_bench.runs.score_stage import run_entry
    from lavida_bench.scorers._open_entry import open_scorer
    from lavida_bench.scoring.score import ScoringSettings

    loaded = None if model is None or isinstance(model, str | PathLike) else model
    plain = {
        "benchmark": benchmark, "root": None if root is None else str(root), "options": dict(options or {}),
        "protocol": protocol, "names": names, "batch": batch, "smoothing": smoothing, "allow_partial": allow_partial,
        "allow_defects": allow_defects, "exact": exact, "precision": precision,
        "scorer": scorer, "scorer_options": dict(scorer_options or {}),
        "model": None if model is None or loaded is not None else str(model),
    }  # fmt: skip
    entry = ScoreEntry.model_validate(plain, context=permission(allow_code))
    refuse_unscorable_entry(entry)
    run_entry(
        loaded or open_scorer(entry, device=device), entry, Path(out), ScoringSettings(batch=batch), replace, no_bar
    )
    return next(one for one in reversed(results_json.read(Path(out)).entries) if one.result.benchmark == benchmark)


def evaluate(
    benchmark: str | Benchmark,
    scores: Scores,
    *,
    root: PathLikeStr | None = None,
    options: Mapping[str, object] | None = None,
    protocol: str = "official",
    method: str = "ours",
    expand: str = "auto",
    metrics: Sequence[str] | None = None,
    baselines: Sequence[str] | None = (),
    smoothing: float | None = None,
    allow_partial: bool = False,
    allow_defects: bool = False,
    resamples: int = 1000,
    seed: int = 0,
    exact: bool = False,
    out: PathLikeStr | None = None,
    allow_code: bool = False,
) -> ResultEntry:
    """Evaluate any method's scores on a benchmark.

    Args:
        benchmark: Name of the benchmark, ``package.module:Class``, or a benchmark that is open.
        scores: A folder as `lavida-bench score-files` reads it, or video key -> (F,) scores of its frames, higher =
            more anomalous, or a `VideoScore` with pixel maps and regions.
        root: The benchmark's folder.
        options: Its other options.
        protocol: ``official`` or ``paper``.
        method: Name of the method in the result.
        expand: How a folder's scores become one a frame, as `--expand` of `lavida-bench score-files`.
        metrics: Names of metrics; None = the benchmark's own, then all others that can be computed.
        baselines: Names of baselines that are measured too; None = all.
        smoothing: Sigma in frames: also measure smoothed scores.
        allow_partial: Measure although videos or scores are missing; the result is marked.
        allow_defects: Measure although `lavida-bench check` fails; the result is marked.
        resamples: Resamples of the bootstrap over videos, for 95 % intervals.
        seed: Seed of the resamples and of the random baseline.
        exact: Whether pixels of float32 and float64 maps are sorted on disk, instead of counted with a bound of the
            error.
        out: Run folder for results.json and report.html; None = nothing is written.
        allow_code: Whether benchmark, metrics and baselines may be ``package.module:Class``.

    Returns:
        The result with intervals (``.result``) and those of the baselines (``.baselines``).
    """
    from lavida_bench.evaluation.measure import MeasureSettings, measure
    from lavida_bench.metrics._bootstrap import Bootstrap
    from lavida_bench.reporting import run_folder
    from lavida_bench.results.provenance import current_provenance

    if isinstance(benchmark, str):
        benchmark = benchmark_files.open_benchmark(benchmark, None if root is None else Path(root), options, allow_code)
    settings = MeasureSettings(
        metrics=None if metrics is None else tuple(metrics),
        baselines=None if baselines is None else tuple(baselines),
        bootstrap=Bootstrap(resamples, seed), smoothing=smoothing, allow_partial=allow_partial,
        allow_defects=allow_defects, thumbnails=out is not None, seed=seed, exact=exact,
        allow_code=allow_code,
    )  # fmt: skip
    pairs = _score_pairs(scores, benchmark.videos(), allow_partial, expand)
    rules = protocols.make(protocol, benchmark.rules)
    measurement = measure(benchmark, rules, pairs, method, current_provenance(), how=settings)
    if out is not None:
        run_folder.add(Path(out), measurement)
    return measurement.entry


def _score_pairs(
    scores: Scores, videos: Sequence[TestVideo], allow_partial: bool, expand: str
) -> Iterator[tuple[TestVideo, VideoScore | None]]:
    """Videos with their scores. Raises UserError for scores of no video, DataError for missing files."""
    from lavida_bench.results.score_files import ScoreFiles

    if not isinstance(scores, Mapping):
        files = ScoreFiles.find(Path(scores), videos, expand)
        files.check(videos, allow_partial)
        return files.pairs(videos)
    keys = tuple(video.key for video in videos)
    for key in scores:
        if key not in keys:
            raise UserError(
                f"scores: no test video {key!r}; {did_you_mean(key, keys) or 'keys: ' + ', '.join(keys[:5])}"
            )
    return ((video, _video_score(video, scores.get(video.key))) for video in videos)


def _video_score(video: TestVideo, scores: ArrayLike | VideoScore | None) -> VideoScore | None:
    if scores is None or isinstance(scores, VideoScore):
        return scores
    frames = np.asarray(scores, np.float64)
    if frames.shape != (video.frame_count,):
        raise DataError(f"{video.key}: scores of shape {frames.shape}; expected ({video.frame_count},), one per frame")
    return VideoScore(video.key, frames)


def compare(
    first: PathLikeStr,
    second: PathLikeStr,
    *,
    root: PathLikeStr | None = None,
    metrics: Sequence[str] | None = None,
    resamples: int = 1000,
    seed: int = 0,
    allow_code: bool = False,
) -> list[Comparison]:
    """Compare two run folders over the same videos, by paired bootstrap.

    Args:
        first: A run folder that `score`, `evaluate` or `lavida-bench run` wrote; RUN@METHOD for one method of several.
        second: Another one.
        root: The benchmark's folder; None = where the first run found it.
        metrics: Names of metrics; None = all that both have.
        resamples: Resamples of the bootstrap.
        seed: Its seed.
        allow_code: Whether benchmark and metrics may be ``package.module:Class``.

    Returns:
        For each benchmark and protocol that both have: ``.differences[metric][variant]``, first - second.
    """
    from lavida_bench.evaluation import compare as comparing
    from lavida_bench.metrics._bootstrap import Bootstrap

    one, other = comparing.open_run(str(first)), comparing.open_run(str(second))
    return [
        comparing.compare(
            (one, a), (other, b), root=None if root is None else Path(root), names=metrics,
            bootstrap=Bootstrap(resamples, seed), allow_code=allow_code,
        )
        for a, b in comparing.shared_entries(one, other)
    ]  # fmt: skip


def predict(
    video: PathLikeStr,
    names: Sequence[str],
    model: PathLikeStr | Scorer | None,
    out: PathLikeStr,
    *,
    every: int | None = None,
    threshold: float = 0.5,
    overlay: bool = True,
    precision: Precision = "auto",
    device: str | None = None,
    scorer: str = "lavida",
    scorer_options: Mapping[str, object] | None = None,
    allow_code: bool = False,
) -> Prediction:
    """Find where in a video the named anomalies happen.

    Args:
        video: A video file, or the address of a stream.
        names: What is anomalous, e.g. ``["bicycle", "fight"]``.
        model: Folder of a saved model, OWNER/NAME on the Hub, a preset (``tiny``), or a `Scorer` of your own; None =
            the default of `scorer`.
        out: Folder for scores.csv, segments.csv, timeline.png, overlay.mp4 and result.json.
        every: Score every N-th frame; None = about 5 frames per second.
        threshold: Probability from which a frame is anomalous.
        overlay: Whether the overlay video is written.
        precision: ``auto`` = bf16 on a GPU, else fp32.
        device: ``cpu``, ``cuda:1``, ...; None = the GPU of this process, if any.
        scorer: Kind of the model, as `lavida-bench scorers` lists them.
        scorer_options: Options of that kind.
        allow_code: Whether `scorer` may be ``package.module:Class``.

    Returns:
        The prediction, with its segments.
    """
    from lavida_bench.prediction.predict import predict as predict_stream
    from lavida_bench.prediction.prediction import PredictionSettings
    from lavida_bench.scorers import _base as scorers
    from lavida_bench.videos.stream import Stream

    if isinstance(names, str):
        raise UserError(f"names: got the text {names!r}; expected a list, e.g. ['bicycle', 'fight']")
    settings = PredictionSettings(every=every, threshold=threshold, overlay=overlay)
    loaded: Scorer
    if model is None or isinstance(model, str | PathLike):
        kind = scorers.make(scorer, scorer_options, allow_code)
        loaded = kind.open(None if model is None else str(model), scorers.LoadSettings(precision, device))
    else:
        loaded = model
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    return predict_stream(loaded, Stream(str(video)), tuple(names), folder, settings)
