"""A user's own files are published under the licence that the recipe states, and not at all if it states none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from miniatures import folder

from lavida_gen.building.build import build
from lavida_gen.building.plan_file import BuildPlan
from lavida_gen.common.errors import UserError
from lavida_gen.config.recipe import parse
from lavida_gen.corpus.manifest import SourceEntry
from lavida_gen.exposures._base import ExposureTask, Limits
from lavida_gen.exposures.paste import Paste
from lavida_gen.names.vocabulary import Vocabulary
from lavida_gen.publishing.publish import refuse_licences
from lavida_gen.sampling.make_sample import make_sample
from lavida_gen.sampling.planner import SamplePlanner
from lavida_gen.scenes import masks
from lavida_gen.scenes.images import Frame
from lavida_gen.scenes.sample import Draft
from lavida_gen.scenes.scene import Name, Region, Scene

STREET = {"name": "street", "kind": "image", "size": [120, 160], "scenes": 30, "weight": 3}
PASTED = {"name": "own", "samples": 12, "val": 0, "exposures": ["paste"], "limits": {"min_area": 1e-4, "min_pixels": 4}}
OWN = {"licence": "CC-BY-4.0", "use": "free", "attribution": "The museum"}


def sources(*entries: dict[str, Any]) -> list[SourceEntry]:
    """What a corpus states about the data sets of a recipe."""
    plain = {"name": "own", "samples": 4, "sources": list(entries), "exposures": ["relabel", "absent"]}
    return BuildPlan.of(SamplePlanner.open(parse(plain, "own.yaml"))).sources


def entry(root: Path, **more: Any) -> dict[str, Any]:
    plain = {key: str(value) if isinstance(value, Path) else value for key, value in folder.draw(root).items()}
    return {"name": "folder", **plain, **more}


def test_files_without_a_licence_are_not_published(tmp_path: Path) -> None:
    (one,) = sources(entry(tmp_path))
    assert one.use == "forbidden"


def test_the_licence_of_the_recipe_is_used(tmp_path: Path) -> None:
    (one,) = sources(entry(tmp_path, **OWN))
    assert (one.licence, one.use, one.attribution) == ("CC-BY-4.0", "free", "The museum")


def test_two_folders_get_the_stricter_use_and_both_are_named(tmp_path: Path) -> None:
    other = {"licence": "CC-BY-NC-4.0", "use": "noncommercial", "dataset": "other"}
    (one,) = sources(entry(tmp_path / "a", **OWN), entry(tmp_path / "b", **other))
    assert one.use == "noncommercial"
    assert one.licence == "CC-BY-4.0 and CC-BY-NC-4.0"
    assert one.attribution == "The museum and the owner of the files"


def test_two_folders_of_the_same_owner_are_named_once(tmp_path: Path) -> None:
    (one,) = sources(entry(tmp_path / "a", **OWN), entry(tmp_path / "b", **OWN, dataset="other"))
    assert one.licence == "CC-BY-4.0"


@pytest.mark.parametrize("missing", ["licence", "use"])
def test_a_licence_without_its_use_is_refused(tmp_path: Path, missing: str) -> None:
    half = {key: value for key, value in OWN.items() if key != missing}
    with pytest.raises(UserError, match="give both `licence` and `use`, or neither"):
        sources(entry(tmp_path, **half))


def test_a_pasted_thing_keeps_its_rights() -> None:
    pixels = np.full((240, 320, 3), 90, np.uint8)
    frame = Frame.drawn(lambda: pixels, (240, 320), "x")
    thing = np.zeros((240, 320), np.bool_)
    thing[120:180, 100:140] = True
    there = Region(("ladder",), (masks.encode(thing),), "ladder")
    own = Scene("own", (frame,), (240, 320), (), "CC-BY-4.0", attribution="The museum")
    other = Scene(
        "other", (frame,), (240, 320), (there,), "CC-BY-NC-4.0", attribution="The school", use="noncommercial"
    )
    for exposed in (True, False):
        task = ExposureTask(
            exposed, np.random.default_rng(1), Vocabulary([Name("dog", "dog")]), 4, Limits(), lambda rng: other
        )
        made = Paste(Paste.Options()).expose(own, task)
        assert isinstance(made, Draft)
        assert made.credit == ("CC-BY-NC-4.0", "The school", "noncommercial"), "also where it is not named"


def test_a_sample_with_a_pasted_thing_names_both_owners(tmp_path: Path) -> None:
    planner = SamplePlanner.open(
        parse(PASTED | {"sources": [STREET, entry(tmp_path, **OWN, other_names=True)]}, "own.yaml")
    )
    records = [make_sample(planner, index, "").sample.record for index in range(12)]
    assert {record["licence"] for record in records if record["source"] == "street"} == {
        "CC0-1.0",
        "CC0-1.0 and CC-BY-4.0",
    }
    assert any(record["attribution"].endswith(" and The museum") for record in records)


def test_sources_of_pasted_things_alone_are_not_published_either(tmp_path: Path) -> None:
    """A source without own samples, whose things may have been pasted into samples of other sources."""
    for exposures, refused in ((["relabel", "absent"], False), (["relabel", "absent", "paste"], True)):
        plain = PASTED | {"sources": [STREET, entry(tmp_path / "own") | {"weight": 1e-9}], "exposures": exposures}
        manifest = build(parse(plain, "own.yaml"), tmp_path / exposures[-1])
        assert [(source.name, source.samples) for source in manifest.sources] == [("street", 12), ("folder", 0)]
        if refused:
            with pytest.raises(
                UserError, match=r"these sources must not be redistributed; build without them, or .*\n  folder"
            ):
                refuse_licences(manifest, allow_noncommercial=True)
        else:
            refuse_licences(manifest, allow_noncommercial=False)
