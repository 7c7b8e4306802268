"""`lavida-bench report RUN`: write the pages of a run folder again, from its numbers and thumbnails."""

from __future__ import annotations

from pathlib import Path

import click

from lavida_bench.commands._shared import FOLDER
from lavida_gen.common.console import echo


@click.command()
@click.argument("run", type=FOLDER)
@click.option("--text", is_flag=True, help="Print the report as Markdown too.")
def command(run: Path, text: bool) -> None:
    """Write report.html and report.md of a RUN folder again.

    They are made from its results.json and pictures/. `score`, `score-files` and `run` write them too; this command is
    for folders whose pages an older version wrote, or that were put together from several runs. No score is computed.
    """
    from lavida_bench.reporting import run_folder
    from lavida_bench.results import results_json
    from lavida_gen.storage.output_folder import make_output_folder

    results_json.read(run)  # raises for a folder that is no run
    make_output_folder(run, "RUN")
    page = run_folder.render(run)
    if text:
        echo((run / run_folder.MARKDOWN).read_text("utf-8"))
    echo(f"report: {page}")
