"""Groups of parameters that are trained or frozen together, and which of them the paper trains."""

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
"""Names of the groups; `lavida.parts.trainable` has the modules of each."""


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
"""How the paper trains each group (arXiv 2602.19248, implementation details)."""
