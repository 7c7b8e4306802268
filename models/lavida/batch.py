"""Inputs and outputs of the model.

Letters: B samples, T frames of a sample, N frames of the whole batch (sum of T), S tokens of a sequence, P patches of
the whole batch, K names of the whole batch, M candidate masks, D names of the longest prompt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lavida import frame_times
from lavida.errors import LavidaError

SEG = "<SEG>"

KEPT_ON_CPU = ("name_ids", "name_mask", "grids")
"""Fields that are read on the CPU: they stay there, so that no forward pass waits for the device."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One scene and its prompt, as `LavidaProcessor` takes it.

    Attributes:
        frames: (T, H, W, 3) uint8 RGB, T = 1 for an image.
        names: K names as the prompt lists them.
        question: None = the fixed scoring question over the names.
        answer: Text with exactly one <SEG>; None = the fixed scoring answer.
        masks: (T, H, W) bool: the anomaly; None = scoring.
        labels: K: is the name in the scene as the anomaly? None = unknown.
        key: Name for messages.
        seconds: T: time of each frame, since any moment: only differences count; a frame that repeats the one before,
            to fill a clip, has its time. None = unknown: the family's default. Without effect on images.

    Raises:
        LavidaError: A field has another dtype, shape or content.
    """

    frames: np.ndarray
    names: tuple[str, ...]
    question: str | None = None
    answer: str | None = None
    masks: np.ndarray | None = None
    labels: tuple[bool, ...] | None = None
    key: str = ""
    seconds: tuple[float, ...] | None = None

    def __repr__(self) -> str:
        """Shapes and texts; the arrays are too long to print."""
        masks = None if self.masks is None else self.masks.shape
        texts = f"names={self.names}, labels={self.labels}, question={self.question!r}, answer={self.answer!r}"
        return f"Sample(key={self.key!r}, frames={self.frames.shape}, masks={masks}, {texts})"

    def __post_init__(self) -> None:
        where = f"Sample {self.key!r}"
        shape = self.frames.shape
        if self.frames.dtype != np.uint8 or len(shape) != 4 or shape[-1] != 3 or 0 in shape:
            raise LavidaError(f"{where}: frames are {self.frames.dtype} {shape}; expected uint8 (T, H, W, 3)")
        if self.masks is not None and (self.masks.dtype != np.bool_ or self.masks.shape != shape[:3]):
            raise LavidaError(f"{where}: masks are {self.masks.dtype} {self.masks.shape}; expected bool {shape[:3]}")
        names: object = self.names
        if isinstance(names, str):
            raise LavidaError(f"{where}: names are the text {names!r}; expected a tuple of names")
        if not self.names or not all(name.strip() for name in self.names):
            raise LavidaError(f"{where}: names are {self.names}; expected at least one, none of them empty")
        if self.labels is not None and len(self.labels) != len(self.names):
            raise LavidaError(f"{where}: {len(self.labels)} labels for {len(self.names)} names; expected one each")
        if self.seconds is not None and (len(self.seconds) != shape[0] or not frame_times.are_valid(self.seconds)):
            expected = f"{shape[0]} finite numbers, one a frame, that never go down"
            raise LavidaError(f"{where}: seconds are {self.seconds}; expected {expected}")
        if self.answer is not None and self.answer.count(SEG) != 1:
            raise LavidaError(f"{where}: answer {self.answer!r}; expected {SEG} exactly once")
        if self.question is not None and SEG in self.question:
            raise LavidaError(f"{where}: question {self.question!r}; expected no {SEG}")


@dataclass(frozen=True, slots=True)
class Batch:
    """Inputs of `Lavida.forward`, as `LavidaProcessor` makes them.

    Attributes:
        input_ids: (B, S) int64, padded on the left.
        attention_mask: (B, S) int64, 0 = padding.
        token_types: (B, S) int64: 0 text, 1 image, 2 video.
        patches: (P, C) uint8: pixels for the language model in Qwen's patch order, samples one after another.
        grids: (B, 3) int64: temporal frames, height, width of each sample in patches.
        frames: (N, 3, H, W) uint8: pixels for SAM2, all samples' frames one after another.
        counts: Frames of each sample (1 = image).
        name_ids: (K, W) int64 tokens of each name for the text tower, padded on the right.
        name_mask: (K, W) int64, 0 = padding.
        name_counts: Names of each sample.
        labels: (B, S) int64: input_ids in the assistant's turn, -100 elsewhere; None = no text loss.
        masks: (N, H', W') bool or {0, 1}: the anomaly; None = scoring.
        name_labels: (K,) bool: is this name in the scene as the anomaly? None = unknown.
        keys: Names of the samples, for messages.
        grid_seconds: Seconds from one temporal frame of each sample's grid to the next; () = the family's default.

    Raises:
        LavidaError: Fields do not fit together.
    """

    input_ids: Tensor
    attention_mask: Tensor
    token_types: Tensor
    patches: Tensor
    grids: Tensor
    frames: Tensor
    counts: tuple[int, ...]
    name_ids: Tensor
    name_mask: Tensor
    name_counts: tuple[int, ...]
    labels: Tensor | None = None
    masks: Tensor | None = None
    name_labels: Tensor | None = None
    keys: tuple[str, ...] = ()
    grid_seconds: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        size, frames = self.input_ids.shape[0], sum(self.counts)
        for name, got in (
            ("counts", len(self.counts)),
            ("name_counts", len(self.name_counts)),
            ("grids", len(self.grids)),
            ("grid_seconds", len(self.grid_seconds) or size),
        ):
            if got != size:
                raise LavidaError(f"Batch.{name}: {got} entries for {size} sequences; expected one each")
        for name, got, want in (
            ("frames", len(self.frames), frames),
            ("name_ids", len(self.name_ids), sum(self.name_counts)),
            ("patches", len(self.patches), int(self.grids.prod(dim=1).sum())),
            ("masks", frames if self.masks is None else len(self.masks), frames),
        ):
            if got != want:
                raise LavidaError(f"Batch.{name}: {got} rows; expected {want} by counts, name_counts and grids")
        for name, dtype in (("frames", self.frames.dtype), ("patches", self.patches.dtype)):
            if dtype != torch.uint8:
                raise LavidaError(f"Batch.{name}: {dtype}; expected uint8, the model normalises them itself")
        if min(self.name_counts, default=1) < 1 or min(self.counts, default=1) < 1:
            raise LavidaError("Batch: a sample without names or without frames; expected at least one of each")

    def __len__(self) -> int:
        return int(self.input_ids.shape[0])

    def map_tensors(self, change: Callable[[Tensor], Tensor], skip: Sequence[str] = ()) -> Batch:
        """Return the batch with every tensor changed.

        Args:
            change: Gives the new tensor, in the same shape.
            skip: Fields that stay as they are.
        """
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in skip}
        changed: dict[str, Any] = {name: change(value) for name, value in values.items() if isinstance(value, Tensor)}
        return replace(self, **changed)

    def to(self, device: torch.device | str) -> Batch:
        """Return the batch on a device; the fields in `KEPT_ON_CPU` are not moved."""
        return self.map_tensors(lambda tensor: tensor.to(device, non_blocking=True), KEPT_ON_CPU)


@dataclass(frozen=True, slots=True)
class Output:
    """Outputs of `Lavida.forward`.

    Attributes:
        masks: (N, M, h, w) logits; M = 3 in training, 1 in scoring; -1024 in frames that `gate_masks` closed.
        ious: (N, M) predicted intersection over union, 0..1.
        scores: (N,) object score logits = the frame's anomaly score, higher = more anomalous.
        names: (N, D) per-frame name logits, -inf beyond a sample's names.
        tokens_in: Visual tokens of each sample before compression.
        tokens_out: Visual tokens of each sample that the language model saw.
        loss: Scalar, weighted sum; None without targets.
        losses: Unweighted losses by name, scalars: focal, dice, iou, object, text, names.
        parts: Parts of the losses (see `lavida.losses`), () or (2,) each; `objective.loss_counts` counts their items.
    """

    masks: Tensor
    ious: Tensor
    scores: Tensor
    names: Tensor
    tokens_in: tuple[int, ...]
    tokens_out: tuple[int, ...]
    loss: Tensor | None
    losses: dict[str, Tensor]
    parts: dict[str, Tensor]
