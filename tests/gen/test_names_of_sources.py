"""Names of a source as samples use them: readable, none that names nothing, related ones, and evidence of absence."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pytest
from pydantic import Field

from lavida_gen.building.check import check_data
from lavida_gen.common.errors import DataError, UserError
from lavida_gen.config import recipe as recipes
from lavida_gen.config.recipe import CorpusRecipe
from lavida_gen.exposures._base import Limits
from lavida_gen.exposures._candidates import AMBIGUOUS, find_candidate
from lavida_gen.names.cleaning import Wordings, clean, is_no_name
from lavida_gen.names.name_rows import JoinedNames
from lavida_gen.names.relations import Relations
from lavida_gen.names.vocabulary import pick_absent, present_names
from lavida_gen.sampling.make_sample import make_sample
from lavida_gen.sampling.planner import SamplePlanner
from lavida_gen.scenes.images import Frame
from lavida_gen.scenes.masks import encode
from lavida_gen.scenes.scene import Kind, Name, Region, Scene
from lavida_gen.sources._base import Source, SourceInfo, SourceOptions

SIZE = (24, 32)
FRAME = Frame.drawn(lambda: np.zeros((*SIZE, 3), np.uint8), SIZE, "toy")


def block(row: int) -> Any:
    plane = np.zeros(SIZE, np.bool_)
    plane[row : row + 4, 4:20] = True
    return encode(plane)


class ToyOptions(SourceOptions):
    """Classes of each scene, and what the data set declares."""

    scenes: tuple[tuple[str, ...], ...] = (("dog",), ("cat",))
    classes: tuple[str, ...] = ("dog", "cat", "aerosol_can", "background")
    groups: dict[str, str] = Field(default_factory=dict)
    exhaustive: tuple[str, ...] = ()
    expressions: tuple[tuple[str, str], ...] = ()
    states_absent: tuple[str, ...] = ()


class Toy(Source[ToyOptions]):
    """Scenes of named blocks."""

    Options = ToyOptions
    about: ClassVar[SourceInfo] = SourceInfo(
        title="Toy", page="none", licence="CC0-1.0", use="free", attribution="nobody", get="-", layout="-"
    )

    @property
    def kind(self) -> Kind:
        return "image"

    def __len__(self) -> int:
        return len(self.options.scenes)

    def key(self, number: int) -> str:
        return f"toy/{number}"

    def scene(self, number: int) -> Scene:
        regions = tuple(
            Region(
                (name, *(text for text, category in self.options.expressions if category == name)),
                (block(5 * row),),
                name,
            )
            for row, name in enumerate(self.options.scenes[number])
        )
        return Scene(
            self.key(number), (FRAME,), SIZE, regions, "CC0-1.0", absent=lambda: iter(self.options.states_absent)
        )

    def vocabulary(self) -> Sequence[Name]:
        classes = [Name(name, name, self.options.groups.get(name, "")) for name in self.options.classes]
        return classes + [Name(*pair) for pair in self.options.expressions]

    def evidence_of_absence(self, name: Name) -> Any:
        return "exhaustive" if name.category in self.options.exhaustive else "unannotated"

    def related(self) -> Mapping[str, Collection[str]]:
        return {"vehicle group": ["car", "bus"]} if "vehicle group" in self.options.classes else {}

    def fingerprint(self) -> str:
        return "toy"


TOY = f"{__name__}:Toy"
EVERYTHING = {"min_area": 0, "min_pixels": 1, "max_area": 1}


def recipe(source: dict[str, Any], *more: dict[str, Any], **keys: Any) -> CorpusRecipe:
    plain = {
        "name": "toy",
        "samples": 40,
        "val": 0,
        "sources": [{"name": TOY, **source}, *more],
        "exposures": ["relabel", "absent"],
        "limits": EVERYTHING,
        **keys,
    }
    return recipes.parse(plain, allow_code=True)


def records(source: dict[str, Any], *more: dict[str, Any], **keys: Any) -> list[Any]:
    planner = SamplePlanner.open(recipe(source, *more, **keys))
    return [make_sample(planner, index, "d").sample.record for index in range(planner.recipe.samples)]


def absent_of(rows: Sequence[Any]) -> set[tuple[str, str]]:
    return {
        (name, evidence)
        for row in rows
        for name, label, evidence in zip(row["names"], row["labels"], row["evidence"], strict=True)
        if not label
    }


@pytest.mark.parametrize(
    ("raw", "readable"),
    [
        ("aerosol_can", "aerosol can"),
        ("bat_(animal)", "bat"),
        ("tv/monitor", "tv or monitor"),
        ("TrafficLight", "traffic light"),
        ("  wall_brick ", "wall brick"),
        ("(x)", "(x)"),
        ("24/7 shop", "24/7 shop"),
        ("Hund", "Hund"),
    ],
)
def test_categories_become_words(raw: str, readable: str) -> None:
    assert clean(raw) == readable


def test_classes_that_differ_in_the_bracket_alone_keep_it() -> None:
    wordings = Wordings(["bat_(animal)", "bat_(sports_equipment)", "cab_(taxi)"])
    assert [wordings[raw] for raw in ("bat_(animal)", "bat_(sports_equipment)", "cab_(taxi)", "new_one")] == [
        "bat (animal)", "bat (sports equipment)", "cab", "new one",
    ]  # fmt: skip
    assert wordings.originals()["cab"] == "cab_(taxi)"


@pytest.mark.parametrize(
    "text", ["background", "_background_", "__ignore__", "void", "Unlabeled", "other", "others", "Don't care", "IGNORE"]
)
def test_what_names_nothing(text: str) -> None:
    assert is_no_name(text)
    assert not is_no_name(f"{text} dog")


def test_what_names_nothing_is_neither_an_anomaly_nor_listed() -> None:
    rows = records(
        {"scenes": [["dog", "background"], ["cat", "void"]], "classes": ["dog", "cat", "background", "void"]}
    )
    listed = {name for row in rows for name in row["names"]}
    assert listed == {"dog", "cat"}
    notes = [finding for finding in check_data(recipe({})) if finding.severity == "note"]
    assert "'background' names nothing: never an anomaly, never listed" in notes[0].text
    kept = records({"scenes": [["dog", "other"]], "classes": ["dog", "other"], "keep_names": ["other"]}, anomaly_ratio=1,
                   exposures=["relabel"])  # fmt: skip
    assert {"dog", "other"} == {name for row in kept for name in row["names"]}


def test_a_sample_keeps_the_original_wording() -> None:
    rows = records({"scenes": [["aerosol_can"], ["dog"]], "classes": ["aerosol_can", "dog"]})
    pairs = {pair for row in rows for pair in zip(row["names"], row["originals"], strict=True)}
    assert pairs == {("aerosol can", "aerosol_can"), ("dog", "")}


def test_a_supercategory_conflicts_with_its_members() -> None:
    source = {
        "scenes": [["crack"], ["scratch"], ["defect"]],
        "classes": ["defect", "crack", "scratch", "tool"],
        "groups": {"crack": "defect", "scratch": "defect"},
    }
    for row in records(source):
        (there,) = source["scenes"][int(row["scene"][-1])]
        absent = {name for name, label in zip(row["names"], row["labels"], strict=True) if not label}
        assert absent <= {"crack": {"scratch", "tool"}, "scratch": {"crack", "tool"}, "defect": {"tool"}}[there]


def test_a_group_conflicts_with_members_and_hides_which_are_there() -> None:
    planner = SamplePlanner.open(
        recipe({"scenes": [["vehicle group", "car"]], "classes": ["vehicle group", "car", "bus", "dog"]})
    )
    opened = planner.sources[0]
    scene = opened.scene(0)
    assert pick_absent(opened.vocabulary, present_names(scene), [], 9) == ["dog"]
    assert find_candidate(scene, "car", Limits()) == AMBIGUOUS, "the group may hold more cars"


def test_relations_of_the_recipe() -> None:
    source = {"scenes": [["lorry"]], "classes": ["lorry", "hgv", "vehicle", "wheel", "dog", "van"]}
    tables = {"synonyms": [["lorry", "hgv"]], "kinds": {"vehicle": ["lorry", "van"]}, "parts": {"lorry": ["wheel"]}}
    opened = SamplePlanner.open(recipe(source, **tables)).sources[0]
    scene = opened.scene(0)
    assert scene.present == ("wheel",)
    assert set(scene.regions[0].may_be) == {"hgv", "vehicle"}
    assert set(pick_absent(opened.vocabulary, present_names(scene), [], 9)) <= {"dog", "van"}


def test_relations_are_transitive_upwards_and_siblings_are_not_related() -> None:
    known = Relations(kinds={"animal": ["dog", "cat"], "dog": ["poodle"]})
    assert known.may_be("poodle") == ("animal", "dog")
    assert known.may_be("animal") == ("cat", "dog", "poodle")
    assert known.may_be("cat") == ("animal",)
    assert not Relations()


def test_the_best_evidence_of_a_source_is_its_default() -> None:
    source = {"classes": ["dog", "cat", "bird", "fish"], "exhaustive": ["dog", "cat", "bird"]}
    assert {evidence for _, evidence in absent_of(records(source))} == {"exhaustive"}
    listed = {name for name, _ in absent_of(records({**source, "absent_evidence": "any"}))}
    assert "fish" in listed, "merely not mentioned, and allowed"


def test_a_name_that_is_never_listed_as_absent_does_not_give_the_anomaly_away() -> None:
    source = {
        "scenes": [["dog", "metal"], ["cat"]],
        "classes": ["dog", "cat", "bird", "metal"],
        "exhaustive": ["dog", "cat", "bird"],
    }
    for asked, anomalies in ((None, {"dog", "cat"}), ("any", {"dog", "cat", "metal"})):
        rows = records({**source, **({"absent_evidence": asked} if asked else {})}, samples=120)
        shown = {name for row in rows for name, label in zip(row["names"], row["labels"], strict=True) if label}
        assert shown == anomalies
        assert ("metal" in {name for name, _ in absent_of(rows)}) == ("metal" in anomalies)


def test_an_expression_is_known_by_its_category_unless_that_is_there() -> None:
    source = {
        "scenes": [["dog"], ["cat"]],
        "classes": ["dog", "cat"],
        "exhaustive": ["dog", "cat"],
        "expressions": [["old dog", "dog"]],
    }
    planner = SamplePlanner.open(recipe(source))
    rules = planner.sources[0].absence
    assert rules.evidence("old dog", ["cat"]) == "exhaustive"
    assert rules.evidence("old dog", ["dog"]) == "unannotated", "a dog is there"
    assert rules.evidence("dog", ["dog"]) == "unannotated", "phrases may name what is there: the dog in the wrong place"
    assert rules.evidence("zebra", ["cat"]) == "unannotated", "of another vocabulary"


def test_a_source_that_cannot_meet_the_evidence_stops_the_build() -> None:
    with pytest.raises(
        UserError, match=r"sources\[0\] .*absent_evidence.*'unannotated' names at best.*`absent_evidence: any`"
    ):
        SamplePlanner.open(recipe({}, absent_evidence="exhaustive"))
    with pytest.raises(UserError, match="`absent_evidence: exhaustive`"):
        SamplePlanner.open(recipe({"exhaustive": ["dog"]}, absent_evidence="verified"))
    rows = records(
        {"states_absent": ["red cow", "old cow"]}, absent_evidence="verified", exposures=["absent"], anomaly_ratio=0
    )
    assert absent_of(rows) == {("red cow", "verified"), ("old cow", "verified")}


def test_absent_names_are_stated() -> None:
    one_class = {"scenes": [["crack"]], "classes": ["crack"], "exhaustive": ["crack"]}
    with pytest.raises(DataError, match=r"`absent_names: \[\.\.\.\]`.*`other_names: true`"):
        records(one_class)
    rows = records({**one_class, "absent_names": ["dent", "stain"]})
    assert absent_of(rows) == {("dent", "stated"), ("stain", "stated")}
    with pytest.raises(DataError, match="no name that is absent"):
        records({**one_class, "absent_names": ["dent"], "absent_evidence": "exhaustive"})


def test_names_of_other_sources_are_unannotated() -> None:
    one_class = {"scenes": [["crack"]], "classes": ["crack"], "exhaustive": ["crack"], "other_names": True}
    rows = records(one_class, {"name": TOY, "weight": 1e-9})
    assert {("dog", "unannotated"), ("aerosol can", "unannotated")} <= absent_of(rows)
    assert not {"background", "crack"} & {name for name, _ in absent_of(rows)}


def test_a_stated_name_that_contradicts_an_annotation_is_not_listed() -> None:
    source = {"scenes": [["crow"]], "classes": ["crow", "bird", "boat"], "states_absent": ["bird", "boat", "red crow"]}
    scene = SamplePlanner.open(recipe(source)).sources[0].scene(0)
    assert list(scene.absent()) == ["boat", "red crow"], "expressions are the data set's own"


def test_stuff_of_other_sources_is_not_listed() -> None:
    """Things are annotated here: nobody states whether there is a sky."""
    rules = SamplePlanner.open(recipe({"other_names": True}, {"name": TOY})).sources[0].absence
    assert rules.accepts(Name("boat", "boat"))
    assert not rules.accepts(Name("sky", "sky", is_stuff=True))
    assert rules.accepts(Name("dog", "dog", is_stuff=True)), "a name of its own"


def test_joined_names_are_as_lazy_as_their_rows() -> None:
    rows = JoinedNames([[Name("a")], [], [Name("b"), Name("c")]], lambda name: Name(name.text.upper()))
    assert [name.text for name in rows] == ["A", "B", "C"]
    assert rows[-1] == Name("C")
    assert rows[1:] == [Name("B"), Name("C")]
    with pytest.raises(IndexError):
        rows[3]


def test_stated_names_follow_the_distribution_of_anomalies() -> None:
    """LVIS' way: of all names that a scene states, those that are often an anomaly elsewhere are listed more often."""
    common = [["dog"]] * 8 + [["cat"]] * 8 + [["bird"]]
    source = {"scenes": common, "classes": ["dog", "cat", "bird", "fish", "cow"]}
    source |= {"states_absent": ["bird", "fish", "cow", "dog"]}
    rows = records(
        source, absent_evidence="verified", exposures=["absent"], anomaly_ratio=0, names_per_prompt=2, samples=300
    )
    counts = {name: sum(name in row["names"] for row in rows if row["scene"] > "toy/7") for name in ("dog", "fish")}
    assert counts["dog"] > 1.5 * counts["fish"]
    assert {evidence for _, evidence in absent_of(rows)} == {"verified"}
