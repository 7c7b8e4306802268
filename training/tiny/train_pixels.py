"""Stage 1: the image encoder of the `tiny` preset learns to distinguish the pixels of drawn scenes.

    torchrun --nproc_per_node 2 training/tiny/train_pixels.py --minutes 30 --side 128 --out DIR
    torchrun --nproc_per_node 2 training/tiny/train_pixels.py --minutes 20 --batch 8 --lr 1.2e-3 --model DIR --out DIR
    python training/tiny/train_pixels.py --minutes 3 --device cuda --workers 12 --batch 64 --out DIR

What SAM2 brings along from its own training, `tiny` learns here: which kind each cell of the finest map is of, and which
expressions are true of it (colours, actions). Only the encoder and the projector's fine pixels train, behind one linear
layer that is thrown away. Names, prompts and masks follow (train.py --model DIR). Each process has scenes of its own.

Letters: B pictures, S side of the picture, C side of the finest map, A kinds and the background, E expressions, W width.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import cv2
import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

import drawn_scenes
from drawn_prompts import CATEGORY, EXPRESSIONS, KINDS
from drawn_scenes import Pixels, Pool, Scenes
from lavida import decoder, pixels
from lavida.modeling import Lavida
from lavida.processing import LavidaProcessor

DRAWN = 256
"""Side of the drawn scenes."""
SMALLEST_CROP = 0.45
BACKGROUND = 0.15
"""Weight of a cell of the background; a person's is near 1, that of a rare kind up to 6."""
CELLS = 1500
"""Most cells of a batch whose expressions are read."""
STRIDE = 4
"""Pixels of a side of a cell."""
LOG_EVERY = 10
"""Steps between two looks at the loss."""
HEAD = "head.pt"
"""What is thrown away lies beside the model for the next stage."""
SEED, HELD_OUT_SEED, HELD_OUT = 9101, 9001, 200


