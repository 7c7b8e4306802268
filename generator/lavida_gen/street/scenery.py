"""Trees and lamps: people may walk behind them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lavida_gen.street.camera import Camera
from lavida_gen.street.draws import pick
from lavida_gen.street.layouts import CONCRETE, FAR, GRASS, GREEN, PAVING, MaterialMap
from lavida_gen.street.light import Light, through_air
from lavida_gen.street.noise import Noise
from lavida_gen.street.paint import Brush, Painting, Sprite, Stand, dim, in_colours, vary


def draw_scenery(
    rng: np.random.Generator, camera: Camera, light: Light, name: str, noise: Noise, ground: MaterialMap
) -> list[tuple[float, Painting]]:
    """Draw trees and lamps where they may stand: on the right ground, in front of the walls.

    Args:
        rng: The source of randomness.
        camera: The camera.
        light: The light of the view.
        name: Name of the type of place.
        noise: Texture of leaves.
        ground: Materials of the visible ground.

    Returns:
        (depth in metres, painting), the farthest first.
    """
    found = []
    trees = {"street": 7, "crossing": 4, "campus": 9, "square": 5, "park": 12, "car park": 6}[name]
    for _ in range(int(rng.integers(trees // 2, trees + 1))):
        spot = _draw_spot(rng, camera, name, ground, (GREEN.get(name, GRASS),))
        if spot:
            found.append((spot[1], _tree(rng, camera, light, noise, *spot)))
    for _ in range(int(rng.integers(0, 3))):
        spot = _draw_spot(rng, camera, name, ground, (PAVING, CONCRETE, GRASS))
        if spot:
            found.append((spot[1], _lamp(camera, light, *spot)))
    return sorted(found, key=lambda item: -item[0])


def _draw_spot(
    rng: np.random.Generator, camera: Camera, name: str, ground: MaterialMap, materials: tuple[int, ...]
) -> tuple[float, float] | None:
    """A random world (x, z) at the sides of the view, on one of the materials; None if none is found."""
    aside = 10.6 if name == "street" else np.inf  # walls stand at 11.5
    for _ in range(14):
        z = float(rng.uniform(10.5, min(40.0, FAR.get(name, 40.0) - 1.2)))
        x = pick(rng, (-1.0, 1.0)) * float(rng.uniform(0.4, 1.05)) * camera.half_width(z)
        column, row = _foot(camera, x, z)
        line, column = int(row) - (camera.size[0] - len(ground)), min(max(column, 0), camera.size[1] - 1)
        if abs(x) < aside and 0 <= line < len(ground) and ground[line, int(column)] in materials:
            return x, z
    return None


def _tree(rng: np.random.Generator, camera: Camera, light: Light, noise: Noise, x: float, z: float) -> Painting:
    """A trunk and a crown of leaves in clumps, dark ones behind, those to the light in front."""
    height = float(rng.uniform(4.5, 8.5))
    crown = height * float(rng.uniform(0.28, 0.36))
    stand = Stand(_foot(camera, x, z), camera.scale(z), (crown * 1.45, crown * 1.45, height * 1.12))
    bark = vary(rng, (92, 74, 58), 8)
    leaf = vary(rng, (74, 110, 52), 12)
    middle = height - crown
    layers = []
    for layer, (shade, clumps, largest) in enumerate(((0.6, 34, 0.34), (0.8, 34, 0.26), (0.98, 30, 0.2))):
        turns, reaches = rng.uniform(0, 2 * np.pi, clumps), np.sqrt(rng.random(clumps)) * (0.94 - 0.12 * layer)
        radii = rng.uniform(0.6, 1.0, clumps) * largest * (1.3 - 0.85 * reaches)
        layers.append((turns, reaches, radii, shade * rng.uniform(0.92, 1.08, clumps)))

    def paint() -> Sprite:
        brush = Brush(stand)
        brush.poly([(-0.2, 0), (0.2, 0), (0.08, height * 0.55), (-0.08, height * 0.55)], dim(bark, 0.85))
        lit = 0.08 * -light.side
        brush.poly([(lit - 0.08, 0), (lit + 0.08, 0), (0.03, height * 0.55), (-0.03, height * 0.55)], bark)
        brush.line([(0, height * 0.4), (crown * 0.5, height * 0.62)], 0.09, dim(bark, 0.9))
        for layer, clumps in enumerate(layers):
            for turn, reach, radius, tone in zip(*clumps, strict=True):
                centre = (
                    crown * (float(reach * np.cos(turn)) - light.side * 0.15 * layer),
                    middle + crown * (float(reach * np.sin(turn)) * 0.92 + 0.1 * layer),
                )
                brush.disc(centre, crown * float(radius), dim(leaf, float(tone)), squash=0.85)
        return through_air(_leafy(brush.sprite(), noise, camera.scale(z)), light, z)

    return Painting(stand.sheet(), paint)


def _leafy(sprite: Sprite, noise: Noise, scale: float) -> Sprite:
    """The sprite with lighter and darker leaves, and gaps between them (but not in the trunk)."""
    height, width = sprite.alpha.shape
    across, down = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    size = np.float32(max(0.2 * scale, 1.6))
    leaves = noise.cloud(across / size + 5, down / size + 5, 3)
    crown = int(height * 0.52)
    alpha = sprite.alpha.copy()
    alpha[:crown] *= np.clip((leaves[:crown] - 0.24) * 9, 0, 1)
    return replace(sprite, pixels=sprite.pixels * in_colours(0.5 + leaves), alpha=alpha)


def _lamp(camera: Camera, light: Light, x: float, z: float) -> Painting:
    stand = Stand(_foot(camera, x, z), camera.scale(z), (0.4, 1.6, 5.4), 1 if x < 0 else -1)

    def paint() -> Sprite:
        brush = Brush(stand)
        metal = (76, 80, 84)
        brush.line([(0, 0), (0, 5.0), (0.25, 5.2), (1.1, 5.25)], 0.1, metal)
        brush.box(-0.14, 0, 0.14, 0.5, dim(metal, 0.85))
        brush.poly([(0.9, 5.3), (1.5, 5.25), (1.5, 5.15), (0.9, 5.12)], (216, 216, 206))
        return through_air(brush.sprite(), light, z)

    return Painting(stand.sheet(), paint)


def _foot(camera: Camera, x: float, z: float) -> tuple[float, float]:
    column, row = camera.project(x, 0.0, z)
    return float(column), float(row)
