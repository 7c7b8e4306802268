"""The work that every build must do, alone: the lower bounds of `benchmarks/build.py`."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import cv2
import numpy as np
from drawn_data import FRAMES, OBJECTS, SIZE, polygon
from numpy.typing import NDArray
from PIL import Image

from lavida_gen.scenes import masks


def floor(root: Path, out: Path, samples: int) -> None:
    """Read, rasterise, encode, tar and digest `samples` images, every second one with a mask of its own."""
    rng = np.random.default_rng(1)
    empty = masks.to_png(masks.empty(SIZE))
    files = sorted((root / "val2017").glob("*.jpg"))
    polygons = [polygon(rng) for _ in range(200)]
    with tarfile.open(out, "w", format=tarfile.USTAR_FORMAT) as tar:
        for number in range(samples):
            exposed = number % 2
            fields = {
                "jpg": files[int(rng.integers(len(files)))].read_bytes(),
                "mask.png": masks.to_png(masks.from_polygons([polygons[number % 200]], SIZE)) if exposed else empty,
            }
            for name, data in fields.items():
                info = tarfile.TarInfo(f"{number:09d}.{name}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    with out.open("rb") as file:
        hashlib.file_digest(file, "sha256")


Planes = dict[str, NDArray[np.uint8]]
"""Decoded palette masks (H, W) by VIDEO/FRAME."""


def clip_planes(root: Path) -> Planes:
    """Decode all palette masks: what `clip_floor` need not do, since a build finds them in its cache."""
    paths = (root / "train" / "Annotations").rglob("*.png")
    return {f"{path.parent.name}/{path.stem}": np.asarray(Image.open(path)) for path in paths}


def clip_floor(root: Path, planes: Planes, out: Path, clips: int) -> None:
    """The same of clips: read frames, encode masks, tar, digest; all masks of every second clip are the same empty PNG."""
    rng = np.random.default_rng(1)
    empty = masks.to_png(masks.empty(SIZE))
    videos = sorted((root / "train" / "JPEGImages").iterdir())
    with tarfile.open(out, "w", format=tarfile.USTAR_FORMAT) as tar:
        for number in range(clips):
            video = videos[int(rng.integers(len(videos)))]
            for frame in range(FRAMES):
                file = f"{5 * (frame + 8 * (number // 2 % 2)):05d}"
                mask = empty
                if number % 2:
                    bits = (planes[f"{video.name}/{file}"] == 1 + number // 2 % OBJECTS).astype(np.uint8) * 255
                    mask = bytes(cv2.imencode(".png", bits, [cv2.IMWRITE_PNG_BILEVEL, 1])[1])
                fields = {"jpg": (video / f"{file}.jpg").read_bytes(), "mask.png": mask}
                for name, data in fields.items():
                    info = tarfile.TarInfo(f"{number:09d}.{frame:03d}.{name}")
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))
    with out.open("rb") as file_:
        hashlib.file_digest(file_, "sha256")
