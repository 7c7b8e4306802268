"""Files of the annotation program labelme: one JSON beside each picture, with polygons, rectangles, circles and masks.

Masks are drawn as labelme itself draws them: the outline belongs to the object, and a rectangle has both of its ends.
Lines and points mark something without its extent. Letters: H W pixels. https://github.com/wkentaro/labelme
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lavida_gen.annotations import json_file
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import MAX_PIXELS
from lavida_gen.common.json_file import JsonObject
from lavida_gen.scenes import masks
from lavida_gen.scenes.mask_crops import encode_crop
from lavida_gen.scenes.masks import RLE, Bits

Point = tuple[float, float]
"""x, y in pixels."""
Size = tuple[int, int]
"""(H, W) in pixels."""

NO_REGION = ("line", "linestrip", "point", "points")
"""Types of shapes that mark a thing without its extent."""
_MAX_DISTANCE = 10
"""Corners may lie outside the picture by this multiple of its longer side; farther ones are errors."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One shape of a file.

    Attributes:
        label: Its label.
        group: Its group_id: shapes of one label and group are one object; None: an object by itself.
        type: polygon, rectangle, oriented_rectangle, rotation, circle, mask, or one of NO_REGION.
        points: Its points.
        png: PNG of the crop of a mask, b"" for other types.
        where: Names it in errors.
    """

    label: str
    group: object
    type: str
    points: tuple[Point, ...]
    png: bytes
    where: str

    @property
    def is_line(self) -> bool:
        """Whether it marks a thing without its extent."""
        return self.type in NO_REGION

    @property
    def has_extent(self) -> bool:
        """Whether it covers anything. labelme itself saves polygons of two points and rectangles of one."""
        if self.type == "mask":
            return True
        distinct = set(self.points)
        if self.type == "rectangle":
            return len({x for x, _ in distinct}) > 1 and len({y for _, y in distinct}) > 1
        return not self.is_line and len(distinct) > (1 if self.type == "circle" else 2)

    def draw(self, size: Size) -> RLE | None:
        """Draw it.

        Args:
            size: (H, W) of the picture.

        Returns:
            The mask; None for lines, for shapes without extent, and for those outside the picture.

        Raises:
            DataError: A point is far outside the picture, or the crop of a mask is broken.
        """
        limit = _MAX_DISTANCE * max(size)
        far = next((point for point in self.points if max(map(abs, point)) > limit), None)
        if far is not None:
            raise DataError(problem(self.where, f"has a point at {far}", f"at most {limit} from the picture"))
        if not self.has_extent:
            return None
        if self.type == "mask":
            return _place(masks.from_png(self.png, f"{self.where}: mask"), self.points[0], size)
        return _drawn(*_OUTLINES[self.type](self.points), size)


@dataclass(frozen=True, slots=True)
class LabelmeFile:
    """What a file holds.

    Attributes:
        path: The file.
        size: (H, W) of the picture; None if the file does not state it.
        picture: Path of the picture relative to the file's folder, as written; "" if there is none.
        embedded: The picture itself in base64, "" if it is not in the file.
        shapes: Its shapes.
    """

    path: Path
    size: Size | None
    picture: str
    embedded: str
    shapes: tuple[Shape, ...]

    def objects(self) -> list[list[Shape]]:
        """Shapes by object, in the order of the file."""
        found: dict[tuple[str, object], list[Shape]] = {}
        for number, shape in enumerate(self.shapes):
            own = ("", number) if shape.group is None else (shape.label, str(shape.group))
            found.setdefault(own, []).append(shape)
        return list(found.values())


def read(path: Path) -> LabelmeFile | None:
    """Read a file.

    Args:
        path: The JSON.

    Returns:
        What it holds; None for a JSON object of something else, without `shapes`.

    Raises:
        DataError: The file is broken, or a shape is malformed.
    """
    plain = json_file.load(path)
    if "shapes" not in plain:
        return None
    listed = json_file.member(plain, "shapes", list, path)
    shapes = tuple(_shape(shape, f"{path}: shapes[{number}]") for number, shape in enumerate(listed))
    drawn = [point for shape in shapes if shape.has_extent and shape.type != "mask" for point in shape.points]
    if drawn and all(0 <= x <= 1 and 0 <= y <= 1 for x, y in drawn):
        got, todo = "has all of its points within one pixel", "multiply fractions by the picture's width and height"
        raise DataError(problem(path, got, "points in pixels", todo))
    return LabelmeFile(
        path=path,
        size=_size(plain, path),
        picture=_text(plain, "imagePath", path),
        embedded=_text(plain, "imageData", path),
        shapes=shapes,
    )


def draw_object(shapes: Sequence[Shape], size: Size) -> RLE | None:
    """The mask of an object: the union of its shapes.

    Args:
        shapes: Shapes of one object.
        size: (H, W) of the picture.

    Returns:
        The mask; None where no shape has an extent inside the picture.

    Raises:
        DataError: A shape cannot be drawn.
    """
    drawn = [mask for shape in shapes if (mask := shape.draw(size)) is not None]
    return masks.union(drawn) if drawn else None


def _size(plain: JsonObject, path: Path) -> Size | None:
    """ImageHeight and imageWidth; None if one of them is not stated. Raises DataError."""
    if plain.get("imageHeight") is None or plain.get("imageWidth") is None:
        return None
    height, width = (json_file.integer(plain, key, path) for key in ("imageHeight", "imageWidth"))
    if height < 1 or width < 1 or height * width > MAX_PIXELS:
        raise DataError(problem(path, f"imageWidth, imageHeight are {width} x {height}", f"1 to {MAX_PIXELS:,} pixels"))
    return height, width


def _text(plain: JsonObject, key: str, where: object) -> str:
    """A text that may be null or missing. Raises DataError."""
    value = plain.get(key)
    if value is not None and not isinstance(value, str):
        raise DataError(problem(where, f"{key!r} is {str(value)[:40]!r}", "a text or null"))
    return value or ""


def _shape(plain: object, where: str) -> Shape:
    """Check a shape. Raises DataError."""
    label = json_file.member(plain, "label", str, where).strip()
    assert isinstance(plain, dict)  # `member` checks it
    if not label:
        raise DataError(problem(where, "has a blank label", "the name of the object"))
    kind = plain.get("shape_type") or "polygon"
    if kind not in (*_OUTLINES, "mask", *NO_REGION):
        known = ", ".join((*_OUTLINES, "mask", *NO_REGION))
        raise DataError(problem(where, f"shape_type is {str(kind)[:40]!r}", f"one of {known}"))
    points = tuple(_point(point, where) for point in json_file.member(plain, "points", list, where))
    wanted = {"circle": 2, "mask": 2, "oriented_rectangle": 4, "rotation": 4}.get(kind)
    if wanted is not None and len(points) != wanted:
        raise DataError(problem(where, f"{kind} has {len(points)} points", str(wanted)))
    png = _base64(_text(plain, "mask", where), f"{where}: mask") if kind == "mask" else b""
    return Shape(label, plain.get("group_id"), kind, points, png, where)


def _point(plain: object, where: str) -> Point:
    """Raises DataError."""
    if isinstance(plain, list) and len(plain) == 2:
        x, y = plain
        if type(x) in (int, float) and type(y) in (int, float) and math.isfinite(x) and math.isfinite(y):
            return float(x), float(y)
    raise DataError(problem(where, f"has the point {str(plain)[:40]}", "two finite numbers [x, y]"))


def _base64(text: str, where: object) -> bytes:
    """Decode base64. Raises DataError."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)  # some programs break it into lines
    except (binascii.Error, ValueError) as error:
        raise DataError(problem(where, f"is no base64 ({error})", "what labelme wrote", "save it again")) from error


