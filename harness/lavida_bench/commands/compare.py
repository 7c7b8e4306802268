"""`lavida-bench compare RUN_A RUN_B`: which of two runs is better, and is the difference significant."""

from __future__ import annotations

from pathlib import Path

import click

from lavida_bench.commands._shared import CODE, JSON, PATH, RESAMPLES
from lavida_gen.common.console import echo, echo_json, terminal_width


@click.command()
@click.argument("first", metavar="RUN_A")
@click.argument("second", metavar="RUN_B")
@click.option("--root", type=PATH, help="The benchmark's folder [default: where RUN_A read it].")
@click.option("--metric", "metrics", multiple=True, metavar="NAME", help="Only these [default: all that both have].")
@RESAMPLES
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the resamples.")
@click.option("--out", "-o", type=PATH, help="Folder for comparison.json, .md and .html.")
@CODE
@JSON
def command(
    first: str, second: str, root: Path | None, metrics: tuple[str, ...], resamples: int, seed: int, out: Path | None,
    allow_code: bool, as_json: bool,
) -> None:  # fmt: skip
    """Compare two runs over the same videos.

    It prints differences RUN_A - RUN_B with paired 95 % intervals; with --out also video by video. A run is what `run`,
    `report` or `score-files --out` wrote; RUN@METHOD chooses one method of several. Both are measured again from their
    scores, on every benchmark and protocol that both have.
    """
    from dataclasses import asdict

    from lavida_bench.evaluation.compare import compare, open_run, shared_entries
    from lavida_bench.metrics._bootstrap import Bootstrap
    from lavida_bench.reporting import comparison
    from lavida_bench.results.provenance import current_provenance
    from lavida_gen.storage.output_folder import make_output_folder

    run_a, run_b = open_run(first), open_run(second)
    if out is not None:
        make_output_folder(out)
    bootstrap = Bootstrap(resamples, seed)
    comparisons = [
        compare((run_a, a), (run_b, b), root=root, names=metrics or None, bootstrap=bootstrap, allow_code=allow_code)
        for a, b in shared_entries(run_a, run_b)
    ]
    page = comparison.write(out, comparisons, current_provenance()) if out is not None else None
    if as_json:
        plain = [{**asdict(item), "pairs": [pair.key for pair in item.pairs]} for item in comparisons]
        echo_json(plain)
        return
    for item in comparisons:
        echo("\n".join(comparison.comparison_lines(item, terminal_width())) + "\n")
    if page is not None:
        echo(f"comparison: {page}")
