"""The still background of a view: sky, ground, backdrop, trees and lamps; all of it follows from one rng.

A place is drawn at once and painted when somebody looks at it: masks need only what stands before the actors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lavida_gen.street.buildings import draw_walls, paint_backdrop
from lavida_gen.street.camera import Camera
from lavida_gen.street.draws import pick
from lavida_gen.street.layouts import FAR, GRASS, LAYOUTS, MATERIALS, PAVING, ROADS, Strip
from lavida_gen.street.light import Light
from lavida_gen.street.noise import Noise
from lavida_gen.street.paint import Colour, Floats, Painting, in_colours, vary
from lavida_gen.street.scenery import draw_scenery


@dataclass(frozen=True, slots=True)
class Place:
    """A view without actors.

    Attributes:
        name: Name of the type of place.
        camera: The camera.
        paint: Paints sky, backdrop and ground without scenery, float32 RGB (H, W, 3).
        back: Row where the ground meets the backdrop; shadows end there.
        light: The light.
        scenery: (depth in metres, painting), the farthest first.
        walk: Where people and animals move.
        drive: Where vehicles move.
    """

    name: str
    camera: Camera
    paint: Callable[[], Floats]
    back: float
    light: Light
    scenery: tuple[tuple[float, Painting], ...]
    walk: Strip
    drive: Strip

    def on_road(self, x: float, z: float) -> bool:
        """Check whether a point of the ground is on a road, or close to it.

        Args:
            x: World X in metres.
            z: World Z in metres.

        Returns:
            Whether it lies within a metre of a road.
        """
        strip = self.drive
        along = self.name == "street" or strip.near - 2 < z < strip.far + 2
        return self.name in ROADS and along and strip.left - 2 < x < strip.right + 2


def lay_out_place(layout: np.random.Generator, name: str, camera: Camera) -> Place:
    """Lay out a place without painting it: fast, where only the actors are asked for.

    Args:
        layout: The source of randomness of the layout.
        name: Name of the type of place.
        camera: The camera.

    Returns:
        The place, with no pixels and no scenery.
    """
    x, z, _ = camera.ground(camera.size[0] - 1)  # layouts need only the nearest row
    _, walk, drive = LAYOUTS[name](layout, x, z)
    light = Light(1, 1.0, (0, 0, 0))
    return Place(name, camera, lambda: np.zeros((0, 0, 3), np.float32), _back(name, camera), light, (), walk, drive)


def _back(name: str, camera: Camera) -> float:
    return float(camera.project(0.0, 0.0, FAR.get(name, 75.0))[1])


def draw_place(rng: np.random.Generator, name: str, camera: Camera, layout: np.random.Generator | None = None) -> Place:
    """Draw a random place.

    Args:
        rng: The source of randomness of the painting.
        name: Name of the type of place.
        camera: The camera.
        layout: The source of randomness of the layout, as in `lay_out_place`; `rng` if None.

    Returns:
        The place; nothing of it is painted yet.
    """
    noise = Noise(rng)
    side, strength = pick(rng, (-1, 1)), pick(rng, (0.25, 0.6, 0.9, 1.0))
    sky = _draw_sky(rng, strength)
    light = Light(side, strength, sky.low)
    x, z, is_ground = camera.ground()
    first = int(np.argmax(is_ground[:, 0]))
    x, z = x[first:], z[first:]
    ground, walk, drive = LAYOUTS[name](layout or rng, x, z)
    if name in FAR:
        ground[z > FAR[name] + 2.6] = GRASS  # behind the buildings
    colours = np.array([vary(rng, MATERIALS[m], 7) for m in range(len(MATERIALS))], np.float32)
    slab = pick(rng, (0.5, 0.75, 1.0))
    walls = draw_walls(rng, camera, light, name)
    scenery = draw_scenery(rng, camera, light, name, noise, ground)

    materials = ground.astype(np.uint8)  # as long as nobody looks at the place, this is kept

    def paint() -> Floats:
        floor = _paint_ground(materials, colours, slab, x, z, camera, noise, light)
        canvas: Floats = np.concatenate((_paint_sky(sky, camera, noise)[:first], floor))
        paint_backdrop(canvas, camera, light, walls, noise)
        return canvas

    return Place(name, camera, paint, _back(name, camera), light, tuple(scenery), walk, drive)


class _Sky(NamedTuple):
    """Colours of the sky, and how much cloud noise is no cloud."""

    high: Colour
    low: Colour
    clear: float


def _draw_sky(rng: np.random.Generator, strength: float) -> _Sky:
    high, low = ((92, 140, 204), (206, 220, 232)) if strength > 0.5 else ((150, 160, 172), (206, 208, 210))
    if rng.random() < 0.15:
        high, low = (104, 110, 150), (236, 190, 150)  # evening
    return _Sky(high, low, float(rng.uniform(0.46, 0.58)))


def _paint_sky(sky: _Sky, camera: Camera, noise: Noise) -> Floats:
    rows = np.arange(min(int(camera.horizon) + 2, camera.size[0]), dtype=np.float32)[:, None]
    share = np.clip(rows / max(camera.horizon, 1), 0, 1)[:, :, None]
    canvas = np.asarray(sky.high, np.float32) * (1 - share) + np.asarray(sky.low, np.float32) * share
    columns, lines = np.meshgrid(np.arange(camera.size[1], dtype=np.float32), rows[:, 0])
    unit = camera.size[1] / 5
    cover = noise.cloud(columns / unit + 31, lines / unit * 2.6 + 7, 5)
    cover = in_colours(np.clip((cover - sky.clear) * 5, 0, 1) * 0.85)
    return np.asarray(canvas * (1 - cover) + np.float32(244) * cover, np.float32)


def _paint_ground(
    ground: NDArray[np.uint8],
    table: Floats,
    slab: float,
    x: Floats,
    z: Floats,
    camera: Camera,
    noise: Noise,
    light: Light,
) -> Floats:
    """Materials, each in its colour of the table, with texture in world coordinates, and haze; slabs are squares."""
    colours = table[ground]
    coarse = noise.cloud(x * 0.6 + 40, z * 0.6 + 40, 3) - 0.5
    fine = noise(x * 11 + 9, z * 11 + 9) - 0.5
    pixel = z / camera.focal  # width of a pixel in metres: finer texture is not visible
    fine *= np.clip(0.09 / np.maximum(pixel, 1e-4), 0, 1)
    rough = np.array([34, 16, 14, 9, 10, 24], np.float32)[ground]
    grain = np.array([44, 20, 14, 9, 12, 36], np.float32)[ground]
    colours = colours + in_colours(coarse * rough + fine * grain)
    joint = np.minimum(np.mod(x, slab), np.mod(z + 0.13 * np.floor(x / slab), slab))
    joints = (ground == PAVING) & (joint < np.maximum(0.022, 0.6 * pixel))
    depth = np.clip(0.03 / np.maximum(pixel, 1e-4), 0, 1)
    colours = colours * in_colours(1 - 0.2 * (joints * depth))
    colours = colours * np.float32(0.86 + 0.2 * light.strength)
    haze = in_colours(1 - np.exp(-z / 130))
    return np.asarray(colours * (1 - haze) + np.asarray(light.air, np.float32) * haze, np.float32)
