"""The contract of every source, tested on a miniature of its data set in the official layout; and the real files.

New files in sources/ are found by themselves; each needs a miniature (tests/gen/miniatures/NAME.py).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import miniatures
import pytest

from lavida_gen.common import plugins
from lavida_gen.common.errors import DataError
from lavida_gen.config.recipe import SOURCES
from lavida_gen.scenes import masks
from lavida_gen.sources._base import Source, SourceOptions
from lavida_gen.testing.sources import SOURCE_CHECKS, SOURCE_FILE_CHECKS, SourceCase, check_scene, photo_files

NAMES = plugins.names(SOURCES)


def test_every_source_has_a_miniature() -> None:
    missing = sorted(set(NAMES) - set(miniatures.names()))
    assert not missing, f"draw a miniature of each in tests/gen/miniatures/NAME.py: {', '.join(missing)}"
    assert set(miniatures.names()) <= set(NAMES), "a miniature without a source"


def options_of(name: str, plain: dict[str, Any]) -> SourceOptions:
    return plugins.find(SOURCES, Source, name).Options.model_validate(plain)


def opened(name: str, plain: dict[str, Any]) -> Source:
    return plugins.find(SOURCES, Source, name)(options_of(name, plain))


@pytest.fixture(scope="module", params=NAMES)
def drawn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, dict[str, Any]]:
    """Name, root and options of a miniature that no test may change."""
    name = str(request.param)
    if name not in miniatures.names():
        pytest.fail(f"source {name} has no miniature: write tests/gen/miniatures/{name}.py")
    root = tmp_path_factory.mktemp(name) / "data"
    return name, root, miniatures.draw(name, root)


@pytest.fixture
def case(drawn: tuple[str, Path, dict[str, Any]]) -> SourceCase:
    name, root, plain = drawn
    return SourceCase(plugins.find(SOURCES, Source, name), root, plain, named_by_folder=name == "hf")


@pytest.mark.parametrize("check", SOURCE_CHECKS, ids=lambda check: check.__name__)
def test_contract(case: SourceCase, check: Callable[[SourceCase], None]) -> None:
    check(case)


@pytest.mark.parametrize("check", SOURCE_FILE_CHECKS, ids=lambda check: check.__name__)
def test_contract_of_files(case: SourceCase, check: Callable[[SourceCase, Path], None], tmp_path: Path) -> None:
    check(case, tmp_path / "copy")


def test_keys_begin_with_the_name(drawn: tuple[str, Path, dict[str, Any]], case: SourceCase) -> None:
    source = case.open()
    assert all(source.key(number).startswith(f"{drawn[0]}/") for number in range(len(source)))


def test_images_are_files(drawn: tuple[str, Path, dict[str, Any]], case: SourceCase) -> None:
    """So that missing ones can be found; drawn scenes and tables have no files."""
    assert bool(photo_files(case.open())) == (drawn[0] not in ("street", "hf"))
    assert bool(case.files()) == (drawn[0] != "street")


# ---- the real files --------------------------------------------------------------------------------------------

REAL: list[tuple[str, str, dict[str, Any], int]] = [
    ("coco", "coco", {"split": "val2017"}, 2),
    ("coco", "tinycoco", {"split": "train2017"}, 32),
    (
        "coco_json",
        "coco_polygons",
        {"annotations": "annotations/instances_train.json", "images": "."},
        3,
    ),
    ("coco_panoptic", "coco", {"split": "val2017"}, 2),
    ("folder", "camvid", {"void": [11], "dataset": "camvid", "background": ["sky", "road"]}, 60),
    ("davis", "davis", {"year": 2016, "split": "val"}, 7),
    ("davis", "davis", {"year": 2016, "split": "val", "frames": 8, "stride": 2, "hop": 5}, 41),
    ("ref_davis", "ref_davis", {}, 2),
    ("ref_davis", "ref_davis", {"stride": 1}, 6),
]


@pytest.mark.parametrize(("name", "folder", "options", "scenes"), REAL)
def test_real_files(shared_data: Path, name: str, folder: str, options: dict[str, Any], scenes: int) -> None:
    source = opened(name, {"root": shared_data / folder, **options})
    assert len(source) == scenes
    assert len({source.key(number) for number in range(scenes)}) == scenes
    assert [finding for finding in source.findings() if finding.severity != "note"] == []
    for number in range(0, scenes, 1 + scenes // 4):
        scene = source.scene(number)
        check_scene(source, number, scene)
        assert any(region.candidate for region in scene.regions)
        assert scene.frames[-1].pixels().shape == (*scene.size, 3)


def test_a_real_mask_of_another_size_is_named(shared_data: Path, tmp_path: Path) -> None:
    """The second mask of judo is one pixel narrower than its frame. More people are drawn than DAVIS 2017 has there."""
    options = {"root": shared_data / "vos_multi", "resolution": "", "split": None, "frames": 2, "stride": 1}
    with pytest.raises(
        DataError, match=r"judo: object 3 has no name; expected its category in .*davis_semantics\.json"
    ):
        opened("davis", options).scene(1)
    shutil.copytree(shared_data / "vos_multi", tmp_path / "judo")
    named = {"judo": {str(value): "person" for value in range(1, 6)}}
    (tmp_path / "judo" / "davis_semantics.json").write_text(json.dumps(named))
    source = opened("davis", {**options, "root": tmp_path / "judo"})
    assert [source.key(number) for number in range(len(source))] == ["davis/all/judo/00000", "davis/all/judo/00008"]
    with pytest.raises(DataError, match=r"judo/00005\.png: is 853 x 480; expected 854 x 480"):
        source.scene(0)
    check_scene(source, 1, source.scene(1))


def test_real_masks_equal_the_files(shared_data: Path) -> None:
    """Pixel by pixel, compared with Pillow and numpy."""
    import numpy as np
    from PIL import Image

    folder = opened("folder", {"root": shared_data / "camvid", "void": [11]})
    words = (shared_data / "camvid" / "names.txt").read_text().split()
    plane = np.asarray(Image.open(shared_data / "camvid" / "masks" / f"{folder.key(7).split('/')[1]}.png"))
    for region in folder.scene(7).regions:
        assert region.masks[0] is not None
        assert np.array_equal(masks.decode(region.masks[0]), plane == words.index(region.category))
    assert {region.category for region in folder.scene(7).regions} == {words[at] for at in np.unique(plane) if at < 11}
    clip = opened("ref_davis", {"root": shared_data / "ref_davis"}).scene(1)
    assert clip.key == "ref_davis/train/dog/00000"
    (dog,) = clip.regions
    assert dog.names == ("dog", "a brown dog walking on the grass", "the dog")
    for at, mask in enumerate(dog.masks):
        file = shared_data / "ref_davis" / "train" / "Annotations" / "dog" / f"{3 * at:05d}.png"
        assert mask is not None
        assert np.array_equal(masks.decode(mask), np.asarray(Image.open(file)) == 1), "the stride shrinks from 4 to 3"
    assert clip.fps == pytest.approx(8.0)


def test_real_panoptic_segments_equal_the_detection_masks(shared_data: Path) -> None:
    """The same annotations exist as PNG and as run lengths, with the same ids."""
    import json

    png = opened("coco_panoptic", {"root": shared_data / "coco", "split": "val2017"})
    rle = opened("coco", {"root": shared_data / "coco", "split": "val2017"})
    whole = json.loads((shared_data / "coco" / "annotations" / "instances_val2017.json").read_text())
    equal = 0
    for number in range(len(png)):
        other = next(at for at in range(len(rle)) if rle.group(at) == png.group(number))
        there = {mask for region in rle.scene(other).regions for mask in region.masks}
        equal += sum(mask in there for region in png.scene(number).regions for mask in region.masks)
    assert equal == len(whole["annotations"])


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("coco", ["annotations", "images"]),
        ("coco_panoptic", ["split", "split", "images"]),
        ("coco_stuff", ["images", "maps"]),
        ("davis", ["resolution", "resolution"]),
        ("folder", ["masks", "images", "names"]),
    ],
)
def test_everything_missing_in_an_empty_folder_is_reported_at_once(
    name: str, places: list[str], tmp_path: Path
) -> None:
    plain = {**miniatures.draw(name, tmp_path / "data"), "root": tmp_path / "empty"}
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError) as error:
        opened(name, plain)
    lines = str(error.value).splitlines()
    assert [line.split(":")[0] for line in lines] == places
    assert all(str(tmp_path / "empty") in line for line in lines)
