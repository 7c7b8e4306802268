"""Options of the verbs that load a model."""

from __future__ import annotations

import click

PRECISION = click.option(
    "--precision", type=click.Choice(["auto", "fp32", "bf16", "fp16"]), default="auto", show_default=True,
    help="auto: bf16 on a GPU, else fp32.",
)  # fmt: skip
MODEL = click.option(
    "--model", required=True, metavar="DIR", help="A saved model: a folder, OWNER/NAME on the Hub, or a preset (tiny)."
)
DEVICE = click.option("--device", metavar="DEVICE", help="cpu, cuda:1 ... [default: this process's GPU, if any].")
