"""`lavida-gen preview`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lavida_gen.commands._shared import CORPUS
from lavida_gen.common.console import echo

if TYPE_CHECKING:
    from lavida_gen.corpus.reader import Corpus


@click.command()
@CORPUS
@click.option("--out", "-o", type=click.Path(path_type=Path), help="The HTML file [default: CORPUS/preview.html].")
@click.option(
    "--samples", "limit", type=click.IntRange(min=1), default=120, show_default=True, help="How many to show."
)
@click.option("--open", "open_it", is_flag=True, help="Open it in the browser.")
def command(corpus: str, out: Path | None, limit: int, open_it: bool) -> None:
    """Write an HTML page with a gallery, filters and histograms.

    It is one file and needs no network.
    """
    from lavida_gen.corpus.reader import open_corpus
    from lavida_gen.inspection.preview import write_preview
    from lavida_gen.storage.output_folder import make_output_folder

    opened = open_corpus(corpus)
    target = out or _default_file(opened)
    make_output_folder(target.parent)
    page = write_preview(opened, target, limit)
    echo(f"preview: {page}")
    if open_it:
        click.launch(str(page))


def _default_file(corpus: Corpus) -> Path:
    """preview.html in the folder of the corpus; NAME-preview.html in the working folder for a corpus behind a URL."""
    from lavida_gen.storage.places import is_url

    return Path(f"{corpus.manifest.name}-preview.html") if is_url(corpus.place) else corpus.path / "preview.html"
