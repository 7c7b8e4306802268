"""labelme: every type of shape, shapes without a region, pictures and where they lie, malformed files."""

from __future__ import annotations

import base64
import io
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import traps
from hypothesis import assume, given
from hypothesis import strategies as st
from miniatures import labelme, shapes
from PIL import Image, ImageDraw

from lavida_gen.annotations.labelme_json import Shape
from lavida_gen.common.errors import DataError, UserError
from lavida_gen.exposures._candidates import anomaly_names
from lavida_gen.scenes import masks
from lavida_gen.scenes.scene import Name, Region
from lavida_gen.sources.labelme import LabelmeSource

POLYGON = labelme.shape("cup", "polygon", (4, 8), (16, 8), (16, 30), (4, 30))


def opened(root: Path, **options: Any) -> LabelmeSource:
    return LabelmeSource(LabelmeSource.Options.model_validate({"root": root, **options}))


def one(root: Path, *found: dict[str, Any], **more: Any) -> LabelmeSource:
    """A folder with one picture and these shapes."""
    shapes.jpeg(root / "a.jpg", 1)
    shapes.write(root / "a.json", labelme.plain("a.jpg", *found, **more))
    return opened(root)


def bits(region: Region) -> np.ndarray:
    assert region.masks[0] is not None
    return masks.decode(region.masks[0])


def test_shapes_are_drawn_with_their_outline(tmp_path: Path) -> None:
    """As labelme's own exports: both ends of a rectangle belong to it."""
    source = one(tmp_path, POLYGON, labelme.TABLE, labelme.BALL)
    cup, table, ball = source.scene(0).regions
    assert np.array_equal(bits(cup), shapes.bits((4, 8, 13, 23)))
    assert np.array_equal(bits(table), shapes.bits((20, 36, 41, 9)))
    y, x = np.mgrid[: shapes.SIZE[0], : shapes.SIZE[1]]
    distance = np.hypot(x - 44, y - 16)
    assert bits(ball)[distance <= 5.5].all()
    assert not bits(ball)[distance > 6.8].any()


POINTS = st.tuples(st.floats(-30, 90), st.floats(-30, 70))


@given(
    st.sampled_from(["polygon", "rectangle", "circle", "oriented_rectangle"]), st.lists(POINTS, min_size=7, max_size=7)
)
def test_shapes_are_drawn_as_pillow_draws_them_on_the_whole_picture(
    kind: str, points: list[tuple[float, float]]
) -> None:
    """That is how labelme does it, shape by shape.

    Pillow rounds edges of polygons in float32: in a part of the picture, at another offset, one pixel of an edge may
    fall on the other side (57 of 20,000 random polygons differ, in one or two pixels).
    """
    count = {"polygon": 7, "oriented_rectangle": 4}.get(kind, 2)
    shape = Shape("cup", None, kind, tuple(points[:count]), b"", "test")
    assume(shape.has_extent)
    whole = Image.new("L", (64, 48))
    draw = ImageDraw.Draw(whole)
    if kind == "circle":
        (x, y), rim = points[:2]
        d = math.sqrt((x - rim[0]) ** 2 + (y - rim[1]) ** 2)
        draw.ellipse(((x - d, y - d), (x + d, y + d)), outline=1, fill=1)
    elif kind == "rectangle":
        xs, ys = zip(*points[:2], strict=True)
        draw.rectangle(((min(xs), min(ys)), (max(xs), max(ys))), outline=1, fill=1)
    else:
        draw.polygon(points[:count], outline=1, fill=1)
    mask = shape.draw((48, 64))
    drawn = np.zeros((48, 64), bool) if mask is None else masks.decode(mask)
    differing = int((drawn != (np.asarray(whole) != 0)).sum())
    assert differing <= (2 if kind in ("polygon", "oriented_rectangle") else 0)


def test_shapes_of_one_label_and_group_are_one_object(tmp_path: Path) -> None:
    def box(label: str, left: int, group: int | None) -> dict[str, Any]:
        return labelme.shape(label, "rectangle", (left, 2), (left + 3, 5), group=group)

    boxes = [box("cup", 0, 1), box("cup", 10, 1), box("table", 20, 1), box("cup", 30, None), box("cup", 40, None)]
    regions = one(tmp_path, *boxes).scene(0).regions
    assert [(region.names[0], traps.area(region)) for region in regions] == [
        ("cup", [32]), ("table", [16]), ("cup", [16]), ("cup", [16]),
    ]  # fmt: skip


