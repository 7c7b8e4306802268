"""What each augmentation does to a picture, against stored pictures: so that another library may replace one by one.

`python tests/gen/test_transforms.py` writes them anew, after a change that a person has looked at.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lavida_gen.config import transforms
from lavida_gen.config.transforms import TABLE
from lavida_gen.scenes.images import Pixels
from lavida_gen.sources.street import StreetSource

STORED = Path(__file__).parent / "data" / "transforms"
MEAN, SHARE = 1.0, 0.02
"""Allowed mean difference in grey levels, and allowed share of pixels that differ by more than 16: versions and
processors round differently."""


def picture() -> Pixels:
    return StreetSource(StreetSource.Options(size=(96, 128), scenes=3)).scene(1).frames[0].pixels()


def transformed(name: str) -> tuple[Pixels, Pixels]:
    """The picture and the mask of its left half."""
    plane = np.zeros((96, 128), np.bool_)
    plane[:, :64] = True
    (frame,), (moved,) = transforms.transformed([picture()], [plane], [(name, 0.5)], seed=11)
    assert moved is not None
    return frame, moved


@pytest.mark.parametrize("name", TABLE)
def test_it_looks_as_stored(name: str) -> None:
    frame, plane = transformed(name)
    stored = np.asarray(Image.open(STORED / f"{name}.png")).astype(np.int16)
    expected, expected_plane = stored[:, :, :3], stored[:, :, 3] > 0
    difference = np.abs(frame.astype(np.int16) - expected)
    assert difference.mean() <= MEAN
    assert (difference.max(axis=2) > 16).mean() <= SHARE
    assert (plane != expected_plane).mean() <= 0.005


@pytest.mark.parametrize("name", TABLE)
def test_it_does_something_and_can_be_seen_to_differ_from_the_others(name: str) -> None:
    """The tolerance is small enough: no two stored pictures agree within it, nor one with the untouched picture."""
    own = np.asarray(Image.open(STORED / f"{name}.png")).astype(np.int16)[:, :, :3]
    others = [
        np.asarray(Image.open(STORED / f"{other}.png")).astype(np.int16)[:, :, :3] for other in TABLE if other != name
    ]
    for other in (picture().astype(np.int16), *others):
        assert np.abs(own - other).mean() > MEAN


if __name__ == "__main__":
    STORED.mkdir(parents=True, exist_ok=True)
    for key in TABLE:
        pixels, mask = transformed(key)
        Image.fromarray(np.dstack([pixels, mask.astype(np.uint8) * 255])).save(STORED / f"{key}.png")
