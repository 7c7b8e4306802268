"""The groups of parameters that train together or not at all, by name; and which of them the paper trains."""

from __future__ import annotations

from typing import Literal

TrainMode = Literal["full", "lora", "frozen"]


GROUPS = (
    "vision",
    "language",
    "embeddings",
    "lm_head",
    "names",
    "projector",
    "image_encoder",
    "prompt_encoder",
    "mask_decoder",
    "memory",
)
"""Groups of parameters that train or not; `lavida.parts.trainable` says which modules belong to which."""


PAPER_TRAINABLE: dict[str, TrainMode] = {
    "vision": "frozen",
    "language": "lora",
    "embeddings": "full",
    "lm_head": "full",
    "names": "frozen",
    "projector": "full",
    "image_encoder": "frozen",
    "prompt_encoder": "full",
    "mask_decoder": "full",
    "memory": "frozen",
}