@pytest.mark.parametrize("corner", [(10.0, 20.0), (9.6, 20.4), (-3.0, 40.0), (60.0, -5.0)])
def test_masks_lie_on_their_first_corner_and_are_cut_off(corner: tuple[float, float], tmp_path: Path) -> None:
    crop = np.random.default_rng(1).random((12, 9)) < 0.6
    end = (corner[0] + 8, corner[1] + 11)
    source = one(tmp_path, labelme.shape("cup", "mask", corner, end, mask=labelme.png(crop)))
    large = np.zeros((200, 200), bool)
    left, top = round(corner[0]) + 50, round(corner[1]) + 50
    large[top : top + 12, left : left + 9] = crop
    assert np.array_equal(bits(source.scene(0).regions[0]), large[50 : 50 + 48, 50 : 50 + 64])


@pytest.mark.parametrize(
    ("kind", "points"),
    [("line", [(1, 1), (9, 9)]), ("linestrip", [(1, 1), (9, 9), (9, 1)]), ("point", [(5, 5)]), ("points", [(5, 5)])],
)
def test_lines_and_points_mark_a_thing_that_is_no_anomaly(kind: str, points: list[Any], tmp_path: Path) -> None:
    """Not even where another thing of the label is drawn: the masks of the label are incomplete."""
    source = one(tmp_path, labelme.CUP, labelme.shape("cup", kind, *points), labelme.BALL)
    scene = source.scene(0)
    assert [(region.names[0], region.candidate) for region in scene.regions] == [
        ("cup", True), ("ball", True), ("cup", False),
    ]  # fmt: skip
    assert anomaly_names(scene.regions) == ["ball"]
    assert [finding.text for finding in source.findings()] == [f"{tmp_path}: 1 {kind}: no regions"]


@pytest.mark.parametrize(
    ("kind", "points"),
    [
        ("polygon", [(1, 1), (9, 9)]),
        ("polygon", [(1, 1), (9, 9), (1, 1)]),
        ("rectangle", [(5, 5), (5, 9)]),
        ("circle", [(5, 5), (5, 5)]),
        ("polygon", [(70, 1), (90, 1), (90, 40)]),
    ],
)
def test_shapes_without_extent_are_left_out(kind: str, points: list[Any], tmp_path: Path) -> None:
    """A stray click beside a drawn cup is nothing; alone, the cup counts as present without a mask."""
    stray = labelme.shape("cup", kind, *points)
    scene = one(tmp_path, labelme.CUP, stray).scene(0)
    assert [(region.names[0], region.candidate) for region in scene.regions] == [("cup", True)]
    scene = one(tmp_path, stray).scene(0)
    assert [(region.names[0], region.masks, region.candidate) for region in scene.regions] == [("cup", (None,), False)]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(48, 64), (56, 56)])
def test_pictures_are_turned_as_labelme_shows_them(orientation: int, size: tuple[int, int], tmp_path: Path) -> None:
    """Also where the sizes do not show it: squares, and pictures upside down."""
    shown = np.full((*size, 3), 40, np.uint8)
    shown[6:18, 8:28] = (230, 20, 20)
    image = Image.fromarray(shown)
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}.get(orientation)  # Pillow's number of the inverse turn
    stored = image if undo is None else image.transpose(Image.Transpose(undo))
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "a.jpg", quality=95, subsampling=0, exif=exif)
    box = labelme.shape("cup", "rectangle", (8, 6), (27, 17))
    shapes.write(tmp_path / "a.json", labelme.plain("a.jpg", box, imageHeight=size[0], imageWidth=size[1]))
    scene = opened(tmp_path).scene(0)
    assert scene.size == size
    for pixels in (scene.frames[0].pixels(), np.asarray(Image.open(io.BytesIO(scene.frames[0].jpeg())))):
        red = (pixels[:, :, 0] > 150) & (pixels[:, :, 1] < 100)
        assert np.array_equal(red, bits(scene.regions[0]))


def test_a_picture_that_needs_no_turn_keeps_its_bytes(tmp_path: Path) -> None:
    source = one(tmp_path, labelme.CUP)
    assert source.scene(0).frames[0].jpeg() == (tmp_path / "a.jpg").read_bytes()


@pytest.mark.parametrize("written", ["a.jpg", "gone/a.jpg", r"C:\Users\me\a.jpg", "/home/me/a.jpg", "old name.jpg", ""])
def test_the_picture_is_found_beside_its_file(written: str, tmp_path: Path) -> None:
    one(tmp_path, labelme.CUP)
    shapes.write(tmp_path / "a.json", labelme.plain(written, labelme.CUP))
    source = opened(tmp_path)
    assert list(source.findings()) == []
    assert source.scene(0).frames[0].where == str(tmp_path / "a.jpg")


