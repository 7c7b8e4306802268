"""`lavida-bench report RUN`: the pages of a run folder again, from its numbers and pictures."""

from __future__ import annotations

from pathlib import Path

import click

from lavida_bench.commands._options import FOLDER


@click.command()
@click.argument("run", type=FOLDER)
@click.option("--text", is_flag=True, help="Print the report as Markdown too.")
def command(run: Path, text: bool) -> None:
    """Write report.html and report.md of a RUN folder again, from its results.json and pictures/.

    `score`, `score-files` and `run` write them anyway; this is for folders whose pages an older version wrote, or that
    were put together from several runs. No score is computed.
    """
    from lavida_bench.reporting import run_folder as report
    from lavida_bench.results import results_json as record
    from lavida_gen.storage import output_folder as out_folder

    record.read(run)  # a folder that is none of ours is left alone
    out_folder.make_output_folder(run, "RUN")
    page = report.render(run)
    if text:
        click.echo((run / report.MARKDOWN).read_text("utf-8"))
    click.echo(f"report: {page}")
