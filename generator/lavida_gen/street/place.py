"""The still background of a view: sky, buildings, ground, and the trees and lamps that stand on it.

Five types of places; each says where people walk and where things drive. Everything follows from one rng.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lavida_gen.street.camera import Camera
from lavida_gen.street.paint import Brush, Colour, Floats, Noise, Sprite, dim, mix, vary

GRASS, ASPHALT, PAVING, CONCRETE, LINE, GRAVEL = range(6)
MATERIALS: dict[int, Colour] = {
    GRASS: (96, 124, 62),
    ASPHALT: (98, 98, 102),
    PAVING: (168, 160, 148),
    CONCRETE: (184, 182, 176),
    LINE: (222, 222, 214),
    GRAVEL: (176, 156, 124),
}
FACADES: tuple[Colour, ...] = (
    (186, 120, 92), (206, 190, 164), (160, 160, 158), (214, 206, 190), (142, 104, 86), (176, 182, 190), (198, 166, 122),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Strip:
    """Ground where something moves: world X from left to right, Z from near to far (metres)."""

    left: float
    right: float
    near: float
    far: float


@dataclass(frozen=True, slots=True)
class Light:
    """side: -1 light comes from the left, 1 from the right; strength 0 (overcast) .. 1 (sun); colour of the air."""

    side: int
    strength: float
    air: Colour


@dataclass(frozen=True, slots=True)
class Place:
    """A view without anybody in it.

    ground is float32 RGB (H, W, 3) without anything that stands on it; `back` the row in which walls close the view
    (shadows end there); scenery by depth, far first; walk and drive: where who moves.
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
        """Whether a point of the ground lies where traffic is, or within a metre of it."""
        strip = self.drive
        along = self.name == "street" or strip.near - 2 < z < strip.far + 2
        return self.name in ROADS and along and strip.left - 2 < x < strip.right + 2


Map = NDArray[np.int64]
Layout = Callable[[np.random.Generator, Floats, Floats], tuple[Map, Strip, Strip]]


def _street(rng: np.random.Generator, x: Floats, z: Floats) -> tuple[Map, Strip, Strip]:
    """A road that runs away from the camera, pavements left and right."""
    centre, half = float(rng.uniform(-4, 4)), float(rng.uniform(3.0, 4.2))
    off = np.abs(x - centre)
    ground = np.where(off < half, ASPHALT, PAVING)
    ground[(off >= half) & (off < half + 0.25)] = CONCRETE
    ground[(off < 0.08) & (np.mod(z, 6) < 3)] = LINE
    zebra = float(rng.uniform(9, 16))
    ground[(off < half - 0.2) & (np.abs(z - zebra) < 1.6) & (np.mod(x - centre, 1.0) < 0.5)] = LINE
    return ground, Strip(-9.3, 9.3, 5, 30), Strip(centre - half + 1, centre + half - 1, 8, 40)


def _crossing(rng: np.random.Generator, x: Floats, z: Floats) -> tuple[Map, Strip, Strip]:
    """A road from left to right, pavements before and behind it."""
    near = float(rng.uniform(8.5, 11))
    far = near + float(rng.uniform(6, 7.5))
    ground = np.where((z > near) & (z < far), ASPHALT, PAVING)
    ground[((z > near - 0.3) & (z <= near)) | ((z >= far) & (z < far + 0.35))] = CONCRETE
    ground[(np.abs(z - (near + far) / 2) < 0.08) & (np.mod(x, 5) < 2.5)] = LINE
    seen_before = float(z.min()) * 1.25 < near - 0.6
    walk = Strip(-9, 9, 4.5, near - 0.6) if seen_before else Strip(-12, 12, far + 0.6, FAR["crossing"] - 0.8)
    return ground, walk, Strip(-16, 16, near + 1, far - 1)


def _campus(rng: np.random.Generator, x: Floats, z: Floats) -> tuple[Map, Strip, Strip]:
    """Lawns with a wide paved walk."""
    slope, centre, half = float(rng.uniform(-0.25, 0.25)), float(rng.uniform(-2, 2)), float(rng.uniform(2.6, 4.0))
    off = np.abs(x - centre - slope * (z - 8))
    ground = np.where(off < half, PAVING, GRASS)
    ground[(off >= half) & (off < half + 0.2)] = CONCRETE
    across = float(rng.uniform(14, 20))
    ground[np.abs(z - across) < 1.7] = PAVING
    return ground, Strip(centre - half + 0.4, centre + half - 0.4, 5, 26), Strip(-12, 12, across - 1.4, across + 1.4)