def test_a_path_that_leaves_the_root_is_not_followed(tmp_path: Path) -> None:
    shapes.jpeg(tmp_path / "secret.jpg", 1)
    shapes.write(tmp_path / "data" / "a.json", labelme.plain("../secret.jpg", labelme.CUP))
    source = opened(tmp_path / "data")
    with pytest.raises(
        DataError, match=r"a\.json: no file .*data/secret\.jpg, where imagePath '\.\./secret\.jpg' leads"
    ):
        source.scene(0)
    assert [finding.severity for finding in source.findings()] == ["dropped"]


def test_a_picture_in_the_file_needs_no_other(tmp_path: Path) -> None:
    jpeg = io.BytesIO()
    Image.fromarray(shapes.photo(4)).save(jpeg, "JPEG")
    embedded = base64.b64encode(jpeg.getvalue()).decode()
    shapes.write(tmp_path / "a.json", labelme.plain("gone.jpg", labelme.CUP, imageData=embedded))
    source = opened(tmp_path)
    assert list(source.findings()) == []
    assert source.scene(0).frames[0].jpeg() == jpeg.getvalue()
    shapes.write(tmp_path / "a.json", labelme.plain("gone.jpg", labelme.CUP, imageData="###"))
    with pytest.raises(DataError, match=r"a\.json: imageData: is no base64"):
        opened(tmp_path).scene(0)


def test_a_picture_that_was_changed_afterwards_is_refused(tmp_path: Path) -> None:
    source = one(tmp_path, labelme.CUP, imageWidth=128, imageHeight=96)
    message = r"imageWidth, imageHeight are 128 x 96, and .*a\.jpg is 64 x 48; .*annotate it"
    with pytest.raises(DataError, match=message):
        source.scene(0)
    (finding,) = source.findings()
    assert finding.severity == "dropped"
    assert re.search(message, finding.text)


def test_files_of_old_versions(tmp_path: Path) -> None:
    """Without shape_type, group_id, sizes and version."""
    shapes.jpeg(tmp_path / "a.jpg", 1)
    old = {"label": "cup", "points": [[4, 8], [16, 8], [16, 30], [4, 30]], "line_color": None}
    shapes.write(tmp_path / "a.json", {"shapes": [old], "imagePath": "a.jpg", "imageData": None})
    assert np.array_equal(bits(opened(tmp_path).scene(0).regions[0]), shapes.bits((4, 8, 13, 23)))


def test_absence_is_what_the_user_states(tmp_path: Path) -> None:
    source = one(tmp_path, labelme.CUP)
    assert source.evidence_of_absence(Name("cup", "cup")) == "unannotated"
    assert opened(tmp_path, complete=True).evidence_of_absence(Name("cup", "cup")) == "exhaustive"


def test_other_json_files_are_no_scenes(tmp_path: Path) -> None:
    one(tmp_path, labelme.CUP)
    shapes.write(tmp_path / "settings.json", {"theme": "dark"})
    source = opened(tmp_path)
    assert len(source) == 1
    assert [finding.text for finding in source.findings()] == [f"{tmp_path}: 1 JSON file without `shapes`: no regions"]


def test_json_of_other_programs_is_refused(tmp_path: Path) -> None:
    """Such as Supervisely's, VIA's, or a COCO JSON."""
    shapes.write(tmp_path / "ann" / "a.jpg.json", {"size": {"height": 48, "width": 64}, "objects": []})
    message = r"root, .*: none of 1 JSON file has `shapes`, such as ann/a\.jpg\.json; .*use source `coco_json`"
    for _ in range(2):  # the second time from the cache
        with pytest.raises(DataError, match=message):
            opened(tmp_path)


def test_a_json_in_capitals(tmp_path: Path) -> None:
    regions = one(tmp_path, labelme.CUP).scene(0).regions
    (tmp_path / "a.json").rename(tmp_path / "a.JSON")
    source = opened(tmp_path)
    assert source.scene(0).regions == regions
    assert list(source.findings()) == []


def test_rotated_boxes_of_x_anylabeling(tmp_path: Path) -> None:
    corners = ((10, 10), (30, 20), (26, 28), (6, 18))
    (region,) = one(tmp_path, labelme.shape("cup", "rotation", *corners), version="2.4.0").scene(0).regions
    (usual,) = one(tmp_path, labelme.shape("cup", "polygon", *corners)).scene(0).regions
    assert np.array_equal(bits(region), bits(usual))


