"""`lavida-bench predict SOURCE --names "bicycle, fight" --model DIR`: your own video, folder, stream or camera."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from lavida_bench.commands._options import DEVICE, FOLDER, JSON, MODEL, PRECISION


@click.command()
@click.argument("source", metavar="SOURCE")
@click.option("--names", required=True, metavar="NAMES", help="What is anomalous, by commas; or generic, or a file.")
@MODEL
@click.option("-o", "--out", type=FOLDER, help="Where to write [default: predictions/NAME].")
@click.option("--every", type=click.IntRange(1, 32), help="Look at every N-th frame [default: about 5 a second].")
@click.option("--threshold", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="Of the probability.")
@click.option("--join", type=click.FloatRange(0), default=1.0, show_default=True, help="Bridge gaps of S seconds.")
@click.option("--seconds", type=click.FloatRange(0, min_open=True), help="Stop after so much of the video.")
@click.option(
    "--longest", type=click.IntRange(64, 4096), default=960, show_default=True, help="Overlay's longest side."
)
@click.option("--no-overlay", is_flag=True, help="Write no overlay video.")
@click.option("--again", is_flag=True, help="Also the videos of a folder that are done and unchanged.")
@PRECISION
@DEVICE
@JSON
def command(source: str, names: str, model: str, **options: Any) -> None:
    """Say where in SOURCE something named happens: overlay video, timeline, scores and segments as CSV and JSON.

    SOURCE is a video file, a folder of them, an address (rtsp://, http://, ...), a camera (/dev/video0) or - for
    standard input. Streams are read frame by frame; ctrl-C ends them and writes everything.

    \b
      lavida-bench predict walk.mp4 --names "bicycle, fight" --model runs/demo/fit/model
      lavida-bench predict rtsp://camera/1 --names generic --model DIR --seconds 3600
    """
    from lavida_bench.prediction.predict import Settings
    from lavida_bench.prediction.predict_many import find_inputs, predict_all, prompt_names
    from lavida_gen.storage import output_folder as out_folder

    as_json, again, out = options.pop("as_json"), options.pop("again"), options.pop("out")
    precision, device = options.pop("precision"), options.pop("device")
    options["overlay"] = not options.pop("no_overlay")
    settings, chosen = Settings(**options), prompt_names(names)
    found = find_inputs(source, out or Path("predictions"), nested=out is None)
    from lavida_bench.commands._options import progress
    from lavida_bench.scoring.lavida_scorer import load_scorer, locate_model

    locate_model(model)
    out_folder.make_output_folder(out or Path("predictions"))

    results = predict_all(load_scorer(model, precision, device), found, chosen, settings, again, progress)
    for result in results:
        click.echo(json.dumps(result.plain(), ensure_ascii=False) if as_json else result.text())
    sys.exit(1 if any(result.error for result in results) else 0)
