"""`lavida-bench score BENCHMARK --model DIR`: score a benchmark with a model, and evaluate the scores."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lavida_bench.commands._shared import (
    BENCHMARK,
    CODE,
    COMPILE,
    DEFECTS,
    DEVICE,
    EXACT,
    FOLDER,
    MODEL,
    OPTION,
    PARTIAL,
    PRECISION,
    PROTOCOL,
    ROOT,
    SCORER,
    SCORER_OPTION,
    SMOOTHING,
    parse_settings,
    progress,
)
from lavida_gen.common.console import echo, terminal_width

if TYPE_CHECKING:
    from lavida_bench.config.recipe import ScoreEntry
    from lavida_bench.scoring.score import ScoringSettings


@click.command()
@BENCHMARK
@SCORER
@MODEL
@SCORER_OPTION
@ROOT
@OPTION
@click.option("--out", "-o", type=FOLDER, help="The run folder [default: runs/score].")
@PROTOCOL
@click.option(
    "--names", default="benchmark", show_default=True,
    help="Names of the prompt: benchmark (its own), generic (a neutral list), names by commas, or a file, one a line.",
)  # fmt: skip
@click.option("--absent", metavar="NAMES", help="Names of absent things, by commas: does the model follow its prompt?")
@click.option("--batch", type=click.IntRange(1), default=4, show_default=True, help="Clips per forward pass.")
@click.option("--readers", type=click.IntRange(1), help="Threads that decode ahead [default: one per core, 2 to 8].")
@click.option("--no-maps", is_flag=True, help="Store no pixel maps (pixel metrics then have no number).")
@SMOOTHING
@PARTIAL
@DEFECTS
@EXACT
@click.option("--replace", is_flag=True, help="Replace scores that another model or prompt left in the folder.")
@click.option("--label", help="Folder of the scores below scores/ [default: the benchmark's name].")
@PRECISION
@COMPILE
@DEVICE
@CODE
def command(
    benchmark: str, scorer: str, model: str | None, scorer_settings: tuple[str, ...], root: Path | None,
    settings: tuple[str, ...], out: Path | None, protocol: str,
    names: str, absent: str | None, batch: int, readers: int | None, no_maps: bool, smoothing: float | None,
    allow_partial: bool, allow_defects: bool, exact: bool, replace: bool, label: str | None, precision: str,
    compile: bool,
    device: str | None, allow_code: bool,
) -> None:  # fmt: skip
    """Score a BENCHMARK with a model and write a report.

    Finished videos are kept: after ctrl-C or a kill the same command continues. `torchrun` and `accelerate launch`
    share the videos between processes.

    \b
      lavida-bench score street --model tiny --out runs/try
      lavida-bench score ucsd_ped2 --scorer sam3 --model facebook/sam3
      accelerate launch --num_processes 4 -m lavida_bench score ucf_crime --root /data/ucf_crime --model DIR
    """
    from lavida_bench.protocols.prompt_names import prompt_names_from_text
    from lavida_bench.scoring.score import ScoringSettings, usual_readers

    entry: dict[str, object] = {
        "benchmark": benchmark, "scorer": scorer, "model": model,
        "scorer_options": parse_settings(scorer_settings, "--scorer-set"),
        "root": None if root is None else str(root), "options": parse_settings(settings),
        "protocol": protocol, "names": names, "batch": batch, "smoothing": smoothing, "allow_partial": allow_partial,
        "allow_defects": allow_defects, "exact": exact, "label": label, "precision": precision, "compile": compile,
    }  # fmt: skip
    if absent:
        entry["absent"] = prompt_names_from_text(absent, "--absent").names
    effort = ScoringSettings(batch=batch, readers=readers or usual_readers(), maps=not no_maps)
    _score(_parse_entry(entry, allow_code), out or Path("runs/score"), effort, replace, device)


def _parse_entry(plain: dict[str, object], allow_code: bool) -> ScoreEntry:
    """The options as an entry of a recipe. Raises UserError with every invalid one."""
    from pydantic import ValidationError

    from lavida_bench.config.recipe import ScoreEntry
    from lavida_gen.recipe_files.plugin_names import permission
    from lavida_gen.recipe_files.reading import combined_error, validation_messages

    try:
        return ScoreEntry.model_validate(plain, context=permission(allow_code))
    except ValidationError as error:
        raise combined_error(f"score {plain['benchmark']}", [*validation_messages(error, "", ScoreEntry)]) from error


def _score(entry: ScoreEntry, out: Path, effort: ScoringSettings, replace: bool, device: str | None) -> None:
    from lavida_bench.reporting.console import run_lines
    from lavida_bench.runs.preflight import refuse_unscorable_entry
    from lavida_bench.runs.score_stage import run_entry
    from lavida_bench.scorers._open_entry import locate_model, open_scorer
    from lavida_gen.storage.output_folder import make_output_folder

    locate_model(entry)
    refuse_unscorable_entry(entry, progress)
    make_output_folder(out)
    scorer = open_scorer(entry, device=device)
    page = run_entry(scorer, entry, out, effort, replace, progress)
    if page is not None:
        for line in run_lines(out, terminal_width()):
            echo(line)
        echo(f"report: {page}")
