"""Does a small model learn to READ the prompt? The `tiny` preset from nothing on drawn scenes with two or three things.

    python training/tiny/train.py [--cpu-minutes 30] [--names-first 0.6] [--out DIR] [--threads 2]
    torchrun --nproc_per_node 2 training/tiny/train.py --threads 1 ...    # twice the batch, minutes of each
    python training/tiny/train.py --device cuda --workers 12 --batch 64 ...    # minutes of the wall

Reports over time, on scenes not trained on: IoU with the named thing, IoU with the other things, frame AUC (one name of
a thing that is there, against absent names only). The first part of the time (`--names-first`) goes to names and pixels
alone (names_first.py), the rest to the whole model with its own losses on one prompt a scene. Time is that of the
processor, so that a busy machine changes nothing; with a GPU that of the wall.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

import drawn_scenes
import names_first
from drawn_prompts import sample
from drawn_scenes import TRAINED_PLACES, Pool, Scenes, joined
from lavida.batch import Batch, Output
from lavida.losses import Weights
from lavida.modeling import Lavida
from lavida.parts.trainable import set_trainable
from lavida.presets import TINY_SIDE
from lavida.processing import LavidaProcessor
from lavida_gen.street.layouts import LAYOUTS
from measure import measure

SIDE = TINY_SIDE
CONFIG = {"name_maps": "fine", "prompt_maps": True, "score_names": True}
LOSS = {"focal": 20.0, "dice": 2.0, "iou": 0.0, "ious": 1.0, "object": 2.0, "text": 0.2, "names": 1.0, "name_maps": 4.0}
LOG_EVERY = 10
"""Steps between two looks at the losses."""
MASKS = ("focal", "dice", "iou", "ious", "object")
TEST_SEED, SEEDS = 999, {"near": 8, "street": 9101, "people": 9102, "four": 6}


def arguments() -> argparse.Namespace:
    """What may be set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cpu-minutes", type=float, default=30.0, help="training time; 0 = measure")
    parser.add_argument("--names-first", type=float, default=0.6, help="share of the time for names and pixels alone")
    parser.add_argument("--masks", type=float, default=0.2, help="share of the time after which masks join in")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--end", type=float, default=0.1, help="share of the rate that is left at the end")
    parser.add_argument("--scenes", type=int, default=6000, help="scenes trained on")
    parser.add_argument("--street", type=int, default=0, help="scenes of the source `street` among them")
    parser.add_argument("--people", type=int, default=0, help="scenes of `street` with people only, among them too")
    parser.add_argument("--four", type=int, default=0, help="pictures of four of these scenes each, besides")
    parser.add_argument("--test", type=int, default=200, help="scenes tested on")
    parser.add_argument("--test-seed", type=int, default=TEST_SEED, help="of the scenes tested on")
    parser.add_argument("--every", type=float, default=3.0, help="processor minutes between two measurements")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--workers", type=int, default=0, help="processes that draw scenes and prepare batches")
    parser.add_argument("--cache", type=Path, help="folder that keeps the scenes drawn")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", help="a saved model to go on from, or tiny: the shipped parts")
    parser.add_argument("--config", action="append", default=[], help="KEY=JSON of the model: prompt_maps=false")
    parser.add_argument("--loss", action="append", default=[], help="NAME=WEIGHT: ious=0")
    parser.add_argument("--out", type=Path, help="folder for model and curve")
    return parser.parse_args()


def scenes(args: argparse.Namespace, pool: Pool) -> Scenes:
    """What is trained on: near scenes, those of `street`, those with people only, and pictures of four of all these."""
    near = args.scenes - args.street - args.people
    some = [drawn_scenes.near(near, SEEDS["near"], SIDE, TRAINED_PLACES, pool)] if near else []
    if args.street:
        some.append(drawn_scenes.street(args.street, SEEDS["street"], SIDE, pool=pool))
    if args.people:
        some.append(drawn_scenes.street(args.people, SEEDS["people"], SIDE, drawn_scenes.WALKERS, pool))
    data = joined(*some)
    return joined(data, drawn_scenes.four(data, args.four, SEEDS["four"])) if args.four else data


class Batches(IterableDataset[Any]):
    """Endless batches of scenes with prompts, ready for the model; each process and worker has a chance of its own."""

    def __init__(self, args: argparse.Namespace, data: Scenes, processor: LavidaProcessor, process: int) -> None:
        self.args, self.data, self.processor, self.process = args, data, processor, process
        self.whole = args.names_first == 0

    def __iter__(self) -> Iterator[Any]:
        worker = get_worker_info()
        rng = np.random.default_rng([self.args.seed, self.process, worker.id if worker else 0, int(self.whole)])
        while True:
            rows = rng.integers(len(self.data), size=self.args.batch)
            yield self._prompted(rows, rng) if self.whole else names_first.look(self.data, rows, rng, SIDE)

    def _prompted(self, rows: np.ndarray, rng: np.random.Generator) -> Batch:
        """One prompt a scene: 1 to 12 names, half of the scenes exposed."""
        chances = ((int(row), bool(rng.random() < 0.5), int(rng.integers(1, 13))) for row in rows)
        return self.processor([sample(rng, self.data, *one) for one in chances], "train")

    def ready(self) -> Iterator[Any]:
        """The batches, made ahead by the workers."""
        return iter(DataLoader(self, batch_size=None, num_workers=self.args.workers))


def begin(args: argparse.Namespace, weights: dict[str, float]) -> Lavida:
    """From nothing, or from a saved model."""
    if args.model:
        model: Lavida = Lavida.from_preset("tiny") if args.model == "tiny" else Lavida.from_pretrained(args.model)
        model.config.loss = asdict(Weights()) | weights
        return model
    changes = CONFIG | {key: json.loads(value) for key, value in (one.split("=") for one in args.config)}
    return Lavida.from_preset("tiny", random=True, loss=weights, **changes)


