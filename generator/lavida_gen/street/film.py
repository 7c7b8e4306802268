"""A place with its actors, composed frame by frame; every part's mask is exactly what is visible of it.

    film = Film(place, actors, seed)
    frame = film.render(1.5)      # the picture at 1.5 seconds

Letters: H W pixels, h w pixels of a sprite.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from lavida_gen.street.actors import Actor
from lavida_gen.street.acts import ACTS, FRONTS, KINDS
from lavida_gen.street.light import Light, through_air
from lavida_gen.street.paint import Brush, Floats, Sprite
from lavida_gen.street.place import Place

NOBODY = -1
"""Owner of pixels that show no part."""
MIN_DEPTH = 1.0
"""Metres: actors nearer to the camera are not rendered."""
BOARD_HEIGHT = 0.12
"""Metres by which a board lifts the person on it."""


@dataclass(frozen=True, slots=True)
class RenderedFrame:
    """A picture and its masks.

    Parts are numbered through all actors in order: `Film.parts[n]` holds the actor and its part.

    Attributes:
        pixels: uint8 RGB (H, W, 3).
        owner: Number of the part that is visible in each pixel, NOBODY elsewhere; int16 (H, W).
    """

    pixels: NDArray[np.uint8]
    owner: NDArray[np.int16]

    def mask(self, part: int) -> NDArray[np.bool_]:
        """Get the mask of a part.

        Args:
            part: Number of the part.

        Returns:
            What is visible of it, bool (H, W).
        """
        return np.asarray(self.owner == part)


class _Layer(NamedTuple):
    """What stands at a depth: scenery (actor NOBODY) or an actor, with a sprite for each part."""

    depth: float
    actor: int
    sprites: list[tuple[int, Sprite]]


class Film:
    """A fixed camera on a place. `render(t)` is a pure function of the place, the actors, the seed and t.

    Attributes:
        place: The place.
        actors: The actors.
        parts: For each part the number of its actor, and its number among the actor's parts.
    """

    def __init__(self, place: Place, actors: Sequence[Actor], seed: int = 0, grain: float = 2.0) -> None:
        """Render the background.

        Args:
            place: The place.
            actors: The actors; their order has no meaning.
            seed: Seed of the camera's noise.
            grain: Standard deviation of the noise in grey levels.
        """
        self.place, self.actors, self._seed = place, tuple(actors), seed
        counts = [len(ACTS[actor.act].parts) for actor in self.actors]
        self.parts = [(actor, number) for actor, count in enumerate(counts) for number in range(count)]
        self._first_part = np.cumsum([0, *counts])
        self._background = place.ground.copy()
        self._shade = np.zeros(place.camera.size, np.float32)
        for z, sprite in place.scenery:
            _cast_shadow(self._background, self._shade, sprite, _foot_row(place, z), place)
        height, width = place.camera.size
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        self._vignette = (1 - 0.16 * np.clip(x**2 + y**2 - 0.35, 0, None) / 1.65).astype(np.float32)[:, :, None]
        rng = np.random.Generator(np.random.PCG64(seed))
        noise = rng.standard_normal((height + 61, width + 67), np.float32)
        self._grain = (noise * np.float32(grain))[:, :, None]

    def kind(self, part: int) -> str:
        """Look up the kind of a part.

        Args:
            part: Number of the part.

        Returns:
            The name of its kind.
        """
        actor, number = self.parts[part]
        return ACTS[self.actors[actor].act].parts[number][0]

    def render(self, time: float) -> RenderedFrame:
        """Render the picture at a time.

        Args:
            time: Seconds.

        Returns:
            The picture with its masks.
        """
        place = self.place
        canvas, shade = self._background.copy(), self._shade.copy()
        owner = np.full(place.camera.size, NOBODY, np.int16)
        actors = list(self._actor_layers(time))
        for depth, _, sprites in actors:
            for _, sprite in sprites:
                _cast_shadow(canvas, shade, sprite, _foot_row(place, depth), place)
        scenery = [_Layer(depth, NOBODY, [(NOBODY, sprite)]) for depth, sprite in place.scenery]
        for layer in sorted([*scenery, *actors], key=lambda layer: (-layer.depth, layer.actor)):
            for part, sprite in layer.sprites:
                _compose(canvas, owner, sprite, part)
        return RenderedFrame(self._through_lens(canvas, time), owner)

    def _actor_layers(self, time: float) -> Iterator[_Layer]:
        for number, actor in enumerate(self.actors):
            if actor.visible[0] <= time < actor.visible[1]:
                depth = actor.position(time)[2]
                if depth > MIN_DEPTH:
                    yield _Layer(depth, number, self._sprites(number, time))

    def _sprites(self, number: int, time: float) -> list[tuple[int, Sprite]]:
        """Number and sprite of each part of an actor."""
        actor, place = self.actors[number], self.place
        act, camera = ACTS[actor.act], place.camera
        x, y, z = actor.position(time)
        pose, scale, facing = actor.pose(time), camera.scale(z) * actor.size, actor.facing()
        on_board = act.pose in ("balance", "steer") and len(act.parts) > 1
        found = []
        for part, ((kind, shift), appearance) in enumerate(zip(act.parts, actor.appearances, strict=True)):
            paint, extent = KINDS[kind].paint, act.extent
            if actor.head_on and kind in FRONTS:
                paint, extent = FRONTS[kind]
                facing = -1 if actor.pace[1] > 0 else 1
            column, row = camera.project(x + facing * shift * actor.size, y, z)
            if kind == "person" and on_board:
                row -= BOARD_HEIGHT * scale
            brush = Brush((float(column), float(row)), scale, extent, facing)
            paint(brush, appearance, pose)
            found.append((int(self._first_part[number]) + part, _lit(brush.sprite(), place.light, z)))
        return found

    def _through_lens(self, canvas: Floats, time: float) -> NDArray[np.uint8]:
        """Lens and sensor: darker corners, noise that differs from frame to frame."""
        height, width = canvas.shape[:2]
        frame = round(time * 1000)
        down, right = (self._seed * 7 + frame * 13) % 61, (self._seed * 3 + frame * 29) % 67
        exposed = canvas * self._vignette
        exposed += self._grain[down : down + height, right : right + width]
        pixels: NDArray[np.uint8] = np.clip(exposed, 0, 255, out=exposed).astype(np.uint8)
        return pixels


def _foot_row(place: Place, z: float) -> float:
    return float(place.camera.project(0.0, 0.0, z)[1])


def _lit(sprite: Sprite, light: Light, z: float) -> Sprite:
    """The sprite with a brighter side towards the light and a darker lower end, seen through the air."""
    height, width = sprite.alpha.shape
    across = np.linspace(-1, 1, width, dtype=np.float32)[None, :, None] * light.side * (0.06 + 0.1 * light.strength)
    down = np.linspace(1.06, 0.9, height, dtype=np.float32)[:, None, None]
    pixels = sprite.pixels * ((1 + across) * down * np.float32(0.86 + 0.18 * light.strength))
    return through_air(replace(sprite, pixels=pixels), light, z)


def _window(
    shape: tuple[int, ...], left: int, top: int, width: int, height: int
) -> tuple[slice, slice, slice, slice] | None:
    """Rows and columns of the canvas where a piece lies, then those of the piece; None if they do not overlap."""
    y0, y1, x0, x1 = max(top, 0), min(top + height, shape[0]), max(left, 0), min(left + width, shape[1])
    if y0 >= y1 or x0 >= x1:
        return None
    return slice(y0, y1), slice(x0, x1), slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)


def _compose(canvas: Floats, owner: NDArray[np.int16], sprite: Sprite, part: int) -> None:
    """Compose a sprite over the canvas, in place; its part owns the pixels that it covers by more than half."""
    window = _window(canvas.shape, sprite.left, sprite.top, sprite.alpha.shape[1], sprite.alpha.shape[0])
    if window is None:
        return
    y, x, sy, sx = window
    alpha = sprite.alpha[sy, sx]
    canvas[y, x] += (sprite.pixels[sy, sx] - canvas[y, x]) * alpha[:, :, None]
    owner[y, x][alpha > 0.5] = part


def _cast_shadow(canvas: Floats, shade: Floats, sprite: Sprite, foot: float, place: Place) -> None:
    """Cast the soft shadow of a sprite on the ground of the canvas, in place: its outline, sheared away from the light.

    `shade` (H, W) is how dark each pixel of the canvas is, 0..1, and is updated: overlapping shadows do not add up.
    """
    height, width = sprite.alpha.shape
    light = place.light
    squash, shear = 0.3, -0.62 * light.side
    base = foot - sprite.top
    tall = int(np.ceil(height * squash)) + 8
    reach = int(np.ceil(abs(shear) * height)) + 8
    # sprite (x, y) -> shadow: scaled by squash, moved sideways by shear; the foot line stays where it is
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
