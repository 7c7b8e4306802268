"""What names mean to each other by WordNet and the tables: golden lists for people to read, and LVIS' names as a measure."""

from __future__ import annotations

import csv
import hashlib
import itertools
from pathlib import Path

import pytest

from lavida_gen.annotations.coco_stuff_names import all_labels
from lavida_gen.names import lexicon, wordnet
from lavida_gen.scenes.scene import Name

GOLDEN = Path(__file__).parent / "data" / "conflicts"
Pair = tuple[str, str]


def conflict(one: str, two: str) -> bool:
    return lexicon.conflict(Name(one, one), Name(two, two))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("seat", "chair"), ("seat", "bench"), ("poster", "bulletin board"), ("hill", "mountain"), ("grass", "field"),
        ("chest of drawers", "cabinet"), ("roof", "building"), ("window", "house"), ("flower", "potted plant"),
        ("hand", "person"), ("giant panda", "bear"), ("curb cut", "curb"), ("bagel", "bread"), ("crow", "bird"),
        ("lane marking crosswalk", "crosswalk plain"), ("wheel", "car"), ("van", "car"), ("person on a bench", "person"),
    ],
)  # fmt: skip
def test_names_that_are_true_of_each_other_conflict(one: str, two: str) -> None:
    assert conflict(one, two)
    assert conflict(two, one)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("suitcase", "tea bag"), ("cock", "hammer"), ("spider", "frying pan"), ("turtle", "sweater"), ("dog", "sausage"),
        ("stool", "toilet"), ("drill", "monkey"), ("apple", "orange"), ("car", "truck"), ("person on a bench", "bench"),
        ("kite", "bird"), ("garden chair", "armchair"),
    ],
)  # fmt: skip
def test_siblings_and_senses_that_nobody_means_do_not(one: str, two: str) -> None:
    assert not conflict(one, two)


@pytest.mark.parametrize("name", ["coco_stuff"])
def test_every_conflict_of_a_closed_vocabulary_stands_in_the_list(name: str) -> None:
    """A person reads the list. After a change of the tables: python tests/gen/test_thesaurus.py, then read the diff."""
    wanted = {(row["one"], row["two"]): row["why"] for row in rows(GOLDEN / f"{name}.tsv")}
    assert dict(found_conflicts(VOCABULARIES[name]())) == wanted


def coco_stuff() -> list[str]:
    return [label.name for label in all_labels().values()]


VOCABULARIES = {"coco_stuff": coco_stuff}


def found_conflicts(names: list[str]) -> list[tuple[Pair, str]]:
    pairs = itertools.combinations(dict.fromkeys(names), 2)
    return [(pair, why) for pair in pairs if (why := lexicon.relation(*pair))]


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    return shared_data / "cases" / "names"


class TestLvis:
    """LVIS' 1,203 names with their synsets: what the same rules find from the names alone."""

    def test_kin(self, folder: Path) -> None:
        kin = rows(folder / "lvis_kin.tsv")
        assert sum(conflict(row["one"], row["other"]) for row in kin) >= 0.97 * len(kin)

    def test_synonyms(self, folder: Path) -> None:
        synonyms = rows(folder / "lvis_synonyms.tsv")
        assert sum(conflict(row["name"], row["synonym"]) for row in synonyms) >= 0.92 * len(synonyms)

    def test_false_conflicts(self, folder: Path) -> None:
        before = rows(folder / "lvis_false_conflicts.tsv")
        assert sum(conflict(row["one"], row["other"]) for row in before) <= 60, "of 480 of the tables alone"

    def test_synsets_are_exact(self, folder: Path) -> None:
        synsets = {row["synset"]: wordnet.synset(row["synset"]) for row in rows(folder / "lvis_names.tsv")}
        assert [name for name, reading in synsets.items() if not reading.senses] == ["stop_sign.n.01"]
        by_name: dict[str, list[wordnet.Reading]] = {}
        for row in rows(folder / "lvis_names.tsv"):
            by_name.setdefault(row["name"], []).append(synsets[row["synset"]])
        kin = [row for row in rows(folder / "lvis_kin.tsv") if "stop sign" not in row.values()]
        lost = [
            (row["one"], row["other"])
            for row in kin
            if not any(wordnet.is_kin(a, b) for a in by_name[row["one"]] for b in by_name[row["other"]])
        ]
        assert lost == []

    def test_rare_senses_help_names_that_they_were_not_fitted_on(self, folder: Path) -> None:
        """Half of the lemmas, drawn by their digest, are held out: the other half's rare senses change nothing there."""
        names = sorted({row["name"] for row in rows(folder / "lvis_names.tsv")})
        held = [name for name in names if hashlib.sha256(name.encode()).digest()[0] % 2]
        kin = {frozenset((row["one"], row["other"])) for row in rows(folder / "lvis_kin.tsv")}
        false = [
            pair for pair in itertools.combinations(held, 2) if frozenset(pair) not in kin and lexicon.same_kind(*pair)
        ]
        assert len(false) < 0.001 * len(held) ** 2 / 2


def main() -> None:
    """Write the lists anew."""
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for name, vocabulary in VOCABULARIES.items():
        lines = [f"{one}\t{two}\t{why}" for (one, two), why in found_conflicts(vocabulary())]
        (GOLDEN / f"{name}.tsv").write_text("\n".join(["one\ttwo\twhy", *lines]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