def _square(rng: np.random.Generator, x: Floats, z: Floats) -> tuple[Map, Strip, Strip]:
    """A paved square with bands of another stone."""
    ground = np.full(x.shape, PAVING)
    pitch = float(rng.uniform(4, 6))
    ground[(np.mod(x + 1.3, pitch) < 0.45) | (np.mod(z, pitch) < 0.45)] = CONCRETE
    return ground, Strip(-10, 10, 5, 28), Strip(-12, 12, 9, 24)


def _park(rng: np.random.Generator, x: Floats, z: Floats) -> tuple[Map, Strip, Strip]:
    """Grass with a winding gravel path."""
    bend, swing = float(rng.uniform(9, 16)), float(rng.uniform(0.6, 2.2))
    centre = swing * np.sin(z / bend * np.pi)
    ground = np.where(np.abs(x - centre) < float(rng.uniform(1.6, 2.3)), GRAVEL, GRASS)
    return ground, Strip(-6, 6, 5, 24), Strip(-9, 9, 8, 22)


def _car_park(rng: np.random.Generator, x: Floats, z: Floats) -> tuple[Map, Strip, Strip]:
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
"""Places whose drive is a road with kerbs."""

GREEN = {"street": PAVING, "crossing": PAVING, "square": PAVING}
"""What trees of a place stand on, where it is not grass."""


FAR = {"street": 48.0, "crossing": 21.0, "square": 31.0, "campus": 34.0, "car park": 26.0}
"""Metres to the buildings that close the view of a place, where there are any."""


def build(rng: np.random.Generator, name: str, camera: Camera) -> Place:
    """A place of a type, as its rng makes it."""
    noise = Noise(rng)
    light = Light(int(rng.choice([-1, 1])), float(rng.choice([0.25, 0.6, 0.9, 1.0])), (0, 0, 0))
    sky, air = _sky(rng, camera, noise, light)
    light = Light(light.side, light.strength, air)
    x, z, seen = camera.ground()
    first = int(np.argmax(seen[:, 0]))
    x, z = x[first:], z[first:]
    ground, walk, drive = LAYOUTS[name](rng, x, z)
    if name in FAR:
        ground[z > FAR[name] + 2.6] = GRASS  # behind the buildings
    canvas = np.concatenate((sky[:first], _ground(rng, ground, x, z, camera, noise, light)))
    _horizon(rng, canvas, camera, light, name, noise)
    scenery = _scenery(rng, camera, light, name, noise, ground)
    back = float(camera.project(0.0, 0.0, FAR.get(name, 75.0))[1])
    return Place(name, camera, canvas, back, light, tuple(scenery), walk, drive)


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
    rng: np.random.Generator, ground: Map, x: Floats, z: Floats, camera: Camera, noise: Noise, light: Light
) -> Floats:
    """Materials with texture in world coordinates, fading into the air with depth."""
    table = np.array([vary(rng, MATERIALS[m], 7) for m in range(len(MATERIALS))], np.float32)
    colours = table[ground]
    coarse = noise.cloud(x * 0.6 + 40, z * 0.6 + 40, 3) - 0.5
    fine = noise(x * 11 + 9, z * 11 + 9) - 0.5
    pixel = z / camera.focal  # metres a pixel is wide: what is finer can not be seen
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


def _horizon(rng: np.random.Generator, canvas: Floats, camera: Camera, light: Light, name: str, noise: Noise) -> None:
    """What closes the view: hills or a tree line, and buildings before them."""
    _tree_line(canvas, camera, light, noise)
    if name in FAR:
        far = FAR[name]
        half = camera.half_width(far)
        left = -half - float(rng.uniform(0, 6))
        while left < half:
            width = float(rng.uniform(8, 18))
            if name in ("street", "crossing", "square") or rng.random() < 0.6:
                _facade(rng, canvas, camera, light, (left, far + float(rng.uniform(-0.5, 2.5))), width)
            left += width + float(rng.choice([0.0, 0.0, 2.5]))
    if name == "street":
        for side in (-1, 1):
            at = 13.0
            while at < 46:
                length = float(rng.uniform(7, 12))
                _side_wall(rng, canvas, camera, light, side * float(rng.uniform(11.5, 12.5)), (at, at + length))
                at += length


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


