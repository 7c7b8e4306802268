"""The compact index of a JSON in the form of YouTube-VIS: made once, memory-mapped by every worker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lavida_gen.annotations.masklet_json import MaskletReader, NamedBy
from lavida_gen.common.findings import Finding
from lavida_gen.scenes.masks import RLE
from lavida_gen.scenes.scene import Name
from lavida_gen.storage import cache
from lavida_gen.storage.cache import Arrays, PackedBytes, PackedTexts

VERSION = 2


@dataclass(frozen=True, slots=True)
class Masklet:
    """One annotation.

    Attributes:
        name: Its category or noun phrase.
        row: Its row in the index.
        crowd: Whether it covers several things at once.
    """

    name: str
    row: int
    crowd: bool


class MaskletIndex:
    """Masklets and names by video; videos are numbered in the order of the file.

    Attributes:
        path: The JSON.
        digest: SHA-256 of that file.
        names: The categories of the file, or all phrases of its pairs and masklets.
    """

    def __init__(self, path: Path, arrays: Arrays, digest: str) -> None:
        self.path, self.digest = path, digest
        texts = {key: PackedTexts(arrays[key], arrays[f"{key}_at"]) for key in ("names", "files", "left_out")}
        rows = texts["names"][:]
        triples = zip(rows[::3], rows[1::3], rows[2::3], strict=True)
        self.names = [Name(text, category, group) for text, category, group in triples]
        self._files, self._left_out = texts["files"], texts["left_out"]
        self._left_out_scenes: NDArray[np.int64] = arrays["left_out_scenes"]
        self._size = arrays["size"]
        self._first: NDArray[np.int64] = arrays["first"]
        self._frames_before: NDArray[np.int64] = arrays["frames_before"]
        self._name, self._crowd = arrays["name"], arrays["crowd"]
        self._counts = PackedBytes(arrays["counts"], arrays["counts_at"])
        self._lists = {key: (arrays[key], arrays[f"{key}_at"]) for key in ("negative", "undrawn")}

    def __len__(self) -> int:
        return len(self._size)

    def files(self, video: int) -> list[str]:
        """Names of the image files of a video, in order of time; not checked."""
        return self._files[video].split("\n")

    def size(self, video: int) -> tuple[int, int]:
        """(H, W) of a video in pixels."""
        height, width = self._size[video].tolist()
        return height, width

    def masklets(self, video: int) -> list[Masklet]:
        """The masklets of a video, in the order of the file."""
        start, stop = self._first[video : video + 2].tolist()
        rows = zip(self._name[start:stop].tolist(), self._crowd[start:stop].tolist(), strict=True)
        return [Masklet(self.names[name].text, start + at, crowd == 1) for at, (name, crowd) in enumerate(rows)]

    def mask(self, masklet: Masklet, frame: int, size: tuple[int, int]) -> RLE | None:
        """The mask of a masklet.

        Args:
            masklet: One of `masklets`.
            frame: Number of the frame, from 0.
            size: (H, W) of its video.

        Returns:
            The mask, None where it is not visible.
        """
        counts = self._counts[int(self._frames_before[masklet.row]) + frame]
        return RLE(*size, counts) if counts else None

    def negative(self, video: int) -> list[str]:
        """Phrases that people looked for in a video and did not find."""
        return self._listed("negative", video)

    def undrawn(self, video: int) -> list[str]:
        """Names of which not every masklet of a video can be used: they are there, but not completely drawn."""
        return self._listed("undrawn", video)

    def _listed(self, key: str, video: int) -> list[str]:
        numbers, ends = self._lists[key]
        start, stop = ends[video : video + 2].tolist()
        return [self.names[number].text for number in numbers[start:stop].tolist()]

    def left_out(self) -> Iterator[Finding]:
        """Videos and masklets that cannot be used."""
        for text, scenes in zip(self._left_out, self._left_out_scenes.tolist(), strict=True):
            yield Finding("dropped", f"{self.path}: {text}", scenes)


def open_index(path: Path, named_by: NamedBy) -> MaskletIndex:
    """Open the index of a JSON; the first call makes it.

    Args:
        path: The JSON.
        named_by: What names its masklets.

    Returns:
        The index.

    Raises:
        DataError: Nothing of the file can be used; the message lists its problems.
    """
    digest = cache.file_digest(path)
    make = MaskletReader(path, named_by).read
    return MaskletIndex(path, cache.cached_arrays("masklets", VERSION, [digest, named_by], make), digest)
