"""`lavida-gen stats`."""

from __future__ import annotations

import click

from lavida_gen.commands._shared import CORPUS, JSON
from lavida_gen.common.console import echo, echo_json, terminal_width
from lavida_gen.common.text import counted, text_table


@click.command()
@CORPUS
@click.option("--names", "top", type=int, default=20, show_default=True, help="How many names to list.")
@JSON
def command(corpus: str, top: int, as_json: bool) -> None:
    """Count samples by source, exposure, licence, name and area.

    Attempts at a sample that failed are counted by reason.
    """
    from lavida_gen.corpus.reader import open_corpus
    from lavida_gen.inspection import stats as counter

    counts = counter.count_corpus(open_corpus(corpus))
    if as_json:
        echo_json(counts)
        return
    scenes = counted(counts["scenes"], "scene")
    echo(f"{counted(counts['samples'], 'sample')} of {scenes}, {counts['exposed']:,} with an anomaly")
    if counts["broken"]:
        left_out = counted(counts["broken"], "scene")
        echo(f"{left_out} could not be read and {'was' if counts['broken'] == 1 else 'were'} left out")
    for title, rows in (
        ("split", counts["splits"]), ("source", counts["sources"]), ("exposure", counts["exposures"]),
        ("licence", counts["licences"]),
    ):  # fmt: skip
        echo(
            _count_table(
                title, ["samples", "with an anomaly"], {k: [v["samples"], v["exposed"]] for k, v in rows.items()}
            )
        )
    listed = dict(list(counts["listed"].items())[:top])
    title = f"name ({len(listed)} of {len(counts['listed'])})"
    echo(
        _count_table(title, ["listed", "as the anomaly"], {k: [v["samples"], v["exposed"]] for k, v in listed.items()})
    )
    total = sum(counts["evidence"].values())
    shares = [[name, f"{count:,}", f"{count / total:.1%}"] for name, count in counts["evidence"].items()]
    echo(text_table(shares, ["evidence of listed names", "names", "share"], terminal_width()))
    echo(_count_table("anomaly's share of the frame", ["samples"], {k: [v] for k, v in counts["areas"].items()}))
    if counts["drops"]:
        echo(_count_table("attempts that failed", ["attempts"], {k: [v] for k, v in counts["drops"].items()}))


def _count_table(title: str, heads: list[str], rows: dict[str, list[int]]) -> str:
    """A blank line, then labels on the left, counts on the right."""
    cells = [[label, *(f"{count:,}" for count in counts)] for label, counts in rows.items()]
    return "\n" + text_table(cells, [title, *heads], terminal_width())
