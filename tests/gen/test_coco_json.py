"""coco_json: exports of many programs are found and read; whose they are is what the recipe states."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from miniatures import shapes
from PIL import Image, ImageOps

from lavida_gen.building.build import build
from lavida_gen.building.check import check_data
from lavida_gen.common.errors import DataError
from lavida_gen.config.load_recipe import load_recipe
from lavida_gen.corpus.reader import open_corpus
from lavida_gen.sampling.sampler import Sampler
from lavida_gen.scenes import masks
from lavida_gen.scenes.mask_pieces import is_one_piece
from lavida_gen.sources.coco import CocoSource
from lavida_gen.sources.coco_json import CocoJsonSource

Plain = dict[str, Any]
SIZE = shapes.SIZE
HEIGHT, WIDTH = SIZE
NAMES = ("a.jpg", "b.jpg")


def instances(names: tuple[str, ...] = NAMES, **image: Any) -> Plain:
    """A cart in each image, of the image's number of pixels in height."""
    return {
        "images": [
            {"id": n, "file_name": name, "height": HEIGHT, "width": WIDTH, **image} for n, name in enumerate(names, 1)
        ],
        "categories": [{"id": 1, "name": "cart"}, {"id": 2, "name": "pallet"}],
        "annotations": [
            {"id": n, "image_id": n, "category_id": 1, "segmentation": [shapes.corners((4, 8, 12, 10 + n))]}
            for n in range(1, 1 + len(names))
        ],
    }


def write(root: Path, plain: Plain, file: str = "annotations.json", folder: str = "images") -> Path:
    shapes.write(root / file, plain)
    for seed, name in enumerate(NAMES):
        shapes.jpeg(root / folder / name, seed)
    return root


def opened(root: Path, **options: Any) -> CocoJsonSource:
    return CocoJsonSource(CocoJsonSource.Options.model_validate({"root": root, **options}))


def photos(source: CocoJsonSource) -> list[np.ndarray]:
    return [source.scene(number).frames[0].pixels() for number in range(len(source))]


def assert_whole(source: CocoJsonSource) -> None:
    """Both pictures are found, each with its own cart, and `check` finds nothing."""
    assert [masks.area(mask) for n in (0, 1) for mask in source.scene(n).regions[0].masks if mask] == [132, 144]
    for seed, pixels in enumerate(photos(source)):
        assert np.abs(pixels.astype(int) - shapes.photo(seed)).mean() < 12
    assert [finding for finding in source.findings() if finding.severity != "note"] == []


@pytest.mark.parametrize(
    ("file", "folder", "split"),
    [
        ("annotations/instances_default.json", "images", ""),
        ("annotations/instances_default.json", "images/default", ""),
        ("annotations/instances_train.json", "images/train", "train"),
        ("train/_annotations.coco.json", "train", "train"),
        ("_annotations.coco.json", "", ""),
        ("result.json", "images", ""),
        ("annotations.json", "JPEGImages", ""),
        ("mine.json", "", ""),
        ("train.json", "train", "train"),
        ("annotations/train.json", "train/train", "train"),
        ("labels.json", "data", ""),
        ("instances.json", "img", ""),
        ("annotations/instances_default.json", "some/where", ""),
    ],
)
def test_layouts_of_exports(tmp_path: Path, file: str, folder: str, split: str) -> None:
    assert_whole(opened(write(tmp_path, instances(), file, folder), split=split))


@pytest.mark.parametrize(
    "names",
    [
        ("images/a.jpg", "images/b.jpg"),
        ("images\\a.jpg", "images\\b.jpg"),
        (".\\a.jpg", "./b.jpg"),
        ("../../data/upload/a.jpg", "..\\..\\media\\b.jpg"),
        ("/home/somebody/a.jpg", "C:\\photos\\b.jpg"),
        ("a.JPG", "B.jpeg.jpg"),
        ("deep/er/a.jpg", "b.jpg"),
        ("http://127.0.0.1:8080/data/a.jpg?sig=ab%3D", "https://[::1/%62.jpg"),
        ("file:///C:/photos/a.jpg", "b.jpg"),
    ],
)
def test_names_written_for_another_place(tmp_path: Path, names: tuple[str, str]) -> None:
    root = write(tmp_path / "data", instances(names))
    if "B.jpeg.jpg" in names:
        (root / "images" / "b.jpg").rename(root / "images" / "b.JPEG.JPG")
    shapes.save(tmp_path / "data" / "upload" / "a.jpg", np.zeros((*SIZE, 3), np.uint8))
    assert_whole(opened(root))


