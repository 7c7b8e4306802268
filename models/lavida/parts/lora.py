"""LoRA by peft, inside the model: its weights are parameters like others and are saved with them."""

from __future__ import annotations

from typing import Any

from lavida.config import LavidaConfig
from lavida.errors import LavidaError


def inject(config: LavidaConfig, mllm: Any) -> None:
    """Put LoRA on `lora_targets` of the language model and the vision tower, where `trainable` says so."""
    from peft import LoraConfig, inject_adapter_in_model

    for group, part in (("language", mllm.model.language_model), ("vision", mllm.model.visual)):
        if (config.trainable or {}).get(group) == "lora":
            there = {name.rpartition(".")[2] for name, _ in part.named_modules()}
            targets = [name for name in config.lora_targets or () if name in there]
            if not targets:
                raise LavidaError(f"lora_targets: none of {config.lora_targets} is in the group {group!r} (lora)")
            lora = LoraConfig(
                r=config.lora_rank,
                lora_alpha=config.lora_alpha,
                lora_dropout=config.lora_dropout,
                target_modules=targets,
            )
            inject_adapter_in_model(lora, part)


def merge(mllm: Any) -> None:
    """Bake LoRA into the weights it stands beside; the modules become the plain ones again."""
    from peft.tuners.lora import LoraLayer

    for parent in list(mllm.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, LoraLayer):
                child.merge()
                setattr(parent, name, child.get_base_layer())
