"""A place with its actors, composed frame by frame; every part's mask is exactly what is visible of it.

    film = Film(place, actors, seed)
    frame = film.render(1.5)      # the picture at 1.5 seconds

Letters: H W pixels, h w pixels of a sprite.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache, partial
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from lavida_gen.street.actors import Actor
from lavida_gen.street.acts import ACTS, FRONTS, KINDS
from lavida_gen.street.figures import Appearance, Pose
from lavida_gen.street.light import Light, through_air
from lavida_gen.street.paint import Brush, Floats, Painting, Sheet, Shrunk, Sprite, Stand, in_colours
from lavida_gen.street.place import Place
from lavida_gen.street.things import Painter

NOBODY = -1
"""Owner of pixels that show no part."""
MIN_DEPTH = 1.0
"""Metres: actors nearer to the camera are not rendered."""
BOARD_HEIGHT = 0.12
"""Metres by which a board lifts the person on it."""


class LazyPicture:
    """A picture that is painted when somebody looks at it; then its sprites, many times as large, are given up."""

    def __init__(self, paint: Callable[[], NDArray[np.uint8]]) -> None:
        """Keep how to paint it."""
        self._paint = paint

    def __call__(self) -> NDArray[np.uint8]:
        """The picture.

        Returns:
            uint8 RGB (H, W, 3), the same array each time.
        """
        pixels = self._paint()
        self._paint = lambda: pixels
        return pixels


class RenderedFrame(NamedTuple):
    """A picture and its masks, which need little of it to be painted.

    Parts are numbered through all actors in order: `Film.parts[n]` holds the actor and its part.

    Attributes:
        owner: Number of the part that is visible in each pixel, NOBODY elsewhere; int16 (H, W).
        picture: The picture.
    """

    owner: NDArray[np.int16]
    picture: LazyPicture

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The picture, uint8 RGB (H, W, 3)."""
        return self.picture()

    def mask(self, part: int) -> NDArray[np.bool_]:
        """Get the mask of a part.

        Args:
            part: Number of the part.

        Returns:
            What is visible of it, bool (H, W).
        """
        return np.asarray(self.owner == part)


class _Layer(NamedTuple):
    """What stands at a depth: scenery (actor NOBODY) or an actor, with a painting for each part."""

    depth: float
    actor: int
    parts: list[tuple[int, Painting]]


class Film:
    """A fixed camera on a place. `render(t)` is a pure function of the place, the actors, the seed and t.

    Attributes:
        place: The place.
        actors: The actors.
        parts: For each part the number of its actor, and its number among the actor's parts.
    """

    def __init__(self, place: Place, actors: Sequence[Actor], seed: int = 0, grain: float = 2.0) -> None:
        """Number the parts.

        Args:
            place: The place.
            actors: The actors; their order has no meaning.
            seed: Seed of the camera's noise.
            grain: Standard deviation of the noise in grey levels.
        """
        self.place, self.actors, self._seed, self._deviation = place, tuple(actors), seed, grain
        counts = [len(ACTS[actor.act].parts) for actor in self.actors]
        self.parts = [(actor, number) for actor, count in enumerate(counts) for number in range(count)]
        self._first_part = np.cumsum([0, *counts])

    @cached_property
    def _background(self) -> tuple[Floats, Floats]:
        """The ground with the shadows of the scenery, float32 RGB (H, W, 3), and how dark these are, (H, W)."""
        canvas, shade = self.place.paint(), np.zeros(self.place.camera.size, np.float32)
        for z, painting in self.place.scenery:
            _cast_shadow(canvas, shade, painting.sprite, _foot_row(self.place, z), self.place)
        return canvas, shade

    @cached_property
    def _grain(self) -> Floats:
        """The noise of the sensor, larger than the picture, float32 (h, w)."""
        height, width = self.place.camera.size
        rng = np.random.Generator(np.random.PCG64(self._seed))
        return rng.standard_normal((height + 61, width + 67), np.float32) * np.float32(self._deviation)

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
        actors = list(self._actor_layers(time))
        return RenderedFrame(self._owner(actors), LazyPicture(partial(self._picture, actors, time)))

    def _owner(self, actors: Sequence[_Layer]) -> NDArray[np.int16]:
        """Whose each pixel is: a part owns what it covers by more than half, scenery hides what it covers so."""
        owner = np.full(self.place.camera.size, NOBODY, np.int16)
        for layer in self._by_depth(actors):
            for part, painting in layer.parts:
                window = _window(owner.shape, painting.sheet)
                if window is None:
                    continue
                y, x, sy, sx = window
                if part != NOBODY or (owner[y, x] != NOBODY).any():  # scenery that hides nobody need not be painted
                    owner[y, x][painting.alpha[sy, sx] > 0.5] = part
        return owner

    def _picture(self, actors: Sequence[_Layer], time: float) -> NDArray[np.uint8]:
        """The picture, uint8 RGB (H, W, 3)."""
        place = self.place
        canvas, shade = (plane.copy() for plane in self._background)
        sprites = {part: painting.sprite for layer in actors for part, painting in layer.parts}
        for layer in actors:
            for part, _ in layer.parts:
                _cast_shadow(canvas, shade, sprites[part], _foot_row(place, layer.depth), place)
        for layer in self._by_depth(actors):
            for part, painting in layer.parts:
                is_actor = part != NOBODY
                _compose(canvas, _lit(sprites[part], place.light, layer.depth) if is_actor else painting.sprite)
        return self._through_lens(canvas, time)

    def _by_depth(self, actors: Sequence[_Layer]) -> list[_Layer]:
        """Scenery and actors, the farthest first."""
        scenery = [_Layer(depth, NOBODY, [(NOBODY, painting)]) for depth, painting in self.place.scenery]
        return sorted([*scenery, *actors], key=lambda layer: (-layer.depth, layer.actor))

    def _actor_layers(self, time: float) -> Iterator[_Layer]:
        for number, actor in enumerate(self.actors):
            if actor.visible[0] <= time < actor.visible[1]:
                depth = actor.position(time)[2]
                if depth > MIN_DEPTH:
                    yield _Layer(depth, number, self._paintings(number, time))

    def _paintings(self, number: int, time: float) -> list[tuple[int, Painting]]:
        """Number and painting of each part of an actor."""
        actor, camera = self.actors[number], self.place.camera
        act = ACTS[actor.act]
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
            stand = Stand((float(column), float(row)), scale, extent, facing)
            painting = Painting(stand.sheet(), partial(_painted, stand, paint, appearance, pose))
            found.append((int(self._first_part[number]) + part, painting))
        return found

    def _through_lens(self, canvas: Floats, time: float) -> NDArray[np.uint8]:
        """Lens and sensor: darker corners, noise that differs from frame to frame."""
        height, width = canvas.shape[:2]
        frame = round(time * 1000)
        down, right = (self._seed * 7 + frame * 13) % 61, (self._seed * 3 + frame * 29) % 67
        exposed = canvas * _vignette((height, width))
        exposed += in_colours(self._grain[down : down + height, right : right + width])
        pixels: NDArray[np.uint8] = np.clip(exposed, 0, 255, out=exposed).astype(np.uint8)
        return pixels


