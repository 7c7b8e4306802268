"""What trains and what does not: `config.trainable` applied to a model, and the table of it.

rows = set_trainable(model)
print(format_table(rows))
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import nn

from lavida.groups import GROUPS

if TYPE_CHECKING:
    from lavida.modeling import Lavida

PREFIXES = {
    "vision": ("mllm.model.visual.",),
    "embeddings": ("mllm.model.language_model.embed_tokens.",),
    "lm_head": ("mllm.lm_head.",),
    "language": ("mllm.",),
    "names": ("names.",),
    "projector": ("projector.",),
    "image_encoder": ("sam.vision_encoder.",),
    "prompt_encoder": ("sam.prompt_encoder.", "sam.shared_image_embedding."),
    "mask_decoder": ("sam.mask_decoder.",),
    "memory": ("sam.",),
}
"""Modules of each group; the first group that fits a parameter has it."""


@dataclass(frozen=True, slots=True)
class GroupSummary:
    """A group: how it trains (full, lora, frozen), its parameters, how many of them train."""

    group: str
    how: str
    parameters: int
    trained: int


def group_of(name: str) -> str:
    """The group of a parameter by its name in the model."""
    return next(group for group, prefixes in PREFIXES.items() if name.startswith(prefixes))


def set_trainable(model: Lavida) -> list[GroupSummary]:
    """Freeze and unfreeze as the configuration says, add LoRA where it says so (once), and say what came out."""
    how = model.config.trainable or {}
    if "lora" in how.values():
        model.add_adapters()
    for name, parameter in model.named_parameters():
        kind = how[group_of(name)]
        parameter.requires_grad_(kind == "full" or (kind == "lora" and "lora_" in name))
    return count_parameters(model)


def count_parameters(model: Lavida) -> list[GroupSummary]:
    """The rows of a model as it is."""
    how = model.config.trainable or {}
    members: dict[str, list[nn.Parameter]] = {group: [] for group in GROUPS}
    for name, parameter in model.named_parameters():
        members[group_of(name)].append(parameter)
    return [
        GroupSummary(
            group,
            how[group],
            sum(one.numel() for one in parameters),
            sum(one.numel() for one in parameters if one.requires_grad),
        )
        for group, parameters in members.items()
    ]


def format_table(rows: Sequence[GroupSummary]) -> str:
    """The rows as text, with the sum."""
    total = GroupSummary("total", "", sum(row.parameters for row in rows), sum(row.trained for row in rows))
    return "\n".join(_lines([*rows, total]))


def _lines(rows: Sequence[GroupSummary]) -> Iterator[str]:
    yield f"{'group':<16}{'how':<8}{'parameters':>16}{'trained':>16}"
    for row in rows:
        yield f"{row.group:<16}{row.how:<8}{row.parameters:>16,}{row.trained:>16,}"
