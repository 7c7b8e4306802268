"""`lavida-gen publish`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from lavida_gen.commands._shared import CORPUS, JSON, WORKERS, cores, progress
from lavida_gen.common.text import counted

if TYPE_CHECKING:
    from lavida_gen.corpus.reader import Corpus
    from lavida_gen.publishing.publish import PublishOptions, UploadPlan


@click.command()
@CORPUS
@click.option("--repo", required=True, metavar="OWNER/NAME", help="The data set's repository; made if it is not there.")
@click.option("--private", is_flag=True, help="Make a new repository private.")
@click.option("--revision", default="main", show_default=True, help="The branch; made if it is not there.")
@click.option("--dry-run", is_flag=True, help="Verify, print what would be sent, send nothing.")
@click.option(
    "--allow-noncommercial", is_flag=True, help="Publish samples of sources that allow non-commercial use only."
)
@WORKERS
@JSON
def command(
    corpus: str,
    repo: str,
    private: bool,
    revision: str,
    dry_run: bool,
    allow_noncommercial: bool,
    workers: int | None,
    as_json: bool,
) -> None:
    """Publish a corpus on the Hugging Face Hub, with its card.

    The corpus is verified first and read back afterwards. Only what the Hub lacks is sent: stopped or cut off, the same
    command goes on. The token is that of `hf auth login`, or HF_TOKEN.
    """
    from lavida_gen.corpus.reader import open_corpus
    from lavida_gen.publishing.publish import PublishOptions, publish

    opened, options = open_corpus(corpus), PublishOptions(private, revision, allow_noncommercial)
    if dry_run:
        _dry_run(opened, repo, options, workers or cores(), as_json)
        return
    size = sum(shard.bytes for shard in opened.manifest.shards)
    with progress(size, f"publish {opened.manifest.name}", "bytes") as advance:
        shipment = publish(opened, repo, options, workers or cores(), advance, lambda text: click.echo(text, err=True))
    if as_json:
        _print_json(shipment, repo, True)
        return
    if shipment.commits:
        files, commits = counted(len(shipment.items), "file"), counted(len(shipment.commits), "commit")
        click.echo(f"{repo}: sent {files}, {shipment.bytes / 1e6:,.1f} MB, in {commits}, read back")
    else:
        click.echo(f"{repo}: nothing to send")
    click.echo(f"{counted(shipment.unchanged, 'file was', 'files were')} there already")
    click.echo(f"read it: lavida-gen stats hf://datasets/{repo}")


def _dry_run(corpus: Corpus, repo: str, options: PublishOptions, workers: int, as_json: bool) -> None:
    """First what needs no network, then what the Hub lacks. Raises as `publish` does."""
    from lavida_gen.common.errors import DataError
    from lavida_gen.publishing.hub import DRY, HubRepository
    from lavida_gen.publishing.publish import plan_upload, prepare_files

    hub = HubRepository(repo, options.revision, again=DRY)
    with hub.quiet():
        parcel = prepare_files(corpus, hub, options, workers)
    if not as_json:
        licences = ", ".join(corpus.manifest.licences)
        size = f"{counted(len(parcel.items), 'file')}, {sum(item.size for item in parcel.items):,} bytes"
        click.echo(f"{corpus.place}: sound, may be published ({licences}); {size}")
    try:
        shipment, there = plan_upload(parcel, hub)
    except DataError:
        for item in () if as_json else parcel.items:
            click.echo(f"  {item.path}  {item.size:,} bytes")
        raise
    _print_json(shipment, repo, False) if as_json else _print_plan(shipment, repo, there)


def _print_plan(shipment: UploadPlan, repo: str, there: bool) -> None:
    click.echo(f"would send to {repo}{'' if there else ', a new repository'}:")
    for number, items in enumerate(shipment.commits, 1):
        for item in items:
            click.echo(f"  commit {number}  {item.path}  {item.size:,} bytes")
    for path in shipment.delete:
        click.echo(f"  delete    {path}")
    click.echo(
        f"{counted(len(shipment.items), 'file')}, {shipment.bytes:,} bytes, "
        f"{counted(len(shipment.commits), 'commit')}; "
        f"{counted(shipment.unchanged, 'file is', 'files are')} there already"
    )


def _print_json(shipment: UploadPlan, repo: str, sent: bool) -> None:
    commits = [[{"file": i.path, "bytes": i.size, "sha256": i.sha256} for i in items] for items in shipment.commits]
    plain = {"repo": repo, "sent": sent, "commits": commits, "delete": list(shipment.delete)}
    click.echo(json.dumps({**plain, "unchanged": shipment.unchanged}))
