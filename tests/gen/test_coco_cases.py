"""COCO JSONs and referring expressions as people have them: small real cases, each built and checked, with what is right.

How each is read stands in the folder's table. Every case of a COCO JSON is read by `coco_json`, too.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from lavida_gen.building.build import build
from lavida_gen.building.check import check_data
from lavida_gen.common.errors import DataError
from lavida_gen.config.load_recipe import load_recipe
from lavida_gen.config.recipe import CorpusRecipe
from lavida_gen.corpus.decoded import DecodedSample
from lavida_gen.corpus.reader import open_corpus
from lavida_gen.inspection import verify

Plain = dict[str, Any]
BASE: Plain = {
    "name": "case",
    "seed": 1,
    "samples": 24,
    "val": 0,
    "exposures": ["relabel"],
    "anomaly_ratio": 1,
    "names_per_prompt": 6,
    "limits": {"min_pixels": 1, "min_area": 0},
}


def any_pixel(pixels: np.ndarray) -> np.ndarray:
    return np.ones(pixels.shape[:2], bool)


def red(pixels: np.ndarray) -> np.ndarray:
    return (pixels[..., 0] > 150) & (pixels[..., 1] < 100)


def bright(pixels: np.ndarray) -> np.ndarray:
    return pixels.mean(axis=2) > 60


@dataclass(frozen=True)
class Expect:
    """What is right.

    Attributes:
        areas: For each anomaly (end of the scene's key, name) the pixels of its mask.
        on: What the pixels of the mask show, and how many of them at least.
        refused: Patterns that the refusal of `check` and of `build` matches; none if the case builds.
        not_absent: (end of the scene's key, name) that no prompt lists as absent; "" for every scene.
        notes: Patterns of notes, and of what is left out, that `check` prints.
        lost: Scenes that are left out.
        attempts: Pattern of the reason for attempts that the corpus counts.
        changes: Changes of the recipe, besides those of the table.
    """

    areas: dict[tuple[str, str], int] = field(default_factory=dict)
    on: tuple[Callable[[np.ndarray], np.ndarray], int] = (any_pixel, 0)
    refused: tuple[str, ...] = ()
    not_absent: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    lost: int = 0
    attempts: str = ""
    changes: Plain = field(default_factory=dict)


DOG, CAR = ("1", "dog"), ("2", "car")
BOTH = Expect({DOG: 400, CAR: 400})
RED = Expect({("1", "thing"): 150}, on=(red, 140))
BRIGHT = Expect({("1", "thing"): 150}, on=(bright, 150))
DROP = {"broken": "drop"}
STOP = {"broken": "stop"}
REFS = {("285", "red car"): 600, ("139", "small dog"): 192}
TWO_REFS = {**REFS, ("139", "person"): 288}
LOSES = r".*`broken: drop` leaves it out and loses {}"


def refused(*patterns: str, **changes: Any) -> Expect:
    return Expect(refused=patterns, changes=changes)


def unmasked(pattern: str) -> list[Expect]:
    """A person is in image 1, without a mask."""
    return [
        Expect({DOG: 400, CAR: 400}, not_absent=(("1", "person"),), notes=(rf"annotations\[2\] \(id 3\): {pattern}",)),
        refused(rf"annotations\[2\] \(id 3\): {pattern}" + LOSES.format("no scene"), **STOP),
    ]


def broken_picture(pattern: str) -> list[Expect]:
    return [refused(rf"a\.jpg: {pattern}" + LOSES.format("1 scene"))]


CASES: dict[str, list[Expect]] = {
    "ann_id_zero": [BOTH],
    "avif_called_jpg": [RED],
    "backslash_names": [BOTH],
    "categories_as_strings": [refused(r"categories\[0\]: is 'person'; expected an object")],
    "cmyk_jpg": [RED],
    "cvat_masks_all_iscrowd": [
        Expect({("2", "dog"): 81}, changes={"seed": 1, "limits": {"min_pixels": 1, "min_area": 0}}),
        Expect({DOG: 400, CAR: 400}, changes={"exposures": ["relabel"]}),
    ],
    "duplicate_ann_ids": [BOTH],
    "duplicate_image_ids": [refused(r"images\[2\] \(id 1\): images\[0\] has the same id 1")],
    "exif_3_annotated_as_shown": [refused("a.jpg: has EXIF orientation 3, .*`exif: apply`" + LOSES.format("1 scene"))],
    "exif_6_annotated_as_shown": [Expect(RED.areas, RED.on, notes=(r"1 picture with an EXIF orientation .* a\.jpg \(6\)",))],
    "exif_8_annotated_as_shown": [Expect(RED.areas, RED.on, notes=(r"1 picture with an EXIF orientation .* a\.jpg \(8\)",))],
    "gif_called_jpg": [RED],
    "grey_jpg": [BRIGHT],
    "height_width_swapped": [
        refused("a.jpg: is 64 x 48 pixels; expected 48 x 64" + LOSES.format("1 scene")),
        Expect({CAR: 400}, lost=1, attempts="broken file", changes=DROP),
    ],
    "html_instead": broken_picture("is not a readable image"),
    "ignore_flag": [Expect(BOTH.areas, not_absent=(("1", "person"),))],
    "iscrowd_missing": [BOTH],
    "jpg_upper": [BOTH],
    "list_of_results": [refused("is a list; expected an object with images, annotations and categories")],
    "lvis_no_file_name": [BOTH],
    "mpo": [RED],
    "name_with_split_prefix": [BOTH],
    "nan_area": [BOTH],
    "no_ann_ids": [BOTH],
    "png_16bit": [BRIGHT],
    "png_alpha": [RED],
    "png_called_jpg": [RED],
    "polygon_empty_inner": [Expect(BOTH.areas, notes=(r"annotations\[0\] \(id 1\): 1 of 2 polygons",))],
    "polygon_odd_count": [
        Expect({CAR: 400}, not_absent=(DOG,), notes=(r"annotations\[0\] \(id 1\): .* 9 numbers; expected an even count",)),
        refused(r"annotations\[0\] \(id 1\): .* 9 numbers; expected an even count" + LOSES.format("no scene"), **STOP),
    ],
    "polygon_outside": [
        Expect({CAR: 400}, not_absent=(DOG,), notes=("1 annotation with corners outside the image",), attempts="too large")
    ],
    "polygon_strings": [BOTH],
    "polygon_two_points": [Expect(BOTH.areas, notes=(r"annotations\[0\] \(id 1\): 1 of 2 polygons",))],
    "refcoco_ann_id_none": [Expect({**REFS, ("139", "man on the left"): 288, ("139", "tall guy"): 288})],
    "refcoco_ann_minus1_int": [Expect(TWO_REFS)],
    "refcoco_ann_none": [
        refused(r"refs\[0\] \(ref_id 1\): ann_id is 'None'" + LOSES.format("no scene")),
        Expect(
            REFS, notes=(r"refs\[0\] \(ref_id 1\): ann_id",), not_absent=(("", "man on the left"),), changes=DROP
        ),
    ],
    "refcoco_orphan_image": [
        Expect(TWO_REFS, notes=(r"refs\[0\] \(ref_id 1\): image_id 1000000000 is not an image",)),
        refused(r"refs\[0\] \(ref_id 1\): image_id 1000000000 is not an image", **STOP),
    ],
    "refcoco_plain_sentences": [refused(r"refs\[0\] \(ref_id 1\): sentences are missing")],
    "rle_all_zero": [Expect({CAR: 400}, not_absent=(DOG,), attempts="too small")],
    "rle_counts_bytes_repr": [refused(r"annotations\[0\] \(id 1\): .*counts are \"b'e6d0L0'\", Python's wording of bytes")],
    "rle_short_counts": [refused(r"annotations\[0\] \(id 1\): .*run lengths sum up to 1177; expected 3072")],
    "roboflow_root_category": [Expect(BOTH.areas, not_absent=(("", "street-objects-x7Kq"),))],
    "segmentation_empty_dict": unmasked("run lengths of size None"),
    "segmentation_null_in_one": unmasked("segmentation is 'None'; expected polygons or run lengths"),
    "size_off_by_one": [
        refused("a.jpg: is 64 x 48 pixels; expected 63 x 48" + LOSES.format("1 scene")),
        Expect({CAR: 400}, lost=1, attempts="broken file", changes=DROP),
    ],
    "string_image_ids": [BOTH],
    "supercategory_names_parent": [
        Expect({("1", "crack"): 400, ("2", "scratch"): 400}, not_absent=(("", "defect"),))
    ],
    "trailing_garbage": [RED],
    "truncated": broken_picture("is truncated"),
    "two_sets_same_ids": [
        Expect({(at, f"{kind} {name}"): 400 for at, name in (("1", "large"), ("2", "deep")) for kind in ("crack", "weld")})
    ],
    "unknown_category_zero": [
        Expect(BOTH.areas, notes=("annotation id 9: category_id 0 is not a category of this file",)),
        refused("annotation id 9: category_id 0 is not a category of this file" + LOSES.format("no scene"), **STOP),
    ],
    "utf8_bom": [BOTH],
    "webp_called_jpg": [RED],
    "zero_bytes": broken_picture("is empty"),
}  # fmt: skip


@pytest.fixture(scope="module")
def table(shared_data: Path) -> dict[str, dict[str, str]]:
    """Rows of cases.tsv by folder."""
    file = shared_data / "cases" / "sources" / "cases.tsv"
    if not file.is_file():
        pytest.skip("needs the cases of sources beside the checkout")
    with file.open(encoding="utf-8", newline="") as lines:
        return {row["folder"]: row for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)}


def read_recipe(row: dict[str, str], source: str, root: Path, changes: Plain) -> CorpusRecipe:
    options = yaml.safe_load(row["options"])
    entries = options if isinstance(options, list) else [options]
    recipe: Plain = {**BASE, "sources": []}
    for entry in entries:
        recipe.update(entry.pop("recipe", {}))
        recipe["sources"].append({"name": source, **entry, "root": str(root / entry["root"])})
    return load_recipe({**recipe, **changes})


def test_every_case_of_these_sources_is_here(table: dict[str, dict[str, str]]) -> None:
    assert sorted(CASES) == sorted(name for name, row in table.items() if row["source"] in ("coco", "refcoco"))


@pytest.mark.parametrize(
    ("source", "folder", "expect"),
    [
        pytest.param(source, folder, expect, id=f"{source}-{folder}-{at}")
        for folder, rows in CASES.items()
        for source in (("refcoco",) if folder.startswith("refcoco") else ("coco", "coco_json"))
        for at, expect in enumerate(rows)
    ],
)
def test_cases(
    table: dict[str, dict[str, str]], shared_data: Path, tmp_path: Path, source: str, folder: str, expect: Expect
) -> None:
    recipe = read_recipe(table[folder], source, shared_data / "cases" / "sources" / folder, expect.changes)
    findings = list(check_data(recipe))
    errors = [finding.text for finding in findings if finding.severity == "error"]
    out = tmp_path / "corpus"
    if expect.refused:
        with pytest.raises(DataError) as caught:
            build(recipe, out, workers=1)
        for pattern in expect.refused:
            assert any(re.search(pattern, text) for text in errors), errors
            assert re.search(pattern.partition(".*`broken")[0], str(caught.value))
        assert not out.exists()
        return
    assert errors == []
    assert sum(finding.scenes for finding in findings) == expect.lost
    for pattern in expect.notes:
        assert any(re.search(pattern, finding.text) for finding in findings), findings
    build(recipe, out, workers=1)
    corpus = open_corpus(out)
    assert verify.find_problems(corpus) == []
    assert not expect.attempts or any(reason.endswith(expect.attempts) for reason in corpus.manifest.drops)
    check_samples(list(corpus), expect)


def check_samples(samples: list[DecodedSample], expect: Expect) -> None:
    """The anomalies have the expected masks, and no name is listed that may not be; own data are nobody else's."""
    areas: dict[tuple[str, str], set[int]] = defaultdict(set)
    for sample in samples:
        at = re.sub(r"^.*?0*(\d+)$", r"\1", str(sample.origin["scene"]))
        shown = [name for name, label in zip(sample.names, sample.labels, strict=True) if label]
        hidden = set(sample.names) - set(shown)
        areas[at, " + ".join(shown)].add(int(sample.masks[0].sum()))
        for place, name in expect.not_absent:
            assert name not in hidden or place not in ("", at), (at, name)
        show, least = expect.on
        assert int((show(sample.frames[0]) & sample.masks[0]).sum()) >= least
        if sample.origin["source"] != "refcoco":
            assert not re.search("COCO|Flickr", f"{sample.origin}")
    assert {key: max(found) for key, found in areas.items()} == expect.areas
