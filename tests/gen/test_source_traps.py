"""What official layouts have that a reader falls for: ids, voids, gaps, encodings, and names that leave the folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from miniatures import coco, davis, mapillary, mevis, ref_youtube_vos, sa_v, shapes, youtube_vos
from PIL import Image
from pydantic import ValidationError

from lavida_gen import candidates, masks, plugins
from lavida_gen.errors import DataError, UserError
from lavida_gen.exposure import Limits
from lavida_gen.recipe import SOURCES
from lavida_gen.scene import Name, Region, Scene
from lavida_gen.source import Source

Plain = dict[str, Any]


def opened(name: str, plain: Plain) -> Source:
    cls = plugins.find(SOURCES, Source, name)
    return cls(cls.Options.model_validate(plain))


def drawn(name: str, root: Path, **options: Any) -> Source:
    import miniatures

    return opened(name, {**miniatures.draw(name, root), **options})


def named(scene: Scene, name: str) -> list[Region]:
    return [region for region in scene.regions if name in region.names]


def area(region: Region) -> list[int]:
    return [0 if mask is None else masks.area(mask) for mask in region.masks]


def edit(path: Path, change: Any) -> None:
    """Rewrite a JSON file by a function of its content."""
    plain = json.loads(path.read_text())
    change(plain)
    path.write_text(json.dumps(plain))


# ---- ADE20K ----------------------------------------------------------------------------------------------------


def test_ade20k_0_is_void_and_backgrounds_are_no_candidates(tmp_path: Path) -> None:
    source = drawn("ade20k", tmp_path)
    scene = source.scene(0)
    assert [(r.category, r.kind, r.candidate) for r in scene.regions] == [
        ("wall", "stuff", False),
        ("person", "thing", True),
        ("bicycle", "thing", True),
    ]
    assert sum(sum(area(region)) for region in scene.regions) == 48 * 64 - 5 * 64, "the void belongs to nothing"
    assert Name("person", "person") in source.vocabulary(), "the first synonym"


def test_ade20k_the_official_list_has_20_backgrounds() -> None:
    from lavida_gen.sources.ade20k import BACKGROUND

    assert len(BACKGROUND) == 20


def test_ade20k_a_value_without_a_name(tmp_path: Path) -> None:
    source = drawn("ade20k", tmp_path)
    shapes.save(tmp_path / "annotations" / "training" / "ADE_train_00000002.png", shapes.plane({77: (0, 0, 9, 9)}))
    with pytest.raises(DataError, match=r"ADE_train_00000002\.png: holds the value 77"):
        source.scene(1)


# ---- Cityscapes ------------------------------------------------------------------------------------------------


def test_cityscapes_instances_groups_and_void(tmp_path: Path) -> None:
    scene = drawn("cityscapes", tmp_path).scene(0)
    assert scene.key == "cityscapes/aachen/aachen_000000_000019"
    cars = named(scene, "car")
    assert [(region.kind, sum(area(region))) for region in cars] == [("stuff", 140), ("thing", 140), ("thing", 140)]
    limits = Limits(min_area=0, min_pixels=1)
    whole = candidates.candidate(scene, "car", limits)
    assert isinstance(whole, candidates.Candidate)
    assert whole.masks[0] is not None
    assert masks.area(whole.masks[0]) == 420, "the group belongs to its class"
    assert {r.category: r.candidate for r in scene.regions} == {
        "road": False,
        "traffic sign": True,
        "sky": False,
        "car": True,
        "person": True,
    }
    assert sum(sum(area(r)) for r in scene.regions) == 44 * 64, "the ego vehicle is void"


def test_cityscapes_the_papers_classes(tmp_path: Path) -> None:
    source = drawn("cityscapes", tmp_path, classes="paper")
    assert sorted(name.text for name in source.vocabulary()) == [
        "bicycle", "bus", "car", "motorcycle", "person", "rider", "traffic sign", "truck",
    ]  # fmt: skip
    assert {r.category for r in source.scene(0).regions if not r.candidate} == {"road", "sky"}, "there, no anomalies"


def test_cityscapes_label_ids_where_there_are_no_instances(tmp_path: Path) -> None:
    drawn("cityscapes", tmp_path)
    for path in (tmp_path / "gtFine").rglob("*_instanceIds.png"):
        plane = np.asarray(Image.open(path))
        labels = np.where(plane >= 1000, plane // 1000, plane).astype(np.uint8)
        shapes.save(path.with_name(path.name.replace("instanceIds", "labelIds")), labels)
        path.unlink()
    scene = opened("cityscapes", {"root": tmp_path}).scene(2)
    assert [sum(area(region)) for region in named(scene, "car")] == [420]
    assert scene.key == "cityscapes/zurich/zurich_000000_000019"


def test_cityscapes_an_unknown_id(tmp_path: Path) -> None:
    source = drawn("cityscapes", tmp_path)
    name = "zurich_000000_000019_gtFine_instanceIds.png"
    shapes.save(tmp_path / "gtFine" / "train" / "zurich" / name, shapes.plane({34001: (0, 0, 9, 9)}, dtype=np.uint16))
    with pytest.raises(DataError, match=f"{name}: holds the value 34001"):
        source.scene(2)


def test_cityscapes_table_is_the_official_one() -> None:
    from lavida_gen.sources.cityscapes import TABLE

    assert sorted(TABLE) == list(range(7, 34))
    assert [TABLE[number][0] for number in TABLE if TABLE[number][2]] == [
        "person", "rider", "car", "truck", "bus", "caravan", "trailer", "train", "motorcycle", "bicycle",
    ]  # fmt: skip


# ---- Mapillary -------------------------------------------------------------------------------------------------


def test_mapillary_256_times_class_plus_instance(tmp_path: Path) -> None:
    source = drawn("mapillary", tmp_path)
    scene = source.scene(0)
    found = [(r.category, r.kind, r.candidate, sum(area(r))) for r in scene.regions]
    assert found == [
        ("bird", "thing", True, 80),
        ("road", "stuff", False, 48 * 64 - 80 - 2 * 192 - 64 - 3 * 64 - 4 * 64),
        ("car", "thing", True, 192),
        ("car", "thing", True, 192),
        ("traffic sign (front)", "thing", True, 64),
    ], "instance 0 is one too; void--ego-vehicle and what is not evaluated are void"
    assert Name("car", "car", "object--vehicle") in source.vocabulary()
    assert "ego vehicle" not in {name.text for name in source.vocabulary()}


@pytest.mark.parametrize("version", ["1.2", "2.0"])
def test_mapillary_2_has_the_masks_of_both_versions(tmp_path: Path, version: str) -> None:
    mapillary.draw(tmp_path)
    below = tmp_path / "training" / f"v{version}"
    below.mkdir()
    (tmp_path / "training" / "instances").rename(below / "instances")
    (tmp_path / "config.json").rename(tmp_path / f"config_v{version}.json")
    assert len(opened("mapillary", {"root": tmp_path, "version": version}).scene(0).regions) == 5
    other = "1.2" if version == "2.0" else "2.0"
    with pytest.raises(DataError, match="split: no folder .*instances"):
        opened("mapillary", {"root": tmp_path, "version": other})


def test_mapillary_without_names_or_with_too_few(tmp_path: Path) -> None:
    drawn("mapillary", tmp_path)
    edit(tmp_path / "config.json", lambda plain: plain["labels"].pop())
    with pytest.raises(DataError, match=r"\.png: holds the value 1280"):
        opened("mapillary", {"root": tmp_path}).scene(0)
    (tmp_path / "config.json").unlink()
    with pytest.raises(DataError, match=r"root: no file .*config\.json.*; see `lavida-gen sources mapillary`"):
        opened("mapillary", {"root": tmp_path})


# ---- COCO's family ---------------------------------------------------------------------------------------------


def test_data_sets_over_cocos_photos_share_their_groups(tmp_path: Path) -> None:
    groups = [
        {source.group(number) for number in range(len(source))}
        for source in (drawn(name, tmp_path / name) for name in ("coco", "coco_stuff", "coco_panoptic", "refcoco"))
    ]
    assert groups[0] == groups[1] == groups[2] == {f"coco-photo/{number}" for number in coco.PHOTOS}
    assert groups[3] < groups[0]


def test_coco_stuff_pixels_are_ids_less_one(tmp_path: Path) -> None:
    source = drawn("coco_stuff", tmp_path)
    found = {r.category: (r.kind, r.candidate) for r in source.scene(0).regions}
    assert found == {"person": ("thing", True), "blanket": ("stuff", True), "brick wall": ("stuff", False)}
    words = {name.text: name for name in source.vocabulary()}
    assert {"wall", "wood floor", "window blind", "tree", "playing field", "street sign"} <= set(words)
    assert not any(text.endswith(("-other", "-stuff", "-merged")) or "-" in text for text in words)
    assert words["blanket"].group == "textile"


def test_coco_stuff_json_without_the_things(tmp_path: Path) -> None:
    drawn("coco_stuff", tmp_path)
    whole = {"size": list(shapes.SIZE), "counts": [0, 48 * 64]}
    annotations = [
        {"id": 1, "image_id": 139, "category_id": 183, "iscrowd": 0, "segmentation": whole},
        {"id": 2, "image_id": 139, "category_id": 157, "iscrowd": 0, "segmentation": whole},
    ]
    kinds = [
        {"id": 157, "name": "sky-other", "supercategory": "sky"},
        {"id": 183, "name": "other", "supercategory": "other"},
    ]
    plain = {"images": coco.images(), "annotations": annotations, "categories": kinds}
    shapes.write(tmp_path / "annotations" / "stuff_train2017.json", plain)
    source = opened("coco_stuff", {"root": tmp_path, "annotations": "annotations/stuff_train2017.json"})
    assert [name.text for name in source.vocabulary()] == ["sky"]
    assert [r.names for r in source.scene(0).regions] == [("sky",)]
    assert source.group(0) == "coco-photo/139"
    assert list(source.faults()) == []
    assert source.scene(0).frames[0].pixels().shape == (48, 64, 3)


def test_coco_panoptic_ids_of_three_bytes(tmp_path: Path) -> None:
    scene = drawn("coco_panoptic", tmp_path).scene(1)
    assert [(r.category, r.kind, r.candidate, sum(area(r))) for r in scene.regions] == [
        ("sky", "stuff", False, 640),
        ("car", "thing", True, 192),
        ("car", "thing", True, 192),
        ("person", "stuff", True, 320),
        ("brick wall", "stuff", False, 512),
    ], "a crowd is not one thing"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a["segments_info"].pop(1), r"000000000139\.png: holds id 300; expected ids that panoptic_train2017"),
        (lambda a: a["segments_info"][1].update(id=301), r"000000000139\.png: no pixel has id 301"),
        (lambda a: a["segments_info"][1].update(category_id=9), r"annotations\[0\]: category_id 9"),
        (lambda a: a.update(image_id=1), r"annotations\[0\]: image_id 1"),
        (
            lambda a: a.update(file_name="../x.png"),
            r"image id 139: file name '\.\./x\.png' leaves the data set's folder",
        ),
    ],
)
def test_coco_panoptic_png_and_json_must_agree(tmp_path: Path, change: Any, message: str) -> None:
    drawn("coco_panoptic", tmp_path)
    edit(tmp_path / "annotations" / "panoptic_train2017.json", lambda plain: change(plain["annotations"][0]))
    with pytest.raises(DataError, match=message):
        opened("coco_panoptic", {"root": tmp_path}).scene(0)


# ---- folder and hf ---------------------------------------------------------------------------------------------

BOX = (8, 30, 20, 10)


def bright(size: tuple[int, int] = shapes.SIZE) -> np.ndarray:
    """A dark picture, white in BOX."""
    return np.where(shapes.bits(BOX, size)[:, :, None], 255, 0).repeat(3, axis=2).astype(np.uint8)


def fits(scene: Scene) -> None:
    """The mask lies where the picture is bright."""
    pixels = scene.frames[0].pixels().astype(int).mean(axis=2)
    (region,) = scene.regions
    assert region.masks[0] is not None
    inside = masks.decode(region.masks[0])
    assert pixels.shape == inside.shape == scene.size
    assert pixels[inside].mean() > 200
    assert pixels[~inside].mean() < 60


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK", "I;16", "P", "RGBA", "LA", "1"])
def test_masks_fit_pictures_of_every_mode(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(bright())
    ending = "jpg" if mode in ("RGB", "L", "CMYK") else "png"
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image)[:, :, 0].astype(np.uint16) * 257)
    (tmp_path / "images").mkdir()
    (image if mode in ("RGB", "I;16") else image.convert(mode)).save(tmp_path / "images" / f"a.{ending}")
    shapes.save(tmp_path / "masks" / "a.png", shapes.plane({1: BOX}))
    shapes.write(tmp_path / "names.txt", "1 hole\n")
    fits(opened("folder", {"root": tmp_path, "void": [0]}).scene(0))


# Mirrored or upside down, a picture keeps its size: then the mask is taken to be drawn over the stored one.
TURNS = [(turn, turned) for turn in range(1, 9) for turned in (False, True) if not turned or turn not in (2, 3, 4)]


@pytest.mark.parametrize(("turn", "mask_is_turned"), TURNS)
def test_masks_fit_pictures_that_exif_turns(tmp_path: Path, turn: int, mask_is_turned: bool) -> None:
    """Masks drawn over the stored picture, or over the one that viewers show: their size tells, for quarter turns."""
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = turn
    (tmp_path / "images").mkdir()
    Image.fromarray(bright()).save(tmp_path / "images" / "a.jpg", exif=exif, quality=95)
    plane = shapes.plane({1: BOX})
    if mask_is_turned:
        image = Image.fromarray(plane)
        image.getexif()[0x0112] = turn
        plane = np.asarray(ImageOps.exif_transpose(image))
    shapes.save(tmp_path / "masks" / "a.png", plane)
    fits(opened("folder", {"root": tmp_path, "binary": "hole"}).scene(0))


def test_folder_binary_masks_and_suffix(tmp_path: Path) -> None:
    shapes.jpeg(tmp_path / "images" / "a.JPEG", 1)
    shapes.save(tmp_path / "masks" / "a_mask.png", shapes.plane({255: BOX}))
    source = opened("folder", {"root": tmp_path, "binary": "crack", "suffix": "_mask", "dataset": "cracks"})
    scene = source.scene(0)
    assert scene.key == "cracks/a"
    assert [(r.names, sum(area(r))) for r in scene.regions] == [(("crack",), 200)]
    assert source.vocabulary() == [Name("crack", "crack")]


def folder(root: Path) -> Plain:
    shapes.jpeg(root / "images" / "a.jpg", 1)
    shapes.save(root / "masks" / "a.png", shapes.plane({1: BOX}))
    shapes.write(root / "names.txt", "floor\ncart\n")
    return {"root": root}


def test_folder_says_what_is_left_out(tmp_path: Path) -> None:
    plain = folder(tmp_path)
    shapes.jpeg(tmp_path / "images" / "b.jpg", 2)
    assert list(opened("folder", plain).faults()) == ["1 of 2 images have no mask and were left out, such as b.jpg"]


@pytest.mark.parametrize(
    ("spoil", "options", "kind", "message"),
    [
        (None, {"names": "x.txt"}, DataError, r"names: no file .*x\.txt"),
        (None, {"masks": "m"}, DataError, "masks: no folder"),
        (None, {"background": ["flor"]}, UserError, "background: 'flor' is no name of names.txt; did you mean 'floor'"),
        ("masks/b.png", {}, DataError, r"masks/b\.png: has no image .*images/b\.\*"),
        ("images/a.png", {}, DataError, r"images/a\.(png|jpg): has the name of a\.(png|jpg)"),
        (None, {"suffix": "_m"}, DataError, r"masks: has no \*\.png"),
    ],
)
def test_folder_faults(tmp_path: Path, spoil: str | None, options: Plain, kind: Any, message: str) -> None:
    plain = folder(tmp_path)
    if spoil:
        shapes.save(tmp_path / spoil, shapes.plane({1: BOX}))
    with pytest.raises(kind, match=message):
        opened("folder", {**plain, **options})


def test_folder_a_value_without_a_name_unless_it_is_void(tmp_path: Path) -> None:
    plain = folder(tmp_path)
    shapes.save(tmp_path / "masks" / "a.png", shapes.plane({1: BOX, 9: (0, 0, 4, 4)}))
    with pytest.raises(DataError, match=r"a\.png: holds the value 9; expected one that has a name or is void"):
        opened("folder", plain).scene(0)
    assert [r.category for r in opened("folder", {**plain, "void": [9]}).scene(0).regions] == ["floor", "cart"]


def table(root: Path, mask: np.ndarray, split: bool = False) -> Plain:
    import datasets
    from miniatures import hf

    features = datasets.Features({"photo": datasets.Image(), "label": datasets.Image(), "n": datasets.Value("int8")})
    row = {"photo": [hf.encoded(shapes.photo(1), "JPEG")], "label": [hf.encoded(mask, "PNG")], "n": [1]}
    made = datasets.Dataset.from_dict(row, features=features)
    (datasets.DatasetDict({"train": made}) if split else made).save_to_disk(str(root))
    return {"saved": root, "image": "photo", "mask": "label", "names": ["", "cart"]}


@pytest.mark.parametrize("split", [False, True])
def test_hf_columns_and_splits(tmp_path: Path, split: bool) -> None:
    source = opened("hf", table(tmp_path / "t", shapes.plane({1: BOX, 255: (0, 0, 4, 4)}), split))
    assert [(r.names, sum(area(r))) for r in source.scene(0).regions] == [(("cart",), 200)]
    assert source.scene(0).frames[0].pixels().shape == (48, 64, 3)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"mask": "labels"}, UserError, "mask: no column 'labels'; did you mean 'label'"),
        ({"mask": "n"}, UserError, r"mask: column 'n' is Value.* expected datasets' Image feature"),
        ({"split": "trian"}, UserError, "split: .* has no split 'trian'; did you mean 'train'"),
        ({"saved": "nowhere"}, DataError, "saved: no folder nowhere"),
    ],
)
def test_hf_words_that_do_not_fit(tmp_path: Path, options: Plain, kind: Any, message: str) -> None:
    plain = table(tmp_path / "t", shapes.plane({1: BOX}), split=True)
    with pytest.raises(kind, match=message):
        opened("hf", {**plain, **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"names": ["a"]}, "give either `repo` or `saved`"),
        ({"repo": "a/b", "saved": "c", "names": ["a"]}, "give either `repo` or `saved`"),
        ({"repo": "a/b", "names": ["a"], "background": ["b"]}, "background: 'b' is not among `names`"),
    ],
)
def test_hf_options_that_contradict_themselves(options: Plain, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        opened("hf", options)


def test_hf_a_broken_cell_is_named(tmp_path: Path) -> None:
    plain = table(tmp_path / "t", shapes.photo(3))
    with pytest.raises(DataError, match=r"hf/train/00000000: column 'label': holds colours"):
        opened("hf", plain).scene(0)
    plain = table(tmp_path / "u", shapes.plane({7: BOX}))
    with pytest.raises(DataError, match=r"hf/train/00000000: column 'label': holds the value 7"):
        opened("hf", plain).scene(0)


# ---- clips -----------------------------------------------------------------------------------------------------


def moving(root: Path, frames: list[int], annotated: list[int]) -> Plain:
    """A YouTube-VOS video whose white box moves; only some of its frames have masks."""
    for number in frames:
        box = shapes.track(number, (2, 4), (1, 1))
        pixels = np.where(shapes.bits(box)[:, :, None], 255, 0).repeat(3, axis=2).astype(np.uint8)
        shapes.save(root / "train" / "JPEGImages" / "v" / f"{number:05d}.jpg", pixels, quality=95)
        if number in annotated:
            shapes.palette(root / "train" / "Annotations" / "v" / f"{number:05d}.png", shapes.plane({1: box}))
    one = {"category": "dog", "frames": [f"{number:05d}" for number in annotated]}
    shapes.write(root / "train" / "meta.json", {"videos": {"v": {"objects": {"1": one}}}})
    return {"root": root}


def in_time(scene: Scene) -> None:
    """Each frame is bright where its own mask is."""
    for time, frame in enumerate(scene.frames):
        pixels = frame.pixels().astype(int).mean(axis=2)
        mask = scene.regions[0].masks[time]
        assert mask is not None
        assert pixels[masks.decode(mask)].mean() > 220
        assert pixels[~masks.decode(mask)].mean() < 20


def test_frames_without_a_mask_are_never_used_and_gaps_are_kept(tmp_path: Path) -> None:
    plain = moving(tmp_path, list(range(30)), [0, 5, 8, 13, 28])
    source = opened("youtube_vos", {**plain, "frames": 5})
    (scene,) = [source.scene(number) for number in range(len(source))]
    assert [Path(frame.where).stem for frame in scene.frames] == ["00000", "00005", "00008", "00013", "00028"]
    assert all(mask is not None for mask in scene.regions[0].masks)
    assert scene.fps == pytest.approx(30 * 4 / 28)
    in_time(scene)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_short_videos(tmp_path: Path, count: int) -> None:
    plain = moving(tmp_path, list(range(6)), [0, 5, 3][:count])
    source = opened("youtube_vos", {**plain, "frames": 4})
    if count == 1:
        assert len(source) == 0, "a still is no clip"
        assert list(source.faults()) == ["video v: left out, 1 annotated frames"]
        return
    scene = source.scene(0)
    shown = ["00000", "00005", "00005", "00005"] if count == 2 else ["00000", "00003", "00005", "00005"]
    assert [Path(frame.where).stem for frame in scene.frames] == shown
    in_time(scene)
    assert scene.fps == pytest.approx(30 / 5 * (count - 1))
    assert len(opened("youtube_vos", {**plain, "frames": 4, "short": "drop"})) == 0


def test_an_object_that_is_hidden_for_a_while(tmp_path: Path) -> None:
    source = drawn("youtube_vos", tmp_path)
    scene = next(s for s in (source.scene(n) for n in range(len(source))) if youtube_vos.HIDDEN[0] in s.key)
    (panda,) = named(scene, "giant panda")
    assert [mask is None for mask in panda.masks] == [False, False, True]
    assert panda.candidate


def test_an_object_that_is_there_but_not_drawn_is_never_the_anomaly(tmp_path: Path) -> None:
    """As in valid: every object has a mask in its first frame alone, though meta.json lists it in all."""
    youtube_vos.draw(tmp_path)
    folder = tmp_path / "train" / "Annotations" / "003234408d"
    shapes.palette(folder / "00000.png", shapes.plane({1: BOX}))
    shapes.palette(folder / "00005.png", shapes.plane({2: BOX}))
    for frame in ("00010", "00015", "00020", "00025"):
        (folder / f"{frame}.png").unlink()
    source = opened("youtube_vos", {"root": tmp_path, "frames": 2})
    scene = source.scene(0)
    assert [(r.category, r.candidate) for r in scene.regions] == [("penguin", False), ("giant panda", False)]
    assert candidates.candidates(scene) == []


def test_a_border_of_255_is_no_object(tmp_path: Path) -> None:
    scene = drawn("davis", tmp_path).scene(0)
    assert [(r.category, area(r)) for r in scene.regions] == [("bicycle", [168] * 3), ("person", [168] * 3)]


def test_an_object_without_a_name(tmp_path: Path) -> None:
    youtube_vos.draw(tmp_path)
    edit(tmp_path / "train" / "meta.json", lambda plain: plain["videos"]["003234408d"]["objects"].pop("2"))
    with pytest.raises(DataError, match="003234408d: object 2 has no name"):
        opened("youtube_vos", {"root": tmp_path}).scene(0)


@pytest.mark.parametrize("kind", [str, int])
def test_object_ids_are_strings_or_numbers(tmp_path: Path, kind: type) -> None:
    ref_youtube_vos.draw(tmp_path)
    (tmp_path / "train" / "meta.json").unlink()

    def change(plain: Plain) -> None:
        for video in plain["videos"].values():
            for one in video["expressions"].values():
                one["obj_id"] = kind(one["obj_id"])

    edit(tmp_path / "meta_expressions" / "train" / "meta_expressions.json", change)
    scene = opened("ref_youtube_vos", {"root": tmp_path, "frames": 3}).scene(0)
    assert [r.names for r in scene.regions] == [
        ("a penguin walking to the right in film 0", "the one that is walking"),
        ("a giant panda coming from the right in film 0",),
    ]
    assert {r.category for r in scene.regions} == {""}, "without meta.json no category is known"


@pytest.mark.parametrize("ident", ["one", "", None, "1.5"])
def test_object_ids_that_are_none(tmp_path: Path, ident: Any) -> None:
    ref_youtube_vos.draw(tmp_path)
    file = tmp_path / "meta_expressions" / "train" / "meta_expressions.json"
    edit(file, lambda plain: plain["videos"]["003234408d"]["expressions"]["0"].update(obj_id=ident))
    with pytest.raises(DataError, match=r"meta_expressions\.json: video '003234408d' expression '0': object id"):
        opened("ref_youtube_vos", {"root": tmp_path}).scene(0)


def test_expressions_inside_the_split_are_found_too(tmp_path: Path) -> None:
    ref_youtube_vos.draw(tmp_path)
    (tmp_path / "meta_expressions").rename(tmp_path / "train" / "meta_expressions")
    assert len(opened("ref_youtube_vos", {"root": tmp_path, "frames": 3})) == 3


def test_data_sets_over_the_same_videos_share_their_groups(tmp_path: Path) -> None:
    one, two = drawn("youtube_vos", tmp_path / "1"), drawn("ref_youtube_vos", tmp_path / "2")
    assert {one.group(n) for n in range(len(one))} == {two.group(n) for n in range(len(two))}


@pytest.mark.parametrize("name", ["../v", "/v", "C:\\v", "a/../../v"])
def test_videos_that_leave_the_folder(tmp_path: Path, name: str) -> None:
    youtube_vos.draw(tmp_path)
    edit(tmp_path / "train" / "meta.json", lambda plain: plain["videos"].update({name: {"objects": {}}}))
    with pytest.raises(DataError, match=r"meta\.json: file name .* leaves the data set's folder"):
        opened("youtube_vos", {"root": tmp_path})


def test_a_video_without_masks_is_named(tmp_path: Path) -> None:
    youtube_vos.draw(tmp_path)
    edit(tmp_path / "train" / "meta.json", lambda plain: plain["videos"].update(gone={"objects": {}}))
    with pytest.raises(DataError, match=r"meta\.json: video 'gone' has no folder"):
        opened("youtube_vos", {"root": tmp_path})


def test_davis_2016_binary_masks_and_its_lists(tmp_path: Path) -> None:
    davis.draw(tmp_path)
    (tmp_path / "davis_semantics.json").unlink()
    lines = []
    for path in sorted((tmp_path / "Annotations" / "480p").rglob("*.png")):
        shapes.save(path, shapes.plane({255: BOX}))
        lines.append(f"/JPEGImages/480p/{path.parent.name}/{path.stem}.jpg /Annotations/480p/{path.parent.name}/x.png")
    shapes.write(tmp_path / "ImageSets" / "480p" / "train.txt", "\n".join(lines))
    scene = opened("davis", {"root": tmp_path, "year": 2016, "frames": 3, "stride": 1}).scene(0)
    assert [(r.names, r.category, area(r)) for r in scene.regions] == [(("bike packing",), "", [200] * 3)]
    with pytest.raises(DataError, match=r"\.png: holds no object but 255.*set `year: 2016`"):
        opened("davis", {"root": tmp_path}).scene(0)


def test_davis_without_semantics_calls_all_objects_alike(tmp_path: Path) -> None:
    davis.draw(tmp_path)
    (tmp_path / "davis_semantics.json").unlink()
    source = opened("davis", {"root": tmp_path, "frames": 3, "stride": 1})
    assert [r.names for r in source.scene(0).regions] == [("bike packing",), ("bike packing",)]
    assert source.vocabulary() == [Name("bike packing"), Name("blackswan")]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "val"}, r"split: no file .*ImageSets/2017/val\.txt"),
        ({"split": "val", "year": 2016}, r"ImageSets/2016/val\.txt or .*ImageSets/480p/val\.txt"),
        ({"resolution": "1080p"}, "resolution: no folder"),
    ],
)
def test_davis_lists_that_are_not_there(tmp_path: Path, options: Plain, message: str) -> None:
    with pytest.raises(DataError, match=message):
        drawn("davis", tmp_path, **options)


def test_davis_a_line_that_is_no_video(tmp_path: Path) -> None:
    davis.draw(tmp_path)
    shapes.write(tmp_path / "ImageSets" / "2017" / "train.txt", "bike-packing\na/b\n")
    with pytest.raises(DataError, match=r"train\.txt:2: 'a/b'; expected a video"):
        opened("davis", {"root": tmp_path})


def test_mevis_null_is_not_visible_and_expressions_of_two_name_both(tmp_path: Path) -> None:
    source = drawn("mevis", tmp_path)
    first, second = (source.scene(number) for number in range(2))
    assert [[mask is None for mask in region.masks] for region in first.regions] == [[False] * 3, [False, False, True]]
    assert [[mask is None for mask in region.masks] for region in second.regions] == [[False] * 3, [True, False, False]]
    both = candidates.candidate(second, "two birds passing each other", Limits(min_area=0, min_pixels=1))
    assert isinstance(both, candidates.Candidate)
    one = first.regions[0]
    assert one.names == ("The bird moving to the right", "two birds passing each other")
    union = masks.union([region.masks[1] for region in second.regions if region.masks[1] is not None])
    assert both.masks[1] == union
    assert both.masks[0] == second.regions[0].masks[0], "where one of them is hidden, the other is all there is"


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("mask_dict.json", lambda p: p["11"].pop(), r"mask_dict\.json: annotation 11 covers 5 frames; expected 6"),
        ("mask_dict.json", lambda p: p.pop("12"), r"expression '1': anno_id 12; expected one of mask_dict\.json"),
        ("mask_dict.json", lambda p: p.update({"11": 7}), "annotation '11': is a int"),
        ("mask_dict.json", lambda p: p["11"][3].update(counts="1"), "annotation '11' frame 3: run lengths sum up to"),
        ("mask_dict.json", lambda p: p["11"][3].update(size=[64, 48]), r"annotation '11' frame 3: size \(64, 48\)"),
        ("meta_expressions.json", lambda p: p["videos"][mevis.VIDEO].pop("frames"), "has no 'frames'"),
        (
            "meta_expressions.json",
            lambda p: p["videos"][mevis.VIDEO]["frames"].__setitem__(0, "../../x"),
            "leaves the data set's folder",
        ),
    ],
)
def test_mevis_files_must_agree(tmp_path: Path, file: str, change: Any, message: str) -> None:
    plain = mevis.draw(tmp_path)
    edit(tmp_path / "train" / file, change)
    with pytest.raises(DataError, match=message):
        source = opened("mevis", plain)
        for number in range(len(source)):
            source.scene(number)


def test_mevis_valid_has_no_masks(tmp_path: Path) -> None:
    mevis.draw(tmp_path)
    (tmp_path / "train").rename(tmp_path / "valid")
    (tmp_path / "valid" / "mask_dict.json").unlink()
    with pytest.raises(DataError, match=r"no file .*mask_dict\.json.*valid has no masks"):
        opened("mevis", {"root": tmp_path, "split": "valid"})


def test_sa_v_masks_and_frames_are_aligned_in_time(tmp_path: Path) -> None:
    source = drawn("sa_v", tmp_path, masklets="manual")
    assert [source.key(number) for number in range(2)] == ["sa_v/sav_000001/0of2", "sa_v/sav_000001/1of2"]
    for number in range(2):
        scene = source.scene(number)
        assert scene.fps == 6.0
        assert scene.frames[0].where.endswith(f"sav_000001.mp4 frame {sa_v.EVERY * 2 * number}")
        for time, frame in enumerate(scene.frames):
            mask = scene.regions[0].masks[time]
            assert mask is not None
            pixels = frame.pixels().astype(int).mean(axis=2)
            assert pixels[masks.decode(mask)].mean() > 235
            assert pixels[:, :64][~masks.decode(mask)[:, :64]].mean() < 20


def test_sa_v_masklets_of_both_kinds_and_hidden_ones(tmp_path: Path) -> None:
    source = drawn("sa_v", tmp_path)
    assert [[mask is None for mask in r.masks] for r in source.scene(0).regions] == [
        [False] * 4,
        [True, True, False, False],
    ]
    assert source.vocabulary() == [Name("object", "object")]
    (tmp_path / "sav_000" / "sav_000001_auto.json").unlink()
    assert len(source.scene(0).regions) == 1, "some videos have no automatic masklets"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p["masklet"][2].pop(), r"sav_000001_manual\.json: 'masklet' is ragged or empty"),
        (lambda p: p.update(masklet=[]), "'masklet' is ragged or empty"),
        (lambda p: p.update(video_height=None), "'video_height' is None; expected a whole number"),
        (lambda p: p.update(video_height=97), r"sav_000001: masklet 0 annotated frame 0: run lengths sum up to"),
        (lambda p: p.update(masklet=p["masklet"][:1]), "sav_000001: has 1 annotated frames; expected at least"),
    ],
)
def test_sa_v_masklets_that_do_not_fit(tmp_path: Path, change: Any, message: str) -> None:
    plain = sa_v.draw(tmp_path)
    shapes.write(tmp_path / "sav_000" / "sav_000001_manual.json", sa_v.masklets([0, 0]))
    edit(tmp_path / "sav_000" / "sav_000001_manual.json", change)
    with pytest.raises(DataError, match=message):
        opened("sa_v", {**plain, "masklets": "manual"}).scene(0)


def test_sa_v_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"root: no \*_manual\.json in"):
        opened("sa_v", {"root": tmp_path})


@pytest.mark.parametrize("name", sorted(set(plugins.names(SOURCES)) - {"street", "hf"}))
def test_an_empty_or_missing_folder_says_how_it_must_look(tmp_path: Path, name: str) -> None:
    for root in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(DataError, match=r"no (folder|file|\*)"):
            opened(name, {"root": root})


MISSING = {
    "ade20k": ["annotations/training", "images/training", "objectInfo150.txt"],
    "cityscapes": ["leftImg8bit/train", "gtFine/train"],
    "mapillary": ["training/images", "training/instances", "config.json"],
    "youtube_vos": ["train/JPEGImages", "train/Annotations", "train/meta.json"],
    "mevis": ["train/JPEGImages", "train/meta_expressions.json", "train/mask_dict.json"],
    "ref_youtube_vos": ["train/JPEGImages", "train/Annotations", "meta_expressions/train/meta_expressions.json"],
    "ref_davis": ["train/JPEGImages", "train/Annotations", "meta_expressions/train/meta_expressions.json"],
}


@pytest.mark.parametrize("name", MISSING)
def test_all_that_is_missing_is_said_at_once(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError) as caught:
        opened(name, {"root": tmp_path})
    lines = str(caught.value).splitlines()
    assert len(lines) == len(MISSING[name])
    for line, missing in zip(lines, MISSING[name], strict=True):
        assert str(tmp_path / missing) in line
        assert f"see `lavida-gen sources {name}`" in line
