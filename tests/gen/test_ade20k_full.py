"""ade20k_full: instances, parts and hidden things, synsets, real photos against their single instances, odd files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import traps
from miniatures import ade20k_full, shapes
from PIL import Image

from lavida_gen.annotations.ade_json import AdeClass
from lavida_gen.common.errors import DataError
from lavida_gen.exposures._candidates import anomaly_names
from lavida_gen.names import wordnet
from lavida_gen.scenes import masks
from lavida_gen.scenes.scene import Name
from lavida_gen.sources.ade20k import Ade20kSource
from lavida_gen.sources.ade20k_full import Ade20kFullSource

STREET = "images/ADE/training/urban/street/ADE_train_00000001"


def opened(root: Path, **options: Any) -> Ade20kFullSource:
    return Ade20kFullSource(Ade20kFullSource.Options.model_validate({"root": root, **options}))


def change(root: Path, edit: Any, name: str = STREET) -> None:
    """Change the annotation of the street."""
    file = root / f"{name}.json"
    plain = json.loads(file.read_text())
    edit(plain["annotation"])
    file.write_text(json.dumps(plain))


def test_instances_and_parts(tmp_path: Path) -> None:
    ade20k_full.draw(tmp_path)
    source = opened(tmp_path)
    street = source.scene(1)
    assert [(region.names[0], region.kind, region.candidate) for region in street.regions] == [
        ("car", "thing", True), ("car", "thing", True), ("road", "stuff", False),
        ("door", "thing", False), ("wheel", "thing", False), ("window", "thing", False), ("person", "thing", False),
    ]  # fmt: skip
    assert [traps.area(region) for region in street.regions] == [
        [480],
        [256],
        [64 * 18 - 20 * 2 - 96],
        [96],
        [36],
        [16],
        [0],
    ]
    assert anomaly_names(street.regions) == ["car"]
    assert source.key(1) == "ade20k_full/training/urban/street/ADE_train_00000001"


def test_parts_are_present_where_their_whole_is(tmp_path: Path) -> None:
    """A car has wheels, a door and a window in it in all photos: they are annotated in some."""
    ade20k_full.draw(tmp_path)
    folder = tmp_path / "images" / "ADE" / "training" / "urban" / "street"
    ade20k_full.write(folder, "ADE_train_00000003", [{(401, 9): (4, 8, 20, 24)}], [ade20k_full.thing(0, 401)])
    source = opened(tmp_path)
    assert source.scene(2).present == ("door", "wheel", "window")
    assert source.scene(1).present == ("door", "wheel", "window")
    assert source.scene(0).present == ()


def test_parts_may_be_anomalies_if_the_user_wants_that(tmp_path: Path) -> None:
    ade20k_full.draw(tmp_path)
    assert anomaly_names(opened(tmp_path, parts=True).scene(1).regions) == ["car", "door", "wheel", "window"]


def test_a_photo_of_both_releases_is_one_group(tmp_path: Path) -> None:
    ade20k_full.draw(tmp_path)
    assert opened(tmp_path).group(1) == "ade20k/ADE_train_00000001"
    from miniatures import ade20k

    benchmark = Ade20kSource(Ade20kSource.Options(root=ade20k.draw(tmp_path / "benchmark")["root"]))
    assert benchmark.group(0) == "ade20k/ADE_train_00000001"


def test_names_have_synsets_and_synonyms(tmp_path: Path) -> None:
    ade20k_full.draw(tmp_path)
    source = opened(tmp_path)
    names = {name.text: name for name in source.vocabulary()}
    assert names["car"] == Name("car", "car", "motor vehicle", "car.n.01", ade20k_full.CAR)
    assert names["window"] == Name("window", "window")
    assert names["person"].synset == "person.n.01"
    assert source.related()["car"] == ["auto", "automobile", "machine", "motorcar"]
    assert {source.evidence_of_absence(name) for name in names.values()} == {"unannotated"}


@pytest.mark.parametrize(
    ("hypernyms", "synset"),
    [
        (["car, auto, automobile, machine, motorcar", "motor vehicle, automotive vehicle"], "car.n.01"),
        (["car, railcar, railway car, railroad car", "wheeled vehicle"], "car.n.02"),
        (["bank, depository financial institution", "financial institution"], "bank.n.02"),
        (["crane", "lifting device", "device"], "crane.n.04"),
        (["crane", "wading bird, wader", "aquatic bird"], "crane.n.05"),
        (["screen, silver screen, projection screen", "surface"], "screen.n.01"),
        (["nothing of the kind"], ""),
        ([], ""),
    ],
)
def test_synonyms_and_hypernyms_state_one_synset(hypernyms: list[str], synset: str) -> None:
    name = hypernyms[0] if hypernyms else "car"
    assert AdeClass(name, tuple(hypernyms)).synset() == synset


def test_two_classes_of_one_word_share_it(tmp_path: Path) -> None:
    """Both are a car in words; neither synset is that of the name, but each thing has its own."""
    ade20k_full.draw(tmp_path)
    railcar = ["car, railcar", "wheeled vehicle"]
    change(tmp_path, lambda plain: plain["object"][2].update(name=railcar[0], name_ndx=402, hypernym=railcar))
    boxes = {**ade20k_full.WHOLES, (402, 20): (40, 20, 16, 16)}
    shapes.save(tmp_path / f"{STREET}_seg.png", ade20k_full.codes(boxes))
    source = opened(tmp_path)
    assert [name for name in source.vocabulary() if name.text == "car"] == [Name("car", "car")]
    cars = traps.named(source.scene(1), "car")
    assert [region.synset for region in cars] == ["car.n.01", "car.n.02"]


def test_an_objects_members_may_be_single_values(tmp_path: Path) -> None:
    ade20k_full.draw(tmp_path)
    before = opened(tmp_path).scene(1).regions

    def edit(plain: dict[str, Any]) -> None:
        plain["object"][0]["hypernym"] = "road, route"
        plain["object"][3]["parts"] = {"hasparts": 5, "ispartof": 1, "part_level": [1]}

    change(tmp_path, edit)
    assert opened(tmp_path).scene(1).regions == before
    change(tmp_path, lambda plain: plain.update(object=plain["object"][0]))
    assert opened(tmp_path).index.broken == []


def test_latin1_is_read_with_a_note(tmp_path: Path) -> None:
    ade20k_full.draw(tmp_path)
    file = tmp_path / f"{STREET}.json"
    plain = json.loads(file.read_text())
    plain["annotation"]["object"][0]["raw_name"] = "café"
    file.write_bytes(json.dumps(plain, ensure_ascii=False).encode("latin-1"))
    source = opened(tmp_path)
    assert [finding.text for finding in source.findings()] == [
        f"{source.folder}: 1 JSON file in Latin-1 instead of UTF-8"
    ]
    assert anomaly_names(source.scene(1).regions) == ["car"]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda plain: plain.update(imsize=[48]), r"annotation: imsize is \[48\]; expected \[height, width, 3\]"),
        (lambda plain: plain["object"][0].pop("name"), r"object\[0\]: has no 'name'; expected a text"),
        (lambda plain: plain["object"][0].update(name_ndx="x"), r"object\[0\]: 'name_ndx' is 'x'; expected an integer"),
        (lambda plain: plain["object"][3]["parts"].update(part_level="x"), r"object\[3\]: part_level is 'x'; expected"),
        (lambda plain: plain["object"].append(7), r"object\[7\]: 'name_ndx' is None; expected an integer"),
    ],
)
def test_malformed_json_costs_its_scene(edit: Any, message: str, tmp_path: Path) -> None:
    ade20k_full.draw(tmp_path)
    change(tmp_path, edit)
    source = opened(tmp_path)
    with pytest.raises(DataError, match=message):
        source.scene(1)
    assert [(finding.severity, finding.scenes) for finding in source.left_out()] == [("dropped", 1)]
    assert anomaly_names(source.scene(0).regions) == ["person"]


def test_masks_that_do_not_fit_the_json(tmp_path: Path) -> None:
    ade20k_full.draw(tmp_path)
    change(tmp_path, lambda plain: plain.update(imsize=[96, 128, 3]))
    with pytest.raises(
        DataError, match=r"_seg\.png: is 64 x 48; expected 128 x 96, imsize of ADE_train_00000001\.json"
    ):
        opened(tmp_path).scene(1)
    ade20k_full.draw(tmp_path)
    change(tmp_path, lambda plain: plain["object"].pop(0))
    with pytest.raises(
        DataError, match=r"_seg\.png: holds class 2131; expected a name_ndx of ADE_train_00000001\.json"
    ):
        opened(tmp_path).scene(1)
    (tmp_path / f"{STREET}_seg.png").unlink()
    source = opened(tmp_path)
    assert any(finding.text.endswith("00000001_seg.png") for finding in source.findings())
    with pytest.raises(DataError, match=r"_seg\.png: the mask file does not exist"):
        source.scene(1)


def test_each_release_is_refused_by_the_source_of_the_other(tmp_path: Path) -> None:
    from miniatures import ade20k

    ade20k.draw(tmp_path / "benchmark")
    with pytest.raises(DataError, match=r"root: .*benchmark is the scene parsing benchmark .*use source `ade20k`"):
        opened(tmp_path / "benchmark")
    ade20k_full.draw(tmp_path / "full")
    with pytest.raises(DataError, match=r"is the full ADE20K release .*use source `ade20k_full`"):
        Ade20kSource(Ade20kSource.Options(root=tmp_path / "full"))
    (tmp_path / "old" / "images" / "ADE" / "training").mkdir(parents=True)
    with pytest.raises(DataError, match=r"has no \*\.json; .*fetch the release of 2021"):
        opened(tmp_path / "old")


def test_real_regions_equal_the_single_instances(shared_data: Path) -> None:
    """What is visible of each object lies in a file of its own, too; a few objects overlap by some pixels in these."""
    source = opened(shared_data / "ade20k")
    assert len(source) == 3
    scene = source.scene(2)
    assert scene.frames[0].pixels().shape == (*scene.size, 3)
    regions = [masks.decode(region.masks[0]) for region in scene.regions if region.masks[0] is not None]
    path = source.folder / f"{source.index.names[2]}.json"
    things = json.loads(path.read_text())["annotation"]["object"]
    assert len(regions) == len(things)
    equal = 0
    for thing in things:
        visible = np.asarray(Image.open(path.parent / thing["instance_mask"])) == 255
        same = [at for at, region in enumerate(regions) if np.array_equal(region, visible)]
        assert {scene.regions[at].names[0] for at in same} <= {thing["name"].split(",")[0]}
        equal += bool(same)
    assert (equal, len(things)) == (30, 32)


def test_real_synsets_are_those_of_the_hypernyms(shared_data: Path) -> None:
    source = opened(shared_data / "ade20k")
    synsets = {name.text: name.synset for name in source.vocabulary() if name.synset}
    assert len(synsets) == 23
    assert {synsets["van"], synsets["helmet"], synsets["alarm"]} == {"van.n.05", "helmet.n.02", "alarm.n.02"}
    assert all(wordnet.synset(synset).senses for synset in synsets.values())
