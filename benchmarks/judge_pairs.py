"""How often is a name listed as absent that is in the picture? Pairs drawn by a seed, judged by eye, counted.

    python benchmarks/judge_pairs.py draw --out FOLDER     corpora, pairs.tsv with empty verdicts, pages to look at
    python benchmarks/judge_pairs.py rate FILE [--write]   rates with Wilson's 95 % intervals

Between the two somebody looks at FOLDER/page-*.jpg and enters a verdict for each pair: `absent`, `present` or
`doubtful` (and a note, if there is something to remark). Doubtful counts as wrong. `rate` refuses a file in which a pair
was changed, added or removed since it was drawn; `--write` writes docs/measurements/judged_pairs.md, keeps the judged
file beside it, and writes the numbers of each source to the generator's data/checked_pairs.yaml, where cards find them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from label_truth import checked, table
from label_truth import pairs as pairs_
from label_truth.build import CannotBuild, corpus_of
from label_truth.pairs import Drawn, Pair
from label_truth.real import DRAWN, RealSet, real_sets
from label_truth.sheets import write_sheets

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
PAGE = ROOT / "docs" / "measurements" / "judged_pairs.md"
SOURCES = {path.stem for path in (ROOT / "generator" / "lavida_gen" / "sources").glob("[a-z]*.py")}
CHECKED = ROOT / "generator" / "lavida_gen" / "data" / "checked_pairs.yaml"
SEED = 18
EXHAUSTIVE = 330
"""Pairs of all sources together whose vocabulary is annotated completely; shared among them by their scenes."""
OTHERS = 55
"""Pairs of each other source."""
MIXED = 25
"""Pairs of each source where all are in one corpus, so that prompts list names of the others."""

TEXT = """\
# Absent names, judged from the pictures

{when}. Pairs of a picture and a name that a corpus lists as absent from it, drawn by a seed before anybody looked, from
samples of `relabel`, `several`, `absent` and `near_miss` of real data sets and of drawn streets.

**Who judged**: a vision language model, once. It looked at every picture, enlarged where something was small, and did not
see the annotation files. No person has checked its verdicts yet; a second reading would be welcome.

"Present" is a name that is true of something in the picture, also small, cut off, printed or shown on a screen.
"Doubtful" is what the picture does not settle, or what some people would call so and others would not (a stool as
"chair", the roof of a car as "roof"). Both count as wrong.

    python benchmarks/judge_pairs.py draw --out FOLDER --seed {seed}
    python benchmarks/judge_pairs.py rate FOLDER/pairs.tsv --write

{tables}

The interval is Wilson's, 95 %, of present and doubtful ones together. {under}
The judged pairs are in [judged_pairs.tsv](judged_pairs.tsv). Pairs of one picture are not independent, and the data sets
at hand are small ({pictures} pictures): the true uncertainty is larger than the intervals. A source has fewer than
50 pairs where its corpus lists no more. "everything" is one corpus of all data sets, whose prompts list names of the others.

{wrong}

How they were drawn:

