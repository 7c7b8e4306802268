"""Types of places: the materials of the ground, and where people walk and vehicles drive.

A layout gets world X and Z of each pixel of the ground (metres) and returns its materials and two strips: where people
walk, and where vehicles drive.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lavida_gen.street.paint import Colour, Floats

GRASS, ASPHALT, PAVING, CONCRETE, LINE, GRAVEL = range(6)
MATERIALS: dict[int, Colour] = {
    GRASS: (96, 124, 62),
    ASPHALT: (98, 98, 102),
    PAVING: (168, 160, 148),
    CONCRETE: (184, 182, 176),
    LINE: (222, 222, 214),
    GRAVEL: (176, 156, 124),
}


@dataclass(frozen=True, slots=True)
class Strip:
    """Ground where actors move, in world coordinates (metres).

    Attributes:
        left: Least X.
        right: Largest X.
        near: Least Z.
        far: Largest Z.
    """

    left: float
    right: float
    near: float
    far: float


MaterialMap = NDArray[np.int64]
"""Material of each pixel of the ground, (H, W)."""
Layout = Callable[[np.random.Generator, Floats, Floats], tuple[MaterialMap, Strip, Strip]]


def _street(rng: np.random.Generator, x: Floats, z: Floats) -> tuple[MaterialMap, Strip, Strip]:
    """A road that runs away from the camera, pavements left and right."""
    centre, half = float(rng.uniform(-4, 4)), float(rng.uniform(3.0, 4.2))
    offset = np.abs(x - centre)
    ground = np.where(offset < half, ASPHALT, PAVING)
    ground[(offset >= half) & (offset < half + 0.25)] = CONCRETE
    ground[(offset < 0.08) & (np.mod(z, 6) < 3)] = LINE
    zebra = float(rng.uniform(9, 16))
    ground[(offset < half - 0.2) & (np.abs(z - zebra) < 1.6) & (np.mod(x - centre, 1.0) < 0.5)] = LINE
    return ground, Strip(-9.3, 9.3, 5, 30), Strip(centre - half + 1, centre + half - 1, 8, 40)


def _crossing(rng: np.random.Generator, x: Floats, z: Floats) -> tuple[MaterialMap, Strip, Strip]:
    """A road from left to right, pavements before and behind it."""
    near = float(rng.uniform(8.5, 11))
    far = near + float(rng.uniform(6, 7.5))
    ground = np.where((z > near) & (z < far), ASPHALT, PAVING)
    ground[((z > near - 0.3) & (z <= near)) | ((z >= far) & (z < far + 0.35))] = CONCRETE
    ground[(np.abs(z - (near + far) / 2) < 0.08) & (np.mod(x, 5) < 2.5)] = LINE
    seen_before = float(z.min()) * 1.25 < near - 0.6
    walk = Strip(-9, 9, 4.5, near - 0.6) if seen_before else Strip(-12, 12, far + 0.6, FAR["crossing"] - 0.8)
    return ground, walk, Strip(-16, 16, near + 1, far - 1)


def _campus(rng: np.random.Generator, x: Floats, z: Floats) -> tuple[MaterialMap, Strip, Strip]:
    """Lawns with a wide paved walk."""
    slope, centre, half = float(rng.uniform(-0.25, 0.25)), float(rng.uniform(-2, 2)), float(rng.uniform(2.6, 4.0))
    offset = np.abs(x - centre - slope * (z - 8))
    ground = np.where(offset < half, PAVING, GRASS)
    ground[(offset >= half) & (offset < half + 0.2)] = CONCRETE
    across = float(rng.uniform(14, 20))
    ground[np.abs(z - across) < 1.7] = PAVING
    return ground, Strip(centre - half + 0.4, centre + half - 0.4, 5, 26), Strip(-12, 12, across - 1.4, across + 1.4)


def _square(rng: np.random.Generator, x: Floats, z: Floats) -> tuple[MaterialMap, Strip, Strip]:
    """A paved square with bands of another stone."""
    ground = np.full(x.shape, PAVING)
    pitch = float(rng.uniform(4, 6))
    ground[(np.mod(x + 1.3, pitch) < 0.45) | (np.mod(z, pitch) < 0.45)] = CONCRETE
    return ground, Strip(-10, 10, 5, 28), Strip(-12, 12, 9, 24)


def _park(rng: np.random.Generator, x: Floats, z: Floats) -> tuple[MaterialMap, Strip, Strip]:
    """Grass with a winding gravel path."""
    bend, swing = float(rng.uniform(9, 16)), float(rng.uniform(0.6, 2.2))
    centre = swing * np.sin(z / bend * np.pi)
    ground = np.where(np.abs(x - centre) < float(rng.uniform(1.6, 2.3)), GRAVEL, GRASS)
    return ground, Strip(-6, 6, 5, 24), Strip(-9, 9, 8, 22)


def _car_park(rng: np.random.Generator, x: Floats, z: Floats) -> tuple[MaterialMap, Strip, Strip]:
    """Asphalt with bays on both sides of a lane."""
    lane = float(rng.uniform(9, 12))
    ground = np.full(x.shape, ASPHALT)
    bays = (np.abs(np.mod(x, 2.7)) < 0.1) & ((np.abs(z - lane - 7.5) < 2.5) | (np.abs(z - lane + 4.2) < 2.0))
    ground[bays] = LINE
    ground[z > lane + 10.2] = GRASS
    return ground, Strip(-9, 9, 5, lane + 9), Strip(-14, 14, lane - 1, lane + 4)


LAYOUTS: dict[str, Layout] = {
    "street": _street,
    "crossing": _crossing,
    "campus": _campus,
    "square": _square,
    "park": _park,
    "car park": _car_park,
}
"""Types of places by name. A new one is one function."""

ROADS = ("street", "crossing")
"""Places where vehicles drive on a road with kerbs."""

GREEN = {"street": PAVING, "crossing": PAVING, "square": PAVING}
"""Material that trees of a place stand on, if it is not grass."""


FAR = {"street": 48.0, "crossing": 21.0, "square": 31.0, "campus": 34.0, "car park": 26.0}
"""Metres to the buildings at the back of a place, if there are any."""
