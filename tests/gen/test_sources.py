"""The contract of every source, tested on a miniature of its data set in the official layout; and the real files.

New files in sources/ are found by themselves; each needs a miniature (tests/gen/miniatures/NAME.py).
"""

from __future__ import annotations

import pickle
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import miniatures
import pytest

from lavida_gen.common import plugins
from lavida_gen.common.errors import DataError
from lavida_gen.config.recipe import SOURCES
from lavida_gen.scenes import masks
from lavida_gen.scenes.scene import Scene
from lavida_gen.sources._base import Source, SourceOptions
from lavida_gen.sources.street import StreetSource

NAMES = plugins.names(SOURCES)
PLACES = ("root", "saved")
"""Options that say where the data lies."""
DRAWN = ("street",)
"""Sources without files."""


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
def source(drawn: tuple[str, Path, dict[str, Any]]) -> Source:
    return opened(drawn[0], drawn[2])


def copied(drawn: tuple[str, Path, dict[str, Any]], to: Path) -> tuple[Path, dict[str, Any]]:
    """A copy of a miniature, and the options to open it."""
    _, root, plain = drawn
    shutil.copytree(root, to)
    return to, {**plain, **{place: to for place in PLACES if place in plain}}


def told(scene: Scene) -> tuple[Any, ...]:
    """All that can be compared of a scene, pixels too."""
    jpegs = tuple(frame.jpeg() for frame in scene.frames)
    said = (scene.licence, scene.group, scene.fps, scene.attribution, list(scene.absent()))
    return scene.key, scene.size, scene.regions, jpegs, said


def check_scene(source: Source, number: int, scene: Scene) -> None:
    assert scene.key == source.key(number)
    assert scene.group == source.group(number)
    assert scene.licence.strip()
    assert (len(scene.frames) == 1) == (source.kind == "image")
    for frame in scene.frames:
        assert frame.size == scene.size
    for region in scene.regions:
        assert all(name == name.strip() != "" for name in region.names)
        assert len(set(region.names)) == len(region.names)
        assert region.category in ("", region.names[0]), "the category comes first"
        assert any(mask is not None for mask in region.masks) or not region.candidate
        for mask in region.masks:
            if mask is not None:
                assert masks.decode(mask).shape == scene.size
                assert 0 < masks.area(mask) <= scene.size[0] * scene.size[1], "None says: not visible"


def test_keys_are_unique_and_stable(drawn: tuple[str, Path, dict[str, Any]], source: Source) -> None:
    keys = [source.key(number) for number in range(len(source))]
    assert len(keys) == len(set(keys)) > 0
    assert all(key.startswith(f"{drawn[0]}/") and key.isascii() and " " not in key for key in keys)
    again = opened(drawn[0], drawn[2])
    assert [again.key(number) for number in range(len(again))] == keys


def test_scenes_keep_what_they_promise(source: Source) -> None:
    seen = 0
    for number in range(len(source)):
        scene = source.scene(number)
        check_scene(source, number, scene)
        seen += len(scene.regions)
        for frame in scene.frames:
            assert frame.pixels().shape == (*scene.size, 3)
    assert seen, "a miniature shows something"
    assert any(region.candidate for number in range(len(source)) for region in source.scene(number).regions)


def test_the_cast_is_that_of_the_scene(source: Source) -> None:
    """Names, categories and candidates in the same order; drawn things may turn out to be hidden."""
    for number in range(len(source)):
        cast = [(one.names, one.category, one.candidate) for one in source.annotations_without_masks(number)]
        shown = [(one.names, one.category, one.candidate) for one in source.scene(number).regions]
        if isinstance(source, StreetSource):
            assert not Counter(shown) - Counter(cast)
        else:
            assert cast == shown


def test_a_scene_read_twice_is_the_same(drawn: tuple[str, Path, dict[str, Any]], source: Source) -> None:
    again = opened(drawn[0], drawn[2])
    for number in range(len(source)):
        first = told(source.scene(number))
        assert told(source.scene(number)) == first
        assert told(again.scene(len(again) - 1 - number)) == told(source.scene(len(source) - 1 - number))


def test_names_are_in_the_vocabulary(source: Source) -> None:
    words = list(source.vocabulary())
    assert len(words) == len(set(words)) > 0
    assert all(name.text == name.text.strip() != "" for name in words)
    assert list(source.vocabulary()) == words
    texts = {name.text for name in words}
    for number in range(len(source)):
        for region in source.scene(number).regions:
            assert not region.candidate or set(region.names) <= texts


def test_options_travel_to_workers(drawn: tuple[str, Path, dict[str, Any]], source: Source) -> None:
    options = pickle.loads(pickle.dumps(options_of(drawn[0], drawn[2])))
    there = plugins.find(SOURCES, Source, drawn[0])(options)
    assert (len(there), there.fingerprint()) == (len(source), source.fingerprint())


