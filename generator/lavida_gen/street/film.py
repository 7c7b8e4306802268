"""A place with its actors, composed frame by frame; every part's mask is exactly what of it can be seen.

film = Film(place, actors, seed)
shot = film.shoot(1.5)      # the picture at 1.5 seconds
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lavida_gen.street.actors import ACTS, FRONTS, KINDS, Actor
from lavida_gen.street.light import Light, aired
from lavida_gen.street.paint import Brush, Floats, Sprite
from lavida_gen.street.place import Place

NOBODY = -1


@dataclass(frozen=True, slots=True)
class Shot:
    """pixels uint8 RGB (H, W, 3); owner int16 (H, W): number of the part that is seen there, NOBODY elsewhere.

    Parts are numbered through all actors in order: `Film.parts[n]` says whose and what.
    """

    pixels: NDArray[np.uint8]
    owner: NDArray[np.int16]

    def mask(self, part: int) -> NDArray[np.bool_]:
        """What is seen of a part, bool (H, W)."""
        return np.asarray(self.owner == part)


class Film:
    """A fixed camera on a place. `shoot(t)` is a pure function of the place, the actors, the seed and t."""

    def __init__(self, place: Place, actors: Sequence[Actor], seed: int = 0, grain: float = 2.0) -> None:
        self.place, self.actors, self._seed = place, tuple(actors), seed
        self.parts = [(n, at) for n, actor in enumerate(self.actors) for at in range(len(ACTS[actor.act].parts))]
        """(number of the actor, number of its part) for each part."""
        self._first = np.cumsum([0, *(len(ACTS[a.act].parts) for a in self.actors)])
        self._background = place.ground.copy()
        self._shade = np.zeros(place.camera.size, np.float32)
        for z, sprite in place.scenery:
            _shade(self._background, self._shade, sprite, _foot_row(place, z), place)
        height, width = place.camera.size
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        self._vignette = (1 - 0.16 * np.clip(x**2 + y**2 - 0.35, 0, None) / 1.65).astype(np.float32)[:, :, None]
        rng = np.random.Generator(np.random.PCG64(seed))
        noise = rng.standard_normal((height + 61, width + 67), np.float32)
        self._grain = (noise * np.float32(grain))[:, :, None]

    def kind(self, part: int) -> str:
        """Name of the kind of a part."""
        actor, at = self.parts[part]
        return ACTS[self.actors[actor].act].parts[at][0]

    def shoot(self, time: float) -> Shot:
        """The picture at a time in seconds."""
        place = self.place
        canvas, shade = self._background.copy(), self._shade.copy()
        owner = np.full(place.camera.size, NOBODY, np.int16)
        layers: list[tuple[float, int, list[tuple[int, Sprite]]]] = [
            (z, -1, [(NOBODY, sprite)]) for z, sprite in place.scenery
        ]
        for number, actor in enumerate(self.actors):
            if actor.seen[0] <= time < actor.seen[1]:
                z = actor.place(time)[2]
                if z > 1.0:
                    layers.append((z, number, self._drawn(number, time)))
        for z, number, sprites in layers:
            for _, sprite in sprites if number >= 0 else ():
                _shade(canvas, shade, sprite, _foot_row(place, z), place)
        for _, _, sprites in sorted(layers, key=lambda layer: (-layer[0], layer[1])):
            for part, sprite in sprites:
                _lay(canvas, owner, sprite, part)
        return Shot(self._developed(canvas, time), owner)

    def _drawn(self, number: int, time: float) -> list[tuple[int, Sprite]]:
        actor, place = self.actors[number], self.place
        act, camera = ACTS[actor.act], place.camera
        x, y, z = actor.place(time)
        pose, scale, facing = actor.pose(time), camera.scale(z) * actor.size, actor.facing()
        found = []
        for at, ((kind, shift), look) in enumerate(zip(act.parts, actor.looks, strict=True)):
            draw, extent = KINDS[kind].draw, act.extent
            if actor.head_on and kind in FRONTS:
                draw, extent = FRONTS[kind]
                facing = -1 if actor.pace[1] > 0 else 1
            foot = camera.project(x + facing * shift * actor.size, y, z)
            lifted = foot[1] - (
                0.12 * scale if kind == "person" and act.pose in ("balance", "steer") and len(act.parts) > 1 else 0
            )
            brush = Brush((float(foot[0]), float(lifted)), scale, extent, facing)
            draw(brush, look, pose)
            found.append((int(self._first[number]) + at, _lit(brush.sprite(), place.light, z)))
        return found

    def _developed(self, canvas: Floats, time: float) -> NDArray[np.uint8]:
        """Lens and sensor: darker corners, grain that differs from frame to frame. The canvas is used up."""
        height, width = canvas.shape[:2]
        frame = round(time * 1000)
        down, right = (self._seed * 7 + frame * 13) % 61, (self._seed * 3 + frame * 29) % 67
        grain = self._grain[down : down + height, right : right + width]
        canvas *= self._vignette
        canvas += grain
        return np.clip(canvas, 0, 255, out=canvas).astype(np.uint8)


def _foot_row(place: Place, z: float) -> float:
    return float(place.camera.project(0.0, 0.0, z)[1])


def _lit(sprite: Sprite, light: Light, z: float) -> Sprite:
    """The side to the light is brighter, what is low is darker; then the air before it."""
    height, width = sprite.alpha.shape
    across = np.linspace(-1, 1, width, dtype=np.float32)[None, :, None] * light.side * (0.06 + 0.1 * light.strength)
    down = np.linspace(1.06, 0.9, height, dtype=np.float32)[:, None, None]
    sprite.pixels = sprite.pixels * ((1 + across) * down * np.float32(0.86 + 0.18 * light.strength))
    return aired(sprite, light, z)


def _window(
    shape: tuple[int, ...], left: int, top: int, width: int, height: int
) -> tuple[slice, slice, slice, slice] | None:
    """Rows and columns of a canvas that a piece covers, and those of the piece; None if they do not meet."""
    y0, y1, x0, x1 = max(top, 0), min(top + height, shape[0]), max(left, 0), min(left + width, shape[1])
    if y0 >= y1 or x0 >= x1:
        return None
    return slice(y0, y1), slice(x0, x1), slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)


def _lay(canvas: Floats, owner: NDArray[np.int16], sprite: Sprite, part: int) -> None:
    """Put a sprite over the canvas; where it covers more than half of a pixel, the pixel is its own."""
    window = _window(canvas.shape, sprite.left, sprite.top, sprite.alpha.shape[1], sprite.alpha.shape[0])
    if window is None:
        return
    y, x, sy, sx = window
    alpha = sprite.alpha[sy, sx]
    canvas[y, x] += (sprite.pixels[sy, sx] - canvas[y, x]) * alpha[:, :, None]
    owner[y, x][alpha > 0.5] = part


def _shade(canvas: Floats, shade: Floats, sprite: Sprite, foot: float, place: Place) -> None:
    """A thing's shadow on the ground: its outline laid down away from the light, soft.

    `shade` (H, W) is how dark the canvas already is, 0..1: one shadow in another makes no third.
    """
    height, width = sprite.alpha.shape
    light = place.light
    squash, shear = 0.3, -0.62 * light.side
    base = foot - sprite.top
    tall = int(np.ceil(height * squash)) + 8
    reach = int(np.ceil(abs(shear) * height)) + 8
    # sheet (x, y) -> shadow: up by squash, aside by shear; the foot line stays where it is
    matrix = np.array([[1, -shear, reach + shear * base], [0, squash, tall - squash * base - 4]], np.float32)
    size = (width + 2 * reach, tall + 6)
    shadow = cv2.warpAffine(sprite.alpha, matrix, size, flags=cv2.INTER_LINEAR)
    blur = max(0.7, height * 0.012)
    shadow = cv2.GaussianBlur(shadow, (0, 0), blur) * np.float32(0.12 + 0.4 * light.strength)
    top = round(foot) - tall + 4
    window = _window(canvas.shape, sprite.left - reach, top, size[0], size[1])
    if window is None:
        return
    y, x, sy, sx = window
    limit = int(np.ceil(place.back)) + 1
    if y.start < limit:
        cut = min(limit, y.stop) - y.start
        y, sy = slice(y.start + cut, y.stop), slice(sy.start + cut, sy.stop)
    darker = np.maximum(shadow[sy, sx], shade[y, x])
    canvas[y, x] *= ((1 - darker) / (1 - shade[y, x]))[:, :, None]
    shade[y, x] = darker
