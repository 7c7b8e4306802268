"""`lavida-gen verify`."""

from __future__ import annotations

import click

from lavida_gen.commands._shared import CORPUS, JSON, TRUST, WORKERS, cores, print_problems, progress
from lavida_gen.common.text import counted


@click.command()
@CORPUS
@TRUST
@WORKERS
@click.option("--quick", is_flag=True, help="Stop after digests, sizes and counts; what was not checked is listed.")
@JSON
def command(corpus: str, trust_sources: bool, workers: int | None, quick: bool, as_json: bool) -> None:
    """Read every byte of a corpus and report problems.

    Checked are digests, pictures, masks and prompts; and everything in corpus.json, stats.parquet, LICENSE and the
    preview that can be computed again from the shards, the recipe and the installed sources. Digests show damage, not
    malice: somebody who rewrites shards and corpus.json together is not detected. The exit code is 1 if there are
    problems.

    --quick compares size and digest of every file, the number of samples in every shard and of rows in stats.parquet,
    and corpus.json with itself and LICENSE: enough after a copy or a download. It opens no picture, mask or record.
    """
    from lavida_gen.corpus.reader import open_corpus
    from lavida_gen.inspection.verify import verify_corpus

    opened = open_corpus(corpus)
    with progress(opened.manifest.samples, "verify") as advance:
        report = verify_corpus(opened, workers or cores(), advance, trust_sources, quick)
    verdict = "digests, sizes and counts are right" if quick else "sound"
    if report.problems:
        verdict = f"{counted(len(report.problems), 'problem')}; {_todo(report.damaged, corpus)}"
    size = f"{counted(opened.manifest.samples, 'sample')} in {counted(len(opened.manifest.shards), 'shard')}"
    summary = f"{corpus}: {size}: {verdict}"
    print_problems(report.problems, summary, as_json, limit=50, notes=report.notes, unchecked=report.unchecked)


def _todo(damaged: int, corpus: str) -> str:
    """What to do. A build into the same place makes damaged shards again and keeps the others."""
    if not damaged:
        return "build it again into a new folder"
    if corpus.startswith("hf://"):
        return "publish it again"
    from lavida_gen.storage.places import is_url

    again = f"the same `lavida-gen build` with the same --out ({corpus}) makes it again, byte for byte"
    return f"remove these shards; {again}" if is_url(corpus) else again  # at a URL a build checks sizes only
