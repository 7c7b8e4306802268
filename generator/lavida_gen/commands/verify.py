"""`lavida-gen verify`."""

from __future__ import annotations

import json
import sys

import click

from lavida_gen.terminal import CORPUS, JSON, WORKERS, cores, progress


@click.command()
@CORPUS
@WORKERS
@JSON
def command(corpus: str, workers: int | None, as_json: bool) -> None:
    """Read every byte of a corpus: digests, pictures, masks, prompts, splits, counts. A fault gives exit code 1."""
    from lavida_gen import verify as verifier
    from lavida_gen.corpus import open_corpus

    opened = open_corpus(corpus)
    with progress(opened.manifest.samples, "verify") as advance:
        faults = verifier.verify(opened, workers or cores(), advance)
    if as_json:
        click.echo(json.dumps({"sound": not faults, "faults": faults}))
    else:
        for fault in faults[:50]:
            click.echo(fault)
        if len(faults) > 50:
            click.echo(f"... and {len(faults) - 50} more")
        shards = len(opened.manifest.shards)
        verdict = "sound" if not faults else f"{len(faults)} faults; build it again into a new folder"
        click.echo(f"{corpus}: {opened.manifest.samples:,} samples in {shards} shards: {verdict}")
    sys.exit(1 if faults else 0)