def picture_bytes(file: LabelmeFile) -> bytes:
    """The picture that a file embeds.

    Args:
        file: A file with `embedded`.

    Returns:
        The encoded image.

    Raises:
        DataError: The base64 code is broken.
    """
    return _base64(file.embedded, f"{file.path}: imageData")


# ---- drawing: Pillow fills as labelme does ------------------------------------------------------------------------


Outline = tuple[str, tuple[Point, ...]]
"""The method of Pillow's ImageDraw, and its points."""


def _polygon(points: tuple[Point, ...]) -> Outline:
    return "polygon", points


def _rectangle(points: tuple[Point, ...]) -> Outline:
    xs, ys = zip(*points, strict=True)
    return "rectangle", ((min(xs), min(ys)), (max(xs), max(ys)))


def _circle(points: tuple[Point, ...]) -> Outline:
    (x, y), rim = points
    radius = math.dist((x, y), rim)
    return "ellipse", ((x - radius, y - radius), (x + radius, y + radius))


_OUTLINES: dict[str, Callable[[tuple[Point, ...]], Outline]] = {
    "polygon": _polygon,
    "rectangle": _rectangle,
    "oriented_rectangle": _polygon,
    "rotation": _polygon,  # X-AnyLabeling's word for it
    "circle": _circle,
}


def _drawn(method: str, points: tuple[Point, ...], size: Size) -> RLE | None:
    """Draw in the part of the picture that the points span, since pictures are large and things are small."""
    from PIL import Image, ImageDraw

    xs, ys = zip(*points, strict=True)
    left, top = max(math.floor(min(xs)), 0), max(math.floor(min(ys)), 0)
    width, height = min(math.ceil(max(xs)) + 1, size[1]) - left, min(math.ceil(max(ys)) + 1, size[0]) - top
    if width < 1 or height < 1:
        return None
    image = Image.new("L", (width, height))
    getattr(ImageDraw.Draw(image), method)([(x - left, y - top) for x, y in points], outline=1, fill=1)
    bits = np.asarray(np.asarray(image) != 0)
    return encode_crop(bits, (top, left), size) if bits.any() else None


def _place(crop: Bits, corner: Point, size: Size) -> RLE | None:
    """A mask whose first pixel lies on its rounded first corner; what is outside the picture is cut off."""
    left, top = (round(value) for value in corner)
    inside = crop[max(-top, 0) : max(size[0] - top, 0), max(-left, 0) : max(size[1] - left, 0)]
    return encode_crop(inside, (max(top, 0), max(left, 0)), size) if inside.any() else None
