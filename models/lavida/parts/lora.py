"""LoRA (arXiv 2106.09685) by peft, inside the model: its weights are parameters like others and are saved with them."""

from __future__ import annotations

from collections.abc import Mapping
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
        LavidaError: A group has none of the target modules; the message lists its layers.
    """
    from peft import LoraConfig, inject_adapter_in_model

    for group, targets in _targets(config, mllm).items():
        lora = LoraConfig(
            r=config.lora_rank,
            lora_alpha=config.lora_alpha,
            lora_dropout=config.lora_dropout,
            target_modules=targets,
        )
        inject_adapter_in_model(lora, _groups(mllm)[group])


def check_targets(config: LavidaConfig, mllm: Mllm) -> None:
    """Check `lora_targets` before LoRA is added: each is in the model, and each group with LoRA has one.

    Args:
        config: Has trainable and lora_targets.
        mllm: The model without LoRA.

    Raises:
        LavidaError: They do not fit; the message lists the layers that do.
    """
    _targets(config, mllm)
    groups = _groups(mllm)
    for target in config.lora_targets or ():
        if not any(target in _module_names(module) for module in groups.values()):
            raise LavidaError(_problem(f"{target!r} is not", groups))


def _targets(config: LavidaConfig, mllm: Mllm) -> dict[str, list[str]]:
    """The targets that each group with LoRA has."""
    found = {}
    for group, module in _groups(mllm).items():
        if (config.trainable or {}).get(group) == "lora":
            names = _module_names(module)
            found[group] = [name for name in config.lora_targets or () if name in names]
            if not found[group]:
                raise LavidaError(_problem(f"none of {config.lora_targets} is", {group: module}))
    return found


def _groups(mllm: Mllm) -> dict[str, nn.Module]:
    """The groups that can train by LoRA."""
    return {
        "language": cast("nn.Module", mllm.model.language_model),
        "vision": cast("nn.Module", mllm.model.visual),
    }


def _module_names(module: nn.Module) -> set[str]:
    return {name.rpartition(".")[2] for name, _ in module.named_modules()}


def _problem(what: str, groups: Mapping[str, nn.Module]) -> str:
    expected = " or ".join(f"{', '.join(_linear_layers(module))} ({group})" for group, module in groups.items())
    return f"lora_targets: {what} in the group {' or '.join(map(repr, groups))}; expected some of {expected}"


def _linear_layers(module: nn.Module) -> list[str]:
    """Names of linear layers, without those that have a number only."""
    names = {name.rpartition(".")[2] for name, one in module.named_modules() if isinstance(one, nn.Linear)}
    return sorted(name for name in names if not name.isdigit())


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
