"""`lavida-bench labels`: frame counts and labels of a benchmark in one small file, without its videos."""

from __future__ import annotations

from pathlib import Path

import click

from lavida_bench.commands._shared import (
    BENCHMARK,
    CODE,
    DEFECTS,
    OPTION,
    PARTIAL,
    PATH,
    ROOT,
    parse_settings,
    progress,
)
from lavida_gen.common.console import echo, terminal_width
from lavida_gen.common.text import counted, text_table


@click.group()
def command() -> None:
    """Make and look at label packs: labels of a benchmark without its videos.

    \b
      lavida-bench labels make ucsd_ped2 --root /data/ucsd
      lavida-bench score-files --labels ucsd_ped2.labels.json.gz --scores my_scores
    """


@command.command()
@BENCHMARK
@ROOT
@OPTION
@click.option("--out", "-o", type=PATH, help="The file [default: NAME.labels.json.gz here].")
@PARTIAL
@DEFECTS
@CODE
def make(
    benchmark: str, root: Path | None, settings: tuple[str, ...], out: Path | None, allow_partial: bool,
    allow_defects: bool, allow_code: bool,
) -> None:  # fmt: skip
    """Write the frame counts, labels, masks and tracks of BENCHMARK.

    The files pass the same gate as scores do: what `lavida-bench check` fails is refused, or stands in the pack.
    """
    from lavida_bench.benchmarks import _base as benchmarks
    from lavida_bench.benchmarks._gate import admit
    from lavida_bench.benchmarks._label_pack import SUFFIX, write_pack
    from lavida_gen.common.errors import UserError, problem

    path = out or Path(f"{benchmark}{SUFFIX}")
    if not path.name.endswith(SUFFIX):
        raise UserError(problem(f"--out {path}", "another suffix", f"a file NAME{SUFFIX}"))
    opened = benchmarks.make(benchmark, root, parse_settings(settings), allow_code)
    with progress(sum(video.frame_count for video in opened.videos()), f"check {benchmark}") as advance:
        report = admit(opened, allow_partial, allow_defects, advance)
    content = write_pack(opened, report, path)
    size = f"{path.stat().st_size / 1e6:.1f} MB"
    echo(f"{path}: {counted(len(content.videos), 'video')}, {size}, sha256 {content.sha256[:16]}")


@command.command()
@click.argument("pack", type=PATH)
def show(pack: Path) -> None:
    """Print what a label pack holds and where it comes from."""
    from lavida_bench.benchmarks._defects import Defect
    from lavida_bench.benchmarks._label_pack import read_pack
    from lavida_bench.reporting.markdown import defect_lines

    content = read_pack(pack)
    rows = [(name, "-" if count is None else f"{count:,}") for name, count in content.counts.items()]
    facts = ("benchmark", "options", "licence", "source", "made_by", "sha256")
    rows += [(name, str(getattr(content, name))) for name in facts]
    echo(text_table([(name.replace("_", " "), text) for name, text in rows], width=terminal_width()))
    defects = [Defect(d.where, d.what, d.action, d.fatal, tuple(d.items), d.lost) for d in content.defects]
    for line in defect_lines(tuple(defects)):
        echo(line)
