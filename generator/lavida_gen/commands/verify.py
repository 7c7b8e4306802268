"""`lavida-gen verify`."""

from __future__ import annotations

import json
import sys

import click

from lavida_gen.commands._shared import CORPUS, JSON, WORKERS, cores, progress
from lavida_gen.common.text import counted
from lavida_gen.storage.places import is_url


@click.command()
@CORPUS
@WORKERS
@JSON
def command(corpus: str, workers: int | None, as_json: bool) -> None:
    """Read every byte of a corpus: digests, pictures, masks, prompts, splits, counts. A fault gives exit code 1."""
    from lavida_gen.corpus.reader import open_corpus
    from lavida_gen.inspection import verify as verifier

    opened = open_corpus(corpus)
    with progress(opened.manifest.samples, "verify") as advance:
        found = verifier.verify_corpus(opened, workers or cores(), advance)
    problems = found.problems
    if as_json:
        click.echo(json.dumps({"sound": not problems, "faults": problems}))
    else:
        for problem in problems[:50]:
            click.echo(problem)
        if len(problems) > 50:
            click.echo(f"... and {len(problems) - 50} more")
        verdict = "sound" if not problems else f"{counted(len(problems), 'problem')}; {_todo(found.damaged, corpus)}"
        size = f"{counted(opened.manifest.samples, 'sample')} in {counted(len(opened.manifest.shards), 'shard')}"
        click.echo(f"{corpus}: {size}: {verdict}")
    sys.exit(1 if problems else 0)


def _todo(damaged: int, corpus: str) -> str:
    """What mends it. A build into its own place makes a corpus with damaged shards again, and leaves others alone."""
    if not damaged:
        return "build it again into a new folder"
    if corpus.startswith("hf://"):
        return "publish it again"
    again = f"the same `lavida-gen build` with the same --out ({corpus}) makes it again, byte for byte"
    return f"remove these shards; {again}" if is_url(corpus) else again  # a URL's build reads no bytes, only sizes
