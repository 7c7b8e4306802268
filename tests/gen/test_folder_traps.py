"""Traps in a user's own images: modes, rotation, suffixes, tables with broken cells."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from miniatures import shapes
from PIL import Image
from pydantic import ValidationError
from traps import BOX, Plain, area, opened

from lavida_gen.common.errors import DataError, UserError
from lavida_gen.common.findings import Finding
from lavida_gen.scenes import masks
from lavida_gen.scenes.scene import Name, Scene

# ---- folder and hf ---------------------------------------------------------------------------------------------


def bright(size: tuple[int, int] = shapes.SIZE) -> np.ndarray:
    """A dark image, white in BOX."""
    return np.where(shapes.bits(BOX, size)[:, :, None], 255, 0).repeat(3, axis=2).astype(np.uint8)


def fits(scene: Scene) -> None:
    """The mask is where the image is bright."""
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
    """Masks of the stored image, or of the one that viewers show: their size decides, for rotations by 90 degrees."""
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
    text = "1 of 2 images have no mask and were left out, such as b.jpg"
    assert list(opened("folder", plain).findings()) == [Finding("note", text)]


@pytest.mark.parametrize(
    ("spoil", "options", "kind", "message"),
    [
        (None, {"names": "x.txt"}, DataError, r"names: no file .*x\.txt"),
        (None, {"masks": "m"}, DataError, "masks: no folder"),
        (None, {"background": ["flor"]}, UserError, "background, names.txt: unknown name 'flor'; did you mean 'floor'"),
        ("images/a.png", {}, DataError, r"images/a\.(png|jpg): has the same name as a\.(png|jpg)"),
        (None, {"suffix": "_m"}, DataError, r"masks: has no \*_m\.png"),
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


def test_folder_a_list_without_a_name_for_0(tmp_path: Path) -> None:
    plain = folder(tmp_path)
    shapes.write(tmp_path / "names.txt", "dent\nscratch\n")
    shapes.save(tmp_path / "masks" / "a.png", shapes.plane({1: BOX, 2: (0, 0, 4, 4)}))
    message = r"holds the value 2; .*name it in names\.txt, or add it to `void`; if value 1 is 'dent', number the names: '1 dent'"
    with pytest.raises(DataError, match=message):
        opened("folder", plain).scene(0)


@pytest.mark.parametrize("inner", ["masks/caf\udce9.png", "masks/caf\udce9/a.png", "images/caf\udce9.jpg"])
def test_a_name_that_is_not_utf_8(tmp_path: Path, inner: str) -> None:
    plain = folder(tmp_path)
    (tmp_path / inner).parent.mkdir(exist_ok=True)
    try:
        (tmp_path / inner).write_bytes(b"")
    except OSError:
        pytest.skip("this file system has no such names")
    shown = re.escape(str(tmp_path / inner.replace("\udce9", "\\xe9")))
    with pytest.raises(DataError, match=rf"^{shown}: has a name that is not UTF-8; expected a UTF-8 name; rename it$"):
        opened("folder", plain)


@pytest.mark.parametrize(
    ("image", "mask"), [("caf\u00e9", "cafe\u0301"), ("IMG_1", "img_1"), ("Stra\u00dfe", "STRASSE")]
)
def test_systems_write_a_name_in_several_ways(tmp_path: Path, image: str, mask: str) -> None:
    """A Mac decomposes accents, Windows minds no capitals."""
    plain = folder(tmp_path)
    (tmp_path / "images" / "a.jpg").rename(tmp_path / "images" / f"{image}.jpg")
    (tmp_path / "masks" / "a.png").rename(tmp_path / "masks" / f"{mask}.png")
    source = opened("folder", plain)
    assert [source.key(number) for number in range(len(source))] == [f"folder/{image}"]
    assert [r.category for r in source.scene(0).regions] == ["floor", "cart"]
    assert list(source.findings()) == []
    shapes.save(tmp_path / "masks" / f"{image}.png", shapes.plane({1: BOX}))
    assert len(opened("folder", plain)) == 1, "the mask of the very name"


@pytest.mark.parametrize("end", ["_mask", ".jpg", "-seg"])
def test_a_suffix_of_all_masks_is_named(tmp_path: Path, end: str) -> None:
    plain = folder(tmp_path)
    shapes.jpeg(tmp_path / "images" / "b.jpg", 2)
    shapes.save(tmp_path / "masks" / "b.png", shapes.plane({1: BOX}))
    for name in "ab":
        (tmp_path / "masks" / f"{name}.png").rename(tmp_path / "masks" / f"{name}{end}.png")
    with pytest.raises(DataError, match=rf"no mask has an image of its name .*; give `suffix: {re.escape(end)}`"):
        opened("folder", plain)
    assert len(opened("folder", {**plain, "suffix": end})) == 2


def test_a_mask_without_an_image_is_left_out(tmp_path: Path) -> None:
    plain = folder(tmp_path)
    for name in ("b", "c"):
        shapes.save(tmp_path / "masks" / f"{name}.png", shapes.plane({1: BOX}))
    source = opened("folder", plain)
    (finding,) = source.left_out()
    assert re.search(r"masks/b\.png: has no image .*images/b\.\* \(and 1 more\); expected one for", finding.text)
    assert (len(source), finding.scenes) == (1, 2)
    (tmp_path / "masks" / "a.png").unlink()
    with pytest.raises(
        DataError, match=r"no mask has an image of its name in .*images, such as b\.png; .* give `suffix`"
    ):
        opened("folder", plain)


# ---- binary masks and masks of a wrong kind ----------------------------------------------------------------------


def noisy(bits: np.ndarray, seed: int = 1) -> np.ndarray:
    """A binary mask as a JPEG leaves it: 0 to 9 and 246 to 255."""
    noise = np.random.default_rng(seed).integers(0, 10, bits.shape)
    return np.where(bits, 255 - noise, noise).astype(np.uint8)


def binary_folder(root: Path, mask: np.ndarray, ending: str = "png", mode: str | None = None) -> Path:
    shapes.jpeg(root / "images" / "a.jpg", 1)
    (root / "masks").mkdir()
    image = Image.fromarray(mask)
    (image.convert(mode) if mode else image).save(root / "masks" / f"a.{ending}")
    return root


@pytest.mark.parametrize(
    ("values", "ending", "mode"),
    [
        ("0/1", "png", None),
        ("0/255", "png", None),
        ("0/255", "jpg", None),
        ("0/255", "tif", None),
        ("0/255", "png", "RGB"),
        ("0/255", "png", "RGBA"),
        ("0/255", "png", "LA"),
        ("noise", "png", None),
        ("noise", "bmp", None),
        ("16/235", "png", None),
        ("16/235", "jpg", None),
    ],
)
def test_binary_masks_of_every_kind(tmp_path: Path, values: str, ending: str, mode: str | None) -> None:
    bits = shapes.bits((16, 8, 16, 16))
    made = {"0/1": bits.astype(np.uint8), "0/255": np.where(bits, 255, 0).astype(np.uint8), "noise": noisy(bits)}
    made["16/235"] = np.where(bits, 235, 16).astype(np.uint8)
    binary_folder(tmp_path, made[values], ending, mode)
    (region,) = opened("folder", {"root": tmp_path, "binary": "hole"}).scene(0).regions
    assert area(region) == [256]


@pytest.mark.parametrize("order", [(0, 255), (255, 0)])
@pytest.mark.parametrize("drawn", [(16, 8, 16, 16), (0, 0, 32, 48), (0, 0, 0, 0)])
def test_a_palette_of_black_and_white_in_any_order(tmp_path: Path, order: tuple[int, int], drawn: Any) -> None:
    bits = shapes.bits(drawn)
    for name, own in (("a", bits), ("b", shapes.bits(BOX))):
        shapes.jpeg(tmp_path / "images" / f"{name}.jpg", 1)
        image = Image.fromarray((own == (order[0] == 0)).astype(np.uint8), mode="P")
        image.putpalette([grey for grey in order for _ in range(3)])
        (tmp_path / "masks").mkdir(exist_ok=True)
        image.save(tmp_path / "masks" / f"{name}.png")
    regions = opened("folder", {"root": tmp_path, "binary": "hole"}).scene(0).regions
    assert [area(region) for region in regions] == ([[int(bits.sum())]] if bits.any() else [])


def test_soft_edges_are_cut_in_the_middle(tmp_path: Path) -> None:
    import cv2

    bits = shapes.bits((16, 8, 16, 16))
    binary_folder(tmp_path, cv2.GaussianBlur(np.where(bits, 255, 0).astype(np.uint8), (9, 9), 2))
    (region,) = opened("folder", {"root": tmp_path, "binary": "hole"}).scene(0).regions
    assert region.masks[0] is not None
    assert (masks.decode(region.masks[0]) != bits).sum() <= 16, "corners alone"


def test_a_jpeg_of_colours_may_be_binary(tmp_path: Path) -> None:
    tint = np.array([0, 9, -9])
    tinted = np.clip(noisy(shapes.bits((16, 8, 16, 16)))[:, :, None].astype(int) + tint, 0, 255).astype(np.uint8)
    binary_folder(tmp_path, tinted)
    (region,) = opened("folder", {"root": tmp_path, "binary": "hole"}).scene(0).regions
    assert area(region) == [256]


def test_a_png_comes_before_others_of_its_name(tmp_path: Path) -> None:
    plain = folder(tmp_path)
    whole = opened("folder", plain).scene(0).regions
    for ending in ("bmp", "tif"):
        shapes.save(tmp_path / "masks" / f"a.{ending}", shapes.plane({1: (0, 0, 9, 9)}))
    assert opened("folder", plain).scene(0).regions == whole


def test_black_may_be_the_thing(tmp_path: Path) -> None:
    binary_folder(tmp_path, np.where(shapes.bits(BOX), 0, 255).astype(np.uint8))
    with pytest.raises(
        DataError, match=r"a\.png: 'hole' covers 9\d % of the picture \(2\d\d\d of 3072 px\).*inverted: true"
    ):
        opened("folder", {"root": tmp_path, "binary": "hole"})
    (region,) = opened("folder", {"root": tmp_path, "binary": "hole", "inverted": True}).scene(0).regions
    assert area(region) == [BOX[2] * BOX[3]]
    (region,) = opened("folder", {"root": tmp_path, "binary": "hole", "inverted": False}).scene(0).regions
    assert area(region) == [64 * 48 - BOX[2] * BOX[3]]
    with pytest.raises(ValidationError, match="`inverted` is for binary masks"):
        opened("folder", {"root": tmp_path, "inverted": True})


@pytest.mark.parametrize(
    ("mask", "ending", "message"),
    [
        (
            shapes.plane({100: (0, 0, 40, 40), 255: (40, 40, 8, 8)}),
            "png",
            r"grey levels \(100 of 255\)",
        ),
        (
            shapes.plane({80: (0, 0, 4, 4), 160: (9, 9, 4, 4), 255: (40, 40, 8, 8)}),
            "png",
            r"grey levels \(80, 160 of 255\)",
        ),
        (shapes.plane({1: (0, 0, 9, 9), 2: (9, 9, 9, 9), 255: (40, 40, 8, 8)}), "png", r"grey levels \(1, 2 of 255\)"),
        (np.tile(np.arange(64, dtype=np.uint8) * 4, (48, 1)), "png", r"grey levels \(\d+, \d+, \d+, \.\.\. of 255\)"),
        (shapes.plane({3: (0, 0, 40, 40)}), "jpg", r"a\.jpg: is a JPEG or WebP with values up to \d, which"),
    ],
)
def test_binary_masks_that_are_none(tmp_path: Path, mask: np.ndarray, ending: str, message: str) -> None:
    binary_folder(tmp_path, mask, ending)
    with pytest.raises(DataError, match=message):
        opened("folder", {"root": tmp_path, "binary": "hole"}).scene(0)


@pytest.mark.parametrize(
    ("mask", "ending", "message"),
    [
        (shapes.plane({1: BOX}), "jpg", r"masks: holds a\.jpg, and no \.png.*only `binary` masks may be JPEG"),
        (
            shapes.plane({255: BOX}),
            "png",
            r"a\.png: holds the values 0 and 255 alone.*write `binary: hole` instead.*`void: \[255\]`",
        ),
        (shapes.plane({7: (0, 0, 64, 48)}), "png", r"a\.png: no pixel has a class \(values 7\) in this mask"),
    ],
)
def test_index_masks_that_are_none(tmp_path: Path, mask: np.ndarray, ending: str, message: str) -> None:
    binary_folder(tmp_path, mask, ending)
    shapes.write(tmp_path / "names.txt", "floor\nhole\n")
    with pytest.raises(DataError, match=message):
        opened("folder", {"root": tmp_path, **({"void": [7, 255]} if "values 7" in message else {})})


@pytest.mark.parametrize("options", [{"binary": "hole"}, {}])
def test_most_masks_may_be_empty(tmp_path: Path, options: Plain) -> None:
    """Pictures without a defect; unknown at the border."""
    value = 255 if options else 1
    for at in range(30):
        shapes.jpeg(tmp_path / "images" / f"{at}.jpg", at)
        border = {} if options else {255: (0, 0, 64, 2)}
        boxes = {**border, **({value: BOX} if at == 17 else {})}
        shapes.save(tmp_path / "masks" / f"{at}.png", shapes.plane(boxes))
    shapes.write(tmp_path / "names.txt", "background\nhole\n")
    source = opened("folder", {"root": tmp_path, **options})
    holes = [number for number in range(30) if "hole" in {r.category for r in source.scene(number).regions}]
    assert [source.key(number) for number in holes] == ["folder/17"]


def test_equal_channels_are_one_index(tmp_path: Path) -> None:
    binary_folder(tmp_path, shapes.plane({1: BOX}), "png", "RGB")
    shapes.write(tmp_path / "names.csv", "id,name\n0,floor\n1,hole\n")
    source = opened("folder", {"root": tmp_path, "names": "names.csv"})
    assert [region.category for region in source.scene(0).regions] == ["floor", "hole"]


@pytest.mark.parametrize(("complete", "evidence"), [(True, "exhaustive"), (False, "unannotated")])
def test_a_user_may_say_that_not_everything_is_drawn(tmp_path: Path, complete: bool, evidence: str) -> None:
    binary_folder(tmp_path, shapes.plane({1: BOX}))
    source = opened("folder", {"root": tmp_path, "binary": "hole", "complete": complete})
    assert [source.evidence_of_absence(name) for name in source.vocabulary()] == [evidence]
