"""`lavida-bench predict SOURCE --names "bicycle, fight" --model DIR`: your own video, folder, stream or camera."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lavida_bench.commands._shared import (
    CODE,
    DEVICE,
    FOLDER,
    JSON,
    MODEL,
    PRECISION,
    SCORER,
    SCORER_OPTION,
    parse_settings,
    progress,
)
from lavida_gen.common.console import echo, echo_json

if TYPE_CHECKING:
    from lavida_bench.prediction.predict_many import PredictInput
    from lavida_bench.prediction.segments import AnomalySegment
    from lavida_bench.scoring.scorer import Precision


@click.command()
@click.argument("source", metavar="SOURCE")
@click.option(
    "--names", metavar="NAMES",
    help="What is anomalous, by commas; or generic, or a file. Needed by scorers that read them.",
)  # fmt: skip
@SCORER
@MODEL
@SCORER_OPTION
@click.option("--out", "-o", type=FOLDER, help="Where to write [default: predictions/NAME].")
@click.option("--every", type=click.IntRange(1, 32), help="Score every N-th frame [default: about 5 a second].")
@click.option(
    "--threshold", type=click.FloatRange(0, 1), default=0.5, show_default=True,
    help="Probability from which a frame is anomalous.",
)  # fmt: skip
@click.option(
    "--join", type=click.FloatRange(0), default=1.0, show_default=True,
    help="Join segments that are at most S seconds apart.",
)  # fmt: skip
@click.option("--seconds", type=click.FloatRange(0, min_open=True), help="Stop after so many seconds of the video.")
@click.option(
    "--longest", type=click.IntRange(64, 4096), default=960, show_default=True,
    help="Longest side of the overlay video, in pixels.",
)  # fmt: skip
@click.option("--no-overlay", is_flag=True, help="Write no overlay video.")
@click.option("--again", is_flag=True, help="Also predict videos of a folder that are done and unchanged.")
@PRECISION
@DEVICE
@CODE
@JSON
def command(
    source: str, names: str | None, scorer: str, model: str | None, scorer_settings: tuple[str, ...], out: Path | None,
    every: int | None, threshold: float, join: float,
    seconds: float | None, longest: int, no_overlay: bool, again: bool, precision: Precision, device: str | None,
    allow_code: bool, as_json: bool,
) -> None:  # fmt: skip
    """Find the named anomalies in a video or stream.

    It writes an overlay video, a timeline, and scores and segments as CSV and JSON. SOURCE is a video file, a folder of
    them, an address (rtsp://, http://, ...), a camera (/dev/video0) or - for standard input. Streams are read frame by
    frame, and a line is printed as each segment ends; ctrl-C or SIGTERM ends them and writes everything.

    \b
      lavida-bench predict walk.mp4 --names "bicycle, fight" --model DIR
      lavida-bench predict rtsp://camera/1 --names generic --model DIR --seconds 3600
      lavida-bench predict walk.mp4 --scorer flow
    """
    from lavida_bench.prediction.predict_many import find_inputs, predict_all, prompt_names, segment_text
    from lavida_bench.prediction.prediction import PredictionSettings
    from lavida_bench.scorers import _base as scorers
    from lavida_bench.scoring.scorer import notice
    from lavida_gen.storage.output_folder import make_output_folder

    settings = PredictionSettings(every, threshold, join, seconds, not no_overlay, longest)
    kind = scorers.make(scorer, parse_settings(scorer_settings, "--scorer-set"), allow_code)
    chosen = prompt_names(names, kind.about.reads_names)
    target = out or Path("predictions")
    inputs = find_inputs(source, target, nested=out is None)
    kind.locate(model)
    make_output_folder(target)
    loaded = kind.open(model, scorers.LoadSettings(precision, device))
    if notice(loaded):
        echo(f"note: {notice(loaded)}", err=as_json)

    def ended(place: PredictInput, segment: AnomalySegment) -> None:
        if as_json:
            echo_json({"source": place.shown, "segment": asdict(segment)})
        else:
            echo(segment_text(segment))

    outcomes = predict_all(loaded, inputs, chosen, settings, again, progress, ended)
    for outcome in outcomes:
        if as_json:
            echo_json(outcome.plain())
        else:
            echo(outcome.text())
    sys.exit(1 if any(outcome.error for outcome in outcomes) else 0)