def _facade(
    rng: np.random.Generator, canvas: Floats, camera: Camera, light: Light, corner: tuple[float, float], width: float
) -> None:
    """A building seen from the front: wall, rows of windows, a darker ground floor, a roof edge."""
    left, z = corner
    floors, storey = int(rng.integers(2, 6)), float(rng.uniform(2.9, 3.5))
    wall = mix(vary(rng, FACADES[rng.integers(len(FACADES))], 8), light.air, 0.18)
    top = floors * storey + 0.6

    def quad(x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
        _fill(canvas, camera, [(x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)], colour)

    quad(left, 0, left + width, top, wall)
    quad(left, 0, left + width, 0.5, dim(wall, 0.7))
    quad(left, top - 0.35, left + width, top, dim(wall, 0.8))
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
                quad(x0, 0, x0 + wide, 2.3, dim(wall, 0.45))
                continue
            quad(x0 - 0.1, y0 - 0.12, x0 + wide + 0.1, y0 + 1.62, dim(wall, 1.12))
            quad(x0, y0, x0 + wide, y0 + 1.5, mix(glass, (236, 214, 150), 0.6) if lit else vary(rng, glass, 9))
            quad(x0, y0 + 0.9, x0 + wide, y0 + 1.5, mix(glass, light.air, 0.35))


def _side_wall(
    rng: np.random.Generator, canvas: Floats, camera: Camera, light: Light, x: float, reach: tuple[float, float]
) -> None:
    """A building along the road, seen in perspective."""
    floors, storey = int(rng.integers(2, 5)), float(rng.uniform(2.9, 3.4))
    lit = 1.0 if np.sign(x) != light.side else 0.74
    wall = dim(mix(vary(rng, FACADES[rng.integers(len(FACADES))], 8), light.air, 0.12), lit)
    near, far = reach

    def quad(z0: float, y0: float, z1: float, y1: float, colour: Colour) -> None:
        _fill(canvas, camera, [(x, y0, z0), (x, y0, z1), (x, y1, z1), (x, y1, z0)], colour)

    quad(near, 0, far, floors * storey + 0.5, wall)
    quad(near, 0, far, 0.5, dim(wall, 0.7))
    glass = dim(mix((66, 82, 100), light.air, 0.2), lit)
    for floor in range(floors):
        for z0 in np.arange(near + 0.8, far - 1.4, 2.6):
            y0 = floor * storey + 0.95
            quad(z0 - 0.1, y0 - 0.1, z0 + 1.4, y0 + 1.6, dim(wall, 1.12))
            quad(float(z0), y0, z0 + 1.3, y0 + 1.5, vary(rng, glass, 8))


def _fill(canvas: Floats, camera: Camera, corners: list[tuple[float, float, float]], colour: Colour) -> None:
    """A flat polygon of the world, smooth at its edges."""
    points = np.array([camera.project(*corner) for corner in corners])
    fixed = np.clip(points * 16, -(2**20), 2**20).round().astype(np.int32)
    cv2.fillPoly(canvas, [fixed], colour, cv2.LINE_8, 4)


def _scenery(
    rng: np.random.Generator, camera: Camera, light: Light, name: str, noise: Noise, ground: Map
) -> list[tuple[float, Sprite]]:
    """Trees and lamps where they may stand: on the right ground, before the walls; far ones first."""
    found = []
    trees = {"street": 7, "crossing": 4, "campus": 9, "square": 5, "park": 12, "car park": 6}[name]
    for _ in range(int(rng.integers(trees // 2, trees + 1))):
        at = _spot(rng, camera, name, ground, (GREEN.get(name, GRASS),))
        if at:
            found.append((at[1], _tree(rng, camera, light, noise, *at)))
    for _ in range(int(rng.integers(0, 3))):
        at = _spot(rng, camera, name, ground, (PAVING, CONCRETE, GRASS))
        if at:
            found.append((at[1], _lamp(camera, light, *at)))
    return sorted(found, key=lambda one: -one[0])


def _spot(
    rng: np.random.Generator, camera: Camera, name: str, ground: Map, materials: tuple[int, ...]
) -> tuple[float, float] | None:
    """World (x, z) at the sides of the view, on one of the materials; None if none is found."""
    aside = 10.6 if name == "street" else np.inf  # walls stand at 11.5
    for _ in range(14):
        z = float(rng.uniform(10.5, min(40.0, FAR.get(name, 40.0) - 1.2)))
        x = float(rng.choice([-1, 1])) * float(rng.uniform(0.4, 1.05)) * camera.half_width(z)
        column, row = _foot(camera, x, z)
        line, column = int(row) - (camera.size[0] - len(ground)), min(max(column, 0), camera.size[1] - 1)
        if abs(x) < aside and 0 <= line < len(ground) and ground[line, int(column)] in materials:
            return x, z
    return None


def _tree(rng: np.random.Generator, camera: Camera, light: Light, noise: Noise, x: float, z: float) -> Sprite:
    """A trunk and a crown of leaves in clumps, dark ones behind, those to the light in front."""
    height = float(rng.uniform(4.5, 8.5))
    crown = height * float(rng.uniform(0.28, 0.36))
    brush = Brush(_foot(camera, x, z), camera.scale(z), (crown * 1.45, crown * 1.45, height * 1.12))
    bark = vary(rng, (92, 74, 58), 8)
    brush.poly([(-0.2, 0), (0.2, 0), (0.08, height * 0.55), (-0.08, height * 0.55)], dim(bark, 0.85))
    lit = 0.08 * -light.side
    brush.poly([(lit - 0.08, 0), (lit + 0.08, 0), (0.03, height * 0.55), (-0.03, height * 0.55)], bark)
    brush.line([(0, height * 0.4), (crown * 0.5, height * 0.62)], 0.09, dim(bark, 0.9))
    leaf = vary(rng, (74, 110, 52), 12)
    middle = height - crown
    for layer, (shade, clumps, largest) in enumerate(((0.6, 34, 0.34), (0.8, 34, 0.26), (0.98, 30, 0.2))):
        turns, reaches = rng.uniform(0, 2 * np.pi, clumps), np.sqrt(rng.random(clumps)) * (0.94 - 0.12 * layer)
        radii = rng.uniform(0.6, 1.0, clumps) * largest * (1.3 - 0.85 * reaches)
        shades = shade * rng.uniform(0.92, 1.08, clumps)
        for turn, reach, radius, tone in zip(turns, reaches, radii, shades, strict=True):
            at = (
                crown * (float(reach * np.cos(turn)) - light.side * 0.15 * layer),
                middle + crown * (float(reach * np.sin(turn)) * 0.92 + 0.1 * layer),
            )
            brush.disc(at, crown * float(radius), dim(leaf, float(tone)), squash=0.85)
    return aired(_leafy(brush.sprite(), noise, camera.scale(z)), light, z)


def _leafy(sprite: Sprite, noise: Noise, scale: float) -> Sprite:
    """Leaves lighter and darker, and gaps through which one sees what is behind (not through the trunk)."""
    height, width = sprite.alpha.shape
    across, down = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    size = np.float32(max(0.2 * scale, 1.6))
    leaves = noise.cloud(across / size + 5, down / size + 5, 3)
    sprite.pixels = sprite.pixels * (0.5 + leaves)[:, :, None]
    crown = int(height * 0.52)
    sprite.alpha[:crown] *= np.clip((leaves[:crown] - 0.24) * 9, 0, 1)
    return sprite


def _lamp(camera: Camera, light: Light, x: float, z: float) -> Sprite:
    brush = Brush(_foot(camera, x, z), camera.scale(z), (0.4, 1.6, 5.4), 1 if x < 0 else -1)
    metal = (76, 80, 84)
    brush.line([(0, 0), (0, 5.0), (0.25, 5.2), (1.1, 5.25)], 0.1, metal)
    brush.box(-0.14, 0, 0.14, 0.5, dim(metal, 0.85))
    brush.poly([(0.9, 5.3), (1.5, 5.25), (1.5, 5.15), (0.9, 5.12)], (216, 216, 206))
    return aired(brush.sprite(), light, z)


def _foot(camera: Camera, x: float, z: float) -> tuple[float, float]:
    at = camera.project(x, 0.0, z)
    return float(at[0]), float(at[1])


def aired(sprite: Sprite, light: Light, z: float) -> Sprite:
    """The further away, the more of the air's colour."""
    haze = np.float32(1 - np.exp(-z / 130))
    sprite.pixels = sprite.pixels * (1 - haze) + np.asarray(light.air, np.float32) * haze
    return sprite
