"""What names mean to each other by WordNet and the tables: golden lists for people to read, and LVIS' names as a measure."""

from __future__ import annotations

import csv
import hashlib
import itertools
from pathlib import Path

import pytest
import yaml

from lavida_gen.classes import davis_names
from lavida_gen.classes.coco_stuff_names import NEVER, all_labels
from lavida_gen.classes.mapillary_names import everyday_name
from lavida_gen.names import lexicon, wordnet
from lavida_gen.names.vocabulary import pick_absent
from lavida_gen.scenes.scene import Name
from lavida_gen.street import phrases

DATA = Path(__file__).parent / "data"
GOLDEN = DATA / "conflicts"
JUDGED = Path(__file__).resolve().parents[2] / "docs" / "measurements" / "judged_conflicts.tsv"
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
        ("lane marking crosswalk", "crosswalk plain"), ("crosswalk plain", "lane marking (only) crosswalk"), ("wheel", "car"), ("van", "car"), ("person on a bench", "person"),
        ("shepherd", "person"), ("fern", "plant"), ("aardvark", "animal"), ("lemonade", "food"),
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


def test_a_stated_synset_is_the_only_sense_of_a_name() -> None:
    def stated(text: str, synset: str) -> Name:
        return Name(text, text, synset=synset)

    pitcher = stated("pitcher", "pitcher.n.02")
    assert lexicon.conflict(Name("pitcher", "pitcher"), Name("person", "person")), "the words alone leave it open"
    assert not lexicon.conflict(pitcher, Name("person", "person")), "a vessel"
    assert not lexicon.conflict(pitcher, stated("person", "person.n.01"))
    assert lexicon.conflict(pitcher, stated("vessel", "vessel.n.03"))
    assert lexicon.conflict(stated("mouse", "mouse.n.01"), stated("animal", "animal.n.01"))
    assert not lexicon.conflict(stated("mouse", "mouse.n.04"), stated("animal", "animal.n.01"))
    assert not lexicon.conflict(stated("tank", "tank.n.02"), stated("tank top", "tank_top.n.01"))
    assert lexicon.conflict(stated("wheel", "wheel.n.01"), stated("car", "car.n.01")), "parts go by synsets, too"
    assert not lexicon.conflict(stated("wheel", "wheel.n.01"), stated("car", "car.n.03")), "a gondola has none"
    assert lexicon.conflict(stated("stop sign", "stop_sign.n.01"), Name("sign", "sign")), (
        "WordNet 3.0 has no such synset"
    )
    assert lexicon.conflict(stated("hill", "hill.n.01"), stated("mountain", "mountain.n.01")), "a table stays above it"
    assert lexicon.conflict(stated("bow", "bow.n.04"), stated("bow", "bow.n.08")), (
        "equal words mean the same in a prompt"
    )
    assert not lexicon.conflict(stated("object", "object.n.01"), stated("dog", "dog.n.01")), "too general"


def test_absent_names_go_by_synsets() -> None:
    names = [
        Name("mouse", "mouse", synset="mouse.n.04"),
        Name("mouse", "mouse", synset="mouse.n.01"),
        Name("cup", "cup"),
    ]
    animal = Name("animal", "animal", synset="animal.n.01")
    assert pick_absent(names, [animal], (), 3) == ["mouse", "cup"]
    assert pick_absent(names[1:], [animal], (), 3) == ["cup"]


def vocabularies() -> dict[str, list[str]]:
    """Names as the sources word them."""
    found = {}
    for name, listed in yaml.safe_load((DATA / "vocabularies.yaml").read_text(encoding="utf-8")).items():
        is_mapillary = isinstance(listed, dict)  # path: readable name
        found[name] = [everyday_name(*names) for names in listed.items()] if is_mapillary else listed
    found["coco_stuff"] = [label.name for number, label in all_labels().items() if number not in NEVER]
    found["davis"] = [davis_names.SPELLING.get(category, category) for category in davis_names.groups()]
    found["street"] = [word.category for word in phrases.vocabulary()]
    return {name: list(dict.fromkeys(names)) for name, names in found.items()}


VOCABULARIES = vocabularies()


@pytest.mark.parametrize("name", VOCABULARIES)
def test_every_conflict_of_a_closed_vocabulary_stands_in_the_list(name: str) -> None:
    """A person reads the lists. After a change of the tables: python tests/gen/test_thesaurus.py, then read the diff."""
    wanted = {(row["one"], row["two"]): row["why"] for row in rows(GOLDEN / f"{name}.tsv")}
    assert dict(found_conflicts(VOCABULARIES[name])) == wanted