def test_addresses_stand_for_names(tmp_path: Path) -> None:
    plain = instances()
    for row in plain["images"]:
        row["coco_url"] = f"http://somewhere.org/train2017/{row.pop('file_name')}"
    assert_whole(opened(write(tmp_path, plain)))


def test_two_pictures_of_one_last_part_are_not_confused(tmp_path: Path) -> None:
    root = write(tmp_path, instances(("one/a.jpg", "two/a.jpg")))
    source = opened(root)
    with pytest.raises(DataError, match="image id 1: .*one/a.jpg: cannot be read"):
        photos(source)
    assert [(finding.severity, finding.scenes) for finding in source.findings()] == [("dropped", 1)] * 2


def test_pictures_that_were_sorted_into_folders(tmp_path: Path) -> None:
    root = write(tmp_path, instances())
    for folder, name in (("carts", "a.jpg"), ("my dogs", "b.jpg")):
        (root / "images" / folder).mkdir()
        (root / "images" / name).rename(root / "images" / folder / name)
    assert_whole(opened(root))
    shapes.jpeg(root / "images" / "others" / "b.jpg", 2)
    assert [finding.scenes for finding in opened(root).findings()] == [1], "one of two is not chosen"


def test_a_picture_has_the_image_of_its_very_name(tmp_path: Path) -> None:
    """On Windows, a.jpg and A.jpg cannot lie in one folder: one is lost."""
    root = write(tmp_path, instances(("a.jpg", "A.jpg")))
    (root / "images" / "b.jpg").unlink()
    (found,) = opened(root).findings()
    assert re.search(r"image id 2: no file .*A\.jpg; there is a\.jpg$", found.text)
    (root / "images" / "one").mkdir()
    (root / "images" / "a.jpg").rename(root / "images" / "one" / "a.jpg")
    assert [finding.scenes for finding in opened(root).findings()] == [1, 1]


def test_codes_in_names_are_read_as_written_first(tmp_path: Path) -> None:
    root = write(tmp_path, instances(("a%20b.jpg", "b.jpg")))
    (root / "images" / "a.jpg").rename(root / "images" / "a%20b.jpg")
    shapes.save(root / "images" / "a b.jpg", np.zeros((*SIZE, 3), np.uint8))
    assert_whole(opened(root))


def test_a_picture_of_another_suffix_is_named(tmp_path: Path) -> None:
    root = write(tmp_path, instances())
    (root / "images" / "b.jpg").rename(root / "images" / "b.png")
    (found,) = opened(root).findings()
    with pytest.raises(DataError, match=r"b\.jpg: cannot be read .*; there is b\.png"):
        photos(opened(root))
    assert found.text.endswith("image id 2: no file " + str(root / "images" / "b.jpg") + "; there is b.png")


def test_nothing_outside_the_folder_is_read(tmp_path: Path) -> None:
    root = write(tmp_path / "data", instances(("../../secret.jpg", "b.jpg")))
    shapes.jpeg(tmp_path / "secret.jpg", 1)
    source = opened(root)
    with pytest.raises(DataError, match="image id 1: file name '../../secret.jpg' leaves the data set's folder"):
        source.scene(0)


@pytest.mark.parametrize("sizes", [{"height": None, "width": None}, {"height": 0, "width": 0}, {"width": None}])
@pytest.mark.parametrize("exif", ["apply", "as_stored", "stop"])
def test_sizes_are_read_from_the_pictures(tmp_path: Path, sizes: Plain, exif: str) -> None:
    root = write(tmp_path, instances(**sizes))
    source = opened(root, exif=exif)
    assert_whole(source)
    assert [source.index.size(n) for n in (0, 1)] == [SIZE, SIZE]
    shapes.jpeg(root / "images" / "b.jpg", 1, (60, 64))
    other = opened(root, exif=exif)
    assert [other.index.size(n) for n in (0, 1)] == [SIZE, (60, 64)]
    assert other.fingerprint() != source.fingerprint()
    (root / "images" / "b.jpg").unlink()
    lost = opened(root, exif=exif)
    assert len(lost) == 1
    assert [(finding.severity, finding.scenes) for finding in lost.left_out()] == [("dropped", 1)]


