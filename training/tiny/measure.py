"""Does it read? Measured on scenes that were not trained on, with the model as it scores.

Half of the prompts name one thing of the scene among absent names, half name absent things only.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor
from torch.nn import functional as F

from drawn_prompts import sample
from drawn_scenes import Scenes
from lavida import decoder, pixels
from lavida.batch import Batch, Sample
from lavida.modeling import Lavida

NAMES = 6
"""Names that a test prompt lists."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Means over the test prompts.

    iou        of the mask (logit > 0) with the named thing        other   with all the other things of the scene
    map_iou, map_other   the same for the strongest name's map     frame_auc   scores, named against absent names
    name_auc   the same by the strongest name's logit
    best       iou of the best of the three candidate masks, whichever the model takes
    possible   iou of the named thing's own mask at the masks' resolution
    """

    iou: float
    other: float
    frame_auc: float
    map_iou: float
    map_other: float
    name_auc: float
    best: float
    possible: float

    def text(self) -> str:
        """One line."""
        return ", ".join(f"{name} {value:.3f}" for name, value in asdict(self).items())


@torch.no_grad()
def measure(model: Lavida, processor: Any, scenes: Scenes, count: int, seed: int = 1, batch: int = 25) -> Reading:
    """The reading on the first `count` scenes."""
    rng = np.random.default_rng(seed)
    was, found = model.training, dict[str, list[float]]()
    model.train(mode=False)
    for start in range(0, count, batch):
        rows = range(start, min(start + batch, count))
        for exposed in (True, False):
            samples = [sample(rng, scenes, row, exposed, NAMES) for row in rows]
            _add(found, model, processor(samples, "score").to(model.device), samples, scenes, rows, exposed)
    model.train(was)
    labels = [1] * len(found["score1"]) + [0] * len(found["score0"])
    return Reading(
        iou=float(np.mean(found["iou"])),
        other=float(np.mean(found["other"])),
        frame_auc=float(roc_auc_score(labels, found["score1"] + found["score0"])),
        map_iou=float(np.mean(found["map_iou"])),
        map_other=float(np.mean(found["map_other"])),
        name_auc=float(roc_auc_score(labels, found["name1"] + found["name0"])),
        best=float(np.mean(found["best"])),
        possible=float(np.mean(found["possible"])),
    )


def _add(
    found: dict[str, list[float]],
    model: Lavida,
    batch: Batch,
    samples: list[Sample],
    scenes: Scenes,
    rows: range,
    exposed: bool,
) -> None:
    output = model(batch)
    found.setdefault(f"score{exposed:d}", []).extend(output.scores.tolist())
    found.setdefault(f"name{exposed:d}", []).extend(output.names.amax(dim=1).tolist())
    if not exposed:
        return
    model.train()
    candidates = _full(model(batch).masks, scenes)
    model.train(mode=False)
    size = output.masks.shape[-2:]
    drawn = {"": _full(output.masks, scenes)[:, 0], "map_": _full(_maps(model, batch), scenes)[:, 0]}
    for number, (one, row) in enumerate(zip(samples, rows, strict=True)):
        assert one.masks is not None
        named = one.masks[0]
        others = (scenes.owner[row] > 0) & ~named
        for prefix, masks in drawn.items():
            found.setdefault(f"{prefix}iou", []).append(iou(masks[number], named))
            if others.any():
                found.setdefault(f"{prefix}other", []).append(iou(masks[number], others))
        found.setdefault("best", []).append(max(iou(mask, named) for mask in candidates[number]))
        small = F.adaptive_avg_pool2d(torch.from_numpy(named)[None, None].float(), (size[0], size[1]))
        found.setdefault("possible", []).append(iou(_full(small - 0.5, scenes)[0, 0], named))


def _full(logits: Tensor, scenes: Scenes) -> np.ndarray:
    """Masks (logit > 0) in the size of the scenes, bool (N, M, H, W)."""
    full: np.ndarray = F.interpolate(logits, size=scenes.owner.shape[1:], mode="bilinear").cpu().numpy() > 0
    return full


def _maps(model: Lavida, batch: Batch) -> Tensor:
    """The strongest name at each pixel, (N, 1, h, w) logits; all prompts have the same number of names."""
    features = decoder.encode_frames(model.sam, pixels.normalise_for_sam(batch.frames))
    names = model.names(batch.name_ids, batch.name_mask).unflatten(0, (len(batch), -1))
    seg = names.new_zeros(len(batch), model.config.mllm.get_text_config().hidden_size)
    projected = model.projector(
        seg, names, torch.ones(names.shape[:2], dtype=torch.bool, device=names.device), features.pixels_NPC
    )
    maps: Tensor = model.projector.name_maps(projected.names, features)
    return maps.amax(dim=1, keepdim=True)


def iou(mask: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union, 0 where both are empty."""
    return float((mask & other).sum() / max(1, (mask | other).sum()))
