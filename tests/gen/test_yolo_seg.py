"""yolo_seg: polygons, boxes and malformed lines, data.yaml as exports write it, pictures and labels that miss each other."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import traps
from miniatures import shapes, yolo_seg
from PIL import Image

from lavida_gen.common.errors import DataError, LavidaGenError, UserError
from lavida_gen.exposures._candidates import anomaly_names
from lavida_gen.scenes import masks
from lavida_gen.sources.yolo_seg import YoloSegSource

BOX = (4, 8, 12, 24)
LINE = yolo_seg.polygon(0, BOX)
NAMES = "names: [bolt, nut, plate]\n"


def opened(root: Path, **options: Any) -> YoloSegSource:
    return YoloSegSource(YoloSegSource.Options.model_validate({"root": root, **options}))


def one(root: Path, *lines: str, data: str = f"train: images/train\n{NAMES}") -> YoloSegSource:
    """A data set of one picture with these lines."""
    shapes.write(root / "data.yaml", data)
    shapes.jpeg(root / "images" / "train" / "a.jpg", 1)
    shapes.write(root / "labels" / "train" / "a.txt", "\n".join(lines))
    return opened(root)


def test_polygons_are_fractions_of_width_and_height(tmp_path: Path) -> None:
    source = one(tmp_path, LINE, yolo_seg.polygon(2, (0, 36, 64, 12)))
    bolt, plate = source.scene(0).regions
    assert [bolt.names, plate.names] == [("bolt",), ("plate",)]
    assert bolt.masks[0] is not None
    assert np.array_equal(masks.decode(bolt.masks[0]), shapes.bits(BOX))
    assert traps.area(plate) == [64 * 12]


def test_parts_joined_by_a_bridge_are_one_object(tmp_path: Path) -> None:
    """As converters write an object in two parts: there and back along the same line, which has no pixels."""
    corners = [(4, 4), (12, 4), (12, 12), (40, 12), (48, 12), (48, 20), (40, 20), (40, 12), (12, 12), (4, 12)]
    line = " ".join(["0", *(f"{x / 64} {y / 48}" for x, y in corners)])
    (bolt,) = one(tmp_path, line).scene(0).regions
    assert traps.area(bolt) == [128]


def test_boxes_are_never_filled(tmp_path: Path) -> None:
    """A class of which one thing has a box alone is present, but its masks are incomplete."""
    source = one(tmp_path, LINE, "0 0.5 0.5 0.2 0.2", yolo_seg.polygon(1, (30, 30, 8, 8)))
    scene = source.scene(0)
    assert [(region.names[0], region.candidate) for region in scene.regions] == [
        ("bolt", True), ("bolt", False), ("nut", True),
    ]  # fmt: skip
    assert anomaly_names(scene.regions) == ["nut"]
    assert [finding.severity for finding in source.findings()] == ["note"]
    assert "1 line of five numbers (boxes)" in next(source.findings()).text


def test_labels_of_detection_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data\.yaml: train: all 2 lines of its labels are boxes \(five numbers\)"):
        one(tmp_path, "0 0.5 0.5 0.2 0.2", "1 0.2 0.2 0.1 0.1")


def test_repeated_lines_count_once(tmp_path: Path) -> None:
    assert len(one(tmp_path, LINE, LINE, "").scene(0).regions) == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (LINE + " 0.5", r"a\.txt:1: has 9 coordinates; expected an even count of at least 6"),
        ("0 0.1 0.1", r"a\.txt:1: has 2 coordinates"),
        ("0", r"a\.txt:1: has 0 coordinates"),
        ("3 0.1 0.1 0.5 0.1 0.5 0.5", r"a\.txt:1: class is 3; expected one of `names`, from 0 to 2"),
        ("-1 0.1 0.1 0.5 0.1 0.5 0.5", r"class is -1; expected one of `names`"),
        ("0.5 0.1 0.1 0.5 0.1 0.5 0.5", r"class is 0\.5; expected one of `names`"),
        ("0 0.1 0.1 0.5 0.1 0.5 -0.1", r"has the coordinate -0\.1; expected 0 to 1; divide x by"),
        ("0 12 14 50 14 50 50", r"has the coordinate 12; expected 0 to 1; divide x by"),
        ("0 0.1 0.1 0.5 0.1 0.5 nan", r"has the coordinate nan; expected 0 to 1"),
        (
            "bolt 0.1 0.1 0.5 0.1 0.5 0.5",
            r"a\.txt:1: is no line of numbers: 'bolt'; expected class x1",
        ),
    ],
)
def test_malformed_lines_cost_their_scene(line: str, message: str, tmp_path: Path) -> None:
    shapes.jpeg(tmp_path / "images" / "train" / "b.jpg", 2)
    shapes.write(tmp_path / "labels" / "train" / "b.txt", LINE)
    source = one(tmp_path, line)
    with pytest.raises(DataError, match=message):
        source.scene(0)
    assert anomaly_names(source.scene(1).regions) == ["bolt"]
    assert [(finding.severity, finding.scenes) for finding in source.left_out()] == [("dropped", 1)]


def test_coordinates_rounded_beyond_the_picture_are_cut_off(tmp_path: Path) -> None:
    (bolt,) = one(tmp_path, "0 -0.0004 0 1.0004 0 1 1 0 1").scene(0).regions
    assert traps.area(bolt) == [64 * 48]


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_pictures_are_upright_as_in_the_trainer(orientation: int, tmp_path: Path) -> None:
    shown = np.full((*shapes.SIZE, 3), 40, np.uint8)
    shown[8:32, 4:16] = (230, 20, 20)
    exif = Image.Exif()
    exif[0x0112] = orientation
    one(tmp_path, LINE)
    stored = np.rot90(shown, {1: 0, 3: 2, 6: 1}[orientation])
    Image.fromarray(stored).save(tmp_path / "images" / "train" / "a.jpg", quality=95, subsampling=0, exif=exif)
    scene = opened(tmp_path).scene(0)
    pixels = np.asarray(Image.open(io.BytesIO(scene.frames[0].jpeg())))
    assert scene.size == shapes.SIZE
    assert scene.regions[0].masks[0] is not None
    assert np.array_equal((pixels[:, :, 0] > 150) & (pixels[:, :, 1] < 100), masks.decode(scene.regions[0].masks[0]))


def test_a_picture_without_labels_holds_nothing(tmp_path: Path) -> None:
    shapes.jpeg(tmp_path / "images" / "train" / "b.jpg", 2)
    source = one(tmp_path, LINE)
    assert source.scene(1).regions == ()
    assert "1 picture of 2 without a label file" in next(source.findings()).text


def test_labels_without_a_picture_are_named(tmp_path: Path) -> None:
    one(tmp_path, LINE)
    shapes.write(tmp_path / "labels" / "train" / "gone.txt", LINE)
    shapes.write(tmp_path / "labels" / "train" / "classes.txt", "bolt\nnut")
    source = opened(tmp_path)
    assert [(finding.severity, finding.text) for finding in source.findings()] == [
        (
            "dropped",
            f"{tmp_path}/images/train/gone.jpg: cannot be read (No such file or directory); expected an image file",
        )
    ]
    with pytest.raises(DataError, match=r"gone\.jpg: cannot be read"):
        source.scene(1)


def test_pictures_that_are_cut_off_are_named(tmp_path: Path) -> None:
    source = one(tmp_path, LINE)
    picture = tmp_path / "images" / "train" / "a.jpg"
    picture.write_bytes(picture.read_bytes()[:-200])
    assert [finding.text.split("; ")[0] for finding in source.findings()] == [f"{picture}: is truncated"]


def test_no_label_file_at_all_is_an_error(tmp_path: Path) -> None:
    one(tmp_path, LINE)
    (tmp_path / "labels").rename(tmp_path / "annotations")
    with pytest.raises(
        DataError, match=r"none of 1 pictures has a label file, such as labels/train/a\.txt, and there is"
    ):
        opened(tmp_path)


def test_labels_in_another_place_are_named(tmp_path: Path) -> None:
    one(tmp_path, LINE)
    (tmp_path / "labels" / "train" / "a.txt").rename(tmp_path / "images" / "train" / "a.txt")
    with pytest.raises(DataError, match=r"such as labels/train/a\.txt, and there is images/train/a\.txt; expected"):
        opened(tmp_path)


def test_suffixes_in_capitals(tmp_path: Path) -> None:
    regions = one(tmp_path, LINE).scene(0).regions
    (tmp_path / "labels" / "train" / "a.txt").rename(tmp_path / "labels" / "train" / "a.TXT")
    again = opened(tmp_path)
    assert again.scene(0).regions == regions
    assert list(again.findings()) == []


def test_a_picture_of_a_format_that_is_not_read_is_named(tmp_path: Path) -> None:
    one(tmp_path, LINE)
    (tmp_path / "images" / "train" / "a.jpg").rename(tmp_path / "images" / "train" / "a.heic")
    (found,) = opened(tmp_path).findings()
    assert found.text.endswith(
        "a.jpg: cannot be read (No such file or directory); expected an image file; there is a.heic"
    )


def test_an_export_without_a_yaml(tmp_path: Path) -> None:
    """Label Studio exports classes.txt in its place."""
    shapes.write(tmp_path / "classes.txt", "bolt\nnut\n")
    with pytest.raises(DataError, match=r"no file .*data\.yaml; .*write it: `names:` with the lines of classes\.txt"):
        opened(tmp_path)


def test_two_pictures_with_one_label_file_are_refused(tmp_path: Path) -> None:
    shapes.save(tmp_path / "images" / "train" / "a.png", shapes.photo(1))
    with pytest.raises(DataError, match=r"a\.png: has the same label file labels/train/a\.txt as images/train/a\.jpg"):
        one(tmp_path, LINE)


def test_copies_that_roboflow_varied_stay_in_one_part(tmp_path: Path) -> None:
    for name in ("IMG_1_jpg.rf.00aa11", "IMG_1_jpg.rf.22bb33", "IMG_2_jpg.rf.00aa11"):
        shapes.jpeg(tmp_path / "images" / "train" / f"{name}.jpg", 1)
    source = one(tmp_path, LINE)
    groups = [source.group(number) for number in range(len(source))]
    assert len(set(groups)) == 3
    assert groups[0] == groups[1] == "yolo_seg/images/train/IMG_1_jpg"


@pytest.mark.parametrize(
    "head",
    [
        "train: images/train",
        "train: ../images/train",
        "path: /content/datasets/parts\ntrain: images/train",
        "path: parts\ntrain: images/train",
        "path: .\ntrain: ./images/train",
        "train: /home/me/parts/images/train",
        r"train: D:\data\parts\images\train",
        "train: [images/train]",
        "train: lists/train.txt",
        "train: images/train\nnc: '3'",
    ],
)
def test_paths_in_data_yaml(head: str, tmp_path: Path) -> None:
    """Paths as Ultralytics and Roboflow write them, and those of another machine."""
    shapes.write(tmp_path / "lists" / "train.txt", "../images/train/a.jpg\n")
    source = one(tmp_path, LINE, data=f"{head}\n{NAMES}")
    assert source.pictures == ["images/train/a.jpg"]
    assert traps.area(source.scene(0).regions[0]) == [288]


@pytest.mark.parametrize(
    "line", ["./images/train/a.jpg", "images/train/a.jpg", "/home/me/x/images/train/a.jpg", "data/images/train/a.jpg"]
)
def test_lists_of_pictures(line: str, tmp_path: Path) -> None:
    shapes.write(tmp_path / "train.txt", f"{line}\nimages/train/gone.jpg\n")
    source = one(tmp_path, LINE, data=f"train: train.txt\n{NAMES}")
    assert source.pictures == ["images/train/a.jpg", "images/train/gone.jpg"]
    texts = [finding.text for finding in source.findings() if finding.severity == "dropped"]
    assert [text.split(": ")[0] for text in texts] == [f"{tmp_path}/images/train/gone.jpg"]


def test_nothing_outside_the_root_is_read(tmp_path: Path) -> None:
    shapes.jpeg(tmp_path / "images" / "train" / "secret.jpg", 1)
    with pytest.raises(DataError, match=r"'\.\./images/train' does not exist below"):
        shapes.write(tmp_path / "data" / "data.yaml", f"train: ../images/train\n{NAMES}")
        opened(tmp_path / "data")
    shapes.write(tmp_path / "data" / "list.txt", "images/../../images/train/secret.jpg\n")
    shapes.write(tmp_path / "data" / "data.yaml", f"train: list.txt\n{NAMES}")
    with pytest.raises(DataError, match=r"list\.txt:1: no picture 'images/\.\./\.\./images/train/secret\.jpg' below"):
        opened(tmp_path / "data")


@pytest.mark.parametrize("names", ["names: {0: bolt, 1: nut, 2: plate}", "names: {'2': plate, '0': bolt, '1': nut}"])
def test_names_by_number(names: str, tmp_path: Path) -> None:
    source = one(tmp_path, LINE, data=f"train: images/train\n{names}\n")
    assert [name.text for name in source.vocabulary()] == ["bolt", "nut", "plate"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("train: images/train\n", r"data\.yaml: names is 'None'; expected a list of names"),
        ("train: images/train\nnames: []\n", r"names is '\{\}'; expected a list of names"),
        ("train: images/train\nnames: [bolt, no]\n", r"names: class 1 is False; expected a text; quote it: 'no'"),
        ("train: images/train\nnames: [7, 8]\n", r"names: class 0 is 7; expected a text; quote it: '7'"),
        ("train: images/train\nnames: {bolt: 0}\n", r"names: 'bolt' is no class number; expected numbers from 0"),
        (f"train: images/train\nnc: 4\n{NAMES}", r"nc is 4, and there are 3 names"),
        (f"train: images/train\nkpt_shape: [17, 3]\n{NAMES}", r"has kpt_shape: its labels are key points"),
        (f"train: 7\n{NAMES}", r"data\.yaml: train: is '7'; expected a folder"),
        (f"train: gone\n{NAMES}", r"data\.yaml: train: 'gone' does not exist below"),
        (f"train: labels\n{NAMES}", r"data\.yaml: train: there are no pictures"),
        (f"val: images/train\n{NAMES}", r"split, .*data\.yaml: unknown split 'train'; known: val"),
        ("- bolt\n", r"data\.yaml: is no mapping"),
        ("names: [bolt\n", r"data\.yaml: is no YAML"),
    ],
)
def test_malformed_data_yaml(data: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(LavidaGenError, match=message) as error:
        one(tmp_path, LINE, data=data)
    assert "\n" not in str(error.value)


def test_four_corners_everywhere_may_be_oriented_boxes(tmp_path: Path) -> None:
    lines = [yolo_seg.polygon(number % 3, (number, 8, 12, 24)) for number in range(20)]
    assert any("are they oriented boxes?" in finding.text for finding in one(tmp_path, *lines).findings())


def test_the_yaml_may_have_another_name(tmp_path: Path) -> None:
    one(tmp_path, LINE)
    (tmp_path / "data.yaml").rename(tmp_path / "parts-seg.yml")
    assert len(opened(tmp_path)) == 1
    shapes.write(tmp_path / "other.yaml", NAMES)
    with pytest.raises(DataError, match=r"data: no file .*data\.yaml.*give `data`"):
        opened(tmp_path)
    assert len(opened(tmp_path, data="parts-seg.yml")) == 1


def test_options(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data: no file .*data\.yaml.*give `data`; see `lavida-gen sources yolo_seg`"):
        opened(tmp_path)
    one(tmp_path, LINE)
    with pytest.raises(UserError, match=r"background: unknown name 'bold'; did you mean 'bolt'\?"):
        opened(tmp_path, background=["bold"])
    source = opened(tmp_path, background=["bolt"], licence="CC0-1.0", use="free", dataset="parts")
    assert (source.key(0), source.rights().use) == ("parts/images/train/a", "free")
    assert [(region.kind, region.candidate) for region in source.scene(0).regions] == [("stuff", False)]