def test_the_fingerprint_is_of_the_content(
    drawn: tuple[str, Path, dict[str, Any]], source: Source, tmp_path: Path
) -> None:
    _, plain = copied(drawn, tmp_path / "elsewhere")
    there = opened(drawn[0], plain)
    assert there.fingerprint() == source.fingerprint() == source.fingerprint() != ""
    assert [told(there.scene(n)) for n in range(len(there))] == [told(source.scene(n)) for n in range(len(source))]


def test_about_is_complete(source: Source) -> None:
    about = source.about
    for field in ("title", "page", "licence", "attribution", "get", "layout"):
        assert getattr(about, field).strip(), field
    assert about.page.startswith(("http", "none"))
    assert about.use in ("free", "noncommercial", "forbidden")
    assert all(len(line) <= 120 for line in f"{about.get}\n{about.layout}".splitlines())
    for name, field in type(source).Options.model_fields.items():
        assert field.description, name


def test_whole_data_have_no_faults(source: Source) -> None:
    assert list(source.problems()) == []


def files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def use_all(name: str, plain: dict[str, Any]) -> None:
    """Open a source and read everything in it."""
    source = opened(name, plain)
    for number in range(len(source)):
        for frame in source.scene(number).frames:
            frame.jpeg()


def damaged(path: Path) -> Iterator[bytes]:
    """What may have become of a file."""
    yield b"\0\xff no such thing"
    whole = path.read_bytes()
    if path.suffix in (".png", ".jpg", ".json", ".mp4"):  # half of a text is a text
        yield whole[: len(whole) // 2]


def test_every_broken_file_is_named(drawn: tuple[str, Path, dict[str, Any]], tmp_path: Path) -> None:
    if drawn[0] in DRAWN:
        assert files(drawn[1]) == []
        return
    root, plain = copied(drawn, tmp_path / "broken")
    for path in files(root):
        whole = path.read_bytes()
        for what in damaged(path):
            path.write_bytes(what)
            with pytest.raises(DataError) as caught:
                use_all(drawn[0], plain)
            # a table of the `datasets` library is one thing of many files
            assert path.name in str(caught.value) or (drawn[0] == "hf" and str(root) in str(caught.value)), path
        path.write_bytes(whole)
    use_all(drawn[0], plain)


def checked(name: str, plain: dict[str, Any]) -> list[str]:
    """What `lavida-gen check` finds in a source."""
    try:
        return list(opened(name, plain).problems())
    except DataError as error:
        return [str(error)]


def test_a_missing_photo_is_named_by_check_and_by_the_frame(
    drawn: tuple[str, Path, dict[str, Any]], tmp_path: Path
) -> None:
    root, plain = copied(drawn, tmp_path / "missing")
    source = opened(drawn[0], plain)
    places = {frame.where.partition(" frame ")[0] for n in range(len(source)) for frame in source.scene(n).frames}
    photos = sorted(place for place in places if Path(place).is_file())
    if drawn[0] in (*DRAWN, "hf"):
        assert photos == [], "nothing that could be missing"
        return
    assert photos, "frames say where they come from"
    Path(photos[0]).unlink()
    assert any(str(Path(photos[0]).with_suffix("")) in line for line in checked(drawn[0], plain))
    with pytest.raises(DataError, match=re.escape(Path(photos[0]).stem)):
        use_all(drawn[0], plain)
    assert Path(photos[0]).is_relative_to(root)


# ---- the real files --------------------------------------------------------------------------------------------

REAL: list[tuple[str, str, dict[str, Any], int]] = [
    ("coco", "coco", {"split": "val2017"}, 2),
    ("coco", "tinycoco", {"split": "train2017"}, 32),
    (
        "coco",
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
    assert [problem for problem in source.problems() if "polygon" not in problem] == []
    for number in range(0, scenes, 1 + scenes // 4):
        scene = source.scene(number)
        check_scene(source, number, scene)
        assert any(region.candidate for region in scene.regions)
        assert scene.frames[-1].pixels().shape == (*scene.size, 3)


def test_a_real_mask_of_another_size_is_named(shared_data: Path) -> None:
    """judo's second mask is a pixel narrower than its frame."""
    options = {"root": shared_data / "vos_multi", "resolution": "", "split": None, "frames": 2, "stride": 1}
    source = opened("davis", options)
    assert [source.key(number) for number in range(len(source))] == ["davis/all/judo/00000", "davis/all/judo/00008"]
    with pytest.raises(DataError, match=r"judo/00005\.png: is 853 x 480; expected 854 x 480"):
        source.scene(0)
    check_scene(source, 1, source.scene(1))


def test_real_masks_equal_the_files(shared_data: Path) -> None:
    """Pixel for pixel, by another way: what Pillow and numpy say of the files."""
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
    """The same annotations are there as PNG and as run lengths, with the same ids."""
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
def test_all_that_an_empty_folder_lacks_is_told_at_once(name: str, places: list[str], tmp_path: Path) -> None:
    plain = {**miniatures.draw(name, tmp_path / "data"), "root": tmp_path / "empty"}
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError) as error:
        opened(name, plain)
    lines = str(error.value).splitlines()
    assert [line.split(":")[0] for line in lines] == places
    assert all(str(tmp_path / "empty") in line for line in lines)
