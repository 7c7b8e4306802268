"""Traps in tables of the Hugging Face Hub: columns, splits, and the ways in which cells hold masks."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from miniatures import shapes
from PIL import Image as Image
from pydantic import ValidationError
from traps import BOX, Plain, area, opened

from lavida_gen.common.errors import DataError, UserError
from lavida_gen.common.findings import Finding
from lavida_gen.scenes.scene import Name


def rows_of(root: Path, feature: Any, cells: list[Any], labels: Any = None) -> Plain:
    """A table whose column `mask` holds the cells."""
    import datasets
    from miniatures import hf

    pictures = [hf.encoded(shapes.photo(seed), "JPEG") for seed in range(len(cells))]
    features = {"image": datasets.Image(), "mask": feature}
    rows = {"image": pictures, "mask": cells}
    if labels is not None:
        features["kinds"], rows["kinds"] = labels
    datasets.Dataset.from_dict(rows, features=datasets.Features(features)).save_to_disk(str(root))
    return {"saved": root, "names": ["", "cart", "person"], **({"labels": "kinds"} if labels else {})}


LEFT, RIGHT = (5, 5, 10, 10), (30, 10, 20, 20)
PLANE = shapes.plane({1: LEFT, 2: RIGHT})
BITS = [shapes.bits(LEFT), shapes.bits(RIGHT)]


def kinds_of_cells() -> dict[str, tuple[Any, Any, Any]]:
    """Feature and cell of each way to keep the same two masks, and labels where the cell has none."""
    from datasets import Array2D, Array3D, ClassLabel, Image, List, Value
    from miniatures import hf, youtube_vis

    png = hf.encoded(PLANE, "PNG")["bytes"]
    pngs = [hf.encoded(np.where(bits, 255, 0).astype(np.uint8), "PNG") for bits in BITS]
    runs = [shapes.run_lengths(bits) for bits in BITS]
    corners = [[x, y, x + w, y, x + w, y + h, x, y + h] for x, y, w, h in (LEFT, RIGHT)]
    numbers, labels = List(Value("int64")), (List(Value("int64")), [[1, 2]])
    names = (List(Value("string")), [["cart", "person"]])
    run_length = {"size": numbers, "counts": Value("string")}
    polygons = List(List(Value("float32")))
    return {
        "bytes": (Value("binary"), png, None),
        "base64": (Value("string"), base64.b64encode(png).decode(), None),
        "data url": (Value("string"), "data:image/png;base64," + base64.b64encode(png).decode(), None),
        "lists": (List(numbers), PLANE.tolist(), None),
        "floats": (List(List(Value("float32"))), PLANE.tolist(), None),
        "array": (Array2D(shapes.SIZE, "uint8"), PLANE, None),
        "array 1 x H x W": (Array3D((1, *shapes.SIZE), "uint8"), PLANE[None], None),
        "array H x W x 1": (Array3D((*shapes.SIZE, 1), "uint8"), PLANE[:, :, None], None),
        "array N x H x W": (Array3D((2, *shapes.SIZE), "bool"), np.stack(BITS), labels),
        "images": (List(Image()), pngs, labels),
        "images with names": (List(Image()), pngs, names),
        "run lengths": (List(run_length), runs, labels),
        "run lengths of floats": (
            List({"size": List(Value("float32")), "counts": List(Value("float32"))}),
            [
                {"size": [float(side) for side in shapes.SIZE], "counts": youtube_vis.runs(bits)["counts"]}
                for bits in BITS
            ],
            labels,
        ),
        "objects": (
            List({"segmentation": polygons, "category": ClassLabel(names=["", "cart", "person"])}),
            [{"segmentation": [own], "category": label} for label, own in enumerate(corners, start=1)],
            None,
        ),
        "objects of lists": (
            {"segmentation": List(polygons), "bbox": List(numbers), "category_id": numbers},
            {"segmentation": [[own] for own in corners], "bbox": [[1, 2, 3, 4]] * 2, "category_id": [1, 2]},
            None,
        ),
        "objects of images": (
            List({"mask": Image(), "label": Value("int64")}),
            [{"mask": png, "label": label} for label, png in enumerate(pngs, start=1)],
            None,
        ),
        "objects of run lengths": (
            List({"segmentation": run_length, "label": Value("string")}),
            [{"segmentation": own, "label": name} for own, name in zip(runs, ["cart", "person"], strict=True)],
            None,
        ),
    }


@pytest.mark.parametrize("kind", sorted(kinds_of_cells()))
def test_hf_masks_of_every_kind(tmp_path: Path, kind: str) -> None:
    feature, cell, labels = kinds_of_cells()[kind]
    source = opened("hf", rows_of(tmp_path / "t", feature, [cell], labels))
    scene = source.scene(0)
    assert [(region.category, area(region)) for region in scene.regions] == [("cart", [100]), ("person", [400])]
    assert scene.frames[0].pixels().shape == (*scene.size, 3)


def test_hf_rows_without_masks_are_left_out(tmp_path: Path) -> None:
    from datasets import List, Value

    source = opened("hf", rows_of(tmp_path / "t", List(List(Value("int64"))), [PLANE.tolist(), None, PLANE.tolist()]))
    (finding,) = source.left_out()
    assert finding == Finding(
        "dropped",
        "hf: column 'mask': is empty in 1 of 3 rows, the first is row 1; expected an image and masks in every row",
        1,
    )
    assert [source.key(number) for number in range(len(source))] == ["hf/train/00000000", "hf/train/00000002"]
    assert len(source.scene(1).regions) == 2


def test_hf_an_object_without_a_mask_is_there(tmp_path: Path) -> None:
    from datasets import List, Value

    feature = List({"segmentation": List(List(Value("float32"))), "category": Value("int64")})
    cells = [[{"segmentation": None, "category": 1}], []]
    source = opened("hf", rows_of(tmp_path / "t", feature, cells))
    (region,) = source.scene(0).regions
    assert (region.names, region.masks, region.candidate) == (("cart",), (None,), False)
    assert source.scene(1).regions == (), "no object is no object"


def wrong_cells() -> dict[str, tuple[Any, Any, Any, str]]:
    from datasets import Array3D, Image, List, Value
    from miniatures import hf

    numbers = List(Value("int64"))
    png = hf.encoded(np.where(BITS[0], 255, 0).astype(np.uint8), "PNG")
    return {
        "flat": (numbers, [1, 2], None, r"holds a list of shape 2 of int64; expected a plane of H x W numbers"),
        "ragged": (List(numbers), [[1, 2], [3]], None, "holds lists of unequal lengths"),
        "fractions": (List(List(Value("float32"))), [[0.5, 1.0]], None, "holds fractions; expected whole numbers"),
        "pixels": (Array3D((*shapes.SIZE, 3), "uint8"), shapes.photo(1), None, "holds pixels of 3 channels"),
        "text": (Value("string"), "masks/a.png", None, "is the text 'masks/a.png'; expected an image, or its base64"),
        "boxes": (List({"bbox": numbers}), [{"bbox": [1, 2, 3, 4]}], None, "boxes alone are no masks"),
        "no labels": (List(Image()), [png], None, "holds masks without labels; .* give `labels: COLUMN`"),
        "labels": (List(Image()), [png], (numbers, [[1, 2]]), "has 1 masks and 2 labels"),
        "unknown": (List(Image()), [png], (List(Value("string")), [["cat"]]), "holds the label 'cat'; expected one of"),
        "beyond": (List(Image()), [png], (numbers, [[7]]), "holds the value 7; expected one that has a name"),
        "size": (
            List({"size": numbers, "counts": Value("string")}),
            [{"size": [4], "counts": "1"}],
            (numbers, [[1]]),
            "size",
        ),
        "jpeg": (Image(), hf.encoded(PLANE, "JPEG"), None, "is a JPEG, which changes indices"),
        "0 and 255": (Image(), png, None, r"holds the values 0 and 255 alone.*write `binary: cart`"),
    }


@pytest.mark.parametrize("kind", sorted(wrong_cells()))
def test_hf_masks_that_are_none(tmp_path: Path, kind: str) -> None:
    feature, cell, labels, message = wrong_cells()[kind]
    with pytest.raises(DataError, match=message):
        opened("hf", rows_of(tmp_path / "t", feature, [cell], labels)).scene(0)


def test_hf_unknown_pixels_alone(tmp_path: Path) -> None:
    from datasets import Image as Feature
    from miniatures import hf

    plain = rows_of(tmp_path / "t", Feature(), [hf.encoded(shapes.plane({255: LEFT}), "PNG")])
    assert opened("hf", {**plain, "void": [255]}).scene(0).regions == ()


def test_hf_names_that_the_column_numbers_otherwise(tmp_path: Path) -> None:
    from datasets import ClassLabel, List, Value

    feature = List({"segmentation": List(List(Value("float32"))), "category": ClassLabel(names=["cart", "person"])})
    plain = rows_of(tmp_path / "t", feature, [[{"segmentation": [[1.0, 1, 9, 1, 9, 9]], "category": 0}]])
    message = r"names: 'cart' is number 1; column 'mask' states that it is number 0; expected names: \[cart, person\]"
    with pytest.raises(UserError, match=message):
        opened("hf", plain)
    (region,) = opened("hf", {**plain, "names": ["cart", "pedestrian"]}).scene(0).regions
    assert region.names == ("cart",), "another word is no shift"


def test_hf_binary_masks(tmp_path: Path) -> None:
    from datasets import Image as Feature
    from miniatures import hf

    plain = rows_of(tmp_path / "t", Feature(), [hf.encoded(np.where(BITS[0], 250, 3).astype(np.uint8), "JPEG")])
    source = opened("hf", {"saved": plain["saved"], "binary": "hole", "complete": False})
    assert [(region.names, area(region)) for region in source.scene(0).regions] == [(("hole",), [100])]
    assert source.evidence_of_absence(Name("hole", "hole")) == "unannotated"
    with pytest.raises(ValidationError, match="give either `names` or `binary`"):
        opened("hf", {**plain, "binary": "hole"})


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
        ({"mask": "labels"}, UserError, "mask: unknown column 'labels'; did you mean 'label'"),
        ({"mask": "n"}, UserError, r"mask: column 'n' is Value.* expected masks: images, lists of numbers"),
        ({"split": "trian"}, UserError, "split, .*: unknown split 'trian'; did you mean 'train'"),
        ({"saved": "nowhere"}, DataError, "saved: no folder nowhere"),
    ],
)
def test_hf_words_that_do_not_fit(tmp_path: Path, options: Plain, kind: Any, message: str) -> None:
    plain = table(tmp_path / "t", shapes.plane({1: BOX}), split=True)
    with pytest.raises(kind, match=message):
        opened("hf", {**plain, **options})


@pytest.mark.parametrize(
    ("held", "split", "fits"),
    [
        (None, "validation", True), ("train", "train", True), ("train[:50%]", "train", True),
        ("train", "validation", False), ("validation", "train", False),
    ],
)  # fmt: skip
def test_hf_a_folder_of_one_split(tmp_path: Path, held: str | None, split: str, fits: bool) -> None:
    import datasets

    plain = table(tmp_path / "t", shapes.plane({1: BOX}))
    made = datasets.load_from_disk(str(tmp_path / "t"))
    made.info.splits, made._split = None, datasets.NamedSplit(held) if held else None
    made.save_to_disk(str(tmp_path / "u"))
    plain |= {"saved": tmp_path / "u", "split": split}
    if fits:
        assert opened("hf", plain).key(0) == f"hf/{split}/00000000"
        return
    message = (
        f"split: .*u contains the split '{held}'; expected '{split}'; write `split: {held}`, or give another folder"
    )
    with pytest.raises(UserError, match=message):
        opened("hf", plain)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"names": ["a"]}, "give either `repo` or `saved`"),
        ({"repo": "a/b", "saved": "c", "names": ["a"]}, "give either `repo` or `saved`"),
        (
            {"saved": "c", "names": ["a"], "config": "x"},
            "`config` applies to datasets on the Hub; leave it out",
        ),
        (
            {"saved": "c", "names": ["a"], "revision": "v9"},
            "`revision` applies to datasets on the Hub; leave it out with `saved`",
        ),
        ({"repo": "a/b", "names": ["a"], "background": ["b"]}, "background: 'b' is not one of `names`"),
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
