"""Losses of LAVIDA (arXiv 2602.19248), pure functions on tensors.

Letters: N frames of the whole batch, M candidate masks of a frame, H W pixels of the targets, K names of a frame.
Losses of the masks are sums over the frames divided by N, the number of frames in the batch.

A loss has one part, a scalar mean, or two, (2,): names are averaged over anomalies and over other names separately. Its
value is the mean of its parts (`loss_values`). Parts are kept because micro-batches are weighted by the number of items
that each part is a mean over.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

import torch
from torch import Tensor
from torch.nn import functional as F

ALPHA, GAMMA = 0.25, 2.0


@dataclass(frozen=True, slots=True)
class Weights:
    """Weight of each loss; 0 switches it off.

    `names` and `name_maps` are ours, on the projector's per-name outputs, for which the paper has no loss. `ious` is
    SAM2's own: the predicted IoUs of all candidates, which a model that starts from random weights needs to choose.
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
"""Names of the losses."""


def focal_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Sigmoid focal loss (arXiv 1708.02002), alpha 0.25, gamma 2, mean over the pixels.

    Args:
        logits: (N, M, H, W).
        target: (N, M, H, W) in {0, 1}.

    Returns:
        (N, M).
    """
    probability = logits.sigmoid()
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    right = probability * target + (1 - probability) * (1 - target)
    alpha = ALPHA * target + (1 - ALPHA) * (1 - target)
    return (alpha * (1 - right) ** GAMMA * entropy).mean(dim=(-2, -1))


def dice_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Dice loss of the soft mask (arXiv 1606.04797), 1 - (2 * overlap + 1) / (areas + 1).

    Args:
        logits: (N, M, H, W).
        target: (N, M, H, W) in {0, 1}.

    Returns:
        (N, M) in [0, 1).
    """
    probability = logits.sigmoid()
    overlap = (probability * target).sum(dim=(-2, -1))
    areas = probability.sum(dim=(-2, -1)) + target.sum(dim=(-2, -1))
    return 1 - (2 * overlap + 1) / (areas + 1)


@torch.no_grad()
def true_iou(logits: Tensor, target: Tensor) -> Tensor:
    """Intersection over union of the hard masks (logit > 0).

    Args:
        logits: (N, M, H, W).
        target: (N, M, H, W) in {0, 1}.

    Returns:
        (N, M) in [0, 1]; 0 where both are empty.
    """
    mask = logits > 0
    wanted = target > 0.5
    both = (mask & wanted).sum(dim=(-2, -1)).float()
    either = (mask | wanted).sum(dim=(-2, -1)).clamp(min=1).float()
    return both / either


def object_loss(scores: Tensor, present: Tensor) -> Tensor:
    """Binary cross entropy of the object score.

    Args:
        scores: (N,) logits.
        present: (N,) 1.0 where the target mask is not empty, else 0.0.

    Returns:
        (N,).
    """
    return F.binary_cross_entropy_with_logits(scores, present, reduction="none")


def frame_losses(masks: Tensor, ious: Tensor, scores: Tensor, target: Tensor, weights: Weights) -> dict[str, Tensor]:
    """Losses of the masks, as in SAM2's training (arXiv 2408.00714): sums over the frames divided by N, unweighted.

    focal, dice and iou are those of the candidate with the smallest weighted focal + dice, `ious` is the mean over all
    candidates; they are zero where the target is empty.

    Args:
        masks: (N, M, h, w) logits; resized bilinearly to the target's size.
        ious: (N, M) predicted IoUs.
        scores: (N,) object score logits.
        target: (N, H, W) in {0, 1}.
        weights: They choose the candidate; `ious` is computed if it has a weight.

    Returns:
        Scalars focal, dice, iou, object, and ious.
    """
    target = target.to(torch.float32)
    logits = masks.float()
    if logits.shape[-2:] != target.shape[-2:]:
        logits = F.interpolate(logits, size=target.shape[-2:], mode="bilinear", align_corners=False)
    wanted = target[:, None].expand_as(logits)
    focal_NM, dice_NM = focal_loss(logits, wanted), dice_loss(logits, wanted)
    iou_NM = (ious.float() - true_iou(logits, wanted)).abs()
    best = (weights.focal * focal_NM + weights.dice * dice_NM).argmin(dim=1, keepdim=True)
    present = (target.flatten(1) > 0).any(dim=1).float()
    frames = max(1, len(target))

    def of_best(loss_NM: Tensor) -> Tensor:
        return (loss_NM.gather(1, best).squeeze(1) * present).sum() / frames

    found = {"focal": of_best(focal_NM), "dice": of_best(dice_NM), "iou": of_best(iou_NM)}
    found["object"] = object_loss(scores.float(), present).sum() / frames
    if weights.ious:
        found["ious"] = (iou_NM.mean(dim=1) * present).sum() / frames
    return found


