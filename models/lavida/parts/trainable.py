"""Freezes and unfreezes groups of parameters by `config.trainable`, and prints a table of them.

rows = set_trainable(model)
print(format_table(rows))
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from lavida.errors import LavidaError
from lavida.groups import GROUPS
from lavida.parts import lora

if TYPE_CHECKING:
    from lavida.config import LavidaConfig
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
"""Modules of each group; a parameter belongs to the first group whose prefix it has."""


@dataclass(frozen=True, slots=True)
class GroupSummary:
    """One group of parameters.

    Attributes:
        group: Its name.
        how: full, lora, frozen, or tied: the head of a model whose weight is that of its embeddings.
        parameters: Number of its parameters.
        trained: How many of them train.
    """

    group: str
    how: str
    parameters: int
    trained: int


def group_of(name: str) -> str:
    """Return the group of a parameter.

    Args:
        name: Its name in the model.
    """
    return next(group for group, prefixes in PREFIXES.items() if name.startswith(prefixes))


def set_trainable(model: Lavida) -> list[GroupSummary]:
    """Freeze and unfreeze the parameters by `config.trainable`, and add LoRA where it is listed, once.

    Embeddings that no gradient can reach are frozen, whatever `trainable` lists: those of `input_embeddings: cut`,
    unless the head shares them. A parameter that never gets a gradient stops DistributedDataParallel.

    Args:
        model: The model, changed in place.

    Returns:
        One summary for each group.

    Raises:
        LavidaError: Embeddings and head are one tensor and listed differently, or `lora_targets` do not fit.
    """
    how = model.config.trainable or {}
    if is_tied(model) and how["embeddings"] != how["lm_head"]:
        raise LavidaError(
            f"trainable: embeddings {how['embeddings']}, lm_head {how['lm_head']}; this language model ties them, they "
            "are one tensor: set both to full, or both to frozen"
        )
    if "lora" in how.values() and not model.config.adapters:
        lora.check_targets(model.config, model.mllm)
        model.add_adapters()
    tied = model.mllm.lm_head.weight is model.get_input_embeddings().weight
    if model.config.input_embeddings == "cut" and not tied:
        how = how | {"embeddings": "frozen"}
    for name, parameter in model.named_parameters():
        kind = how[group_of(name)]
        parameter.requires_grad_(kind == "full" or (kind == "lora" and "lora_" in name))
    return count_parameters(model)


def is_tied(model: Lavida) -> bool:
    """Return whether the language model's head has the weight of its token embeddings, as in Qwen2-VL-2B.

    Args:
        model: The model.
    """
    return model.get_output_embeddings().weight is model.get_input_embeddings().weight


def float32_modules(config: LavidaConfig) -> list[str]:
    """Return what stays float32 beside a half language model, by the beginnings of names: what trains, SAM2, projector.

    Args:
        config: Has what trains.
    """
    trained = [group for group, how in (config.trainable or {}).items() if how == "full"]
    return ["sam.", "projector.", "lora_", *(prefix for group in trained for prefix in PREFIXES[group])]


def halve_frozen(model: Lavida) -> None:
    """Cast frozen weights of language model and text tower to bfloat16, all others to float32, in place.

    Args:
        model: The model after `set_trainable`.
    """
    for name, parameter in model.named_parameters():
        halved = name.startswith(("mllm.", "names.")) and not parameter.requires_grad
        parameter.data = parameter.data.to(torch.bfloat16 if halved else torch.float32)


def count_parameters(model: Lavida) -> list[GroupSummary]:
    """Count the parameters of each group.

    Args:
        model: The model.
    """
    how: dict[str, str] = {**(model.config.trainable or {})}
    if is_tied(model):
        how["lm_head"] = "tied"
    members: dict[str, list[nn.Parameter]] = {group: [] for group in GROUPS}
    for name, parameter in model.named_parameters():
        members[group_of(name)].append(parameter)
    return [
        GroupSummary(
            group,
            how[group],
            sum(parameter.numel() for parameter in parameters),
            sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        )
        for group, parameters in members.items()
    ]


def format_table(rows: Sequence[GroupSummary]) -> str:
    """Format summaries as a table with totals.

    Args:
        rows: Result of `set_trainable`.
    """
    total = GroupSummary("total", "", sum(row.parameters for row in rows), sum(row.trained for row in rows))
    return "\n".join(_lines([*rows, total]))


def _lines(rows: Sequence[GroupSummary]) -> Iterator[str]:
    yield f"{'group':<16}{'how':<8}{'parameters':>16}{'trained':>16}"
    for row in rows:
        yield f"{row.group:<16}{row.how:<8}{row.parameters:>16,}{row.trained:>16,}"
