"""LoRA (arXiv 2106.09685) by peft, inside the model: its weights are parameters like others and are saved with them."""

from __future__ import annotations

from typing import cast

from torch import nn

from lavida.config import LavidaConfig
from lavida.errors import LavidaError
from lavida.interfaces import Mllm


def inject(config: LavidaConfig, mllm: Mllm) -> None:
    """Add LoRA to `lora_targets` of the language model and the vision tower, where `trainable` lists them as lora.

    Args:
        config: Has trainable, lora_targets, lora_rank, lora_alpha and lora_dropout.
        mllm: The model, changed in place.

    Raises:
        LavidaError: A group has none of the target modules.
    """
    from peft import LoraConfig, inject_adapter_in_model

    for group, part in (("language", mllm.model.language_model), ("vision", mllm.model.visual)):
        if (config.trainable or {}).get(group) == "lora":
            module = cast("nn.Module", part)
            names = {name.rpartition(".")[2] for name, _ in module.named_modules()}
            targets = [name for name in config.lora_targets or () if name in names]
            if not targets:
                raise LavidaError(f"lora_targets: none of {config.lora_targets} is in the group {group!r} (lora)")
            lora = LoraConfig(
                r=config.lora_rank,
                lora_alpha=config.lora_alpha,
                lora_dropout=config.lora_dropout,
                target_modules=targets,
            )
            inject_adapter_in_model(lora, module)


def merge(mllm: Mllm) -> None:
    """Merge LoRA into the weights it belongs to; its modules become plain ones again.

    Args:
        mllm: The model, changed in place.
    """
    from peft.tuners.lora import LoraLayer

    for parent in list(cast("nn.Module", mllm).modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, LoraLayer):
                child.merge()
                setattr(parent, name, child.get_base_layer())
