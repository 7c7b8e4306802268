"""Which acts does a model distinguish, and from what size on? Each act alone in a view, near and far.

    python training/tiny/measure_acts.py [--model tiny] [--views 14]

One act stands in each picture (of the benchmark's type of place, and of one trained on); the model is asked for all of
CASES at once. Printed for each name, by how high a person is as a share of the picture: the AUC of its logit, pictures of
its act against those of all other acts.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from drawn_scenes import HELD_OUT_PLACE
from lavida.batch import Sample
from lavida.modeling import Lavida
from lavida.presets import TINY_SIDE
from lavida.processing import LavidaProcessor
from lavida_gen.street import place
from lavida_gen.street.actors import Actor, draw_appearances
from lavida_gen.street.acts import ACTS, Motion
from lavida_gen.street.camera import Camera
from lavida_gen.street.film import Film

CASES: dict[str, tuple[str, Motion]] = {
    "running": ("person", "run"),
    "falling": ("person", "fall"),
    "walking": ("person", "walk"),
    "standing": ("person", "stand"),
    "throwing": ("person", "throw"),
    "skateboard": ("skateboarder", "ride"),
    "wheelchair": ("wheelchair user", "ride"),
    "scooter": ("scooter rider", "ride"),
    "bicycle": ("cyclist", "ride"),
    "cart": ("cart", "walk"),
    "umbrella": ("umbrella", "walk"),
    "suitcase": ("traveller", "walk"),
    "left suitcase": ("suitcase", "stand"),
    "stroller": ("stroller", "walk"),
    "wheelbarrow": ("wheelbarrow", "walk"),
    "motorcycle": ("motorcyclist", "ride"),
}
"""Name asked for -> act and motion."""
TRUE_TOO = {"suitcase": "left suitcase"}
"""What is another one's case as well, and left out there."""
HEIGHTS = (0.12, 0.25, 0.5)
PERSON = 1.75
BATCH, SEED = 28, 77


def draw(rng: np.random.Generator, where: str, height: float) -> list[np.ndarray]:
    """One picture of each case in one view, uint8 (H, W, 3)."""
    camera = Camera((TINY_SIDE, TINY_SIDE), TINY_SIDE * 1.0, float(rng.uniform(1.8, 2.6)), TINY_SIDE * 0.35)
    view = place.draw_place(rng, where, camera)
    return [Film(view, [_actor(rng, camera, height, *case)]).render(0.0).pixels for case in CASES.values()]


def _actor(rng: np.random.Generator, camera: Camera, height: float, name: str, motion: Motion) -> Actor:
    act = ACTS[name]
    z = max(camera.focal * PERSON / (camera.size[0] * height), camera.near() * 1.02)
    pace = float(rng.choice([-1.0, 1.0])) * act.pace[act.motions.index(motion)]
    start = (camera.half_width(z) * float(rng.uniform(-0.5, 0.5)), z)
    fell = -float(rng.uniform(0.45, 1.5)) if motion == "fall" else 0.0
    return Actor(name, start, (pace, 0.0), motion, draw_appearances(rng, name), phase=float(rng.random()), moment=fell)


def main() -> None:
    """Draw, ask, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="tiny", help="a saved model, or tiny: the shipped parts")
    parser.add_argument("--views", type=int, default=14, help="of each type of place and height")
    args = parser.parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(SEED)
    frames, heights = [], []
    for _ in range(args.views):
        for where in (HELD_OUT_PLACE, "park"):
            for height in HEIGHTS:
                frames += draw(rng, where, height)
                heights += [height] * len(CASES)
    model = Lavida.from_preset("tiny") if args.model == "tiny" else Lavida.from_pretrained(args.model)
    model.train(mode=False)
    processor, found = LavidaProcessor.from_preset("tiny"), []
    with torch.no_grad():
        for start in range(0, len(frames), BATCH):
            some = [Sample(frame[None], tuple(CASES)) for frame in frames[start : start + BATCH]]
            found.append(model(processor(some, "score")).names.numpy())
    logits, high, shown = np.concatenate(found), np.array(heights), np.array([*CASES] * (len(frames) // len(CASES)))
    print(f"| name | {' | '.join(f'{height:.0%}' for height in HEIGHTS)} |\n|---|{'---|' * len(HEIGHTS)}")
    table = np.zeros((len(CASES), len(HEIGHTS)))
    for row, name in enumerate(CASES):
        for column, height in enumerate(HEIGHTS):
            rows = (high == height) & (shown != TRUE_TOO.get(name))
            table[row, column] = roc_auc_score(shown[rows] == name, logits[rows, row])
        print(f"| {name} | {' | '.join(f'{auc:.2f}' for auc in table[row])} |")
    print(f"| **mean** | {' | '.join(f'{auc:.3f}' for auc in table.mean(axis=0))} |")


if __name__ == "__main__":
    main()
