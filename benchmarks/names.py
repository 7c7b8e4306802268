"""How well do names show which categories conflict? Measured on LVIS' names, whose synsets are the truth.

    python benchmarks/names.py [--lvis FOLDER]

FOLDER holds tables of names (default: the one beside the checkout): lvis_names.tsv, the categories with their synsets;
lvis_kin.tsv, pairs of which one is a kind of the other by their synsets; lvis_synonyms.tsv, official synonyms;
lvis_false_conflicts.tsv, pairs that the hand-made tables alone took for related. The first three are better where more
conflict, the last one where fewer do. "With synsets" both names state the synset of their category.

The rare senses (data/rare_senses.yaml) were found by reading conflicts of these very names. So they are measured by
halves: words whose SHA-256 begins with an even byte are the half that they are fitted on, the others are held out: there
all names are judged as if nobody had ever read a conflict of theirs.

docs/measurements/judged_conflicts.tsv has conflicts that were judged one by one: a random sample of all between LVIS' names, those
of the fourth table, and those of the half that is held out which the synsets deny. Rates are printed with Wilson's 95 %
interval.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from label_truth.pairs import wilson

from lavida_gen.names import lexicon, wordnet
from lavida_gen.scenes.scene import Name

TABLES = Path(__file__).resolve().parents[2] / "shared" / "data" / "cases" / "names"
JUDGED = Path(__file__).resolve().parents[1] / "docs" / "measurements" / "judged_conflicts.tsv"
DRAWN = {
    "sample": "random conflicts",
    "false480": "conflicts of the fourth table",
    "held": "held out, denied by synsets",
}
COLUMNS = {"kin": ("one", "other"), "synonyms": ("name", "synonym"), "false_conflicts": ("one", "other")}
Pair = tuple[str, str]


def rows(folder: Path, table: str) -> list[dict[str, str]]:
    """Lines of a table."""
    with (folder / f"lvis_{table}.tsv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


class Tables:
    """LVIS' names, and the pairs of each table."""

    def __init__(self, folder: Path) -> None:
        self.synsets: dict[str, list[str]] = {}
        for row in rows(folder, "names"):
            self.synsets.setdefault(row["name"], []).append(row["synset"])
        self.pairs: dict[str, list[Pair]] = {
            table: [(row[one], row[two]) for row in rows(folder, table)] for table, (one, two) in COLUMNS.items()
        }

    def with_synsets(self, table: str, pair: Pair) -> bool:
        """Whether a pair conflicts where both names state their synsets; a synonym has that of its category."""
        first = self.synsets[pair[0]]
        if table == "synonyms":
            return any(_conflict(pair, (synset, synset)) for synset in first)
        return any(_conflict(pair, both) for both in itertools.product(first, self.synsets[pair[1]]))

    def is_kin(self, one: str, two: str) -> bool:
        """Whether in some synsets of LVIS one is a kind of the other."""
        pairs = itertools.product(self.synsets[one], self.synsets[two])
        return any(wordnet.is_kin(wordnet.synset(a), wordnet.synset(b)) for a, b in pairs)


def _conflict(pair: Pair, synsets: Pair = ("", "")) -> bool:
    one, two = (Name(text, text, synset=synset) for text, synset in zip(pair, synsets, strict=True))
    return lexicon.conflict(one, two)


def is_held_out(name: str) -> bool:
    """Whether a word belongs to the half that the rare senses are measured on."""
    return hashlib.sha256(name.encode()).digest()[0] % 2 == 1


@contextmanager
def rare_senses(keep: Callable[[str], bool]) -> Iterator[None]:
    """Only the rare senses of some words, for a while."""
    kept = {word: numbers for word, numbers in wordnet.rare_senses().items() if keep(word)}
    caches = (wordnet.read, lexicon.look_up, lexicon.same_kind, lexicon.is_part)
    with mock.patch.object(wordnet, "rare_senses", return_value=kept):
        for function in caches:
            function.cache_clear()
        yield
    for function in caches:
        function.cache_clear()


def print_recall(tables: Tables) -> None:
    """Pairs of each table that conflict, with synsets and from the names alone."""
    for table, pairs in tables.pairs.items():
        alone = sum(map(_conflict, pairs))
        stated = sum(tables.with_synsets(table, pair) for pair in pairs)
        print(
            f"{table:16} of {len(pairs)} pairs conflict: {stated:4} ({stated / len(pairs):.1%}) with synsets, "
            f"{alone:4} ({alone / len(pairs):.1%}) from the names alone"
        )


def print_half(tables: Tables, half: Callable[[str], bool], what: str) -> None:
    """What holds between names of one half."""
    names = [name for name in tables.synsets if half(name)]
    kin = [pair for pair in tables.pairs["kin"] if half(pair[0]) and half(pair[1])]
    synonyms = [pair for pair in tables.pairs["synonyms"] if half(pair[0])]
    found = [pair for pair in itertools.combinations(names, 2) if _conflict(pair)]
    false = [pair for pair in found if not tables.is_kin(*pair)]
    print(
        f"{what:48} {len(names):4} names: kin {sum(map(_conflict, kin))}/{len(kin)}, "
        f"synonyms {sum(map(_conflict, synonyms))}/{len(synonyms)}; "
        f"{len(false)} of {len(found)} conflicts are denied by synsets"
    )


def print_judged() -> None:
    """What was found of the conflicts that were judged."""
    with JUDGED.open(encoding="utf-8") as file:
        judged = list(csv.DictReader(file, delimiter="\t"))
    for key, what in DRAWN.items():
        answers = [row["judged"] for row in judged if key in row["drawn"].split()]
        false = answers.count("false")
        low, high = wilson(false, len(answers))
        print(
            f"{what:30} {len(answers):3} judged: {answers.count('true')} true, {answers.count('harmless')} harmless, "
            f"{false} false ({false / len(answers):.1%}, {low:.1%} to {high:.1%})"
        )


def main() -> None:
    """Print recall and conflicts that the synsets deny: of all names, and of the two halves."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lvis", type=Path, default=TABLES)
    options = parser.parse_args()
    if not options.lvis.is_dir():
        print(f"skipped: no folder {options.lvis.name} of LVIS names beside the checkout")
        return
    tables = Tables(options.lvis)
    print_recall(tables)
    for kept, what in (
        (lambda word: not is_held_out(word), "rare senses of the first half"),
        (lambda word: False, "none"),
    ):
        with rare_senses(kept):
            print_half(tables, lambda name: not is_held_out(name), f"fitted on, {what}")
            print_half(tables, is_held_out, f"held out, {what}")
    print_half(tables, is_held_out, "held out, all rare senses as shipped")
    print_judged()


if __name__ == "__main__":
    main()
