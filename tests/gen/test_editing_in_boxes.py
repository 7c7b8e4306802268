"""Edits in tight boxes change the same pixels to the same values as edits of whole frames (whole_frames.py)."""

from __future__ import annotations

from typing import get_args

import cv2
import numpy as np
import pytest
import whole_frames
from hypothesis import given, settings
from hypothesis import strategies as st

from lavida_gen.exposures import _backgrounds as backgrounds
from lavida_gen.exposures import _cutouts as cutouts
from lavida_gen.exposures import _planes as planes
from lavida_gen.exposures._shadows import shadow_bits
from lavida_gen.scenes import masks
from lavida_gen.scenes.images import Frame, Pixels
from lavida_gen.scenes.scene import Region, Scene

SIZE = (61, 83)


def blobs(rng: np.random.Generator, count: int, size: tuple[int, int] = SIZE) -> masks.Bits:
    """Ellipses anywhere in a frame, also at its border and into one another."""
    plane = np.zeros(size, np.uint8)
    for _ in range(count):
        centre = int(rng.integers(size[1])), int(rng.integers(size[0]))
        axes = int(rng.integers(1, 9)), int(rng.integers(1, 9))
        cv2.ellipse(plane, centre, axes, float(rng.uniform(0, 180)), 0, 360, 1, -1)
    return plane.view(np.bool_)


