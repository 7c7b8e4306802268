"""The still background of a view: sky, ground, backdrop, trees and lamps; all of it follows from one rng."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lavida_gen.street.buildings import paint_backdrop
from lavida_gen.street.camera import Camera
from lavida_gen.street.layouts import FAR, GRASS, LAYOUTS, MATERIALS, PAVING, ROADS, MaterialMap, Strip
from lavida_gen.street.light import Light
from lavida_gen.street.paint import Colour, Floats, Noise, Sprite, vary
from lavida_gen.street.scenery import paint_scenery


@dataclass(frozen=True, slots=True)
class Place:
    """A view without actors.

    Attributes:
        name: Name of the type of place.
        camera: The camera.
        ground: Sky, backdrop and ground without scenery, float32 RGB (H, W, 3).
        back: Row where the ground meets the backdrop; shadows end there.
        light: The light.
        scenery: (depth in metres, sprite), the farthest first.
        walk: Where people and animals move.
        drive: Where vehicles move.
    """

    name: str
    camera: Camera
    ground: Floats
    back: float
    light: Light
    scenery: tuple[tuple[float, Sprite], ...]
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
    nothing = np.zeros((0, 0, 3), np.float32)
    return Place(name, camera, nothing, _back(name, camera), Light(1, 1.0, (0, 0, 0)), (), walk, drive)


def _back(name: str, camera: Camera) -> float:
    return float(camera.project(0.0, 0.0, FAR.get(name, 75.0))[1])


def paint_place(
    rng: np.random.Generator, name: str, camera: Camera, layout: np.random.Generator | None = None
) -> Place:
    """Paint a random place.

    Args:
        rng: The source of randomness of the painting.
        name: Name of the type of place.
        camera: The camera.
        layout: The source of randomness of the layout, as in `lay_out_place`; `rng` if None.

    Returns:
        The place.
    """
    noise = Noise(rng)
    light = Light(int(rng.choice([-1, 1])), float(rng.choice([0.25, 0.6, 0.9, 1.0])), (0, 0, 0))
    sky, air = _sky(rng, camera, noise, light)
    light = Light(light.side, light.strength, air)
    x, z, is_ground = camera.ground()
    first = int(np.argmax(is_ground[:, 0]))
    x, z = x[first:], z[first:]
    ground, walk, drive = LAYOUTS[name](layout or rng, x, z)
    if name in FAR:
        ground[z > FAR[name] + 2.6] = GRASS  # behind the buildings
    canvas = np.concatenate((sky[:first], _ground(rng, ground, x, z, camera, noise, light)))
    paint_backdrop(rng, canvas, camera, light, name, noise)
    scenery = paint_scenery(rng, camera, light, name, noise, ground)
    return Place(name, camera, canvas, _back(name, camera), light, tuple(scenery), walk, drive)


def _sky(rng: np.random.Generator, camera: Camera, noise: Noise, light: Light) -> tuple[Floats, Colour]:
    high, low = ((92, 140, 204), (206, 220, 232)) if light.strength > 0.5 else ((150, 160, 172), (206, 208, 210))
    if rng.random() < 0.15:
        high, low = (104, 110, 150), (236, 190, 150)  # evening
    rows = np.arange(min(int(camera.horizon) + 2, camera.size[0]), dtype=np.float32)[:, None]
    share = np.clip(rows / max(camera.horizon, 1), 0, 1)[:, :, None]
    sky = np.asarray(high, np.float32) * (1 - share) + np.asarray(low, np.float32) * share
    columns, lines = np.meshgrid(np.arange(camera.size[1], dtype=np.float32), rows[:, 0])
    unit = camera.size[1] / 5
    cover = noise.cloud(columns / unit + 31, lines / unit * 2.6 + 7, 5)
    cover = np.clip((cover - float(rng.uniform(0.46, 0.58))) * 5, 0, 1)[:, :, None] * 0.85
    return (sky * (1 - cover) + np.float32(244) * cover).astype(np.float32), low


def _ground(
    rng: np.random.Generator, ground: MaterialMap, x: Floats, z: Floats, camera: Camera, noise: Noise, light: Light
) -> Floats:
    """Materials with texture in world coordinates, and haze."""
    table = np.array([vary(rng, MATERIALS[m], 7) for m in range(len(MATERIALS))], np.float32)
    colours = table[ground]
    coarse = noise.cloud(x * 0.6 + 40, z * 0.6 + 40, 3) - 0.5
    fine = noise(x * 11 + 9, z * 11 + 9) - 0.5
    pixel = z / camera.focal  # width of a pixel in metres: finer texture is not visible
    fine *= np.clip(0.09 / np.maximum(pixel, 1e-4), 0, 1)
    rough = np.array([34, 16, 14, 9, 10, 24], np.float32)[ground]
    grain = np.array([44, 20, 14, 9, 12, 36], np.float32)[ground]
    colours = colours + (coarse * rough + fine * grain)[:, :, None]
    side = float(rng.choice([0.5, 0.75, 1.0]))
    joint = np.minimum(np.mod(x, side), np.mod(z + 0.13 * np.floor(x / side), side))
    joints = (ground == PAVING) & (joint < np.maximum(0.022, 0.6 * pixel))
    depth = np.clip(0.03 / np.maximum(pixel, 1e-4), 0, 1)
    colours = colours * (1 - 0.2 * (joints * depth))[:, :, None]
    colours = colours * np.float32(0.86 + 0.2 * light.strength)
    haze = (1 - np.exp(-z / 130))[:, :, None]
    return np.asarray(colours * (1 - haze) + np.asarray(light.air, np.float32) * haze, np.float32)
