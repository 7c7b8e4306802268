"""Renders the scripts of the drawn benchmark and writes the files in the layout of UCSD.

    Test/TestNNN/NNN.tif   Test/TestNNN_gt/NNN.bmp   Test/street.m   tracks/TestNNN.txt   street.json

Letters: F frames of a video, H W pixels.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from lavida_bench.benchmarks._street_script import FPS, Script, place_in_view, write_script
from lavida_bench.videos.types import Bits
from lavida_gen.common.atomic_file import partial_path, write_error
from lavida_gen.scenes import masks
from lavida_gen.sources.street import DRAWING
from lavida_gen.street import Film, RenderedFrame

VERSION = 2
"""Rises whenever a picture, mask or script changes."""

SMALLEST = 24
"""Pixels: an anomaly with fewer visible pixels is not labelled (a wheel that enters the picture)."""

RECORD = "street.json"


def write_street(
    root: Path, seed: int, videos: int, frames: int, size: tuple[int, int], advance: Callable[[int], None]
) -> None:
    """Write the benchmark, under a temporary name until it is complete.

    Args:
        root: Its folder, which does not exist or is empty.
        seed: Seed of the drawing.
        videos: Number of videos.
        frames: Frames of each video.
        size: (H, W) in pixels.
        advance: Called with the number of frames after each video.

    Raises:
        DataError: The files cannot be written.
    """
    partial = partial_path(root)
    place = place_in_view(seed, size)

    def write_numbered(number: int) -> Bits:
        script = write_script(seed, number, place, frames / FPS)
        film = Film(place, script.actors, seed=seed + number)
        labels = _write_video(partial, number, film, script, frames)
        advance(frames)
        return labels

    try:
        (partial / "tracks").mkdir(parents=True)
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            labels = list(pool.map(write_numbered, range(videos)))
        lines = [
            "TestVideoFile = {};",
            *(f"TestVideoFile{{end+1}}.gt_frame = [{matlab_ranges(video)}];" for video in labels),
        ]
        (partial / "Test" / "street.m").write_text("\n".join(lines) + "\n")
        written = {**record(seed, videos, frames, size), "abnormal_frames": int(np.sum(labels))}
        (partial / RECORD).write_text(json.dumps(written))
        root.parent.mkdir(parents=True, exist_ok=True)
        if root.is_dir():
            root.rmdir()  # empty: the caller has checked it
        partial.rename(root)
    except OSError as error:
        raise write_error(root, error, "run the same command again, or give another --root") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def record(seed: int, videos: int, frames: int, size: tuple[int, int]) -> dict[str, object]:
    """The options of the drawing, as street.json records them.

    Args:
        seed: Seed of the drawing.
        videos: Number of videos.
        frames: Frames of each video.
        size: (H, W) in pixels.

    Returns:
        Plain JSON.
    """
    return {
        "version": VERSION,
        "drawing": DRAWING,
        "seed": seed,
        "videos": videos,
        "frames": frames,
        "size": list(size),
    }


def _write_video(root: Path, number: int, film: Film, script: Script, frames: int) -> Bits:
    """Frames, masks and tracks of a video; returns its frame labels (F,)."""
    from PIL import Image

    key = f"Test{number + 1:03d}"
    frame_folder, mask_folder = root / "Test" / key, root / "Test" / f"{key}_gt"
    frame_folder.mkdir(parents=True)
    mask_folder.mkdir()
    tracks: list[str] = []
    labels = np.zeros(frames, np.bool_)
    for frame in range(frames):
        rendered = film.render(frame / FPS)
        visible = anomalous(film, script, rendered, frame / FPS)
        union = np.zeros(rendered.owner.shape, np.bool_)
        for track, mask in visible:
            x, y, width, height = masks.box(masks.encode(mask))
            tracks.append(f"{track},{frame},{x},{y},{x + width - 1},{y + height - 1}")  # inclusive
            union |= mask
        labels[frame] = bool(visible)
        # In colour, unlike UCSD, since names mention colours; JPEG inside TIFF, since drawn grain does not compress.
        Image.fromarray(rendered.pixels).save(frame_folder / f"{frame + 1:03d}.tif", compression="jpeg", quality=88)
        Image.fromarray(union).save(mask_folder / f"{frame + 1:03d}.bmp")
    (root / "tracks" / f"{key}.txt").write_text("".join(f"{line}\n" for line in sorted(tracks, key=_by_track)))
    return labels


def _by_track(line: str) -> tuple[int, int]:
    track, frame = line.split(",")[:2]
    return int(track), int(frame)


def anomalous(film: Film, script: Script, rendered: RenderedFrame, time: float) -> list[tuple[int, Bits]]:
    """The anomalies that are visible in a frame.

    Args:
        film: The rendered video.
        script: Its script.
        rendered: The frame.
        time: Time of the frame in seconds.

    Returns:
        (number of the anomaly, its (H, W) bool mask) of each.
    """
    found = []
    for number, anomaly in enumerate(script.anomalies):
        parts = [part for part, (actor, _) in enumerate(film.parts) if actor in anomaly.actors]
        mask = np.isin(rendered.owner, parts)
        if time >= anomaly.begin and mask.sum() >= SMALLEST:
            found.append((number, mask))
    return found


def matlab_ranges(labels: Bits) -> str:
    """Frame labels as the .m file of UCSD writes them: ``61:180, 200:200``.

    Args:
        labels: (F,) bool, True = abnormal.

    Returns:
        The abnormal intervals, frames counted from 1, ends inclusive.
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], labels, [False]]).astype(np.int8)))
    return ", ".join(f"{start + 1}:{stop}" for start, stop in edges.reshape(-1, 2))
