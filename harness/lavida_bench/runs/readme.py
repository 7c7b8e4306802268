"""README.md of a run folder: what was done, when, how long it took, the results, and where to look."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lavida_bench.config.recipe import RunRecipe
from lavida_bench.reporting import run_folder
from lavida_bench.reporting.markdown import escape, escape_code, markdown_table, table_cells
from lavida_bench.reporting.table import result_table
from lavida_bench.results import results_json
from lavida_bench.runs.stages import Stages
from lavida_gen.common.json_file import read_json_object


def run_readme(recipe: RunRecipe, run: Path, stages: Stages) -> str:
    """Write the summary of a run.

    Args:
        recipe: Its recipe.
        run: The run folder.
        stages: Its finished stages.

    Returns:
        Markdown.

    Raises:
        DataError: A file of the folder cannot be read.
    """
    parts = [f"# Run {escape(recipe.name)}", escape(recipe.about), "\n".join(_stage_lines(stages))]
    parts.append("\n".join(_file_lines(run)))
    if (run / results_json.FILE).is_file():
        for entry in results_json.read(run).entries:
            parts += [
                f"## {escape(entry.result.benchmark)}, protocol {entry.result.protocol}",
                f"Scored {entry.result.coverage}.",
                *(f"> **Warning:** {escape(warning)}" for warning in entry.result.warnings),
                "\n".join(markdown_table(*table_cells(result_table(entry)))),
            ]
    parts += [_prompt_check(path) for path in sorted(run.glob("prompt_check-*.json"))]
    return "\n\n".join(part for part in parts if part) + "\n"


def _stage_lines(stages: Stages) -> Iterator[str]:
    yield "| stage | seconds | finished |"
    yield "|---|---|---|"
    for stage in stages.done.values():
        yield f"| {escape(stage.name)} | {stage.seconds:,.1f} | {stage.finished} |"
    yield ""
    for command in dict.fromkeys(stage.command for stage in stages.done.values()):
        yield f"    {escape_code(command)}"


def _file_lines(run: Path) -> Iterator[str]:
    """The files that are there, each with a description."""
    files = {
        "recipe.yaml": "the recipe as it was resolved",
        run_folder.HTML: "curves, thumbnails and numbers: open it in a browser",
        run_folder.PICTURES: "the thumbnails; `lavida-bench report RUN --single-file` puts them into report.html",
        run_folder.MARKDOWN: "the same numbers as text",
        results_json.FILE: "the numbers for machines",
        "fit": "checkpoints, logs and the fitted model",
        "scores": "scores and pixel maps of every video",
        "run.json": "the finished stages; remove a stage there to run it again",
    }
    yield from (f"- [{name}]({name}): {what}" for name, what in files.items() if (run / name).exists())


def _prompt_check(path: Path) -> str:
    """The prompt check as a table."""
    check = read_json_object(path, "a prompt check", "remove it; the run makes it again")
    label = path.stem.removeprefix("prompt_check-")
    rows = []
    for group in ("all", "abnormal", "normal"):
        if group in check:
            change = check[group]
            interval = "" if change["low"] is None else f"{change['low']:+.3f} .. {change['high']:+.3f}"
            rows.append([group, f"{change['frames']:,}", f"{change['value']:+.3f}", interval])
    head = ["frames", "number", "mean change of the logit", "95 % interval"]
    text = (
        f"## Does it follow its prompt? ({escape(label)})\n\nThe same frames, scored with the benchmark's names minus "
        f"scored with absent ones ({escape(', '.join(check['absent']))}): above 0, the names themselves raise it."
    )
    return text + "\n\n" + "\n".join(markdown_table(head, rows))