def test_points_as_fractions_are_refused(tmp_path: Path) -> None:
    source = one(tmp_path, labelme.shape("cup", "polygon", (0.1, 0.2), (0.5, 0.2), (0.5, 0.8)))
    (found,) = source.left_out()
    assert found.text.endswith(
        "a.json: has all of its points within one pixel; expected points in pixels; "
        "multiply fractions by the picture's width and height"
    )


def test_a_picture_of_another_format_is_named(tmp_path: Path) -> None:
    one(tmp_path, labelme.CUP)
    (tmp_path / "a.jpg").rename(tmp_path / "a.heic")
    (found,) = opened(tmp_path).findings()
    assert found.text.endswith("expected the picture below the root, or in imageData; there is a.heic")


def test_a_broken_file_costs_its_scene_alone(tmp_path: Path) -> None:
    one(tmp_path, labelme.CUP)
    shapes.write(tmp_path / "b.json", '{"shapes": [')
    source = opened(tmp_path)
    assert [name.text for name in source.vocabulary()] == ["cup"]
    assert [(finding.severity, finding.scenes) for finding in source.left_out()] == [("dropped", 1)]
    assert anomaly_names(source.scene(0).regions) == ["cup"]
    with pytest.raises(DataError, match=r"b\.json"):
        source.scene(1)


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    source = one(tmp_path, labelme.CUP)
    again = one(tmp_path, labelme.BALL)
    assert [name.text for name in again.vocabulary()] == ["ball"]
    assert source.fingerprint() != again.fingerprint()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": " "}, r"has a blank label; expected the name of the object"),
        ({"label": 3}, r"'label' is 3; expected a text"),
        ({"shape_type": "spline"}, r"shape_type is 'spline'; expected one of polygon, rectangle"),
        ({"points": [[1, 2], [3]]}, r"has the point \[3\]; expected two finite numbers"),
        ({"points": [[1, 2], [3, None]]}, r"has the point \[3, None\]; expected two finite numbers"),
        ({"points": [[1, 2], [3, float("nan")]]}, r"has the point \[3, nan\]"),
        ({"points": "none"}, r"'points' is a text; expected a list"),
        ({"shape_type": "circle"}, r"circle has 4 points; expected 2"),
        (
            {"shape_type": "oriented_rectangle", "points": [[1, 2], [3, 4]]},
            r"oriented_rectangle has 2 points; expected 4",
        ),
        ({"shape_type": "mask", "points": [[1, 2], [3, 4]], "mask": "###"}, r"mask: is no base64"),
        (
            {"shape_type": "mask", "points": [[1, 2], [3, 4]], "mask": "AAAA"},
            r"mask: is not a readable PNG",
        ),
        ({"shape_type": "mask", "points": [[1, 2], [3, 4]]}, r"mask: is not a readable PNG"),
        ({"points": [[1, 2], [1e9, 4], [5, 5]]}, r"has a point at \(1000000000\.0, 4\.0\); expected at most 640 from"),
    ],
)
def test_malformed_shapes(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    source = one(tmp_path, {**POLYGON, **change})
    with pytest.raises(DataError, match=r"a\.json: shapes\[0\]: " + message) as error:
        source.scene(0)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"imageHeight": 0}, r"imageWidth, imageHeight are 64 x 0; expected 1 to"),
        ({"imageHeight": "4x"}, r"'imageHeight' is '4x'; expected an integer"),
        ({"imagePath": 7}, r"'imagePath' is '7'; expected a text or null"),
        ({"shapes": {}}, r"'shapes' is an object; expected a list"),
    ],
)
def test_malformed_files(more: dict[str, Any], message: str, tmp_path: Path) -> None:
    source = one(tmp_path, POLYGON, **more)
    with pytest.raises(DataError, match=message):
        source.scene(0)


def test_folders_and_options(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no \*\.json; expected labelme's JSON beside each picture"):
        opened(tmp_path)
    with pytest.raises(DataError, match="see `lavida-gen sources labelme`"):
        opened(tmp_path / "gone")
    one(tmp_path, labelme.CUP)
    with pytest.raises(UserError, match=r"background: unknown label 'cop'; did you mean 'cup'\?"):
        opened(tmp_path, background=["cop"])
    rights = opened(tmp_path, licence="CC0-1.0", use="free").rights()
    assert (rights.licence, rights.use) == ("CC0-1.0", "free")