def text_loss(logits_MV: Tensor, targets_M: Tensor) -> Tensor:
    """Cross entropy of the next token.

    Args:
        logits_MV: (M, V) logits of the M counted positions.
        targets_M: (M,) int64 token ids.

    Returns:
        Scalar mean; 0 if there are no positions.
    """
    if len(targets_M) == 0:
        return logits_MV.sum().float()
    return F.cross_entropy(logits_MV.float(), targets_M)


def split_by_label(labels_NK: Tensor, real_NK: Tensor) -> Tensor:
    """Split names into anomalies and others.

    Args:
        labels_NK: (N, K) in {0, 1}, 1 = anomaly.
        real_NK: (N, K) bool, True = the name counts.

    Returns:
        (2, N, K) bool: anomalies, other names.
    """
    return torch.stack((labels_NK > 0.5, labels_NK <= 0.5)) & real_NK


def mean_by_label(loss_NK: Tensor, sides_2NK: Tensor) -> Tensor:
    """Average over the anomalies and over the other names: each counts half, as a prompt has one anomaly in 30 names.

    Args:
        loss_NK: (N, K).
        sides_2NK: Result of `split_by_label`.

    Returns:
        (2,); 0 where there are no names.
    """
    return torch.stack([(loss_NK * side).sum() / side.sum().clamp(min=1) for side in sides_2NK])


def name_loss(logits_NK: Tensor, labels_NK: Tensor, real_NK: Tensor) -> Tensor:
    """Binary cross entropy of the per-frame name logits: does this frame show the name's anomaly?

    Args:
        logits_NK: (N, K) logits.
        labels_NK: (N, K) in {0, 1}.
        real_NK: (N, K) bool, True = the name counts.

    Returns:
        (2,), see `mean_by_label`.
    """
    loss = F.binary_cross_entropy_with_logits(logits_NK.float(), labels_NK, reduction="none")
    return mean_by_label(loss, split_by_label(labels_NK, real_NK))


def name_map_loss(maps_NKP: Tensor, target_NP: Tensor, labels_NK: Tensor, real_NK: Tensor) -> Tensor:
    """Loss of the per-name maps: the anomaly's mask is the target of anomalies, the empty mask that of other names.

    Binary cross entropy, mean over the pixels, plus Dice loss for the anomalies.

    Args:
        maps_NKP: (N, K, P) logits.
        target_NP: (N, P) in [0, 1], the share of each pixel that the anomaly covers.
        labels_NK: (N, K) in {0, 1}.
        real_NK: (N, K) bool, True = the name counts.

    Returns:
        (2,), see `mean_by_label`.
    """
    maps = maps_NKP.float()
    wanted = target_NP[:, None] * labels_NK[..., None]
    loss = F.binary_cross_entropy_with_logits(maps, wanted, reduction="none").mean(dim=-1)
    loss = loss + labels_NK * dice_loss(maps[..., None], wanted[..., None])
    return mean_by_label(loss, split_by_label(labels_NK, real_NK))


def loss_values(parts: dict[str, Tensor]) -> dict[str, Tensor]:
    """Compute the value of each loss, the mean of its parts.

    Args:
        parts: () or (2,) each, by name.

    Returns:
        Scalars by name.
    """
    return {name: part.mean() for name, part in parts.items()}


def total_loss(losses: dict[str, Tensor], weights: Weights) -> Tensor | None:
    """Add up losses by their weights; a loss of weight 0 is left out, whatever its value.

    Args:
        losses: Scalars by name.
        weights: Weight of each loss.

    Returns:
        Scalar, None if there is nothing to add.
    """
    weighted = [weight * losses[name] for name, weight in asdict(weights).items() if weight and name in losses]
    return torch.stack(weighted).sum() if weighted else None