@lru_cache(maxsize=8)
def _vignette(size: tuple[int, int]) -> Floats:
    """How bright the lens leaves each pixel of a picture of size (H, W), float32 (H, W, 3)."""
    y, x = np.mgrid[-1 : 1 : size[0] * 1j, -1 : 1 : size[1] * 1j]
    return in_colours((1 - 0.16 * np.clip(x**2 + y**2 - 0.35, 0, None) / 1.65).astype(np.float32))


def _foot_row(place: Place, z: float) -> float:
    return float(place.camera.project(0.0, 0.0, z)[1])


def _painted(stand: Stand, paint: Painter, look: Appearance, pose: Pose) -> Shrunk:
    brush = Brush(stand)
    paint(brush, look, pose)
    return brush.shrunk()


def _lit(sprite: Sprite, light: Light, z: float) -> Sprite:
    """The sprite with a brighter side towards the light and a darker lower end, seen through the air."""
    height, width = sprite.alpha.shape
    across = np.linspace(-1, 1, width, dtype=np.float32)[None, :] * light.side * (0.06 + 0.1 * light.strength)
    down = np.linspace(1.06, 0.9, height, dtype=np.float32)[:, None]
    pixels = sprite.pixels * in_colours((1 + across) * down * np.float32(0.86 + 0.18 * light.strength))
    return through_air(replace(sprite, pixels=pixels), light, z)


def _window(shape: tuple[int, ...], sheet: Sheet) -> tuple[slice, slice, slice, slice] | None:
    """Rows and columns of the canvas where a piece lies, then those of the piece; None if they do not overlap."""
    left, top, width, height = sheet
    y0, y1, x0, x1 = max(top, 0), min(top + height, shape[0]), max(left, 0), min(left + width, shape[1])
    if y0 >= y1 or x0 >= x1:
        return None
    return slice(y0, y1), slice(x0, x1), slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)


def _compose(canvas: Floats, sprite: Sprite) -> None:
    """Compose a sprite over the canvas, in place."""
    height, width = sprite.alpha.shape
    window = _window(canvas.shape, Sheet(sprite.left, sprite.top, width, height))
    if window is not None:
        y, x, sy, sx = window
        canvas[y, x] += (sprite.pixels[sy, sx] - canvas[y, x]) * in_colours(sprite.alpha[sy, sx])


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
    window = _window(canvas.shape, Sheet(sprite.left - reach, top, *size))
    if window is None:
        return
    y, x, sy, sx = window
    limit = int(np.ceil(place.back)) + 1
    if y.start < limit:
        cut = min(limit, y.stop) - y.start
        y, sy = slice(y.start + cut, y.stop), slice(sy.start + cut, sy.stop)
        if y.start == y.stop:
            return
    darker = np.maximum(shadow[sy, sx], shade[y, x])
    canvas[y, x] *= in_colours((1 - darker) / (1 - shade[y, x]))
    shade[y, x] = darker