def arguments() -> argparse.Namespace:
    """What may be set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=40.0, help="training time")
    parser.add_argument("--scenes", type=int, default=5000, help="scenes of each process")
    parser.add_argument("--side", type=int, default=256, help="pixels of a side; the model's own at last")
    parser.add_argument("--batch", type=int, default=16, help="scenes a step of each process")
    parser.add_argument("--lr", type=float, default=3.5e-3)
    parser.add_argument("--every", type=float, default=2.5, help="minutes between two measurements")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--workers", type=int, default=0, help="processes that draw scenes and prepare batches")
    parser.add_argument("--cache", type=Path, help="folder that keeps the scenes drawn")
    parser.add_argument("--model", type=Path, help="a saved model to go on from; default: from nothing")
    parser.add_argument("--out", type=Path, required=True, help="folder for the model")
    return parser.parse_args()


@dataclass(frozen=True, slots=True)
class Things:
    """Every thing of all scenes, in one table; each scene has one row before its things for its background.

    kinds  (rows,) number of the kind + 1, 0 = background
    true_of  bool (rows, E): the expression is true of the thing
    first  (scenes,) each scene's first row: `first + owner` is the row of what is seen in a pixel
    """

    kinds: NDArray[np.int64]
    true_of: NDArray[np.bool_]
    first: NDArray[np.int64]

    @classmethod
    def of(cls, scenes: Scenes) -> Things:
        """Of all scenes."""
        kind, expression = ({text: at for at, text in enumerate(texts)} for texts in (KINDS, EXPRESSIONS))
        rows = [texts for things in scenes.captions for texts in ((), *things)]
        true_of = np.zeros((len(rows), len(EXPRESSIONS)), np.bool_)
        for row, texts in zip(true_of, rows, strict=True):
            row[[expression[text] for text in texts[1:]]] = True
        sizes = [1 + len(things) for things in scenes.captions]
        return cls(
            np.array([kind[texts[0]] + 1 if texts else 0 for texts in rows]), true_of, np.cumsum([0, *sizes[:-1]])
        )


class Eyes(nn.Module):
    """The parts that train, and the layer that is thrown away."""

    def __init__(self, model: Lavida, side: int) -> None:
        super().__init__()
        assert model.projector.fine is not None
        self.sam, self.fine = model.sam, model.projector.fine
        for name, parameter in self.sam.named_parameters():
            parameter.requires_grad_(name.startswith("vision_encoder"))
        width = model.projector.name_out.out_features
        self.head = nn.ModuleDict(
            {"kinds": nn.Linear(width, 1 + len(KINDS)), "expressions": nn.Linear(width, len(EXPRESSIONS))}
        )
        self.side, self.sam.backbone_feature_sizes = side, [[side // stride] * 2 for stride in (4, 8, 16)]

    def kinds(self, cells: Tensor) -> Tensor:
        """Logits of the kinds, (..., A)."""
        found: Tensor = self.head["kinds"](cells)
        return found

    def expressions(self, cells: Tensor) -> Tensor:
        """Logits of the expressions, (..., E)."""
        found: Tensor = self.head["expressions"](cells)
        return found

    def forward(self, frames: Tensor) -> Tensor:
        """Cells of the finest map, (B, C, C, W), of frames as `pixels.square` makes them."""
        features: Tensor = self.fine(decoder.encode_frames(self.sam, pixels.normalise_for_sam(frames)))
        return features.permute(0, 2, 3, 1)


def crop(
    rng: np.random.Generator, scenes: Scenes, things: Things, row: int, side: int
) -> tuple[Pixels, NDArray[np.int64]]:
    """A piece of a scene, maybe mirrored, maybe brighter or darker, and the rows of what is seen in its pixels."""
    frame, owner = scenes.frames[row], scenes.owner[row]
    full = len(frame)
    width = int(full * rng.uniform(SMALLEST_CROP, 1)) if rng.random() < 0.5 else full
    height = min(full, int(width * rng.uniform(0.85, 1.18)))
    x, y = int(rng.integers(full - width + 1)), int(rng.integers(full - height + 1))
    piece, step = np.s_[y : y + height, x : x + width], -1 if rng.random() < 0.5 else 1
    seen, owned = (np.ascontiguousarray(whole[piece][:, ::step]) for whole in (frame, owner))
    small = cv2.resize(seen, (side, side), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.5:
        small = np.clip(small * rng.uniform(0.75, 1.25) + rng.uniform(-20, 20), 0, 255)
    owned = cv2.resize(owned, (side, side), interpolation=cv2.INTER_NEAREST)
    return small.astype(np.uint8), owned.astype(np.int64) + things.first[row]


def picture(
    rng: np.random.Generator, scenes: Scenes, things: Things, row: int, side: int
) -> tuple[Pixels, NDArray[np.int64]]:
    """A piece of one scene, or of four scenes side by side: so that small things are seen as often as large ones."""
    if rng.random() < 0.5:
        return crop(rng, scenes, things, row, side)
    rows = (row, *rng.integers(len(scenes), size=3).tolist())
    four = [crop(rng, scenes, things, one, side // 2) for one in rows]
    halves = [[np.concatenate(pair, axis=1) for pair in zip(*four[at : at + 2], strict=True)] for at in (0, 2)]
    frame, owner = (np.concatenate(pair, axis=0) for pair in zip(*halves, strict=True))
    return frame, owner


def shares(kinds_BSS: NDArray[np.int64], cells: int) -> Tensor:
    """How much of each cell each kind takes, float32 (B, C, C, A)."""
    count, side = len(kinds_BSS), kinds_BSS.shape[1] // cells
    flat = kinds_BSS.reshape(count, cells, side, cells, side).transpose(0, 1, 3, 2, 4).reshape(-1, side * side)
    width = 1 + len(KINDS)
    places = np.arange(len(flat))[:, None] * width + flat
    found = np.bincount(places.ravel(), minlength=len(flat) * width)
    return torch.from_numpy(found.reshape(count, cells, cells, width)).float() / side**2


def weights(scenes: Scenes, things: Things) -> Tensor:
    """What a cell of each kind counts, (A,): the inverse root of what the kind takes of all pictures."""
    taken = np.zeros(1 + len(KINDS))
    for owner, first in zip(scenes.owner[::7], things.first[::7], strict=True):
        seen = np.bincount(owner.ravel())
        np.add.at(taken, things.kinds[first : first + len(seen)], seen)
    rare = np.sqrt(taken[1:].sum() / np.maximum(taken[1:], 1))
    rare = np.where(taken[1:] > 0, rare / np.average(rare, weights=taken[1:] + 1e-9), 0)
    return torch.tensor([BACKGROUND, *np.minimum(rare, 6)], dtype=torch.float32)


OWN = torch.tensor([[CATEGORY[text] == kind for text in EXPRESSIONS] for kind in ("", *KINDS)])
"""Which expressions apply to a kind at all, bool (A, E)."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A batch: what is seen and what is wanted.

    frames  uint8 (B, 3, S, S);  shares  float32 (B, C, C, A): how much of a cell each kind takes
    cells   int64 (n,): some cells with a thing in their middle, of all B C C
    target  float32 (n, E): what is true of the thing;  asked  bool (n, E): what applies to it
    """

    frames: Tensor
    shares: Tensor
    cells: Tensor
    target: Tensor
    asked: Tensor

    def to(self, device: str) -> Drawn:
        """The same on a device."""
        return Drawn(*(getattr(self, field.name).to(device) for field in fields(self)))


class Batches(IterableDataset[Drawn]):
    """Endless batches; each process and worker has a chance of its own."""

    def __init__(self, args: argparse.Namespace, scenes: Scenes, things: Things, process: int) -> None:
        self.args, self.scenes, self.things, self.process = args, scenes, things, process

    def __iter__(self) -> Iterator[Drawn]:
        torch.set_num_threads(1)
        worker = get_worker_info()
        rng = np.random.default_rng([self.args.seed, self.process, worker.id if worker else 0])
        while True:
            rows = rng.integers(len(self.scenes), size=self.args.batch)
            drawn = [picture(rng, self.scenes, self.things, int(row), self.args.side) for row in rows]
            frames, seen = (np.stack(some) for some in zip(*drawn, strict=True))
            yield self._wanted(rng, pixels.square_frames(frames, self.args.side), seen)

    def _wanted(self, rng: np.random.Generator, frames: Tensor, rows_BSS: NDArray[np.int64]) -> Drawn:
        kinds, step = self.things.kinds, STRIDE
        middles = rows_BSS[:, step // 2 :: step, step // 2 :: step]
        cells = np.flatnonzero(kinds[middles])
        cells = cells[rng.permutation(len(cells))[:CELLS]]
        seen = middles.ravel()[cells]
        target = torch.from_numpy(self.things.true_of[seen]).float()
        asked = OWN[kinds[seen]] & (target.sum(1, keepdim=True) > 0)
        return Drawn(frames, shares(kinds[rows_BSS], self.args.side // step), torch.from_numpy(cells), target, asked)


def losses(cells_BCCW: Tensor, layers: Eyes, drawn: Drawn, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Cross entropy of the kinds over all cells, and of the expressions in the middle of cells with a thing."""
    wanted = drawn.shares * weight
    kind_loss = -(wanted * layers.kinds(cells_BCCW).log_softmax(-1)).sum() / wanted.sum()
    logits = layers.expressions(cells_BCCW.flatten(0, 2)[drawn.cells])  # of nothing, where there is no thing
    entropy = F.binary_cross_entropy_with_logits(logits, drawn.target, reduction="none")
    return kind_loss, (entropy * drawn.asked).sum() / drawn.asked.sum().clamp(min=1)