{head}
"""


def draw(options: argparse.Namespace) -> None:
    """Build corpora, draw pairs, write the table and the pages."""
    out: Path = options.out
    sets = [*real_sets(options.data, out / "corpora"), DRAWN]
    build = partial(corpus_of, home=out / "corpora", samples=options.samples, seed=options.seed)
    try:
        with ProcessPoolExecutor(options.workers) as pool:
            corpora = dict(zip((real.name for real in sets), pool.map(build, sets), strict=True))
    except CannotBuild as error:
        sys.exit(f"cannot be built: {error}")
    drawn, shown = pairs_.draw(corpora, shares(sets), options.seed)
    (out / "pairs.tsv").write_text(pairs_.write(drawn))
    files = write_sheets(drawn.pairs, shown, out)
    print(f"{len(drawn.pairs)} pairs of {len(shown)} pictures: {out / 'pairs.tsv'}, {len(files)} pages beside it")


def shares(sets: list[RealSet]) -> dict[str, int]:
    """How many pairs of each data set: more of the exhaustive ones that have more pictures."""
    totals = {real.name: real.open().total for real in sets if real.exhaustive and not real.stated}
    least = min(30, EXHAUSTIVE // max(1, len(totals)))
    spare = EXHAUSTIVE - least * len(totals)
    found = {name: least + round(spare * total / sum(totals.values())) for name, total in totals.items()}
    found |= {real.name: MIXED if len(real.sources) > 1 else OTHERS for real in sets if real.name not in found}
    return found


def rate(options: argparse.Namespace) -> None:
    """Print, and if asked for write, the rates."""
    try:
        drawn = pairs_.read(options.file.read_text())
        page = report(drawn, time.strftime("%Y-%m-%d"))
    except ValueError as error:
        sys.exit(f"{options.file}: {error}")
    print(page)
    if options.write:
        PAGE.write_text(page)
        shutil.copyfile(options.file, PAGE.with_suffix(".tsv"))
        CHECKED.write_text(checked.write(CHECKED.read_text(), drawn.pairs, SOURCES))


def report(drawn: Drawn, when: str) -> str:
    """The page. Raises ValueError if a verdict is missing."""
    tables = [
        table.markdown((title, *COUNTS), list(groups(drawn.pairs, of)))
        for title, of in (("evidence", lambda pair: pair.evidence), ("data set", lambda pair: pair.source))
    ]
    wrong = [pair for pair in drawn.pairs if pair.verdict != "absent"]
    listed = [
        f"- {pair.source} {pair.scene}: {pair.name} ({pair.evidence}): {pair.verdict}. {pair.note}" for pair in wrong
    ]
    return TEXT.format(
        when=when,
        seed=drawn.head[0].removeprefix("seed "),
        tables="\n\n".join(tables),
        under=under_one_percent(drawn.pairs),
        pictures=len({pair.picture for pair in drawn.pairs}),
        wrong="\n".join(["Wrong:", "", *(line.rstrip() for line in listed)]) if wrong else "None is wrong.",
        head="\n".join(f"- {line}" for line in drawn.head),
    )


COUNTS = ("pairs", "pictures", "present", "doubtful", "wrong", "95 %")


def groups(pairs: tuple[Pair, ...], of: Callable[[Pair], str]) -> Iterator[list[str]]:
    """A row for each group of pairs, and one for all."""
    for name in (*sorted({of(pair) for pair in pairs}), "all"):
        own = [pair for pair in pairs if name == "all" or of(pair) == name]
        found = pairs_.rate(own)
        low, high = found.interval
        verdicts = Counter(pair.verdict for pair in own)
        counts = (found.pairs, len({pair.picture for pair in own}), verdicts["present"], verdicts["doubtful"])
        yield [name, *map(str, counts), f"{found.wrong / found.pairs:.1%}", f"{low:.1%} to {high:.1%}"]


def under_one_percent(pairs: Iterable[Pair]) -> str:
    """A sentence on the classes of evidence whose interval ends below 1 %."""
    classes: dict[str, list[Pair]] = {}
    for pair in pairs:
        classes.setdefault(pair.evidence, []).append(pair)
    sure = sorted(f"`{name}`" for name, own in classes.items() if pairs_.rate(own).interval[1] < 0.01)
    return f"Under 1 %: {', '.join(sure)}." if sure else "It ends under 1 % for none of the classes of evidence."


def main() -> None:
    """Run one of the two commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    drawing = commands.add_parser("draw", help="draw pairs, and write what is needed to judge them")
    drawing.add_argument("--out", type=Path, required=True)
    drawing.add_argument("--samples", type=int, default=300, help="samples of each data set")
    drawing.add_argument("--seed", type=int, default=SEED)
    drawing.add_argument("--data", type=Path, default=DATA, help="folder of the real data sets")
    drawing.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    drawing.set_defaults(run=draw)
    rating = commands.add_parser("rate", help="count the verdicts")
    rating.add_argument("file", type=Path)
    rating.add_argument(
        "--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)} and {CHECKED.relative_to(ROOT)}"
    )
    rating.set_defaults(run=rate)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
