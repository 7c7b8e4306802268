"""The command `lavida-bench`: one verb a file in commands/, each imported when it is called or listed."""

from __future__ import annotations

import click

from lavida.errors import LavidaError
from lavida_gen import __version__
from lavida_gen.errors import LavidaGenError
from lavida_gen.verbs import CONTEXT, Verbs

COMMANDS = "lavida_bench.commands"


@click.group(cls=Verbs, package=COMMANDS, errors=(LavidaGenError, LavidaError), context_settings=CONTEXT)
@click.version_option(__version__, prog_name="lavida-bench")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def main(debug: bool) -> None:
    """Score video anomaly detection on benchmarks that can be trusted.

    \b
    Begin here (needs no download):
      lavida-bench check street
    Then real data:
      lavida-bench benchmarks ucf_crime        what to download, how the folder must look
      lavida-bench check ucf_crime --root /data/ucf_crime
    """
