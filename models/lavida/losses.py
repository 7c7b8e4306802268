"""Losses of LAVIDA (arXiv 2602.19248), pure functions on tensors.

Letters: N frames of the whole batch, M candidate masks of a frame, H W pixels of the targets, K names of a frame.
The normaliser of everything but the text and the names is the number of frames in the batch: each function
returns one value per frame and `frame_losses` divides the sum by N.

A loss is a mean of one part, a scalar, or of two, (2,): names are averaged over the anomalies and over the others. Its
value is the mean of its parts (`values`). Apart, since each part of a batch counts by how many things it is over.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

import torch
from torch import Tensor
from torch.nn import functional as F

ALPHA, GAMMA = 0.25, 2.0


@dataclass(frozen=True, slots=True)
class Weights:
    """What each loss counts; 0 switches it off.

    `names` and `name_maps` are ours, on the projector's outputs per name, which the paper leaves without a loss. `ious`
    is SAM2's own: the predicted IoUs of all candidates, without which a model that starts from nothing can not choose.
    """

    focal: float = 20.0
    dice: float = 2.0
    iou: float = 1.0
    ious: float = 0.0
    object: float = 2.0
    text: float = 1.0
    names: float = 0.0
    name_maps: float = 0.0


LOSSES = tuple(field.name for field in fields(Weights))
"""Their names."""


def focal(logits: Tensor, target: Tensor) -> Tensor:
    """Sigmoid focal loss (arXiv 1708.02002), alpha 0.25, gamma 2: mean over the pixels, (N, M) for (N, M, H, W)."""
    probability = logits.sigmoid()
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    right = probability * target + (1 - probability) * (1 - target)
    alpha = ALPHA * target + (1 - ALPHA) * (1 - target)
    return (alpha * (1 - right) ** GAMMA * entropy).mean(dim=(-2, -1))


def dice(logits: Tensor, target: Tensor) -> Tensor:
    """Dice loss of the soft mask, 1 - (2 * overlap + 1) / (areas + 1): (N, M) in [0, 1) for (N, M, H, W)."""
    probability = logits.sigmoid()
    overlap = (probability * target).sum(dim=(-2, -1))
    areas = probability.sum(dim=(-2, -1)) + target.sum(dim=(-2, -1))
    return 1 - (2 * overlap + 1) / (areas + 1)


@torch.no_grad()
def true_iou(logits: Tensor, target: Tensor) -> Tensor:
    """Intersection over union of the hard masks (logit > 0), (N, M) for (N, M, H, W); 0 where both are empty."""
    mask = logits > 0
    wanted = target > 0.5
    both = (mask & wanted).sum(dim=(-2, -1)).float()
    either = (mask | wanted).sum(dim=(-2, -1)).clamp(min=1).float()
    return both / either


def object_score(scores: Tensor, present: Tensor) -> Tensor:
    """Binary cross entropy of the object score logits, (N,); `present` (N,) is 1.0 where the target is not empty."""
    return F.binary_cross_entropy_with_logits(scores, present, reduction="none")


def frame_losses(masks: Tensor, ious: Tensor, scores: Tensor, target: Tensor, weights: Weights) -> dict[str, Tensor]:
    """focal, dice, iou, object, and ious if it counts: scalars without weights, sums over the frames divided by N.

    masks (N, M, h, w) logits, ious (N, M) predicted, scores (N,) object score logits, target (N, H, W) in {0, 1}. Where
    sizes differ the logits are resized bilinearly to the target's. The first three go through the candidate with the
    smallest weighted focal + dice, `ious` through all of them; they are zero where the target is empty.
    """
    target = target.to(torch.float32)
    logits = masks.float()
    if logits.shape[-2:] != target.shape[-2:]:
        logits = F.interpolate(logits, size=target.shape[-2:], mode="bilinear", align_corners=False)
    wanted = target[:, None].expand_as(logits)
    focal_NM, dice_NM = focal(logits, wanted), dice(logits, wanted)
    iou_NM = (ious.float() - true_iou(logits, wanted)).abs()
    best = (weights.focal * focal_NM + weights.dice * dice_NM).argmin(dim=1, keepdim=True)
    present = (target.flatten(1) > 0).any(dim=1).float()
    frames = max(1, len(target))

    def chosen(loss_NM: Tensor) -> Tensor:
        return (loss_NM.gather(1, best).squeeze(1) * present).sum() / frames

    bce = object_score(scores.float(), present).sum() / frames
    found = {"focal": chosen(focal_NM), "dice": chosen(dice_NM), "iou": chosen(iou_NM), "object": bce}
    if weights.ious:
        found["ious"] = (iou_NM.mean(dim=1) * present).sum() / frames
    return found


def text(logits_MV: Tensor, targets_M: Tensor) -> Tensor:
    """Cross entropy of the next token, mean over the M counted positions; 0 if there are none."""
    if len(targets_M) == 0:
        return logits_MV.sum().float()
    return F.cross_entropy(logits_MV.float(), targets_M)


def split_by_label(labels_NK: Tensor, real_NK: Tensor) -> Tensor:
    """Which names are anomalies and which are others, (2, N, K) bool; labels in {0, 1}, `real` bool: which count."""
    return torch.stack((labels_NK > 0.5, labels_NK <= 0.5)) & real_NK


def mean_by_label(loss_NK: Tensor, sides_2NK: Tensor) -> Tensor:
    """Mean over the anomalies, mean over the other names: (2,); 0 where there are none.

    Both count half, since a prompt lists one anomaly among up to 30 names.
    """
    return torch.stack([(loss_NK * side).sum() / side.sum().clamp(min=1) for side in sides_2NK])


def names(logits_NK: Tensor, labels_NK: Tensor, real_NK: Tensor) -> Tensor:
    """Binary cross entropy of per-frame name logits, (2,): does this frame show what the name says?"""
    loss = F.binary_cross_entropy_with_logits(logits_NK.float(), labels_NK, reduction="none")
    return mean_by_label(loss, split_by_label(labels_NK, real_NK))


def name_maps(maps_NDP: Tensor, target_NP: Tensor, labels_NK: Tensor, real_NK: Tensor) -> Tensor:
    """Per-name maps, (2,): against the anomaly's mask for the anomalies, against nothing for the other names.

    maps (N, D, P) logits, target (N, P) the share of each pixel that the anomaly covers, labels (N, D) in {0, 1}, real
    (N, D) bool: which names count. Binary cross entropy, mean over pixels, plus dice for the anomalies.
    """
    maps = maps_NDP.float()
    wanted = target_NP[:, None] * labels_NK[..., None]
    loss = F.binary_cross_entropy_with_logits(maps, wanted, reduction="none").mean(dim=-1)
    loss = loss + labels_NK * dice(maps[..., None], wanted[..., None])
    return mean_by_label(loss, split_by_label(labels_NK, real_NK))


def values(parts: dict[str, Tensor]) -> dict[str, Tensor]:
    """A scalar of each loss: the mean of its parts."""
    return {name: part.mean() for name, part in parts.items()}


def total(losses: dict[str, Tensor], weights: Weights) -> Tensor | None:
    """The weighted sum, None if there is nothing to sum; a loss of weight 0 stays out whatever its value."""
    parts = [weight * losses[name] for name, weight in asdict(weights).items() if weight and name in losses]
    return torch.stack(parts).sum() if parts else None