def picture(rng: np.random.Generator, grain: float) -> Pixels:
    """A ground whose colours change slowly, with noise."""
    coarse = rng.integers(90, 140, (3, 4, 3)).astype(np.float32)
    ground = cv2.resize(coarse, SIZE[::-1], interpolation=cv2.INTER_CUBIC)
    return np.clip(ground + rng.normal(0, grain, (*SIZE, 3)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("seed", range(60))
def test_holes_are_filled_as_on_whole_frames(seed: int) -> None:
    """From other frames of a camera that stands still or moves, from beside, inpainted, or not at all."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 5))
    still = picture(rng, 2.0)
    frames = [
        np.clip(still + rng.uniform(-22, 22) + rng.normal(0, 3, still.shape), 0, 255).astype(np.uint8)
        if rng.random() < 0.7
        else picture(rng, 20.0)
        for _ in range(count)
    ]
    others = [blobs(rng, int(rng.integers(0, 4))) for _ in frames]
    holes = [blobs(rng, int(rng.integers(0, 4))) & ~other for other in others]
    blocked = [other | hole if seed % 3 else other for other, hole in zip(others, holes, strict=True)]
    kept = [frame.copy() for frame in frames]
    expected = whole_frames.fill_holes(frames, holes, blocked)
    filled = backgrounds.fill_holes(frames, holes, blocked)
    assert (filled is None) == (expected is None)
    for now, then in zip(filled or [], expected or [], strict=True):
        assert np.array_equal(now, then)
    for now, then in zip(frames, kept, strict=True):
        assert np.array_equal(now, then), "the frames of the scene are kept"


def test_a_piece_fits_beside_what_an_earlier_piece_was_filled_with() -> None:
    """Too much to inpaint both; nothing is refused before the first one is filled."""
    hole = np.zeros(SIZE, bool)
    hole[17:19, 16:55] = hole[20:33, :13] = True
    frame = np.where(hole[..., None], 255, np.full((*SIZE, 3), 100)).astype(np.uint8)
    expected, filled = (fill([frame], [hole], [hole]) for fill in (whole_frames.fill_holes, backgrounds.fill_holes))
    assert filled is not None
    assert expected is not None
    assert np.array_equal(filled[0], expected[0])
    assert (filled[0][20:33, :13] == 100).all(), "it was taken from beside"


@pytest.mark.parametrize("seed", range(20))
def test_connected_parts_have_the_order_of_whole_frames(seed: int) -> None:
    """What is filled first may be looked at when the next part is filled."""
    rng = np.random.default_rng(seed)
    plane = np.zeros(SIZE, bool)
    top, left = rng.integers(0, 20, 2).tolist()
    plane[top : top + 30, left : left + 40] = rng.random((30, 40)) < 0.12
    count, labels = cv2.connectedComponents(plane.astype(np.uint8))
    parts = list(backgrounds._connected_parts(plane))
    assert len(parts) == count - 1 > 30
    for number, (box, bits) in enumerate(parts, start=1):
        assert np.array_equal(planes.put_in(box, bits, 100, SIZE)[1], labels == number)


@pytest.mark.parametrize("shift", [-70, -20, 0, 30, 75])
def test_a_picture_goes_round_when_it_is_shifted(shift: int) -> None:
    before, window = picture(np.random.default_rng(0), 20.0), (slice(5, 20), slice(30, 50))
    assert np.array_equal(backgrounds._beside(before, window, shift), np.roll(before, shift, 1)[window])


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32), st.integers(-20, 70), st.integers(-20, 90), st.sampled_from(get_args(cutouts.Blend)))
def test_a_paste_changes_what_it_covers_and_nothing_else(
    seed: int, row: int, column: int, blend: cutouts.Blend
) -> None:
    """Wherever a cut-out lies, at the border or outside, hidden or not."""
    rng = np.random.default_rng(seed)
    before, hidden = picture(rng, 5.0), blobs(rng, 2)
    bits = blobs(rng, 2, (int(rng.integers(1, 30)), int(rng.integers(1, 30))))
    pixels = rng.integers(0, 256, (*bits.shape, 3)).astype(np.uint8)
    expected, covered = whole_frames.paste(before, pixels, bits, (row, column), hidden, blend)
    spot = cutouts.place(bits, (row, column), SIZE)
    spot = spot.behind(hidden[spot.window])
    after = before.copy()
    cutouts.paste(after, pixels, spot, blend)
    assert np.array_equal(after, expected)
    assert np.array_equal(spot.plane(SIZE), covered)
    assert np.array_equal(after[~covered], before[~covered])


@pytest.mark.parametrize("seed", range(30))
def test_shadows_are_found_as_on_whole_frames(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count, still = int(rng.integers(2, 7)), picture(rng, 2.0)
    own, frames = [], []
    for time in range(count):
        bits = np.zeros(SIZE, bool)
        top, left = int(rng.integers(0, 40)), int(rng.integers(0, 30)) + 5 * time
        bits[top : top + int(rng.integers(1, 20)), left : left + int(rng.integers(1, 15))] = True
        frame = still if seed % 4 else picture(rng, 20.0)
        own.append(bits)
        frames.append(np.where(blobs(rng, 3)[..., None], frame // 2, frame))
    others = [blobs(rng, 1) for _ in own]
    boxes = [planes.bounding_box(bits) for bits in own]
    expected = whole_frames.shadows(frames, own, others)
    for now, then in zip(shadow_bits(frames, own, boxes, others), expected, strict=True):
        assert np.array_equal(now, then)


@pytest.mark.parametrize("seed", range(30))
def test_masks_in_boxes_are_those_of_whole_frames(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bits = [blobs(rng, 1 + seed % 2) for _ in range(5)]
    shown = Frame.drawn(lambda: picture(rng, 2.0), SIZE, "toy")
    regions = tuple(
        Region(("dog",), (masks.encode(plane),), depth=[None, 1.0, 2.0][n % 3]) for n, plane in enumerate(bits)
    )
    scene = Scene("toy/0", (shown,), SIZE, regions, "CC0-1.0")
    rows, columns = (sorted(rng.integers(0, side + 1, 2).tolist()) for side in SIZE)
    window, leave_out = (slice(*rows), slice(*columns)), regions[:1]
    for depth in (None, 1.5):
        nearer = planes.nearer_bits(scene, 0, 40.0, window, leave_out, depth)
        assert np.array_equal(nearer, whole_frames.nearer_bits(scene, 0, 40.0, leave_out, depth)[window])
    for number, (region, plane) in enumerate(zip(regions, bits, strict=True)):
        assert planes.encode_or_none(plane) == region.masks[0]
        assert np.array_equal(planes.bits_at(region, 0), plane)
        assert np.array_equal(planes.grown(plane, 4), whole_frames.dilated(plane, 4))
        rest = [other for place, other in enumerate(bits) if place != number]
        touched = (whole_frames.dilated(plane, planes.edge_width(SIZE)) & np.any(rest, axis=0)).any()
        assert planes.stands_free(scene, region) == (not touched)
    assert planes.encode_or_none(np.zeros(SIZE, bool)) is None