def weighted(found: dict[str, torch.Tensor], weights: dict[str, float]) -> torch.Tensor:
    """The weighted sum of those losses that there are."""
    return sum((weight * found[name] for name, weight in weights.items() if name in found), start=torch.zeros(()))


@dataclass(slots=True)
class Run:
    """A model on its way: what has been spent on it (minutes of the processor), and what it read along the way."""

    args: argparse.Namespace
    model: Lavida
    processor: LavidaProcessor
    weights: dict[str, float]
    rng: np.random.Generator
    optimizer: torch.optim.Optimizer
    lookup: names_first.Lookup
    accelerator: Accelerator
    batches: Batches
    spent: float = 0.0
    step: int = 0
    losses: dict[str, float] = field(default_factory=dict)
    curve: list[dict[str, float]] = field(default_factory=list)

    def train(self, test: Scenes) -> None:
        """To the end of the time, measured now and then."""
        args, ready, due = self.args, self.batches.ready(), self.args.every
        clock = time.process_time if args.device == "cpu" else time.monotonic
        wall, began = time.monotonic(), clock()
        while self.spent < args.cpu_minutes:
            share = self.spent / args.cpu_minutes
            if not self.batches.whole and share >= args.names_first:
                self.batches.whole = True
                ready = self.batches.ready()
            self.step += 1
            self.advance(next(ready).to(self.model.device), share)
            spent = torch.tensor((clock() - began) / 60, dtype=torch.float64)
            self.spent = float(self.accelerator.reduce(spent, "mean"))
            if self.spent >= due or self.spent >= args.cpu_minutes:
                due += args.every
                paused = clock()
                self.report(test, (time.monotonic() - wall) / 60)
                began += clock() - paused

    def advance(self, batch: Any, share: float) -> None:
        """One step, at this share of the time."""
        args = self.args
        for group in self.optimizer.param_groups:
            group["lr"] = args.lr * min(1, self.step / 100) * (args.end + (1 - args.end) * (1 - share))
        if self.batches.whole:
            output: Output = self.model(batch)
            found = output.losses
            total = weighted(found, self.weights)
        else:
            found = names_first.loss(self.model, self.lookup, batch, self.rng, decode=share >= args.masks)
            masks = weighted(found, {name: self.weights[name] for name in MASKS})
            total = found["maps"] + 0.5 * found["names"] + masks
        self.optimizer.zero_grad()
        torch.autograd.backward(total)
        self.share_gradients()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        if self.step % LOG_EVERY == 0:  # a device is waited for no more often
            for name, value in found.items():
                self.losses[name] = self.losses.get(name, 0.0) * 0.8 + 0.2 * float(value.detach())

    def share_gradients(self) -> None:
        """The mean of all processes."""
        if self.accelerator.num_processes == 1:
            return
        trained = [one for group in self.optimizer.param_groups for one in group["params"]]
        trained = [one for one in trained if one.grad is not None]  # all processes take the same branch
        flat = torch.cat([one.grad.flatten() for one in trained])
        parts = torch.as_tensor(self.accelerator.reduce(flat, "mean")).split([one.numel() for one in trained])
        for one, part in zip(trained, parts, strict=True):
            one.grad = part.view_as(one)

    def report(self, test: Scenes, minutes: float) -> None:
        """Measure, print, save: one process for all."""
        if not self.accelerator.is_main_process:
            return
        reading = measure(self.model, self.processor, test, self.args.test)
        losses = ", ".join(f"{name} {value:.3f}" for name, value in self.losses.items())
        print(f"step {self.step}, {self.spent:.1f} CPU-min, {minutes:.1f} min: {reading.text()} | {losses}", flush=True)
        self.curve.append({"step": self.step, "cpu_minutes": self.spent, "minutes": minutes, **asdict(reading)})
        if self.args.out:
            self.model.save_pretrained(self.args.out)
            self.processor.save_pretrained(self.args.out)
            (self.args.out / "curve.json").write_text(json.dumps(self.curve, indent=1) + "\n")


def main() -> None:
    """Train, measure, print; with --out also save."""
    args = arguments()
    if args.street + args.people > args.scenes:
        raise SystemExit(f"--street {args.street} and --people {args.people}: more than all {args.scenes} --scenes")
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    weights = LOSS | {name: float(value) for name, value in (one.split("=") for one in args.loss)}
    model, processor = begin(args, weights), LavidaProcessor.from_preset("tiny")
    model.fitted_on = model.fitted_on.after(drawn_scenes.FIT)
    rows = set_trainable(model)
    print(f"{sum(row.trained for row in rows):,} of {sum(row.parameters for row in rows):,} parameters train")
    accelerator, pool = Accelerator(cpu=args.device == "cpu"), Pool(max(1, args.workers), args.cache)
    test = drawn_scenes.near(args.test, args.test_seed, SIDE, tuple(LAYOUTS), pool)
    placed: torch.nn.Module = model
    placed.to(args.device)
    trained = [one for one in model.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=args.lr, weight_decay=0.01, betas=(0.9, 0.95), fused=args.device != "cpu")
    rng, lookup = np.random.default_rng([args.seed, accelerator.process_index]), names_first.Lookup(processor)
    data = scenes(args, pool) if args.cpu_minutes else test
    batches = Batches(args, data, processor, accelerator.process_index)
    run = Run(args, model, processor, weights, rng, optimizer, lookup, accelerator, batches)
    model.train()
    run.train(test)
    if not run.step:
        run.report(test, 0.0)


if __name__ == "__main__":
    main()
