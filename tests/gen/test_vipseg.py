"""vipseg: codes of the masks, classes that name nothing, the layout in 720p, files that do not fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import traps
from miniatures import shapes, vipseg

from lavida_gen.common.errors import DataError
from lavida_gen.exposures._candidates import anomaly_names
from lavida_gen.sources.vipseg import VipSegSource

MASK = f"panomasks/{vipseg.VIDEOS[0]}/00000001.png"


def opened(root: Path, **options: Any) -> VipSegSource:
    return VipSegSource(VipSegSource.Options.model_validate({"root": root, "frames": 3, "stride": 1, **options}))


def test_values_are_classes_of_stuff_or_instances_of_things(tmp_path: Path) -> None:
    vipseg.draw(tmp_path)
    scene = opened(tmp_path).scene(1)
    assert [(region.names, region.kind, region.candidate, traps.area(region)) for region in scene.regions] == [
        (("window",), "stuff", True, [36] * 3),
        (("road",), "stuff", False, [traps.area(scene.regions[1])[time] for time in range(3)]),
        (("tent",), "stuff", True, [144] * 3),
        (("person",), "thing", True, [168] * 3),
        (("person",), "thing", True, [168] * 3),
        (("dog",), "thing", True, [100, 0, 0]),
        (("animal",), "thing", False, [64] * 3),
    ]


def test_classes_that_name_nothing_are_present_and_no_names(tmp_path: Path) -> None:
    vipseg.draw(tmp_path)
    source = opened(tmp_path)
    assert [name.text for name in source.vocabulary()] == ["window", "road", "tent", "person", "dog"]
    assert "animal" not in anomaly_names(source.scene(0).regions)


def test_what_other_things_have_as_a_part_is_not_known_to_be_absent(tmp_path: Path) -> None:
    vipseg.draw(tmp_path)
    source = opened(tmp_path)
    evidence = {name.text: source.evidence_of_absence(name) for name in source.vocabulary()}
    assert evidence == dict.fromkeys(["road", "tent", "person", "dog"], "exhaustive") | {"window": "unannotated"}


def test_the_layout_in_720p_with_ids_that_are_one_lower(tmp_path: Path) -> None:
    vipseg.draw(tmp_path / "VIPSeg")
    before = [opened(tmp_path / "VIPSeg").scene(number).regions for number in range(4)]
    small = tmp_path / "VIPSeg" / "VIPSeg_720P"
    small.mkdir()
    (tmp_path / "VIPSeg" / "imgs").rename(small / "images")
    (tmp_path / "VIPSeg" / "panomasks").rename(small / "panomasks")
    assert [opened(small).scene(number).regions for number in range(4)] == before, "the lists lie one folder higher"
    (tmp_path / "VIPSeg" / "label_num_dic_final.json").unlink()
    rows = [
        {"id": int(number) - 1, "name": name, "isthing": 1} for name, number in vipseg.LABELS.items() if number != "0"
    ]
    shapes.write(small / "panoVIPSeg_categories.json", rows)
    assert [opened(small).scene(number).regions for number in range(4)] == before


@pytest.mark.parametrize("value", [5, 130, 299, 6400])
def test_values_of_no_class_are_named(value: int, tmp_path: Path) -> None:
    vipseg.draw(tmp_path)
    shapes.save(tmp_path / MASK, shapes.plane({value: (2, 2, 9, 9)}, ground=19, dtype=np.uint16))
    message = rf"00000001\.png: holds the value {value}; expected 0, a class of label_num_dic_final\.json"
    with pytest.raises(DataError, match=message):
        opened(tmp_path).scene(0)


def test_masks_of_stuff_alone_may_have_8_bits(tmp_path: Path) -> None:
    vipseg.draw(tmp_path)
    stuff = np.where(vipseg.plane(0) < 125, vipseg.plane(0), 0)
    shapes.save(tmp_path / MASK, stuff.astype(np.uint8))
    regions = opened(tmp_path).scene(0).regions
    assert [(region.names[0], traps.area(region)[0]) for region in regions[:3:2]] == [("window", 36), ("tent", 144)]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"person": "x"}, r"label_num_dic_final\.json: 'person': is 'x'; expected the number of the class"),
        ({"others": "0"}, r"label_num_dic_final\.json: has no class"),
        ([], r"label_num_dic_final\.json"),
    ],
)
def test_malformed_classes(labels: Any, message: str, tmp_path: Path) -> None:
    vipseg.draw(tmp_path)
    shapes.write(tmp_path / "label_num_dic_final.json", json.dumps(labels))
    with pytest.raises(DataError, match=message):
        opened(tmp_path)


def test_missing_parts_are_named(tmp_path: Path) -> None:
    vipseg.draw(tmp_path)
    with pytest.raises(DataError, match=r"no file .*test\.txt.*test has no masks; see `lavida-gen sources vipseg`"):
        opened(tmp_path, split="test")
    shapes.write(tmp_path / "train.txt", "gone\n" + vipseg.VIDEOS[0])
    source = opened(tmp_path)
    assert [(finding.severity, "gone" in finding.text) for finding in source.left_out()] == [("dropped", True)]
    assert len(source) == 2
