"""A sheet of drawn scenes, to look at: `python -m lavida_gen.inspection.street_sheet --out sheet.png [--seed 3]`."""

from __future__ import annotations

import argparse

import cv2
import numpy as np

from lavida_gen.scenes import masks
from lavida_gen.scenes.images import Pixels
from lavida_gen.scenes.scene import Scene
from lavida_gen.sources.street import StreetSource


def outlined(scene: Scene, time: int) -> Pixels:
    """A frame with a thin outline around every region."""
    pixels = scene.frames[time].pixels().copy()
    for number, region in enumerate(scene.regions):
        mask = region.masks[time]
        if mask is None:
            continue
        lines, _ = cv2.findContours(masks.decode(mask).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        hue = np.array([[[number * 47 % 180, 220, 255]]], np.uint8)
        red, green, blue = cv2.cvtColor(hue, cv2.COLOR_HSV2RGB)[0, 0].tolist()
        cv2.drawContours(pixels, lines, -1, (red, green, blue), 1)
    return pixels


def main() -> None:
    """Twelve stills, the first six outlined below, and a clip."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--out", default="sheet.png")
    arguments.add_argument("--seed", type=int, default=0)
    options = arguments.parse_args()
    stills = StreetSource(StreetSource.Options(seed=options.seed))
    clips = StreetSource(StreetSource.Options(seed=options.seed, kind="clip"))
    plain = [stills.scene(n) for n in range(9)]
    clip = clips.scene(1)
    tiles = [scene.frames[0].pixels() for scene in plain]
    tiles += [outlined(scene, 0) for scene in plain[:3]]
    tiles += [outlined(clip, time) for time in (0, 3, 7)]
    rows = [np.concatenate(tiles[at : at + 3], axis=1) for at in range(0, len(tiles), 3)]
    cv2.imwrite(options.out, cv2.cvtColor(np.concatenate(rows), cv2.COLOR_RGB2BGR))


if __name__ == "__main__":
    main()