def turned(path: Path, orientation: int, size: tuple[int, int] = SIZE) -> dict[str, np.ndarray]:
    """Save a picture of that size with an EXIF orientation; returns it as it is stored, and as programs show it."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    shapes.save(path, shapes.photo(0, size), exif=exif, quality=95, subsampling=0)
    with Image.open(path) as image:
        return {"as_stored": np.asarray(image), "apply": np.asarray(ImageOps.exif_transpose(image))}


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("square", [False, True])
def test_exif_orientation_is_as_stated(tmp_path: Path, orientation: int, square: bool) -> None:
    """Annotations are of the picture as it is shown, or as it is stored; `stop` asks where the size leaves it open."""
    stored = (HEIGHT, HEIGHT) if square else SIZE
    shown = stored[::-1] if orientation >= 5 else stored
    file = tmp_path / "images" / "a.jpg"
    for size, exif in ((stored, "as_stored"), (shown, "apply")):
        plain = instances(("a.jpg",))
        plain["images"][0].update(height=size[0], width=size[1])
        pictures = turned(file, orientation, stored)
        shapes.write(tmp_path / "annotations.json", plain)
        source = opened(tmp_path, exif=exif)
        assert np.abs(photos(source)[0].astype(int) - pictures[exif]).max() < 4
        (note,) = source.findings()
        assert f"1 picture with an EXIF orientation of 2 to 8, such as a.jpg ({orientation})" in note.text
    strict = opened(tmp_path)
    if stored == shown:
        with pytest.raises(DataError, match=rf"a\.jpg: has EXIF orientation {orientation}, .*`exif: apply`"):
            photos(strict)
        assert [(finding.severity, finding.scenes) for finding in strict.findings()] == [("dropped", 1), ("note", 0)]
    else:
        assert photos(strict)[0].shape[:2] == shown
        with pytest.raises(DataError, match="is 64 x 48 pixels; expected 48 x 64"):
            photos(opened(tmp_path, exif="as_stored"))


def test_exif_is_part_of_the_digest(tmp_path: Path) -> None:
    root = write(tmp_path, instances())
    plain = {"name": "x", "samples": 3, "exposures": ["relabel"], "anomaly_ratio": 1}
    digests = {
        load_recipe({**plain, "sources": [{"name": "coco_json", "root": str(root), "exif": exif}]}).digest()
        for exif in ("apply", "as_stored", "stop")
    }
    assert len(digests) == 3


def test_rights_are_the_users(tmp_path: Path) -> None:
    plain = instances(license=7)
    plain["licenses"] = [{"id": 7, "name": "CC BY 4.0"}]
    root = write(tmp_path, plain)
    assert (opened(root).rights().use, opened(root).scene(0).licence) == ("forbidden", "CC BY 4.0")
    own = opened(root, licence="CC0-1.0", use="free", attribution="the yard")
    scene = own.scene(0)
    assert (own.rights().use, scene.licence, scene.attribution) == ("free", "CC0-1.0", "the yard")


def test_keys_differ_between_data_sets(tmp_path: Path) -> None:
    other = instances()
    other["categories"][0]["name"] = "crate"
    roots = write(tmp_path / "a", instances()), write(tmp_path / "b", other)
    keys = [opened(root).key(number) for root in roots for number in (0, 1)]
    assert len(set(keys)) == 4
    assert all(key.startswith("coco_json/") for key in keys)
    assert opened(roots[0], dataset="yard").key(1) == opened(roots[0], dataset="yard").group(1) == "yard/000000000002"
    (roots[0] / "annotations.json").rename(roots[0] / "val.json")
    assert opened(roots[0], dataset="yard", split="val").key(1) == "yard/val/000000000002"


def test_evidence_of_what_is_absent(tmp_path: Path) -> None:
    """Not mentioned, stated for an image, or known because the recipe states that every image is complete."""
    plain = instances()
    plain["images"][0]["neg_category_ids"] = [2]
    root = write(tmp_path, plain)
    assert list(opened(root).scene(0).absent()) == ["pallet"]
    for complete, expected in ((False, {"unannotated", "verified"}), (True, {"exhaustive", "verified"})):
        source = {"name": "coco_json", "root": str(root), "complete": complete}
        recipe = {"name": "x", "samples": 30, "val": 0, "sources": [source], "exposures": ["relabel"]}
        found = set()
        for sample in Sampler({**recipe, "anomaly_ratio": 1, "limits": {"min_pixels": 1, "min_area": 0}}):
            for evidence in (of for of, label in zip(sample.evidence, sample.labels, strict=True) if not label):
                assert (evidence == "verified") == (sample.origin["scene"] == opened(root).key(0))
                found.add(evidence)
        assert found == expected


def test_a_brush_mask_in_one_piece_is_a_thing(tmp_path: Path) -> None:
    """CVAT marks every brush mask as a crowd; COCO's own crowds are groups, also those in one piece."""
    plain = instances()
    piece, two = np.zeros(SIZE, bool), np.zeros(SIZE, bool)
    piece[5:9, 5:9] = piece[9:12, 9:12] = True  # connected by a corner
    two[5:9, 5:9] = two[20:30, 5:9] = True
    for bits in (piece, two):
        counts = masks.encode(bits).counts.decode()
        crowd = {"iscrowd": 1, "segmentation": {"size": list(SIZE), "counts": counts}}
        plain["annotations"].append({"id": 9, "image_id": 1, "category_id": 2, **crowd})
    root = write(tmp_path, plain)
    assert [region.kind for region in opened(root).scene(0).regions] == ["thing", "thing", "stuff"]
    plain["categories"] = [{"id": 1, "name": "person"}, {"id": 2, "name": "bicycle"}]
    write(tmp_path / "coco", plain, "annotations/instances_val2017.json")
    coco = CocoSource(CocoSource.Options(root=tmp_path / "coco", split="val2017"))
    assert coco.is_coco
    assert [region.kind for region in coco.scene(0).regions] == ["thing", "stuff", "stuff"]
    assert not is_one_piece(masks.empty(SIZE))


