"""Are the labels true? Masks and names of real samples, derived again from the data sets' own files by other code.

    python benchmarks/truth.py [--samples 500] [--only NAME] [--home FOLDER] [--write]        (or: make truth)

For each real data set beside the checkout a corpus is built by `lavida-gen build`: every exposure, no
augmentation, pictures at their own size. label_truth/, which imports nothing of lavida_gen and reads annotations with
pycocotools, PIL, numpy and json alone, then holds each sample against the annotation files: pictures, masks pixel by
pixel, no absent name that is annotated, evidence that the files justify, original wordings that the files hold. Exits 1
if anything is untrue. `--home` keeps the corpora, so that an interrupted run goes on; `--write` writes the table to
docs/measurements/truth.md.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

from label_truth import table
from label_truth.build import CannotBuild, corpus_of
from label_truth.check import Tally, check_samples
from label_truth.real import RealSet, real_sets
from label_truth.samples import manifest, read_samples

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
PAGE = ROOT / "docs" / "measurements" / "truth.md"
SEED = 17

TEXT = """\
# Labels against the data sets' own files

{when}, lavida-gen {version}; {seconds:.0f} processor seconds, {wall:.0f} s on {cores} cores (load average {load:.1f}).
Exits with an error if anything is untrue: the gate of a release.

    make truth

For each real data set beside the checkout a corpus of {samples} samples: every exposure, no augmentation, pictures at
their own size, seed {seed}. A reader of its own (benchmarks/label_truth: pycocotools, PIL, numpy, json; nothing of
lavida_gen) derives pictures, masks, names, evidence and original wordings again from the annotation files.

{table}

- scenes: distinct scenes that the samples show, of those that the files hold. Where they are few, the samples are not
  independent.
- masks: compared pixel by pixel with the union of everything annotated under the anomaly's names (all frames of clips;
  empty ones too). Samples of `paste`, `swap` and `motion`, whose anomaly no file annotates: the mask and every changed
  pixel lie inside the recorded edit.
- absent names: looked up in everything annotated in the scene: same class, synonym, supercategory or hypernym of the
  data set's own lists, expression of a thing there. Phrases of `context`, `swap` and `motion` ("car against the rules")
  are true or false by the question, and not counted.
- exhaustive: names of any exposure with this class of evidence; each is in a vocabulary that the files annotate
  completely. `verified` is accepted only where a file states it.
- Not covered: whether the annotation files are right. See judged_pairs.md for names judged by people.
"""


class Checked(NamedTuple):
    """A data set's tally, the number of its scenes, and the version of the generator."""

    tally: Tally
    total: int
    version: str


def check_set(real: RealSet, home: Path, samples: int, seed: int) -> Checked:
    """Build and check a corpus of a data set. Raises CannotBuild."""
    corpus = corpus_of(real, home, samples, seed)
    data_set = real.open()
    tally = check_samples(read_samples(corpus), data_set)
    print(f"{real.name}: {table.untrue(tally)} untrue", flush=True)
    return Checked(tally, data_set.total, manifest(corpus)["generator"])


def main() -> None:
    """Build, check, print; exit with 1 if anything is untrue."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the real data sets")
    parser.add_argument("--only", help="only data sets whose name contains this")
    parser.add_argument("--home", type=Path, help="keep the corpora here")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    if not options.data.is_dir():
        sys.exit(f"no folder {options.data}: the real data sets are not beside this checkout")
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as temporary:
        home = options.home or Path(temporary)
        sets = [real for real in real_sets(options.data, home) if (options.only or "") in real.name]
        check = partial(check_set, home=home, samples=options.samples, seed=options.seed)
        try:
            with ProcessPoolExecutor(options.workers) as pool:
                running = {real.name: pool.submit(check, real) for real in reversed(sets)}  # the slow ones first
                found = {real.name: running[real.name].result() for real in sets}
        except CannotBuild as error:
            sys.exit(f"cannot be built: {error}")
    tallies = {name: (checked.tally, checked.total) for name, checked in found.items()}
    (version,) = {checked.version for checked in found.values()}
    print(table.markdown(table.HEAD, table.rows(tallies)))
    for name, (tally, _) in tallies.items():
        if tally.violations:
            print("\n".join([name, *table.examples(tally)]))
    if options.write:
        PAGE.write_text(
            TEXT.format(
                when=time.strftime("%Y-%m-%d"), version=version, seconds=sum(os.times()[:4]), load=os.getloadavg()[1], wall=time.perf_counter() - began,
                cores=os.cpu_count(), samples=options.samples, seed=options.seed,
                table=table.markdown(table.HEAD, table.rows(tallies)),
            )
        )  # fmt: skip
    print(f"{time.perf_counter() - began:.0f} s")
    sys.exit(any(tally.violations for tally, _ in tallies.values()))


if __name__ == "__main__":
    main()
