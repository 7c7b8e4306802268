"""`lavida-gen publish`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lavida_gen.commands._shared import CORPUS, JSON, TRUST, WORKERS, cores, progress
from lavida_gen.common.console import echo, echo_json
from lavida_gen.common.text import counted

if TYPE_CHECKING:
    from lavida_gen.corpus.reader import Corpus
    from lavida_gen.publishing.publish import PublishOptions
    from lavida_gen.publishing.upload_plan import UploadPlan


@click.command()
@CORPUS
@click.option("--repo", required=True, metavar="OWNER/NAME", help="Data set repository; created if it does not exist.")
@click.option("--private", is_flag=True, help="Make a new repository private.")
@click.option("--revision", default="main", show_default=True, help="Branch; created if it does not exist.")
@click.option("--dry-run", is_flag=True, help="Verify, print what would be sent, send nothing.")
@click.option(
    "--allow-noncommercial", is_flag=True, help="Publish samples of sources that allow non-commercial use only."
)
@TRUST
@WORKERS
@JSON
def command(
    corpus: str,
    repo: str,
    private: bool,
    revision: str,
    dry_run: bool,
    allow_noncommercial: bool,
    trust_sources: bool,
    workers: int | None,
    as_json: bool,
) -> None:
    """Publish a corpus on the Hugging Face Hub, with its card.

    The corpus is verified first and read back afterwards. Only files that the Hub does not have are sent, so that the
    same command continues an interrupted upload. The token is that of `hf auth login`, or HF_TOKEN.
    """
    from lavida_gen.corpus.reader import open_corpus
    from lavida_gen.publishing.publish import PublishOptions, publish

    opened, options = open_corpus(corpus), PublishOptions(private, revision, allow_noncommercial, trust_sources)
    if dry_run:
        _dry_run(opened, repo, options, workers or cores(), as_json)
        return
    size = sum(shard.bytes for shard in opened.manifest.shards)
    with progress(size, f"publish {opened.manifest.name}", "bytes") as advance:
        upload = publish(opened, repo, options, workers or cores(), advance, lambda text: echo(text, err=True))
    if as_json:
        _print_json(upload, repo, True)
        return
    if upload.commits:
        files, commits = counted(len(upload.items), "file"), counted(len(upload.commits), "commit")
        echo(f"{repo}: sent {files}, {upload.bytes / 1e6:,.1f} MB, in {commits}, read back")
    else:
        echo(f"{repo}: nothing to send")
    echo(f"{counted(upload.unchanged, 'file was', 'files were')} there already")
    echo(f"read it: lavida-gen stats hf://datasets/{repo}")


def _dry_run(corpus: Corpus, repo: str, options: PublishOptions, workers: int, as_json: bool) -> None:
    """Print what would be sent. The part that needs no network comes first."""
    from lavida_gen.common.errors import DataError
    from lavida_gen.publishing.hub import DRY, HubRepository
    from lavida_gen.publishing.publish import plan_upload, prepare_files

    hub = HubRepository(repo, options.revision, again=DRY)
    with hub.quiet():
        files = prepare_files(corpus, hub, options, workers)
    if not as_json:
        licences = ", ".join(corpus.manifest.licences)
        size = f"{counted(len(files.items), 'file')}, {sum(item.size for item in files.items):,} bytes"
        echo(f"{corpus.place}: sound, may be published ({licences}); {size}")
    try:
        upload, exists = plan_upload(files, hub)
    except DataError:
        if not as_json:
            for item in files.items:
                echo(f"  {item.path}  {item.size:,} bytes")
        raise
    if as_json:
        _print_json(upload, repo, False)
    else:
        _print_plan(upload, repo, exists)


def _print_plan(upload: UploadPlan, repo: str, exists: bool) -> None:
    echo(f"would send to {repo}{'' if exists else ', a new repository'}:")
    for number, items in enumerate(upload.commits, 1):
        for item in items:
            echo(f"  commit {number}  {item.path}  {item.size:,} bytes")
    for path in upload.delete:
        echo(f"  delete    {path}")
    echo(
        f"{counted(len(upload.items), 'file')}, {upload.bytes:,} bytes, "
        f"{counted(len(upload.commits), 'commit')}; "
        f"{counted(upload.unchanged, 'file is', 'files are')} there already"
    )


def _print_json(upload: UploadPlan, repo: str, sent: bool) -> None:
    commits = [
        [{"file": item.path, "bytes": item.size, "sha256": item.sha256} for item in items] for items in upload.commits
    ]
    plain = {"repo": repo, "sent": sent, "commits": commits, "delete": list(upload.delete)}
    echo_json({**plain, "unchanged": upload.unchanged})