@pytest.mark.parametrize(
    ("name", "one", "two"),
    [
        ("ade20k", "seat", "chair"), ("ade20k", "seat", "bench"), ("ade20k", "poster", "bulletin board"),
        ("ade20k", "hill", "mountain"), ("coco_stuff", "hill", "mountain"), ("ade20k", "grass", "field"),
        ("ade20k", "chest of drawers", "cabinet"), ("coco_stuff", "roof", "building"),
        ("coco_panoptic", "roof", "building"), ("coco_panoptic", "window", "house"), ("coco_stuff", "window", "house"),
        ("ade20k", "windowpane", "house"), ("coco_panoptic", "flower", "potted plant"),
        ("coco_stuff", "flower", "potted plant"), ("youtube_vos", "hand", "person"),
        ("youtube_vos", "giant panda", "bear"), ("mapillary_1.2", "curb cut", "curb"),
        ("mapillary_2.0", "curb cut", "curb"), ("mapillary_1.2", "plain crosswalk", "zebra crossing"),
        ("mapillary_2.0", "plain crosswalk", "zebra crossing"),
        ("mapillary_2.0", "person group", "person"),
        ("mapillary_2.0", "vehicle group", "car"), ("cityscapes", "pole group", "pole"), ("coco", "laptop", "keyboard"),
        ("ade20k", "stove", "oven"), ("ade20k", "swimming pool", "water"), ("youtube_vos", "ape", "monkey"),
        ("davis", "motorcycle", "scooter"), ("davis", "kite", "sail"), ("davis", "paraglider", "kite"), ("cityscapes", "vegetation", "terrain"), ("coco_stuff", "clothes", "person"),
    ],
)  # fmt: skip
def test_near_names_of_one_vocabulary_conflict(name: str, one: str, two: str) -> None:
    assert {one, two} <= set(VOCABULARIES[name])
    assert conflict(one, two)
    assert conflict(two, one)


@pytest.mark.parametrize(
    ("name", "one", "two"),
    [
        ("cityscapes", "pole group", "person"), ("mapillary_1.2", "bike lane", "bicycle"),
        ("mapillary_1.2", "bike rack", "bicycle"), ("mapillary_1.2", "pedestrian area", "person"),
        ("mapillary_1.2", "lane marking", "person"), ("mapillary_2.0", "bicycle symbol marking", "bicycle"),
        ("mapillary_2.0", "pedestrian traffic light", "person"), ("youtube_vos", "whale", "person"),
        ("davis", "scooter", "bird"), ("ade20k", "hood", "person"), ("ade20k", "box", "plant"), ("ade20k", "flag", "plant"),
        ("ade20k", "bar", "wall"), ("ade20k", "case", "bag"), ("coco", "couch", "bed"), ("coco", "tv", "laptop"),
        ("coco_stuff", "plate", "food"), ("cityscapes", "car", "truck"), ("ade20k", "car", "bus"),
        ("mapillary_2.0", "street light", "pedestrian traffic light"),
    ],
)  # fmt: skip
def test_other_names_of_one_vocabulary_do_not(name: str, one: str, two: str) -> None:
    assert {one, two} <= {*VOCABULARIES[name], "plate"}
    assert not conflict(one, two)


def found_conflicts(names: list[str]) -> list[tuple[Pair, str]]:
    pairs = itertools.combinations(dict.fromkeys(names), 2)
    return [(pair, why) for pair in pairs if (why := lexicon.relation(*(Name(one, one) for one in pair)))]


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

    def test_judged_conflicts_are_of_these_names(self, folder: Path) -> None:
        """Each conflict that still holds of the table of false ones is judged, with a word of reason."""
        names = {row["name"] for row in rows(folder / "lvis_names.tsv")}
        judged = {frozenset((row["one"], row["other"])): row for row in rows(JUDGED)}
        assert all(pair <= names for pair in judged)
        assert {row["judged"] for row in judged.values()} == {"true", "harmless", "false"}
        assert all(row["why"] for row in judged.values())
        false = [row for row in rows(folder / "lvis_false_conflicts.tsv") if conflict(row["one"], row["other"])]
        assert {frozenset((row["one"], row["other"])) for row in false} <= set(judged)

    def test_false_conflicts(self, folder: Path) -> None:
        before = rows(folder / "lvis_false_conflicts.tsv")
        assert sum(conflict(row["one"], row["other"]) for row in before) <= 60, "of 480 of the tables alone"

    def test_synsets_are_exact(self, folder: Path) -> None:
        """Kin conflict, and few other pairs (of each fourth name)."""
        names = [Name(row["name"], row["name"], synset=row["synset"]) for row in rows(folder / "lvis_names.tsv")]
        assert [name.synset for name in names if not wordnet.synset(name.synset).senses] == ["stop_sign.n.01"]
        pairs = list(itertools.combinations(names[::4], 2))
        kin = {pair for pair in pairs if wordnet.is_kin(*(wordnet.synset(name.synset) for name in pair))}
        found = {pair for pair in pairs if lexicon.conflict(*pair)}
        assert kin <= found
        assert len(kin) > 10
        assert len({pair for pair in found - kin if lexicon.relation(*pair) != "part"}) <= 4, "those of the tables"

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
        lines = [f"{one}\t{two}\t{why}" for (one, two), why in found_conflicts(vocabulary)]
        (GOLDEN / f"{name}.tsv").write_text("\n".join(["one\ttwo\twhy", *lines]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
