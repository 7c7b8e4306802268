"""The backdrop of a view: hills with trees, and buildings in front of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from lavida_gen.street.camera import Camera
from lavida_gen.street.draws import pick
from lavida_gen.street.layouts import FAR
from lavida_gen.street.light import Light
from lavida_gen.street.noise import Noise
from lavida_gen.street.paint import Colour, Floats, dim, mix, vary

FACADES: tuple[Colour, ...] = (
    (186, 120, 92), (206, 190, 164), (160, 160, 158), (214, 206, 190), (142, 104, 86), (176, 182, 190), (198, 166, 122),
)  # fmt: skip


class Flat(NamedTuple):
    """A flat polygon of the world in one colour: corners (x, y, z) in metres."""

    corners: tuple[tuple[float, float, float], ...]
    colour: Colour


def draw_walls(rng: np.random.Generator, camera: Camera, light: Light, name: str) -> list[Flat]:
    """Draw the buildings of a backdrop.

    Args:
        rng: The source of randomness.
        camera: The camera.
        light: The light of the view.
        name: Name of the type of place.

    Returns:
        What they consist of, in the order in which it is painted.
    """
    walls: list[Flat] = []
    if name in FAR:
        far = FAR[name]
        half = camera.half_width(far)
        left = -half - float(rng.uniform(0, 6))
        while left < half:
            width = float(rng.uniform(8, 18))
            if name in ("street", "crossing", "square") or rng.random() < 0.6:
                walls += _facade(rng, light, (left, far + float(rng.uniform(-0.5, 2.5))), width)
            left += width + pick(rng, (0.0, 0.0, 2.5))
    if name == "street":
        for side in (-1, 1):
            start = 13.0
            while start < 46:
                length = float(rng.uniform(7, 12))
                walls += _side_wall(rng, light, side * float(rng.uniform(11.5, 12.5)), (start, start + length))
                start += length
    return walls


def paint_backdrop(canvas: Floats, camera: Camera, light: Light, walls: Sequence[Flat], noise: Noise) -> None:
    """Paint the backdrop into a canvas, in place.

    Args:
        canvas: float32 RGB (H, W, 3).
        camera: The camera.
        light: The light of the view.
        walls: What `draw_walls` returned.
        noise: Texture of the trees.
    """
    _tree_line(canvas, camera, light, noise)
    for corners, colour in walls:
        points = np.array([camera.project(*corner) for corner in corners])
        fixed = np.clip(points * 16, -(2**20), 2**20).round().astype(np.int32)
        cv2.fillPoly(canvas, [fixed], colour, cv2.LINE_8, 4)


def _tree_line(canvas: Floats, camera: Camera, light: Light, noise: Noise) -> None:
    columns = np.arange(camera.size[1], dtype=np.float32)[None, :]
    shape = noise.cloud(columns / (camera.size[1] / 9) + 3, np.full_like(columns, 11.0), 5)[0]
    height = camera.scale(75.0) * (3 + 9 * shape)
    base = camera.horizon + camera.height * camera.scale(75.0) + 1
    top = max(0, int(base - height.max()))
    rows = np.arange(top, min(int(base) + 1, camera.size[0]), dtype=np.float32)[:, None]
    inside = (rows < base) & (rows > base - height[None, :])
    across, down = np.meshgrid(columns[0], rows[:, 0])
    leaf = noise.cloud(across / 6, down / 6, 3)[:, :, None]
    colour = np.asarray(mix((66, 92, 58), light.air, 0.42), np.float32) * (0.8 + 0.4 * leaf)
    band = canvas[top : top + len(rows)]
    band[inside] = colour[inside]


def _facade(rng: np.random.Generator, light: Light, corner: tuple[float, float], width: float) -> Iterator[Flat]:
    """A building seen from the front: wall, rows of windows, a darker ground floor, a roof edge."""
    left, z = corner
    floors, storey = int(rng.integers(2, 6)), float(rng.uniform(2.9, 3.5))
    wall = mix(vary(rng, FACADES[rng.integers(len(FACADES))], 8), light.air, 0.18)
    top = floors * storey + 0.6

    def quad(x0: float, y0: float, x1: float, y1: float, colour: Colour) -> Flat:
        return Flat(((x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)), colour)

    yield quad(left, 0, left + width, top, wall)
    yield quad(left, 0, left + width, 0.5, dim(wall, 0.7))
    yield quad(left, top - 0.35, left + width, top, dim(wall, 0.8))
    glass = mix((70, 86, 104), light.air, 0.25)
    pitch, wide = float(rng.uniform(2.2, 3.2)), float(rng.uniform(1.0, 1.5))
    count = int(width // pitch)
    start = left + (width - count * pitch) / 2
    for floor in range(floors):
        for n in range(count):
            x0 = start + n * pitch + (pitch - wide) / 2
            y0 = floor * storey + 0.9
            lit = rng.random() < 0.12
            if floor == 0 and n == count // 2:
                yield quad(x0, 0, x0 + wide, 2.3, dim(wall, 0.45))
                continue
            yield quad(x0 - 0.1, y0 - 0.12, x0 + wide + 0.1, y0 + 1.62, dim(wall, 1.12))
            yield quad(x0, y0, x0 + wide, y0 + 1.5, mix(glass, (236, 214, 150), 0.6) if lit else vary(rng, glass, 9))
            yield quad(x0, y0 + 0.9, x0 + wide, y0 + 1.5, mix(glass, light.air, 0.35))


def _side_wall(rng: np.random.Generator, light: Light, x: float, reach: tuple[float, float]) -> Iterator[Flat]:
    """A building along the road, seen in perspective."""
    floors, storey = int(rng.integers(2, 5)), float(rng.uniform(2.9, 3.4))
    lit = 1.0 if np.sign(x) != light.side else 0.74
    wall = dim(mix(vary(rng, FACADES[rng.integers(len(FACADES))], 8), light.air, 0.12), lit)
    near, far = reach

    def quad(z0: float, y0: float, z1: float, y1: float, colour: Colour) -> Flat:
        return Flat(((x, y0, z0), (x, y0, z1), (x, y1, z1), (x, y1, z0)), colour)

    yield quad(near, 0, far, floors * storey + 0.5, wall)
    yield quad(near, 0, far, 0.5, dim(wall, 0.7))
    glass = dim(mix((66, 82, 100), light.air, 0.2), lit)
    for floor in range(floors):
        for z0 in np.arange(near + 0.8, far - 1.4, 2.6):
            y0 = floor * storey + 0.95
            yield quad(z0 - 0.1, y0 - 0.1, z0 + 1.4, y0 + 1.6, dim(wall, 1.12))
            yield quad(float(z0), y0, z0 + 1.3, y0 + 1.5, vary(rng, glass, 8))
