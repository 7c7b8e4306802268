"""`lavida-bench score-files`: evaluate the scores of any method, from files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lavida_bench.commands._shared import (
    CODE,
    DEFECTS,
    EXACT,
    JSON,
    OPTION,
    PARTIAL,
    PATH,
    PROTOCOL,
    RESAMPLES,
    ROOT,
    SMOOTHING,
    parse_settings,
    progress,
)
from lavida_gen.common.console import echo, echo_json, terminal_width

if TYPE_CHECKING:
    from lavida_bench.benchmarks._base import Benchmark
    from lavida_bench.evaluation.measure import Measurement, MeasureSettings
    from lavida_bench.protocols.protocol import EvaluationProtocol


@click.command()
@click.option("--benchmark", "-b", metavar="NAME", help="See `lavida-bench benchmarks`; needed without --labels.")
@click.option("--labels", type=PATH, help="A label pack (`lavida-bench labels make`) instead of the benchmark's files.")
@click.option("--scores", "-s", required=True, type=PATH, help="Folder with one file per video, or a file for all.")
@click.option(
    "--expand", default="auto", show_default=True, metavar="HOW",
    help="Where there are fewer scores than frames: 16 (one for every 16), ends:16, segments:32, first:4, last:4, "
    "middle:4 (missing frames), clips:16, padded:16, cut:16, drop:first, drop:last, none. auto takes the one pattern "
    "that fits all files.",
)  # fmt: skip
@ROOT
@OPTION
@PROTOCOL
@click.option("--method", metavar="NAME", help="The method's name in the report [default: the folder's name].")
@click.option("--metric", "metrics", multiple=True, metavar="NAME", help="Only these [default: all that apply].")
@click.option("--baseline", "baselines", multiple=True, metavar="NAME", help="Only these [default: all]; none = none.")
@PARTIAL
@DEFECTS
@SMOOTHING
@RESAMPLES
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of intervals and random baseline."
)
@EXACT
@click.option("--out", "-o", type=PATH, help="Run folder: results.json, report.md, report.html.")
@CODE
@JSON
def command(
    benchmark: str | None, labels: Path | None, scores: Path, expand: str, root: Path | None,
    settings: tuple[str, ...], protocol: str, method: str | None, metrics: tuple[str, ...],
    baselines: tuple[str, ...], allow_partial: bool, allow_defects: bool, smoothing: float | None, resamples: int,
    seed: int, exact: bool, out: Path | None, allow_code: bool, as_json: bool,
) -> None:  # fmt: skip
    """Evaluate any method from its files of scores.

    One .npy, .npz, .csv, .tsv, .txt, .json or .mat of frame scores per video, or one for all videos; pixel maps and
    boxes if there are any:

    \b
    SCORES/Arson009_x264.npy           (F,) scores, higher = more anomalous
    SCORES/Arson009_x264.csv           or one score per line, or frame,score
    SCORES.npz (.json, .mat, .csv)     or all videos: video -> scores; video,frame,score
    SCORES.npy                         or one array over all videos, in the benchmark's order
    SCORES/Arson009_x264.maps.npy      (F, h, w) pixel scores
    SCORES/Arson009_x264.boxes.csv     frame,left,top,right,bottom,score; ends inclusive

    Names and lengths are checked first. Prints every metric with its 95 % interval, the baselines, published numbers.
    """
    from lavida_bench.evaluation.measure import MeasureSettings
    from lavida_bench.metrics._bootstrap import Bootstrap
    from lavida_bench.protocols import protocol as protocols
    from lavida_gen.storage.output_folder import make_output_folder

    opened = _open(benchmark, labels, root, parse_settings(settings), allow_code)
    chosen_baselines = _chosen_baselines(baselines)
    _refuse_unknown(metrics, chosen_baselines or (), allow_code)
    if out is not None:
        make_output_folder(out)
    how = MeasureSettings(
        metrics=metrics or None, baselines=chosen_baselines, bootstrap=Bootstrap(resamples, seed), smoothing=smoothing,
        allow_partial=allow_partial, allow_defects=allow_defects, thumbnails=out is not None, seed=seed,
        exact=exact, allow_code=allow_code,
    )  # fmt: skip
    measurement = _measure(opened, scores, expand, protocols.make(protocol, opened.rules), method, how, out)
    _print_measurement(measurement, out, as_json)


def _open(
    benchmark: str | None, labels: Path | None, root: Path | None, settings: dict[str, object], allow_code: bool
) -> Benchmark:
    """The benchmark on disk, or as a label pack has it. Raises UserError where both or none is given."""
    from lavida_bench.benchmarks._label_pack import open_benchmark, open_pack
    from lavida_gen.common.errors import UserError

    if labels is not None:
        if root is not None:
            raise UserError("--labels and --root: both are given; expected a label pack or the benchmark's folder")
        return open_pack(labels, benchmark or "", settings)
    if benchmark is None:
        raise UserError("no --benchmark; expected its name, or --labels PACK (`lavida-bench labels make`)")
    return open_benchmark(benchmark, root, settings, allow_code)


def _chosen_baselines(names: tuple[str, ...]) -> tuple[str, ...] | None:
    """The baselines to measure; None = all of them."""
    if not names:
        return None
    return () if names == ("none",) else names


def _refuse_unknown(metrics: tuple[str, ...], baselines: tuple[str, ...], allow_code: bool) -> None:
    """Raises UserError for an unknown metric or baseline, before any work."""
    from lavida_bench.baselines import _base as baseline_base
    from lavida_bench.metrics import _base as metric_base

    for name in metrics:
        metric_base.make(name, allow_code)
    for name in baselines:
        baseline_base.make(name, allow_code)


def _measure(
    benchmark: Benchmark, scores: Path, expand: str, protocol: EvaluationProtocol, method: str | None,
    how: MeasureSettings, out: Path | None,
) -> Measurement:  # fmt: skip
    from lavida_bench.benchmarks._gate import admit
    from lavida_bench.evaluation.measure import frames_to_measure, measure
    from lavida_bench.results.provenance import current_provenance
    from lavida_bench.results.score_files import ScoreFiles

    videos = benchmark.videos()
    with progress(sum(video.frame_count for video in videos), f"check {benchmark.name}") as advance:
        admit(benchmark, how.allow_partial, how.allow_defects, advance)
    files = ScoreFiles.find(scores, videos, expand)
    files.check(videos, how.allow_partial)
    facts = {"scores": str(scores), **({} if expand == "auto" else {"expand": expand})}
    kept = None if out is None else os.path.relpath(scores.resolve(), out.resolve())
    with progress(frames_to_measure(benchmark, how), f"score {benchmark.name}") as advance:
        return measure(
            benchmark, protocol, files.pairs(videos), method or scores.resolve().name,
            current_provenance(facts), scores=kept, warnings=files.notes(videos), how=how, advance=advance,
        )  # fmt: skip


def _print_measurement(measurement: Measurement, out: Path | None, as_json: bool) -> None:
    from lavida_bench.reporting import run_folder
    from lavida_bench.reporting.console import entry_lines
    from lavida_bench.results.results_json import RunResults

    page = run_folder.add(out, measurement) if out is not None else None
    if as_json:
        echo_json(RunResults((measurement.entry,)).to_json())
        return
    for line in entry_lines(measurement.entry, terminal_width()):
        echo(line)
    if page is not None:
        echo(f"\nreport: {page}")
