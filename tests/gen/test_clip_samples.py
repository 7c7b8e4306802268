"""A clip sample equals the image samples of its frames: masks and frames are aligned in time, in the shards too."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from miniatures import sa_v, shapes

from lavida_gen.building import build as builder
from lavida_gen.config import recipe as recipes
from lavida_gen.corpus.reader import open_corpus
from lavida_gen.corpus.shards import EncodedSample
from lavida_gen.scenes import images, masks
from lavida_gen.sources.sa_v import FRAME_STEP, SaVSource

FRAMES = 8
RELABEL = {"val": 0, "anomaly_ratio": 1, "exposures": ["relabel"]}


def draw(root: Path) -> None:
    """A YouTube-VOS video of a white box that moves right and down; each frame has another grey background."""
    train = root / "train"
    for time in range(FRAMES):
        box = shapes.track(time, (2, 4), (5, 3))
        pixels = np.where(shapes.bits(box)[:, :, None], 255, 10 * time).repeat(3, axis=2).astype(np.uint8)
        shapes.save(train / "JPEGImages" / "v" / f"{5 * time:05d}.jpg", pixels, quality=95)
        shapes.palette(train / "Annotations" / "v" / f"{5 * time:05d}.png", shapes.plane({1: box}))
    objects = {"1": {"category": "cart", "frames": [f"{5 * time:05d}" for time in range(FRAMES)]}}
    shapes.write(train / "meta.json", {"videos": {"v": {"objects": objects}}})
    shapes.write(train / "names.txt", "1 cart\n2 dog\n")


def samples(out: Path, name: str, count: int, source: dict[str, Any]) -> list[EncodedSample]:
    plain = json.loads(json.dumps({"name": name, "samples": count, "sources": [source], **RELABEL}, default=str))
    builder.build(recipes.parse(plain), out)
    return list(open_corpus(out).samples_by_index(range(count)))


def test_a_clip_is_the_images_of_its_frames(tmp_path: Path) -> None:
    draw(tmp_path / "vos")
    train = tmp_path / "vos" / "train"
    [clip] = samples(tmp_path / "clip", "clip", 1, {"name": "youtube_vos", "root": tmp_path / "vos", "frames": FRAMES})
    folder = {"name": "folder", "root": train, "images": "JPEGImages/v", "masks": "Annotations/v", "void": [0]}
    stills = samples(tmp_path / "image", "image", 80, folder)
    by_frame = {sample.record["scene"].split("/")[1]: sample for sample in stills}
    assert sorted(by_frame) == [f"{5 * time:05d}" for time in range(FRAMES)], "80 draws of 8 meet them all"
    for time in range(FRAMES):
        still = by_frame[f"{5 * time:05d}"]
        assert clip.frames[time] == still.frames[0] == (train / f"JPEGImages/v/{5 * time:05d}.jpg").read_bytes()
        assert clip.masks[time] == still.masks[0]
        assert clip.record["boxes"][time] == still.record["boxes"][0] == list(shapes.track(time, (2, 4), (5, 3)))
        assert clip.record["areas"][time] == still.record["areas"][0]
        pixels, inside = images.decode(clip.frames[time], None, "frame")[:, :, 0], masks.from_png(clip.masks[time])
        assert pixels[inside].min() > 225
        assert abs(float(np.median(pixels[~inside])) - 10 * time) < 3


@pytest.mark.parametrize(("file", "size"), [("bedroom.mp4", (540, 960)), ("cutie_example.mp4", (480, 640))])
def test_masklets_of_a_real_video_match_their_frames(
    shared_data: Path, tmp_path: Path, file: str, size: tuple[int, int]
) -> None:
    """SA-V's layout around a real H.264 video: the masklet is the bright part of each fourth frame."""
    from lavida_gen.scenes import video_file

    shutil.copy(shared_data / "videos" / file, tmp_path / "sav_000000.mp4")
    every = [FRAME_STEP * at for at in range(6)]
    frames = video_file.decode_frames(shared_data / "videos" / file, every, size)
    bright = [frames[at][:, :, 1] > 150 for at in every]
    rows = [[shapes.run_lengths(bits)] for bits in bright]
    annotation = {**sa_v.masklets([0]), "video_height": float(size[0]), "video_width": float(size[1]), "masklet": rows}
    shapes.write(tmp_path / "sav_000000_manual.json", annotation)
    scene = SaVSource(SaVSource.Options(root=tmp_path, frames=6)).scene(0)
    [region] = scene.regions
    for frame, mask, bits in zip(scene.frames, region.masks, bright, strict=True):
        assert mask is not None
        assert np.array_equal(masks.decode(mask), bits)
        assert np.array_equal(frame.pixels()[:, :, 1] > 150, bits)
    assert len(set(region.masks)) > 1, "something moves"
