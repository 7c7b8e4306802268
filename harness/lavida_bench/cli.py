"""The command `lavida-bench`: one file per verb in commands/, imported when the verb is called or listed."""

from __future__ import annotations

import click

from lavida.errors import LavidaError
from lavida_bench.common.allocator import keep_freed_memory
from lavida_gen import __version__
from lavida_gen.common.cli_group import CONTEXT, CommandGroup
from lavida_gen.common.errors import LavidaGenError

COMMANDS = "lavida_bench.commands"


@click.group(cls=CommandGroup, package=COMMANDS, errors=(LavidaGenError, LavidaError), context_settings=CONTEXT)
@click.version_option(__version__, prog_name="lavida-bench")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def main(debug: bool) -> None:
    """Train, score and compare methods of video anomaly detection on public benchmarks.

    \b
    Start here (needs no download):
      lavida-bench recipes                               # built-in recipes; NAME prints one
      lavida-gen build --recipe demo --out demo/corpus   # a corpus to train on
      lavida-bench run --recipe demo --out runs/demo     # train, score, report: minutes
      lavida-bench report runs/demo --text               # the numbers; curves in report.html
    Then real data, and any method's scores:
      lavida-bench benchmarks ucf_crime                  # what to download, its folder layout
      lavida-bench check ucf_crime --root /data/ucf_crime
      lavida-bench score ucf_crime --root /data/ucf_crime --model MODEL
      lavida-bench score-files -b ucf_crime --root /data/ucf_crime --scores my_scores --out runs/mine
    Your own video, with a model that has seen photographs (`tiny` and the demo's know drawings only):
      lavida-bench predict walk.mp4 --names "bicycle, fight" --model MODEL
    """
    keep_freed_memory()