def test_a_root_category_is_no_name(tmp_path: Path) -> None:
    plain = instances()
    plain["categories"] = [
        {"id": 0, "name": "yard-k3", "supercategory": "none"},
        {"id": 1, "name": "cart", "supercategory": "yard-k3"},
        {"id": 2, "name": "pallet", "supercategory": "pallet"},
    ]
    root = write(tmp_path, plain)
    assert [name.text for name in opened(root).vocabulary()] == ["cart", "pallet"]
    plain["annotations"][0]["category_id"] = 0
    assert [name.text for name in opened(write(tmp_path, plain)).vocabulary()] == ["yard-k3", "cart", "pallet"]


def test_missing_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    with pytest.raises(
        DataError, match=r"annotations: no file .*_annotations\.coco\.json; expected one of .*result\.json"
    ):
        opened(tmp_path)
    with pytest.raises(DataError, match=r"annotations: no file .*instances_val\.json; expected one of"):
        opened(tmp_path, split="val")
    with pytest.raises(DataError, match=r"annotations: no file .*x\.json; expected a COCO JSON"):
        opened(tmp_path, annotations="x.json")
    with pytest.raises(DataError, match=r"images: no folder .*nowhere"):
        opened(write(tmp_path, instances()), images="nowhere")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "all.json.gz").write_bytes(b"")
    with pytest.raises(
        DataError,
        match=r"no file .*instances_val\.json \(there is annotations\.json, set/all\.json\.gz\); expected one of",
    ):
        opened(tmp_path, split="val")


def test_coco_is_coco(tmp_path: Path) -> None:
    """Other data keep their place, but not as COCO's: `check` names the line to change."""
    write(tmp_path, instances(), "annotations/instances_x.json")
    own = CocoSource(CocoSource.Options(root=tmp_path, split="x"))
    rights = own.rights()
    assert (rights.use, rights.licence, rights.attribution, rights.cite) == ("forbidden", "unknown", "unknown", "")
    assert "that is not COCO's" in rights.title
    assert (own.scene(0).licence, own.scene(0).attribution, own.group(0)) == ("unknown", "unknown", own.key(0))
    assert own.evidence_of_absence(own.vocabulary()[0]) == "unannotated"
    (note,) = own.findings()
    assert note.severity == "note"
    assert "is no file of COCO (category 1 is 'cart')" in note.text
    assert "write `name: coco_json` in place of `name: coco`" in note.text


