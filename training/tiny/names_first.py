"""The start: names and pixels first, without the language model, from every thing of a scene at once.

A corpus knows the mask of one anomaly of a scene. Drawn scenes know them all, so one look of the image encoder teaches
a dozen names: each name's map is drawn towards the things that it is true of. Letters: N scenes, D names of a scene,
h w the maps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from drawn_prompts import absent
from drawn_scenes import Scenes
from lavida import decoder, losses, pixels
from lavida.decoder import Features
from lavida.modeling import Lavida
from lavida.projector import Projected, log_odds, mask_prompt

NAMES = 24
"""Names a scene, true and absent ones."""

CELL = 4
"""Pixels of a side of a cell of the finest map."""

BCE = 10.0
"""Weight of the maps' cross entropy beside dice: a thing takes some hundredths of a picture."""


class Lookup:
    """Tokens of names, made once."""

    def __init__(self, processor: Any) -> None:
        self._tokenizer = processor.names_tokenizer

    def __call__(self, names: list[str]) -> tuple[Tensor, Tensor]:
        """Ids and mask (K, W)."""
        found = self._tokenizer(names, padding=True, return_tensors="pt")
        return found["input_ids"], found["attention_mask"]


@dataclass(frozen=True, slots=True)
class Look:
    """Scenes as the encoder sees them, and what each is asked for.

    frames  uint8 (N, 3, side, side);  covered  float32 (N, D, h, w), shares of cells
    names   D of each scene: `true` true ones first, then absent ones
    """

    frames: Tensor
    names: list[list[str]]
    true: list[int]
    covered: Tensor

    def to(self, device: torch.device) -> Look:
        """The same on a device."""
        return replace(self, frames=self.frames.to(device), covered=self.covered.to(device))


def look(scenes: Scenes, rows: np.ndarray, rng: np.random.Generator, side: int) -> Look:
    """A batch of scenes, half of them mirrored."""
    flips = rng.random(len(rows)) < 0.5
    frames = np.stack([scenes.frames[r][:, ::-1] if f else scenes.frames[r] for r, f in zip(rows, flips, strict=True)])
    found = [_dense(scenes, int(row), rng, bool(flip)) for row, flip in zip(rows, flips, strict=True)]
    names, true, covered = zip(*found, strict=True)
    return Look(pixels.square_frames(frames, side), list(names), list(true), torch.from_numpy(np.stack(covered)))


def loss(model: Lavida, lookup: Lookup, asked: Look, rng: np.random.Generator, decode: bool) -> dict[str, Tensor]:
    """`maps` and `names` of one batch of scenes; with `decode` SAM2's losses on a prompt each."""
    features = decoder.encode_frames(model.sam, pixels.normalise_for_sam(asked.frames))
    distinct = sorted({name for names in asked.names for name in names})
    number = {name: at for at, name in enumerate(distinct)}
    at = torch.tensor([[number[name] for name in names] for names in asked.names], device=model.device)
    names_NDX = model.names(*lookup(distinct))[at]
    projected, maps = _project(model, names_NDX, features)
    present = (asked.covered.flatten(2).sum(-1) > 0).float()
    logits = model.projector.name_logits(projected.names, maps)
    found = {
        "maps": map_loss(maps, asked.covered, present),
        "names": losses.name_loss(logits, present, torch.ones_like(present, dtype=torch.bool)).mean(),
    }
    return found | (_decoded(model, names_NDX, features, asked, rng) if decode else {})


def _project(model: Lavida, names_NDX: Tensor, features: Features) -> tuple[Projected, Tensor]:
    """Prompt, names and their maps without the language model."""
    seg = names_NDX.new_zeros(len(names_NDX), model.config.mllm.get_text_config().hidden_size)
    real = torch.ones(names_NDX.shape[:2], dtype=torch.bool, device=names_NDX.device)
    projected = model.projector(seg, names_NDX, real, features.pixels_NPC)
    return projected, model.projector.name_maps(projected.names, features)


def _decoded(
    model: Lavida, names_NDX: Tensor, features: Features, asked: Look, rng: np.random.Generator
) -> dict[str, Tensor]:
    """SAM2's losses where each scene is asked for 1 to 8 of its names, half of them with a true one among them."""
    count, total = int(rng.integers(1, 9)), names_NDX.shape[1]
    listed = []
    for true in asked.true:
        absent_ones = true + rng.permutation(total - true)
        first = [int(rng.integers(true))] if true and rng.random() < 0.5 else []
        some = [*first, *absent_ones.tolist()][:count]
        listed.append([some[at % len(some)] for at in rng.permutation(count)])
    at = torch.tensor(listed, device=names_NDX.device)
    every = torch.arange(len(at), device=at.device)[:, None]
    projected, maps = _project(model, names_NDX[every, at], features)
    real = torch.ones(at.shape, dtype=torch.bool, device=at.device)
    drawn = mask_prompt(maps, real, model.sam.prompt_encoder.mask_input_size) if model.config.prompt_maps else None
    decoded = decoder.decode_masks(model.sam, features, projected.prompt, [1] * len(at), "none", True, drawn)
    target = asked.covered[every, at].amax(dim=1)
    scores = decoded.scores + log_odds(model.projector.name_logits(projected.names, maps), real)
    return losses.frame_losses(decoded.masks, decoded.ious, scores, target, model.config.weights)


def _dense(scenes: Scenes, row: int, rng: np.random.Generator, flip: bool) -> tuple[list[str], int, np.ndarray]:
    """NAMES names of a scene, up to half of them true; how many; what they cover, float32 (D, h, w)."""
    captions, owner = scenes.captions[row], scenes.owner[row][:, ::-1] if flip else scenes.owner[row]
    large = [name for names, shown in zip(captions, scenes.shown(row), strict=True) if shown for name in names]
    true = list(dict.fromkeys(large))
    true = [true[at] for at in rng.permutation(len(true))[: NAMES // 2]]
    there = {name for texts in captions for name in texts}
    names = true + absent(rng, scenes, there, NAMES - len(true), true[: NAMES // 4])
    height, width = owner.shape
    cells = owner.reshape(height // CELL, CELL, width // CELL, CELL)
    covered = np.zeros((NAMES, height // CELL, width // CELL), np.float32)
    for thing, texts in enumerate(captions):
        if not set(texts).isdisjoint(true):
            share = (cells == thing + 1).mean((1, 3), dtype=np.float32)
            for name in set(texts).intersection(true):
                covered[names.index(name)] += share
    return names, len(true), covered


def map_loss(maps: Tensor, target: Tensor, present: Tensor) -> Tensor:
    """BCE of the maps (true and absent names count half each) and dice of the true ones; maps, target (N, D, h, w)."""
    entropy = F.binary_cross_entropy_with_logits(maps, target, reduction="none").mean((2, 3))
    overlap = losses.dice_loss(maps, target)
    true, false = present.sum().clamp(min=1), (1 - present).sum().clamp(min=1)
    halves = (entropy * present).sum() / true + (entropy * (1 - present)).sum() / false
    return BCE * halves / 2 + (overlap * present).sum() / true
