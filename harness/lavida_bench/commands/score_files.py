"""`lavida-bench score-files`: the numbers of any method whose scores lie in files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lavida_bench.commands._options import CODE, JSON, ROOT, SET, SMOOTHING, parse_settings, progress

if TYPE_CHECKING:
    from lavida_bench.benchmarks._base import Benchmark
    from lavida_bench.evaluation.measure import Measurement, MeasureSettings
    from lavida_bench.protocols.protocol import EvaluationProtocol


@click.command()
@click.option("--benchmark", "-b", required=True, metavar="NAME", help="See `lavida-bench benchmarks`.")
@click.option("--scores", "-s", required=True, type=click.Path(path_type=Path), help="Folder with a file a video.")
@ROOT
@SET
@click.option("--protocol", default="official", show_default=True, help="official or paper.")
@click.option("--method", metavar="NAME", help="How the method is called [default: the folder's name].")
@click.option("--metric", "metrics", multiple=True, metavar="NAME", help="Only these [default: all that apply].")
@click.option("--baseline", "baselines", multiple=True, metavar="NAME", help="Only these [default: all]; none = none.")
@click.option("--allow-partial", "partial", is_flag=True, help="Allow missing videos; the result is marked so.")
@SMOOTHING
@click.option("--resamples", type=click.IntRange(min=0), default=1000, show_default=True, help="For intervals.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the intervals and the random baseline."
)
@click.option("--out", "-o", type=click.Path(path_type=Path), help="Run folder: results.json, report.md, report.html.")
@CODE
@JSON
def command(
    benchmark: str, scores: Path, root: Path | None, settings: tuple[str, ...], protocol: str, method: str | None,
    metrics: tuple[str, ...], baselines: tuple[str, ...], partial: bool, smoothing: float | None, resamples: int,
    seed: int, out: Path | None, allow_code: bool, as_json: bool,
) -> None:  # fmt: skip
    """Score any method: a .npy, .npz, .csv or .json of frame scores for each video, maps and boxes if there are any.

    \b
    SCORES/Arson009_x264.npy           (F,) scores, higher = more anomalous
    SCORES/Arson009_x264.csv           or a score a line, or frame,score
    SCORES/Arson009_x264.maps.npy      (F, h, w) pixel scores
    SCORES/Arson009_x264.boxes.csv     frame,left,top,right,bottom,score

    Names and lengths are checked first. Prints every metric with its 95 % interval, the baselines, what papers report.
    """
    from lavida_bench.baselines import _base as baseline
    from lavida_bench.benchmarks import _base as room
    from lavida_bench.evaluation.measure import MeasureSettings
    from lavida_bench.metrics import _base as metric
    from lavida_bench.metrics._bootstrap import Bootstrap
    from lavida_bench.protocols import protocol as protocols
    from lavida_gen.storage import output_folder as out_folder

    opened = room.make(benchmark, root, parse_settings(settings), allow_code)
    chosen = None if not baselines else () if baselines == ("none",) else baselines
    for make, names in ((metric.make, metrics), (baseline.make, chosen or ())):
        for name in names:
            make(name, allow_code)  # an unknown one is told before any work
    if out is not None:
        out_folder.make_output_folder(out)
    how = MeasureSettings(
        metrics or None, chosen, Bootstrap(resamples, seed), smoothing, partial, out is not None, seed, allow_code
    )
    measured = _measure(opened, scores, protocols.make(protocol, opened.rules), method, how, out)
    _tell(measured, out, as_json)


def _measure(
    benchmark: Benchmark,
    scores: Path,
    protocol: EvaluationProtocol,
    method: str | None,
    how: MeasureSettings,
    out: Path | None,
) -> Measurement:
    from lavida_bench.evaluation.measure import frames_to_measure, measure
    from lavida_bench.results.provenance import current_provenance
    from lavida_bench.results.score_files import ScoreFiles
    from lavida_bench.runs.preflight import refuse_partial

    videos = benchmark.videos()
    if not how.allow_partial:
        refuse_partial(benchmark, protocol)
    files = ScoreFiles.find(scores, videos)
    files.check(videos, how.allow_partial)
    kept = None if out is None else os.path.relpath(scores.resolve(), out.resolve())
    with progress(frames_to_measure(benchmark, how), f"score {benchmark.name}") as advance:
        return measure(
            benchmark, protocol, files.pairs(videos), method or scores.resolve().name,
            current_provenance({"scores": str(scores)}), scores=kept, warnings=files.notes(), how=how, advance=advance,
        )  # fmt: skip


def _tell(measured: Measurement, out: Path | None, as_json: bool) -> None:
    from lavida_bench.reporting import run_folder as report
    from lavida_bench.reporting.console import entry_lines
    from lavida_bench.results.results_json import RunResults

    page = report.add(out, measured) if out is not None else None
    if as_json:
        click.echo(json.dumps(RunResults((measured.entry,)).to_json(), ensure_ascii=False))
        return
    for line in entry_lines(measured.entry):
        click.echo(line)
    if page is not None:
        click.echo(f"\nreport: {page}")