def odd(plain: Plain) -> dict[str, str]:
    """Add one of every kind of odd entry; returns a pattern of each finding. Pallets are in image 1, without a mask."""
    polygon = shapes.corners((30, 5, 20, 20))
    entries: list[tuple[str, Plain, str]] = [
        ("null", {"segmentation": None}, "segmentation is 'None'"),
        ("missing", {}, "segmentation is 'None'"),
        ("odd", {"segmentation": [polygon[:7]]}, "7 numbers; expected an even count"),
        ("nested", {"segmentation": [[polygon[:2], polygon[2:4], polygon[4:6]]]}, "expected a flat list"),
        ("flat", {"segmentation": polygon}, "expected a list of polygons"),
        ("orphan", {"segmentation": [polygon], "image_id": 77}, "image_id 77 is not an image of this file"),
        ("no image", {"segmentation": [polygon], "image_id": None}, "image_id is 'None'"),
        ("unknown", {"segmentation": [polygon], "category_id": 99}, "category_id 99 is not a category of this file"),
        ("no category", {"segmentation": [polygon], "category_id": None}, "category_id is 'None'"),
    ]
    for number, (_, more, _) in enumerate(entries, 10):
        plain["annotations"].append({"id": number, "image_id": 1, "category_id": 2, **more})
    plain["annotations"].append("nonsense")
    plain["images"] += [
        {"id": 8, "file_name": "c.jpg", "height": -1, "width": WIDTH},
        {"file_name": "d.jpg", "height": HEIGHT, "width": WIDTH},
        {"id": 9, "file_name": "gone.jpg", "height": 0, "width": 0},
    ]
    found = {kind: text for kind, _, text in entries}
    return {**found, "text": "annotations.11.: is 'nonsense'", "size": "is 64 x -1 pixels", "zero": "is 0 x 0 pixels"}


def test_odd_entries_stop_nothing_under_drop(tmp_path: Path) -> None:
    """With `stop` each of them is named, with the number of scenes that `drop` would lose."""
    plain = instances()
    expected = odd(plain)
    root = write(tmp_path / "data", plain)
    entry = {"name": "coco_json", "root": str(root)}
    raw = {"name": "x", "samples": 20, "val": 0, "sources": [entry], "exposures": ["relabel"], "anomaly_ratio": 1}
    strict = load_recipe({**raw, "limits": {"min_pixels": 1, "min_area": 0}})
    with pytest.raises(DataError) as error:
        build(strict, tmp_path / "strict", 1)
    lines = str(error.value).splitlines()
    for pattern in (*expected.values(), r"images\[3\]: has no 'id'"):
        assert any(re.search(pattern, line) for line in lines), pattern
    assert [line.endswith("loses 1 scene") for line in lines].count(True) == 3
    assert len([finding for finding in check_data(strict) if finding.severity == "error"]) == len(lines) == 13
    recipe = load_recipe({**raw, "broken": "drop", "limits": {"min_pixels": 1, "min_area": 0}})
    assert {finding.severity for finding in check_data(recipe)} == {"dropped"}
    corpus = open_corpus(tmp_path / "c") if build(recipe, tmp_path / "c", 1) else None
    assert corpus is not None
    for sample in corpus:
        named = dict(zip(sample.names, sample.labels, strict=True))
        assert named.pop("cart"), "the only thing with a mask"
        assert set(named) <= {"pallet"}
        assert not named or sample.origin["scene"] == opened(root).key(1), "there is a pallet in the other image"


def test_run_lengths_that_programs_write(tmp_path: Path) -> None:
    """Numbers as 5.0 or "5" are numbers; what is none is left out."""
    plain = instances()
    own, other = plain["annotations"]
    box = shapes.bits((8, 8, 12, 11), SIZE).T.ravel().astype(int)
    ends = np.flatnonzero(np.diff(box, prepend=0, append=0)).tolist()
    runs = np.diff([0, *ends, box.size]).tolist()
    for form in (float, str):
        own["segmentation"] = {"size": [form(side) for side in SIZE], "counts": [form(run) for run in runs]}
        source = opened(write(tmp_path, plain))
        assert [masks.area(mask) for mask in source.scene(0).regions[0].masks if mask] == [132]
    for broken in (1.5, "many", None, float("inf")):
        own["segmentation"]["counts"][1] = broken
        (found,) = opened(write(tmp_path, plain)).left_out()
        assert "expected integers, or COCO's compressed text" in found.text
    assert other["segmentation"]


def test_boxes_alone_are_refused(tmp_path: Path) -> None:
    plain = instances()
    for row in plain["annotations"]:
        row["segmentation"] = []
    with pytest.raises(
        DataError, match=r"none of its 2 annotations has a mask; expected polygons or run lengths, not boxes"
    ):
        opened(write(tmp_path, plain))


def test_corners_as_fractions_are_refused(tmp_path: Path) -> None:
    """They would be masks of one pixel at most."""
    plain = instances()
    for row in plain["annotations"]:
        row["segmentation"] = [[0.1, 0.2, 0.6, 0.2, 0.6, 0.9, 0.1, 0.9]]
    with pytest.raises(
        DataError, match=r"no mask of the first 2 images covers more than a pixel; expected corners in pix"
    ):
        opened(write(tmp_path, plain))


def test_licences_are_not_needed(tmp_path: Path) -> None:
    assert_whole(opened(write(tmp_path, {**instances(), "licenses": None})))
