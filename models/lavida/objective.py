"""From a batch and the model's outputs to the parts of the losses; a loss whose targets are unknown is left out.

Letters: B samples, N frames of the batch, M candidate masks, D names of the longest prompt, h w the per-name
maps, P = h * w. "Parts": see `lavida.losses`.
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
    """Return the number of each frame's sample, (N,) int64.

    Args:
        batch: The batch.
        device: Where the result is needed.
    """
    return torch.repeat_interleave(torch.arange(len(batch)), torch.tensor(batch.counts)).to(device)


def valid_names(counts: Sequence[int], device: torch.device) -> Tensor:
    """Return which places of a padded list of names hold one, (B, D) bool.

    Args:
        counts: Names of each sample.
        device: Where the result is needed.
    """
    return (torch.arange(max(counts)) < torch.tensor(counts)[:, None]).to(device)


def frame_losses(batch: Batch, masks: Tensor, ious: Tensor, scores: Tensor, weights: Weights) -> dict[str, Tensor]:
    """Compute the losses of the frames' masks.

    Args:
        batch: Has the target masks.
        masks: See `losses.frame_losses`.
        ious: See there.
        scores: See there.
        weights: Weights of the losses.

    Returns:
        Scalars by name; empty where targets are unknown.
    """
    if batch.masks is None:
        return {}
    return losses.frame_losses(masks, ious, scores, batch.masks, weights)


@dataclass(frozen=True, slots=True)
class NameTargets:
    """Targets of the per-name outputs.

    Attributes:
        labels: (N, D) float32 in {0, 1}: is the name an anomaly in this frame?
        real: (N, D) bool, False beyond a sample's names.
        mapped: (N, D) bool, False also where the mask of the name alone is unknown.
    """

    labels: Tensor
    real: Tensor
    mapped: Tensor


def name_targets(batch: Batch) -> NameTargets | None:
    """Compute the targets of the per-name outputs; None where labels or masks are unknown.

    A name whose anomaly is out of view counts as absent. A mask of several anomalies cannot be split by name: these
    names are not `mapped`.

    Args:
        batch: The batch.
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
    """Compute the losses of the per-name logits, and of the per-name maps if these have a weight.

    Args:
        batch: Has the targets.
        logits_ND: (N, D) per-frame name logits.
        maps_NDHW: (N, D, h, w) logits.
        weights: Weights of the losses.

    Returns:
        `names` and `name_maps`, (2,) each; empty where targets are unknown.
    """
    targets = name_targets(batch)
    if targets is None or batch.masks is None:
        return {}
    parts = {"names": losses.name_loss(logits_ND, targets.labels, targets.real)}
    if weights.name_maps:
        size = maps_NDHW.shape[-2:]
        target_NP = F.adaptive_avg_pool2d(batch.masks[:, None].float(), (size[0], size[1])).flatten(1)
        parts["name_maps"] = losses.name_map_loss(maps_NDHW.flatten(2), target_NP, targets.labels, targets.mapped)
    return parts


def text_losses(head: nn.Module, hidden_BSZ: Tensor, labels_BS: Tensor | None) -> dict[str, Tensor]:
    """Compute the next-token loss of the assistant's turn; only labelled positions go through the language head.

    Args:
        head: Language head, (Z,) to (V,) logits.
        hidden_BSZ: (B, S, Z) last hidden states.
        labels_BS: (B, S) int64, -100 = not counted; None = no text loss.

    Returns:
        `text`, a scalar; empty without labels.
    """
    if labels_BS is None:
        return {}
    counted = labels_BS[:, 1:] != -100
    return {"text": losses.text_loss(head(hidden_BSZ[:, :-1][counted]), labels_BS[:, 1:][counted])}


def loss_counts(batch: Batch) -> Tensor:
    """Count the items that each part of each loss is a mean over; the model is not needed for it.

    Items are tokens of the answers, anomalies and other names, or frames; a loss of one part has its count twice.

    Args:
        batch: The batch.

    Returns:
        (L, 2) int64 on the CPU, in the order of `losses.LOSSES`.
    """
    tokens = 0 if batch.labels is None else int((batch.labels[:, 1:] != -100).sum())
    frames = 0 if batch.masks is None else len(batch.masks)
    counts = dict.fromkeys(losses.LOSSES, [frames] * 2)
    counts |= {"text": [tokens] * 2, "names": [0, 0], "name_maps": [0, 0]}
    targets = name_targets(batch)
    if targets is not None:
        for name, chosen in (("names", targets.real), ("name_maps", targets.mapped)):
            counts[name] = losses.split_by_label(targets.labels, chosen).sum(dim=(1, 2)).tolist()
    return torch.tensor([counts[name] for name in losses.LOSSES])
