"""Masks: the thin layer over pycocotools agrees with pycocotools and refuses invalid masks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coco

from lavida_gen.common.errors import DataError
from lavida_gen.scenes import mask_png, masks, run_lengths
from lavida_gen.scenes.mask_crops import decode_crop, encode_crop

BITS = arrays(np.bool_, st.tuples(st.integers(1, 17), st.integers(1, 17)))


@given(BITS)
def test_round_trips(bits: np.ndarray) -> None:
    rle = masks.encode(bits)
    assert rle.size == bits.shape
    assert np.array_equal(masks.decode(rle), bits)
    assert np.array_equal(masks.from_png(masks.to_png(rle)), bits)
    assert masks.from_counts(rle.counts, rle.size) == rle
    assert masks.area(rle) == bits.sum()


@given(BITS, st.integers(1, 4))
def test_a_png_made_of_runs_is_that_of_the_pixels(bits: np.ndarray, scale: int) -> None:
    """To the byte. Also where runs go on in the next column, and where run lengths of others have empty runs."""
    plane = bits.repeat(scale, 0).repeat(3, 1)
    rle = masks.encode(plane)
    borders = run_lengths.borders(rle.counts)
    assert borders.tolist() == np.cumsum(run_lengths.checked_runs(rle.counts, "mask")).tolist()
    with_empty_runs = np.concatenate([borders[:1], borders[:1].repeat(2), borders[1:], borders[-1:].repeat(3)])
    for found in (borders, with_empty_runs):
        assert mask_png.encode_runs(found, rle.size) == mask_png.encode(plane)


def test_the_png_of_a_large_mask_is_that_of_its_pixels() -> None:
    rng = np.random.default_rng(0)
    star = masks.from_polygons([(rng.uniform(20, 480, 30)).round(2).tolist()], (500, 641))
    noise = masks.encode(rng.random((500, 641)) < 0.3)
    full = masks.encode(np.ones((500, 641), np.bool_))
    for rle in (star, noise, full, masks.union([star, noise]), masks.empty((500, 641))):
        assert masks.to_png(rle) == mask_png.encode(masks.decode(rle))


@given(BITS, st.data())
def test_a_crop_is_encoded_as_the_whole_plane(crop: np.ndarray, data: st.DataObject) -> None:
    """Also where it reaches the border of the picture, so that runs go on in the next column."""
    margins = data.draw(st.tuples(*[st.integers(0, 2)] * 4))
    bits = np.pad(crop, (margins[:2], margins[2:]))
    assert encode_crop(crop, (margins[0], margins[2]), bits.shape) == masks.encode(bits)


@given(BITS, st.data())
def test_a_part_is_decoded_as_in_the_whole_plane(bits: np.ndarray, data: st.DataObject) -> None:
    rows, columns = (slice(*sorted(data.draw(st.tuples(*[st.integers(0, side)] * 2)))) for side in bits.shape)
    part = decode_crop(masks.encode(bits), rows, columns)
    assert part.dtype == np.bool_
    assert np.array_equal(part, bits[rows, columns])


@given(BITS)
def test_runs_are_read_as_pycocotools_reads_them(bits: np.ndarray) -> None:
    flat = bits.ravel(order="F")
    edges = np.flatnonzero(np.diff(flat.astype(np.int8))) + 1
    runs = np.diff([0, *edges, flat.size]).tolist()
    runs = [0, *runs] if flat[0] else runs
    theirs = coco.frPyObjects({"size": list(bits.shape), "counts": runs}, *bits.shape)
    assert masks.from_runs(runs, bits.shape).counts == theirs["counts"]


@given(BITS, st.data())
def test_union_and_intersection(a: np.ndarray, data: st.DataObject) -> None:
    b = data.draw(arrays(np.bool_, a.shape))
    one, two = masks.encode(a), masks.encode(b)
    assert np.array_equal(masks.decode(masks.union([one, two])), a | b)
    assert np.array_equal(masks.decode(masks.intersection([one, two])), a & b)


def test_box_and_empty() -> None:
    bits = np.zeros((10, 12), bool)
    assert masks.box(masks.encode(bits)) == (0, 0, 0, 0)
    assert masks.empty((10, 12)) == masks.encode(bits)
    bits[2:5, 3:9] = True
    assert masks.box(masks.encode(bits)) == (3, 2, 6, 3)


def test_polygons_are_drawn_as_pycocotools_draws_them() -> None:
    polygons = [[1.5, 1, 8, 2.25, 4, 9], [10, 10, 14, 10, 14, 14, 10, 14]]
    theirs = coco.merge(coco.frPyObjects(polygons, 16, 20))
    assert masks.from_polygons(polygons, (16, 20)).counts == theirs["counts"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: masks.from_polygons([[1, 2, 3, 4]], (9, 9), "a.json: annotation 7"),
            r"annotation 7 polygon 0: 4 numbers",
        ),
        (lambda: masks.from_polygons([], (9, 9)), "no polygon; expected at least one"),
        (lambda: masks.from_runs([5, 5], (4, 4), "x"), r"x: run lengths sum up to 10; expected 16 = 4 x 4"),
        (lambda: masks.from_runs([20, -4], (4, 4), "x"), "run lengths sum up to 16"),
        (lambda: masks.from_counts(masks.empty((4, 4)).counts, (4, 5), "x"), r"sum up to 16; expected 20 = 4 x 5"),
        (lambda: masks.from_counts(b"\x01\x02", (4, 4), "x"), r"byte 1 in compressed run lengths"),
        (lambda: masks.from_counts(b"oo", (4, 4), "x"), "end in the middle of a number"),
        (lambda: masks.from_png(b"", "m.png"), "m.png: is not a readable PNG"),
    ],
)
def test_invalid_masks_are_refused(make, message: str) -> None:
    with pytest.raises(DataError, match=message):
        make()
