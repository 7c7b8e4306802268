"""`lavida-bench score BENCHMARK --model DIR`: a model's scores of a benchmark, and what they are worth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lavida_bench.commands._options import (
    BENCHMARK,
    CODE,
    DEVICE,
    FOLDER,
    MODEL,
    PRECISION,
    ROOT,
    SET,
    SMOOTHING,
    parse_settings,
)


@click.command()
@BENCHMARK
@MODEL
@ROOT
@SET
@click.option("--out", type=FOLDER, help="The run folder [default: runs/score].")
@click.option("--protocol", default="official", show_default=True, help="official or paper.")
@click.option(
    "--names", default="benchmark", show_default=True,
    help="Names of the prompt: benchmark (its own), generic (a neutral list), names by commas, or a file, one a line.",
)  # fmt: skip
@click.option("--absent", metavar="NAMES", help="Names of absent things, by commas: does the model follow its prompt?")
@click.option("--batch", type=click.IntRange(1), default=4, show_default=True, help="Clips of one forward.")
@click.option("--readers", type=click.IntRange(1), help="Threads that decode ahead [default: one a core, 2 to 8].")
@click.option("--no-maps", is_flag=True, help="Store no pixel maps (pixel metrics then have no number).")
@SMOOTHING
@click.option("--allow-partial", is_flag=True, help="Measure although videos are missing; the result is marked.")
@click.option("--replace", is_flag=True, help="Replace scores that another model or prompt left in the folder.")
@click.option("--label", help="Folder of the scores below scores/ [default: the benchmark's name].")
@PRECISION
@DEVICE
@CODE
def command(benchmark: str, model: str, **options: Any) -> None:
    """Score a BENCHMARK with a model and write a report.

    Stopped by ctrl-C or a kill, the same command goes on: each finished video is kept. `torchrun` and `accelerate
    launch` share the videos between processes.

    \b
      lavida-bench score street --model tiny --out runs/try
      accelerate launch --num_processes 4 -m lavida_bench score ucf_crime --root /data/ucf_crime --model DIR
    """
    from pydantic import ValidationError

    from lavida_bench.config.recipe import ScoreEntry
    from lavida_bench.protocols.prompt_names import prompt_names_from_text
    from lavida_bench.scoring.score import ScoringSettings, usual_readers
    from lavida_gen.recipe_files.plugin_names import permission
    from lavida_gen.recipe_files.reading import combined_error, validation_messages

    words = {
        key: options.pop(key) for key in ("out", "device", "replace", "readers", "no_maps", "settings", "allow_code")
    }
    absent, root = options.pop("absent"), options.pop("root")
    options |= {"root": None if root is None else str(root), "options": parse_settings(words["settings"])}
    if absent:
        options["absent"] = prompt_names_from_text(absent, "--absent").names
    try:
        entry = ScoreEntry.model_validate({"benchmark": benchmark, **options}, context=permission(words["allow_code"]))
    except ValidationError as error:
        raise combined_error(f"score {benchmark}", [*validation_messages(error, "", ScoreEntry)]) from error
    effort = ScoringSettings(batch=entry.batch, readers=words["readers"] or usual_readers(), maps=not words["no_maps"])
    out: Path = words["out"] or Path("runs/score")
    _score(entry, model, out, effort, words["replace"], words["device"])


def _score(entry: Any, model: str, out: Path, effort: Any, replace: bool, device: str | None) -> None:
    from lavida_bench.commands._options import progress
    from lavida_bench.runs.preflight import refuse_unscorable_entry
    from lavida_bench.runs.score_stage import run_entry
    from lavida_bench.scoring.lavida_scorer import load_scorer, locate_model
    from lavida_gen.storage import output_folder as out_folder

    locate_model(model)
    refuse_unscorable_entry(entry)
    out_folder.make_output_folder(out)
    page = run_entry(load_scorer(model, entry.precision, device), entry, out, effort, replace, progress)
    if page is not None:
        click.echo((out / "report.md").read_text("utf-8"))
        click.echo(f"report: {page}")
