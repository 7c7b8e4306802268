"""How well do names alone show which categories conflict? Measured on LVIS' names, whose synsets are the truth.

    python benchmarks/names.py [--lvis FOLDER]

FOLDER holds three tables of names (default: the one beside the checkout): lvis_kin.tsv, pairs of which one is a kind of
the other by their synsets; lvis_synonyms.tsv, official synonyms; lvis_false_conflicts.tsv, pairs that the hand-made
tables alone took for related. Higher is better for the first two, lower for the third.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from lavida_gen.names import lexicon
from lavida_gen.scenes.scene import Name

TABLES = Path(__file__).resolve().parents[2] / "shared" / "data" / "cases" / "names"
COLUMNS = {"kin": ("one", "other"), "synonyms": ("name", "synonym"), "false_conflicts": ("one", "other")}


def main() -> None:
    """Print how many pairs of each table conflict."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--lvis", type=Path, default=TABLES)
    options = arguments.parse_args()
    if not options.lvis.is_dir():
        print(f"skipped: no folder {options.lvis.name} of LVIS names beside the checkout")
        return
    for table, (first, second) in COLUMNS.items():
        with (options.lvis / f"lvis_{table}.tsv").open(encoding="utf-8") as file:
            pairs = [(row[first], row[second]) for row in csv.DictReader(file, delimiter="\t")]
        conflicts = sum(lexicon.conflict(Name(one, one), Name(two, two)) for one, two in pairs)
        print(f"{table:16} {conflicts:4} of {len(pairs)} pairs conflict ({conflicts / len(pairs):.1%})")


if __name__ == "__main__":
    main()
