"""Annotations as people have them: small real cases, each built and checked, with what is right for each.

How each is read stands in the folder's table. Sources of COCO's own JSON have tests of their own.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from lavida_gen.building.build import build
from lavida_gen.building.check import check_data
from lavida_gen.common.errors import LavidaGenError
from lavida_gen.config.load_recipe import load_recipe
from lavida_gen.config.recipe import CorpusRecipe
from lavida_gen.corpus.reader import open_corpus
from lavida_gen.inspection import verify

BASE = {
    "name": "case",
    "seed": 1,
    "samples": 24,
    "val": 0,
    "exposures": ["relabel"],
    "anomaly_ratio": 1,
    "names_per_prompt": 6,
    "limits": {"min_pixels": 1, "min_area": 0},
}


@dataclass(frozen=True)
class Expect:
    """What is right.

    Attributes:
        areas: For each name that may be the anomaly, the pixels of its masks in the frames of a sample.
        refused: Patterns that the refusal matches, of `check` and of `build`; none if the case builds.
        never: Names that no prompt lists.
        absent: Names that are listed as absent somewhere.
        lost: Scenes that `broken: drop` leaves out, as `check` counts them.
        changes: Changes of the recipe, beside those of the table.
    """

    areas: dict[str, set[tuple[int, ...]]] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    lost: int = 0
    changes: dict[str, Any] = field(default_factory=dict)


def one(**areas: int) -> dict[str, set[tuple[int, ...]]]:
    """Areas of images: one frame."""
    return {name.replace("_", " "): {(area,)} for name, area in areas.items()}


def refused(*patterns: str, **changes: Any) -> Expect:
    return Expect(refused=patterns, changes=changes)


DEFECTS = Expect(
    one(crack=1500, scratch=1500), never=("background", "_background_", "__ignore__", "id,name", "0,background")
)
THING = Expect(one(thing=200), never=("background", "_background_", "__ignore__", "id,name"))
CART = one(cart=192, person_on_a_bench=280)
FILM = {168: (168, 168, 168)}
PANDAS = {"penguin": {(168,) * 3}, "giant panda": {(168,) * 3, (168, 168, 0)}}
DAVIS = {"bicycle": {(168,) * 3}, "person": {(168,) * 3}, "bird": {(336,) * 3}}
MEVIS = {
    "The bird moving to the right": {(168,) * 3},
    "the one that hides for a while": {(168, 168, 0), (0, 168, 168)},
    "two birds passing each other": {(336, 336, 168), (168, 336, 336)},
}

CASES: dict[str, list[Expect]] = {
    "ade_full_2021": [refused(r"full ADE20K release \(index_ade20k\.pkl, \*_seg\.png\), not ADEChallengeData2016", "ade20k_full")],
    "ade_png_reduced_zero_label": [
        refused(r"ADE_train_0000000\d\.png: holds the values 0, 12, 127, 255", "one lower", "255 as void", "first: 0"),
        Expect(one(person=240, bicycle=320), changes={"sources.0.first": 0}),
    ],
    "ade_rgb_equal_masks": [Expect(one(person=240, bicycle=320))],
    "background_is_an_anomaly": [DEFECTS],
    "binary_LA": [THING],
    "binary_inverted": [
        refused(r"'thing' covers 93 % of the picture \(2872 of 3072 px\)", "inverted"),
        Expect(one(thing=200), changes={"sources.0.inverted": True}),
    ],
    "binary_jpeg_noise": [THING],
    "binary_rgb_equal": [THING],
    "binary_rgba": [THING],
    "cs_minus_one": [Expect({**one(person=160, car=420), "traffic sign": {(64,)}})],
    "cs_test_dummy": [refused(r"no pixel has a class \(values 3\)", "masks of `test` are dummies")],
    "csv_header": [DEFECTS],
    "davis_grey_palette_lost": [refused("the values 41, 84, 152, 186", "the palette is lost")],
    "davis_no_semantics": [refused("blackswan: object 2 has no name", r"davis_semantics\.json")],
    "davis_unsupervised_layout": [Expect(DAVIS, never=("bike packing", "blackswan"))],
    "folder_jpg_masks": [refused("JPEG changes indices; only `binary` masks may be JPEG", "as PNG")],
    "folder_mask_of_other_size": [
        refused(r"/a\.", "32 x 24", "64 x 48"),
        Expect(CART, never=("floor",), lost=1, changes={"broken": "drop"}),
    ],
    "folder_rgb_equal": [Expect(CART)],
    "index_255_object": [refused("holds the values 0 and 255 alone", "write `binary: thing`")],
    "index_colour_voc": [refused(r"holds colours \(RGB\)", "export index masks")],
    "index_float_tiff_as_png": [THING],
    "index_rgb_equal": [THING],
    "labelme_labels_txt": [DEFECTS],
    "mapillary_v2_groups": [
        Expect(
            {
                name: {(196,)}
                for name in ("bench", "person", "bird", "car", "zebra crossing", "plain crosswalk")
            },
            never=("on rails", "person group", "rail vehicle"),
        )
    ],
    "mevis_no_target": [
        Expect(MEVIS, absent=("the zebra leaping backwards",)),
        Expect(
            absent=("the zebra leaping backwards",),
            changes={"anomaly_ratio": 0, "exposures": ["absent"], "absent_evidence": "verified"},
        ),
    ],
    "mevis_only_no_target": [refused("no expression of video '0b97736357c6' has an object", "nothing can be the anomaly")],
    "mevis_png_frames": [Expect(MEVIS)],
    "mv_only_labels": [refused("no folder .*training/instances")],
    "names_csv": [THING],
    "names_labelme": [THING],
    "refdavis_text_annotations_raw": [refused(r"meta_expressions\.json", r"convert_davis_to_ytvos\.py makes it of davis_text")],
    "refyt_no_meta": [
        Expect(
            {
                "a penguin walking to the right in film 0": {(168,) * 3},
                "a giant panda coming from the right in film 0": {(168,) * 3},
                "the one that is walking": {(168,) * 3},
                "a penguin walking to the right in film 1": {(168,) * 3},
                "a giant panda coming from the right in film 1": {(168, 168, 0)},
            },
            never=("penguin", "giant panda"),
        )
    ],
    "refyt_no_obj_id": [refused("video '003234408d' expression '0': has no 'obj_id'")],
    "stuff_ids_1_to_182": [
        refused("count from 1, with 0 as unlabelled", "255", "add `first: 1`"),
        Expect(
            {"person": {(625,)}, "bicycle": {(600,)}, "car": {(625,)}, "cat": {(625,)}, "dog": {(600,)}},
            changes={"sources.0.first": 1},
        ),
    ],
    "ytvos_id_not_in_meta": [
        refused("003234408d: object 2 has no name"),
        Expect({"penguin": {(168,) * 3}, "giant panda": {(168, 168, 0)}}, lost=2, changes={"broken": "drop"}),
    ],
    "ytvos_macosx_files": [Expect(PANDAS)],
    "ytvos_others": [Expect(PANDAS, never=("others",))],
    "ytvos_rgb_masks": [refused(r"Annotations/003234408d/000\d\d\.png: holds colours \(RGB\)")],
    "ytvos_video_folder_missing": [
        Expect({"penguin": {(168,) * 3}, "giant panda": {(168, 168, 0)}}, lost=2),
        refused("video '003234408d' has no folder", "`broken: drop` leaves it out and loses 2 scenes", broken="stop"),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def table(shared_data: Path) -> dict[str, dict[str, str]]:
    """Rows of cases.tsv by folder."""
    file = shared_data / "cases" / "sources" / "cases.tsv"
    if not file.is_file():
        pytest.skip("needs the cases of sources beside the checkout")
    with file.open(encoding="utf-8", newline="") as lines:
        return {row["folder"]: row for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)}


def read_recipe(row: dict[str, str], root: Path, changes: dict[str, Any]) -> CorpusRecipe:
    options = yaml.safe_load(row["options"])
    more = options.pop("recipe", {})
    raw = {**BASE, **more, "sources": [{"name": row["source"], **options, "root": str(root)}]}
    return load_recipe(raw, changes)


def test_every_case_of_these_sources_is_here(table: dict[str, dict[str, str]]) -> None:
    assert sorted(CASES) == sorted(name for name, row in table.items() if row["source"] not in ("coco", "refcoco"))


@pytest.mark.parametrize(
    ("folder", "expect"),
    [
        pytest.param(folder, expect, id=f"{folder}-{at}")
        for folder, rows in CASES.items()
        for at, expect in enumerate(rows)
    ],
)
def test_cases(
    table: dict[str, dict[str, str]], shared_data: Path, tmp_path: Path, folder: str, expect: Expect
) -> None:
    recipe = read_recipe(table[folder], shared_data / "cases" / "sources" / folder, expect.changes)
    out = tmp_path / "corpus"
    if expect.refused:
        with pytest.raises(LavidaGenError) as caught:
            build(recipe, out, workers=1)
        for pattern in expect.refused:
            assert re.search(pattern, str(caught.value)), f"{pattern}\n{caught.value}"
        assert not out.exists()
        errors = [finding.text for finding in check_data(recipe) if finding.severity == "error"]
        assert all(any(re.search(pattern, text) for text in errors) for pattern in expect.refused), errors
        return
    findings = list(check_data(recipe))
    assert [finding.text for finding in findings if finding.severity == "error"] == []
    assert sum(finding.scenes for finding in findings) == expect.lost
    build(recipe, out, workers=1)
    corpus = open_corpus(out)
    assert verify.find_problems(corpus) == []
    check_names(list(corpus), expect)


def check_names(samples: list[Any], expect: Expect) -> None:
    """The anomalies have the expected masks, and no name is listed that may not be."""
    areas: dict[str, set[tuple[int, ...]]] = defaultdict(set)
    absent = set()
    for sample in samples:
        shown = [name for name, label in zip(sample.names, sample.labels, strict=True) if label]
        absent |= set(sample.names) - set(shown)
        if shown:
            areas[" + ".join(shown)].add(tuple(int(mask.sum()) for mask in sample.masks))
    assert dict(areas) == expect.areas
    assert not (absent | set(areas)) & set(expect.never)
    assert set(expect.absent) <= absent
