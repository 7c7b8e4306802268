"""From a batch and the model's outputs to the parts of the losses; a loss whose targets are unknown is left out.

Letters: B samples, N frames of the batch, M candidate masks, D names of the longest prompt, h w the per-name
maps, P = h * w.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lavida import losses
from lavida.batch import Batch
from lavida.losses import Weights


def sample_of_frame(batch: Batch, device: torch.device) -> Tensor:
    """Which sample each frame belongs to, (N,) int64."""
    return torch.repeat_interleave(torch.arange(len(batch)), torch.tensor(batch.counts)).to(device)


def valid_names(counts: Sequence[int], device: torch.device) -> Tensor:
    """(B, D) bool, True for the first `counts[b]` places of row b."""
    return (torch.arange(max(counts)) < torch.tensor(counts)[:, None]).to(device)


def frame_losses(batch: Batch, masks: Tensor, ious: Tensor, scores: Tensor, weights: Weights) -> dict[str, Tensor]:
    """focal, dice, iou and object of the frames' masks."""
    if batch.masks is None:
        return {}
    return losses.frame_losses(masks, ious, scores, batch.masks, weights)


@dataclass(frozen=True, slots=True)
class NameTargets:
    """What the names ought to say: labels (N, D) float32 in {0, 1}, real and mapped (N, D) bool.

    `real` is False beyond a sample's names, `mapped` also where no map of the name alone is known.
    """

    labels: Tensor
    real: Tensor
    mapped: Tensor


def name_targets(batch: Batch) -> NameTargets | None:
    """None where targets are unknown. A name whose anomaly is out of view counts as absent.

    A mask of several anomalies cannot be told apart by name: they have no maps.
    """
    if batch.masks is None or batch.name_labels is None:
        return None
    of_frame = sample_of_frame(batch, batch.masks.device)
    real_BD = valid_names(batch.name_counts, batch.masks.device)
    labels_BD = torch.zeros(real_BD.shape, device=real_BD.device)
    labels_BD[real_BD] = batch.name_labels.to(labels_BD)
    present_N = batch.masks.flatten(1).any(dim=1)
    labels_ND = labels_BD[of_frame] * present_N[:, None]
    sure_ND = (labels_ND == 0) | (labels_BD.sum(dim=1) == 1)[of_frame][:, None]
    return NameTargets(labels_ND, real_BD[of_frame], real_BD[of_frame] & sure_ND)


def name_losses(batch: Batch, logits_ND: Tensor, maps_NDHW: Tensor, weights: Weights) -> dict[str, Tensor]:
    """Names per frame, and their maps if these have a weight."""
    wanted = name_targets(batch)
    if wanted is None or batch.masks is None:
        return {}
    found = {"names": losses.names(logits_ND, wanted.labels, wanted.real)}
    if weights.name_maps:
        size = maps_NDHW.shape[-2:]
        target_NP = F.adaptive_avg_pool2d(batch.masks[:, None].float(), (size[0], size[1])).flatten(1)
        found["name_maps"] = losses.name_maps(maps_NDHW.flatten(2), target_NP, wanted.labels, wanted.mapped)
    return found


def text_losses(head: nn.Module, hidden_BSZ: Tensor, labels_BS: Tensor | None) -> dict[str, Tensor]:
    """Next-token loss of the assistant's turn; only the labelled positions go through the language head."""
    if labels_BS is None:
        return {}
    counted = labels_BS[:, 1:] != -100
    return {"text": losses.text(head(hidden_BSZ[:, :-1][counted]), labels_BS[:, 1:][counted])}


def loss_counts(batch: Batch) -> Tensor:
    """Over how many things each part of each loss is a mean: (L, 2) int64 on the CPU, in the order of `losses.LOSSES`.

    Tokens of the answers, anomalies and other names, frames; what has one part has it twice. Told without the model.
    """
    tokens = 0 if batch.labels is None else int((batch.labels[:, 1:] != -100).sum())
    frames = 0 if batch.masks is None else len(batch.masks)
    found = dict.fromkeys(losses.LOSSES, [frames] * 2) | {
        "text": [tokens] * 2,
        "names": [0, 0],
        "name_maps": [0, 0],
    }
    wanted = name_targets(batch)
    if wanted is not None:
        for name, chosen in (("names", wanted.real), ("name_maps", wanted.mapped)):
            found[name] = losses.split_by_label(wanted.labels, chosen).sum(dim=(1, 2)).tolist()
    return torch.tensor([found[name] for name in losses.LOSSES])
