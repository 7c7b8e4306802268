"""What `lavida-gen check` finds in the image files of a COCO JSON without decoding them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from lavida_gen.annotations.problem_list import LeftOut
from lavida_gen.coco.coco_index import CocoIndex
from lavida_gen.common.errors import DataError
from lavida_gen.common.findings import Finding
from lavida_gen.common.text import counted
from lavida_gen.scenes.image_header import Exif, inspect, is_turned


def unusable_photos(
    index: CocoIndex, folder: Path, images: Sequence[int], exif: Exif, most: int = 20_000
) -> Iterator[Finding]:
    """What is wrong with the image files of an index: missing, no images, truncated, of another size.

    Args:
        index: The index.
        folder: Folder of the image files.
        images: Which images of the index to look for.
        exif: What the annotations have to do with the EXIF orientation of the files.
        most: Most files to look into; where there are more, evenly spaced ones.

    Yields:
        A finding for each of the first unusable files, one for all others, and a note on EXIF orientations.
    """
    left_out, turned = LeftOut(), list[str]()
    step = -(-len(images) // most) or 1
    for position, image in enumerate(images):
        try:
            path = index.photo(folder, image)
        except DataError as error:
            left_out.add("images are missing", str(error), 1)
            continue
        if position % step:
            continue
        try:
            header = inspect(path)
            if header.orientation != 1:
                turned.append(f"{index.file(image)} ({header.orientation})")
            is_turned(header, index.size(image), path, exif)
        except DataError as error:
            left_out.add("images cannot be used", f"{index.where(image)}: {error}", 1)
    yield from (Finding("dropped", text, scenes) for text, scenes in left_out.rows())
    if turned:
        count, heeded = counted(len(turned), "picture"), _HEEDED[exif]
        where = f"{index.path}: {count} with an EXIF orientation of 2 to 8, such as {turned[0]}"
        yield Finding("note", f"{where}; {heeded}")
    if step > 1:
        yield Finding("note", f"{index.path}: one of {step} image files was looked into")


_HEEDED: dict[Exif, str] = {
    "size": "annotations are taken to be of the picture whose size they state, as stored if that leaves it open",
    "stop": "annotations are taken to be of the picture whose size they state",
    "apply": "annotations are taken to be of the picture as programs show it",
    "as_stored": "annotations are taken to be of the picture as it is stored",
}