@torch.no_grad()
def reading(eyes: Eyes, scenes: Scenes) -> float:
    """Mean over the kinds of the AUC of a kind's strongest cell: scenes with it against scenes without it."""
    strongest = []
    for start in range(0, len(scenes), 25):
        some = scenes.frames[start : start + 25]
        small = np.stack([cv2.resize(one, (eyes.side, eyes.side), interpolation=cv2.INTER_AREA) for one in some])
        frames = pixels.square_frames(small, eyes.side).to(next(eyes.parameters()).device)
        strongest.append(eyes.kinds(eyes(frames)).log_softmax(-1)[..., 1:].flatten(1, 2).amax(1))
    best = torch.cat(strongest).cpu().numpy()
    there = np.array([[any(texts[0] == kind for texts in captions) for kind in KINDS] for captions in scenes.captions])
    known = [at for at in range(len(KINDS)) if 5 < there[:, at].sum() < len(there) - 5]
    return float(np.mean([roc_auc_score(there[:, at], best[:, at]) for at in known]))


def main() -> None:
    """Train, measure, save."""
    args = arguments()
    accelerator, pool = Accelerator(cpu=args.device == "cpu"), Pool(max(1, args.workers), args.cache)
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    model = Lavida.from_pretrained(args.model) if args.model else Lavida.from_preset("tiny", random=True)
    model.fitted_on = model.fitted_on.after(drawn_scenes.FIT)
    scenes = drawn_scenes.street(args.scenes, SEED + accelerator.process_index, DRAWN, pool=pool)
    held_out = drawn_scenes.street(HELD_OUT, HELD_OUT_SEED, DRAWN, pool=pool)
    things = Things.of(scenes)
    layers, weight = Eyes(model, args.side).to(args.device), weights(scenes, things).to(args.device)
    if args.model and (args.model / HEAD).is_file():
        layers.head.load_state_dict(torch.load(args.model / HEAD, weights_only=True))
    trained = [one for one in layers.parameters() if one.requires_grad]
    fused = args.device != "cpu"
    optimizer = torch.optim.AdamW(trained, lr=args.lr, weight_decay=0.05, betas=(0.9, 0.98), fused=fused)
    eyes = accelerator.prepare_model(layers)
    batches = iter(
        DataLoader(Batches(args, scenes, things, accelerator.process_index), batch_size=None, num_workers=args.workers)
    )
    began, step, due, mean = time.monotonic(), 0, args.every, 0.0
    curve: list[dict[str, float]] = []
    while True:
        minutes = float(accelerator.reduce(torch.tensor((time.monotonic() - began) / 60), "mean"))
        if step and (minutes >= due or minutes >= args.minutes):
            due += args.every
            if accelerator.is_main_process:
                curve.append({"step": step, "minutes": minutes, "loss": mean, "held_out": reading(layers, held_out)})
                print(", ".join(f"{name} {value:.4g}" for name, value in curve[-1].items()), flush=True)
                model.save_pretrained(args.out)
                LavidaProcessor.from_preset("tiny").save_pretrained(args.out)
                torch.save(layers.head.state_dict(), args.out / HEAD)
                (args.out / "curve.json").write_text(json.dumps(curve, indent=1) + "\n")
        if minutes >= args.minutes:
            break
        for group in optimizer.param_groups:
            group["lr"] = (
                args.lr * min(1, (step + 1) / 200) * (0.51 + 0.49 * math.cos(math.pi * minutes / args.minutes))
            )
        drawn = next(batches).to(args.device)
        kinds, expressions = losses(eyes(drawn.frames), layers, drawn, weight)
        optimizer.zero_grad()
        accelerator.backward(kinds + 0.5 * expressions)
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        step += 1
        if step % LOG_EVERY == 0 or step == 1:  # a device is waited for no more often
            mean = 0.8 * mean + 0.2 * float(kinds.detach()) if step > 1 else float(kinds.detach())


if __name__ == "__main__":
    main()
