"""README.md of a run folder: what was done, when, how long it took, what came out, and where to look."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lavida_bench.config.recipe import RunRecipe
from lavida_bench.reporting import run_folder as report
from lavida_bench.reporting.markdown import escape, escape_code, markdown_table, table_cells
from lavida_bench.reporting.table import result_table
from lavida_bench.results import results_json as record
from lavida_bench.runs.stages import Stages
from lavida_gen.common.json_file import read_json_object


def run_readme(recipe: RunRecipe, run: Path, stages: Stages) -> str:
    """The whole text."""
    parts = [f"# Run {escape(recipe.name)}", escape(recipe.about), "\n".join(_stages(stages)), "\n".join(_where(run))]
    if (run / record.FILE).is_file():
        for entry in record.read(run).entries:
            title = f"## {escape(entry.result.benchmark)}, protocol {entry.result.protocol}"
            warnings = [f"> **Warning:** {escape(text)}" for text in entry.result.warnings]
            parts += [
                title,
                f"Scored {entry.result.coverage}.",
                *warnings,
                "\n".join(markdown_table(*table_cells(result_table(entry)))),
            ]
    parts += [text for path in sorted(run.glob("prompt_check-*.json")) if (text := _check(path))]
    return "\n\n".join(part for part in parts if part) + "\n"


def _stages(stages: Stages) -> Iterator[str]:
    yield "| stage | seconds | finished |"
    yield "|---|---|---|"
    for stage in stages.done.values():
        yield f"| {escape(stage.name)} | {stage.seconds:,.1f} | {stage.finished} |"
    yield ""
    for command in dict.fromkeys(stage.command for stage in stages.done.values()):
        yield f"    {escape_code(command)}"


def _where(run: Path) -> Iterator[str]:
    """The files that are there, each with what it is."""
    files = {
        "recipe.yaml": "the recipe as it was resolved",
        report.HTML: "curves, pictures and numbers: open it in a browser",
        report.MARKDOWN: "the same numbers as text",
        record.FILE: "the numbers for machines",
        "fit": "checkpoints, logs and the fitted model",
        "scores": "every video's scores and pixel maps",
        "run.json": "what is done; remove a stage there to do it again",
    }
    yield from (f"- [{name}]({name}): {what}" for name, what in files.items() if (run / name).exists())


def _check(path: Path) -> str:
    """The prompt check as a table."""
    found = read_json_object(path, "a prompt check", "remove it; the run makes it again")
    label = path.stem.removeprefix("prompt_check-")
    rows = []
    for which in ("all", "abnormal", "normal"):
        if which in found:
            fall = found[which]
            ends = "" if fall["low"] is None else f"{fall['low']:+.3f} .. {fall['high']:+.3f}"
            rows.append([which, f"{fall['frames']:,}", f"{fall['value']:+.3f}", ends])
    head = ["frames", "number", "mean change of the logit", "95 % interval"]
    text = (
        f"## Does it follow its prompt? ({escape(label)})\n\nThe same frames, scored with the benchmark's names minus "
        f"scored with absent ones ({escape(', '.join(found['absent']))}): above 0, the names themselves raise it."
    )
    return text + "\n\n" + "\n".join(markdown_table(head, rows))
