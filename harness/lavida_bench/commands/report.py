"""`lavida-bench report RUN`: write the pages of a run folder again, from its numbers and thumbnails."""

from __future__ import annotations

from pathlib import Path

import click

from lavida_bench.commands._shared import FOLDER, SINGLE_FILE
from lavida_gen.common.console import echo


@click.command()
@click.argument("run", type=FOLDER)
@click.option("--text", is_flag=True, help="Print the report as Markdown too.")
@SINGLE_FILE
def command(run: Path, text: bool, single_file: bool) -> None:
    """Write report.html and report.md of a RUN folder again.

    They are made from its results.json and pictures/. `score`, `score-files` and `run` write them too; this command is
    for folders whose pages an older version wrote, or that were put together from several runs. No score is computed.

    With --single-file the page can be sent alone; without it, its pictures lie beside it in pictures/.
    """
    from lavida_bench.reporting import run_folder
    from lavida_bench.results import results_json
    from lavida_gen.storage.output_folder import make_output_folder

    results_json.read(run)  # raises for a folder that is no run
    make_output_folder(run, "RUN")
    page = run_folder.render(run, single_file)
    if text:
        echo((run / run_folder.MARKDOWN).read_text("utf-8"))
    echo(f"report: {page}")
