"""What the verbs of the command share: arguments, options, KEY=VALUE parsing, the progress bar. Imports nothing heavy.

The options of recipes and of output are those of `lavida-gen`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from lavida_gen.commands import _shared as terminal
from lavida_gen.commands._shared import CODE, JSON, RECIPE, print_listing
from lavida_gen.common.console import echo
from lavida_gen.common.errors import UserError
from lavida_gen.common.yaml_text import load_yaml

__all__ = [
    "BENCHMARK", "CODE", "COMPILE", "DEFECTS", "DEVICE", "EXACT", "FOLDER", "JSON", "MODEL", "NAME", "OPTION",
    "PARTIAL", "PATH", "PRECISION", "PROTOCOL", "RECIPE", "RESAMPLES", "ROOT", "SCORER", "SCORER_OPTION", "SET",
    "SINGLE_FILE", "SMOOTHING", "parse_settings", "print_listing", "print_progress", "progress",
]  # fmt: skip

PATH = click.Path(path_type=Path)
FOLDER = click.Path(path_type=Path, file_okay=False)

NAME = click.argument("name", required=False)
BENCHMARK = click.argument("benchmark", metavar="BENCHMARK")
SET = click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change a key: fit.steps=500, data.0.corpus=DIR."
)
OPTION = click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="An option of the benchmark: labels=intervals."
)
ROOT = click.option("--root", type=PATH, help="Its folder [default: NAME in $LAVIDA_BENCH_DATA, or in data/].")
PROTOCOL = click.option(
    "--protocol",
    default="official",
    show_default=True,
    help="official or paper, with options: 'official rbdc_frames=89908'.",
)
PARTIAL = click.option(
    "--allow-partial", is_flag=True, help="Measure although videos are missing; the result is marked partial."
)
DEFECTS = click.option(
    "--allow-defects", is_flag=True, help="Measure although `check` fails; the protocol is marked +defects."
)
EXACT = click.option(
    "--exact", is_flag=True,
    help="Sort the pixels of float32 and float64 maps on disk ($TMPDIR, 8 bytes each): no error at all.",
)  # fmt: skip
SINGLE_FILE = click.option(
    "--single-file", is_flag=True,
    help="Put the pictures into report.html, to send or print it; else they lie beside it in pictures/.",
)  # fmt: skip
SMOOTHING = click.option(
    "--smoothing", "--smooth", "smoothing", type=click.FloatRange(0, min_open=True), metavar="SIGMA",
    help="Also measure scores smoothed by a Gaussian of SIGMA frames, beside the raw ones.",
)  # fmt: skip
RESAMPLES = click.option(
    "--resamples", type=click.IntRange(min=0), default=1000, show_default=True,
    help="Resamples of the bootstrap for intervals; 0 = no intervals.",
)  # fmt: skip
MODEL = click.option(
    "--model",
    metavar="DIR",
    help="A saved model: a folder, OWNER/NAME on the Hub, or tiny, which knows drawings only. Scorers other than "
    "lavida have a default, and take random: random weights.",
)
SCORER = click.option(
    "--scorer", default="lavida", show_default=True, metavar="NAME", help="`lavida-bench scorers` lists them."
)
SCORER_OPTION = click.option(
    "--scorer-set", "scorer_settings", multiple=True, metavar="KEY=VALUE", help="An option of the scorer."
)
PRECISION = click.option(
    "--precision", type=click.Choice(["auto", "fp32", "bf16", "fp16"]), default="auto", show_default=True,
    help="auto: bf16 on a GPU, else fp32.",
)  # fmt: skip
COMPILE = click.option(
    "--compile", is_flag=True,
    help="torch.compile of the model's heavy stages: minutes at the start, faster after. On a GPU only.",
)  # fmt: skip
DEVICE = click.option("--device", metavar="DEVICE", help="cpu, cuda:1 ... [default: this process's GPU, if any].")


progress = partial(terminal.progress, unit="frames")
"""``progress(total, what)``: a bar of frames on a terminal; nothing elsewhere."""


def print_progress(message: str) -> None:
    """Print a line about the progress of a run to standard error.

    Args:
        message: The line.
    """
    echo(message, err=True)


def parse_settings(settings: tuple[str, ...], option: str = "--set") -> dict[str, object]:
    """Parse the options of a benchmark or a scorer.

    Args:
        settings: KEY=VALUE arguments, with values in YAML.
        option: The option that they were given with, for errors.

    Returns:
        Option -> value.

    Raises:
        UserError: An argument has no "=", or its value is no YAML.
    """
    import yaml

    options: dict[str, object] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise UserError(f"{option} {setting}: no '='; expected KEY=VALUE")
        try:
            options[key.strip()] = load_yaml(value)
        except yaml.YAMLError as error:
            raise UserError(f"{option} {setting}: the value is no YAML ({error})") from error
    return options
