"""`lavida-bench compare RUN_A RUN_B`: which of two runs is better, and is it more than chance."""

from __future__ import annotations

import json
from pathlib import Path

import click

from lavida_bench.commands._options import CODE, JSON


@click.command()
@click.argument("first", metavar="RUN_A")
@click.argument("second", metavar="RUN_B")
@click.option("--root", type=click.Path(path_type=Path), help="The benchmark's folder [default: where RUN_A found it].")
@click.option("--metric", "metrics", multiple=True, metavar="NAME", help="Only these [default: all that both have].")
@click.option("--resamples", type=click.IntRange(min=0), default=1000, show_default=True, help="For intervals.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the resamples.")
@click.option("--out", "-o", type=click.Path(path_type=Path), help="Folder for comparison.json, .md and .html.")
@CODE
@JSON
def command(
    first: str, second: str, root: Path | None, metrics: tuple[str, ...], resamples: int, seed: int, out: Path | None,
    allow_code: bool, as_json: bool,
) -> None:  # fmt: skip
    """Compare two run folders over the same videos: differences RUN_A - RUN_B with paired intervals, video by video.

    A run is what `run`, `report` or `score-files --out` wrote; RUN@METHOD chooses one method of several. Both are
    measured again from their scores, on every benchmark and protocol that both have.
    """
    from dataclasses import asdict

    from lavida_bench.evaluation.compare import compare, open_run, shared_entries
    from lavida_bench.metrics._bootstrap import Bootstrap
    from lavida_bench.reporting import comparison
    from lavida_bench.results.provenance import current_provenance
    from lavida_gen.storage import output_folder as out_folder

    one, other = open_run(first), open_run(second)
    if out is not None:
        out_folder.make_output_folder(out)
    compared = [
        compare(
            (one, a),
            (other, b),
            root=root,
            names=metrics or None,
            bootstrap=Bootstrap(resamples, seed),
            allow_code=allow_code,
        )
        for a, b in shared_entries(one, other)
    ]
    page = comparison.write(out, compared, current_provenance()) if out is not None else None
    if as_json:
        click.echo(json.dumps([{**asdict(c), "pairs": [p.key for p in c.pairs]} for c in compared], ensure_ascii=False))
        return
    for c in compared:
        click.echo("\n".join(comparison.comparison_lines(c)) + "\n")
    if page is not None:
        click.echo(f"comparison: {page}")
