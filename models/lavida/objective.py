"""From a batch and the model's outputs to the losses by name; a loss whose targets are unknown is left out.

Letters: B samples, N frames of the batch, M candidate masks, D names of the longest prompt, h w the per-name
maps, P = h * w.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lavida import losses
from lavida.batch import Batch
from lavida.losses import Weights


def samples_of_frames(batch: Batch, device: torch.device) -> Tensor:
    """Which sample each frame belongs to, (N,) int64."""
    return torch.repeat_interleave(torch.arange(len(batch)), torch.tensor(batch.counts)).to(device)


def rows(counts: Sequence[int], device: torch.device) -> Tensor:
    """(B, D) bool, True for the first `counts[b]` places of row b."""
    return (torch.arange(max(counts)) < torch.tensor(counts)[:, None]).to(device)


def frames(batch: Batch, masks: Tensor, ious: Tensor, scores: Tensor, weights: Weights) -> dict[str, Tensor]:
    """focal, dice, iou and object of the frames' masks."""
    if batch.masks is None:
        return {}
    return losses.frame_losses(masks, ious, scores, batch.masks, weights)


def names(batch: Batch, logits_ND: Tensor, maps_NDHW: Tensor, real_ND: Tensor, weights: Weights) -> dict[str, Tensor]:
    """Names per frame, and their maps if these have a weight. A name whose anomaly is out of view counts as absent.

    A mask of several anomalies cannot be told apart by name: their maps are left out.
    """
    if batch.masks is None or batch.name_labels is None:
        return {}
    of_frame = samples_of_frames(batch, logits_ND.device)
    real_BD = rows(batch.name_counts, logits_ND.device)
    labels_BD = logits_ND.new_zeros(real_BD.shape)
    labels_BD[real_BD] = batch.name_labels.to(labels_BD)
    present_N = batch.masks.flatten(1).any(dim=1)
    labels_ND = labels_BD[of_frame] * present_N[:, None]
    found = {"names": losses.names(logits_ND, labels_ND, real_ND)}
    if weights.name_maps:
        size = maps_NDHW.shape[-2:]
        target_NP = F.adaptive_avg_pool2d(batch.masks[:, None].float(), (size[0], size[1])).flatten(1)
        sure_ND = (labels_ND == 0) | (labels_BD.sum(dim=1) == 1)[of_frame][:, None]
        found["name_maps"] = losses.name_maps(maps_NDHW.flatten(2), target_NP, labels_ND, real_ND & sure_ND)
    return found


def text(head: nn.Module, hidden_BSZ: Tensor, labels_BS: Tensor | None) -> dict[str, Tensor]:
    """Next-token loss of the assistant's turn; only the labelled positions go through the language head."""
    if labels_BS is None:
        return {}
    counted = labels_BS[:, 1:] != -100
    return {"text": losses.text(head(hidden_BSZ[:, :-1][counted]), labels_BS[:, 1:][counted])}
