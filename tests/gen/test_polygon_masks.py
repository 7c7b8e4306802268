"""Many polygons drawn at once are those that pycocotools draws one by one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lavida_gen.scenes.polygon_masks import draw


def drawn(polygons: list[np.ndarray], sizes: list[tuple[int, int]]) -> list[bytes]:
    x, y = np.concatenate(polygons).T.copy()
    text, widths = draw(x, y, np.array([len(corners) for corners in polygons]), np.array(sizes, np.int64))
    cuts = [0, *np.cumsum(widths).tolist()]
    assert cuts[-1] == len(text)
    return [text[start:end] for start, end in pairwise(cuts)]


def by_pycocotools(corners: np.ndarray, size: tuple[int, int]) -> bytes:
    from pycocotools import _mask

    counts: bytes = _mask.frPoly([corners.ravel().tolist()], *size)[0]["counts"]
    return counts


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32), grid=st.sampled_from([1, 2, 5, 10, 100, 10**9]), side=st.sampled_from([1, 4, 60, 700])
)
def test_to_the_pixel(seed: int, grid: int, side: int) -> None:
    """Corners on grids make ties, far ones are cut off, repeated ones have no length; sizes differ within a batch."""
    rng = np.random.default_rng(seed)
    polygons, sizes = [], []
    for _ in range(int(rng.integers(1, 30))):
        height, width = rng.integers(1, side + 1, 2).tolist()
        corners = (rng.random((int(rng.integers(3, 12)), 2)) * 1.5 - 0.25) * (width, height)
        corners = (corners * rng.choice([1, 1, 1, 7, -7]) * grid).round() / grid
        corners[rng.integers(len(corners))] = corners[0]
        polygons.append(corners)
        sizes.append((height, width))
    assert drawn(polygons, sizes) == [by_pycocotools(*both) for both in zip(polygons, sizes, strict=True)]


@pytest.mark.parametrize("size", [(1 << 20, 122), (11_000, 11_000), (1, 1)])
def test_large_pictures(size: tuple[int, int]) -> None:
    """So many pixels in a batch that places take 64 bits, and run lengths of five and six characters."""
    height, width = size
    polygons = [np.array([[0, 0], [width, 0], [width, height * part], [0, height]], float) for part in (1, 0.5, 0.001)]
    batch = polygons * 20
    assert drawn(batch, [size] * len(batch)) == [by_pycocotools(corners, size) for corners in polygons] * 20


def test_places_that_come_often_count_by_twos() -> None:
    """A line there and back, thrice the same outline, all of the picture twice."""
    outline = np.array([[2, 2], [9, 2], [9, 9], [2, 9]], float)
    whole = np.array([[0, 0], [12, 0], [12, 12], [0, 12]], float)
    for corners in (outline[[0, 2, 0]], np.tile(outline, (3, 1)), np.tile(whole, (2, 1)), whole, whole + 5):
        assert drawn([corners, outline], [(12, 12)] * 2) == [
            by_pycocotools(each, (12, 12)) for each in (corners, outline)
        ]
