"""How large must a thing be to be read? The `tiny` model on held-out drawn street scenes, seen whole and seen shrunk.

    python training/tiny/measure_sizes.py [--model DIR] [--sides 64 128 192 256] [--scenes 400]

Half of the prompts name one thing of the scene among absent names, half name absent things only. Each scene is shrunk to a
side and brought back to the model's own, so that only the detail differs. For each side: AUC of the strongest name's logit
and of the frame's score, over all named things, and for the smaller and the larger half of them by the pixels they take.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from sklearn.metrics import roc_auc_score

import drawn_scenes
from drawn_prompts import sample
from drawn_scenes import Pixels, Scenes
from lavida.modeling import Lavida
from lavida.presets import TINY_SIDE
from lavida.processing import LavidaProcessor
from measure import NAMES

SEED, BATCH = 9301, 25


@dataclass(slots=True)
class Read:
    """What was read in all prompts, one row each: the named thing's share of the picture (0: absent names only)."""

    areas: list[float] = field(default_factory=list)
    names: list[float] = field(default_factory=list)
    frames: list[float] = field(default_factory=list)

    def aucs(self, values: list[float]) -> list[float]:
        """Of all, the smaller half, the larger half of the named things, each against all prompts of absent names."""
        areas, scores = np.array(self.areas), np.array(values)
        named = areas > 0
        small = areas <= np.median(areas[named])
        return [
            float(roc_auc_score(named[rows], scores[rows]))
            for rows in (named | ~named, small | ~named, ~small | ~named)
        ]


def shrunk(frames: Pixels, side: int) -> Pixels:
    """As a camera of `side` x `side` pixels would have taken them, uint8 (T, H, W, 3) as before."""
    full = frames.shape[1]
    small = (cv2.resize(frame, (side, side), interpolation=cv2.INTER_AREA) for frame in frames)
    return np.stack([cv2.resize(frame, (full, full), interpolation=cv2.INTER_LINEAR) for frame in small])


@torch.no_grad()
def read(model: Lavida, processor: LavidaProcessor, scenes: Scenes, side: int) -> Read:
    """All scenes, each with a prompt that names something and one that does not; the same prompts for every side."""
    rng, found = np.random.default_rng(1), Read()
    for start in range(0, len(scenes), BATCH):
        rows = range(start, min(start + BATCH, len(scenes)))
        for exposed in (True, False):
            samples = [sample(rng, scenes, row, exposed, NAMES) for row in rows]
            output = model(processor([replace(one, frames=shrunk(one.frames, side)) for one in samples], "score"))
            found.areas += [0.0 if one.masks is None else float(one.masks.mean()) for one in samples]
            found.names += output.names.amax(dim=1).tolist()
            found.frames += output.scores.tolist()
    return found


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="a saved model; default: the shipped parts")
    parser.add_argument("--sides", type=int, nargs="+", default=[64, 128, 192, TINY_SIDE])
    parser.add_argument("--scenes", type=int, default=400)
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = Lavida.from_pretrained(args.model) if args.model else Lavida.from_preset("tiny")
    model.train(mode=False)
    scenes = drawn_scenes.street(args.scenes, SEED, TINY_SIDE)
    print("| side | names | small | large | frames | small | large |\n|---|---|---|---|---|---|---|")
    for side in args.sides:
        found = read(model, LavidaProcessor.from_preset("tiny"), scenes, side)
        aucs = [f"{value:.3f}" for value in found.aucs(found.names) + found.aucs(found.frames)]
        print(f"| {side} | {' | '.join(aucs)} |", flush=True)
    areas = np.array([area for area in found.areas if area > 0]) * TINY_SIDE**2
    quarters = ", ".join(f"{value:.0f}" for value in np.quantile(areas, (0.25, 0.5, 0.75)))
    print(f"\nquartiles of the {len(areas)} named things, in pixels of {TINY_SIDE} x {TINY_SIDE}: {quarters}")


if __name__ == "__main__":
    main()
