"""Arguments and options that several verbs share, and reading of KEY=VALUE words."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from lavida_gen.commands import _shared as terminal
from lavida_gen.common.errors import UserError

FOLDER = click.Path(path_type=Path, file_okay=False)
BENCHMARK = click.argument("benchmark", metavar="BENCHMARK")
ROOT = click.option(
    "--root", type=click.Path(path_type=Path), help="Its folder [default: NAME in $LAVIDA_BENCH_DATA, or in data/]."
)
SET = click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="An option of the benchmark: labels=intervals."
)
SMOOTHING = click.option(
    "--smoothing", "--smooth", "smoothing", type=click.FloatRange(0, min_open=True), metavar="SIGMA",
    help="Also with scores smoothed by a Gaussian of SIGMA frames; the raw numbers stay.",
)  # fmt: skip
CODE = terminal.CODE
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")


def parse_settings(settings: tuple[str, ...]) -> dict[str, Any]:
    """KEY=VALUE words with values in YAML -> options. Raises UserError."""
    import yaml

    from lavida_gen.recipe_files.reading import UNREADABLE

    found = {}
    for word in settings:
        key, equals, value = word.partition("=")
        if not equals:
            raise UserError(f"--set {word}: no '='; expected KEY=VALUE")
        try:
            found[key.strip()] = yaml.safe_load(value)
        except UNREADABLE as error:
            raise UserError(f"--set {word}: the value is no YAML ({error})") from error
    return found


PRECISION = click.option(
    "--precision", type=click.Choice(["auto", "fp32", "bf16", "fp16"]), default="auto", show_default=True,
    help="auto: bf16 on a GPU, else fp32.",
)  # fmt: skip


MODEL = click.option(
    "--model", required=True, metavar="DIR", help="A saved model: a folder, OWNER/NAME on the Hub, or a preset (tiny)."
)


DEVICE = click.option("--device", metavar="DEVICE", help="cpu, cuda:1 ... [default: this process's GPU, if any].")


progress = partial(terminal.progress, unit="frames")
