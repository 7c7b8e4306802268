"""Films the scripts of the drawn benchmark and writes them as UCSD lays its files out.

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
from lavida_gen.street import Film, Shot

VERSION = 1
"""Goes up whenever a picture, mask or script changes."""

SMALLEST = 24
"""Pixels: less of an anomaly than this is not labelled (a wheel that enters the picture)."""

RECORD = "street.json"


def write_street(
    root: Path, seed: int, videos: int, frames: int, size: tuple[int, int], advance: Callable[[int], None]
) -> None:
    """Writes the benchmark to `root`, under a temporary name until it is whole. Raises DataError on a full disk."""
    partial = partial_path(root, unique=True)
    shutil.rmtree(partial, ignore_errors=True)
    where = place_in_view(seed, size)

    def one(number: int) -> Bits:
        script = write_script(seed, number, where, frames / FPS)
        film = Film(where, script.actors, seed=seed + number)
        marks = _write_video(partial, number, film, script, frames)
        advance(frames)
        return marks

    try:
        (partial / "tracks").mkdir(parents=True)
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            marks = list(pool.map(one, range(videos)))
        lines = ["TestVideoFile = {};", *(f"TestVideoFile{{end+1}}.gt_frame = [{ranges(m)}];" for m in marks)]
        (partial / "Test" / "street.m").write_text("\n".join(lines) + "\n")
        said = {**record(seed, videos, frames, size), "abnormal_frames": int(np.sum(marks))}
        (partial / RECORD).write_text(json.dumps(said))
        root.parent.mkdir(parents=True, exist_ok=True)
        if root.is_dir():
            root.rmdir()  # an empty folder, as the caller has made sure
        partial.rename(root)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise write_error(root, error, "run the same command again, or give another --root") from error


def record(seed: int, videos: int, frames: int, size: tuple[int, int]) -> dict[str, object]:
    """What a folder was asked to hold."""
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
    pictures, plates = root / "Test" / key, root / "Test" / f"{key}_gt"
    pictures.mkdir(parents=True)
    plates.mkdir()
    tracks: list[str] = []
    marks = np.zeros(frames, np.bool_)
    for frame in range(frames):
        shot = film.shoot(frame / FPS)
        seen = anomalous(film, script, shot, frame / FPS)
        union = np.zeros(shot.owner.shape, np.bool_)
        for track, mask in seen:
            x, y, width, height = masks.box(masks.encode(mask))
            tracks.append(f"{track},{frame},{x},{y},{x + width},{y + height}")
            union |= mask
        marks[frame] = bool(seen)
        # Grey as UCSD would lose what names speak of; JPEG inside TIFF, for drawn grain does not pack.
        Image.fromarray(shot.pixels).save(pictures / f"{frame + 1:03d}.tif", compression="jpeg", quality=88)
        Image.fromarray(union).save(plates / f"{frame + 1:03d}.bmp")
    (root / "tracks" / f"{key}.txt").write_text("".join(f"{line}\n" for line in sorted(tracks, key=_by_track)))
    return marks


def _by_track(line: str) -> tuple[int, int]:
    track, frame = line.split(",")[:2]
    return int(track), int(frame)


def anomalous(film: Film, script: Script, shot: Shot, time: float) -> list[tuple[int, Bits]]:
    """(number of the anomaly, bool (H, W)) of the anomalies that can be seen at a time."""
    found = []
    for number, anomaly in enumerate(script.anomalies):
        parts = [part for part, (actor, _) in enumerate(film.parts) if actor in anomaly.actors]
        mask = np.isin(shot.owner, parts)
        if time >= anomaly.begin and mask.sum() >= SMALLEST:
            found.append((number, mask))
    return found


def ranges(marks: Bits) -> str:
    """``61:180, 200:200``: the stretches of (F,) labels, counted from 1, ends inclusive."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marks, [False]]).astype(np.int8)))
    return ", ".join(f"{start + 1}:{stop}" for start, stop in edges.reshape(-1, 2))
