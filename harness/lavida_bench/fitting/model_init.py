"""The model that a fit begins with, by the recipe's `model`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import torch

from lavida_gen.common.errors import UserError, problem, unknown_name

if TYPE_CHECKING:
    from lavida.config import LavidaConfig
    from lavida.modeling import Lavida
    from lavida.processing import LavidaProcessor
    from lavida_bench.config.recipe import ModelSettings, RunRecipe


def make_model(recipe: RunRecipe, log: Callable[[str], None]) -> tuple[Lavida, LavidaProcessor]:
    """Create the recipe's model and processor, freeze what does not train, and log a table of the groups.

    With `half_frozen` the language model is loaded in its files' own bfloat16, and only what trains becomes float32.

    Args:
        recipe: Its `model` names preset, folder or parts; its `fit`, if any, memory settings.
        log: Takes the table.

    Raises:
        UserError: The configuration is invalid, or the weights do not exist.
    """
    from transformers.utils.logging import disable_progress_bar

    from lavida.errors import LavidaError
    from lavida.parts.trainable import format_table, halve_frozen, set_trainable
    from lavida.processing import Sizes

    if not sys.stderr.isatty():
        disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers has no types here
    half_frozen = recipe.fit is not None and recipe.fit.half_frozen
    try:
        model, processor = _load(recipe.own_model, half_frozen)
        processor.sizes = Sizes.from_config(model.config)
        processor.check_tokenizers(model.config)
        groups = set_trainable(model)
    except (LavidaError, OSError) as error:
        raise UserError(f"model: {error}") from error
    log(format_table(groups))
    if recipe.fit is not None and recipe.fit.gradient_checkpointing:
        enable: Callable[[], None] = model.gradient_checkpointing_enable
        enable()
    if half_frozen:
        halve_frozen(model)
    return model, processor


def _load(settings: ModelSettings, half_frozen: bool) -> tuple[Lavida, LavidaProcessor]:
    from lavida.config import LavidaConfig
    from lavida.modeling import Lavida
    from lavida.parts.load import saved_config
    from lavida.parts.trainable import float32_modules
    from lavida.presets import PARTS
    from lavida.processing import LavidaProcessor, Sizes

    if settings.path is not None:
        config = saved_config(settings.path)
        config = LavidaConfig(**config.to_dict() | _complete_changes(config, settings.config))
        dtype = torch.bfloat16 if half_frozen else torch.float32
        saved: Lavida = Lavida.from_pretrained(settings.path, float32_modules(config), config=config, dtype=dtype)
        return saved, LavidaProcessor.from_pretrained(settings.path)
    preset, parts = settings.preset or "paper", settings.parts
    changes = _complete_changes(LavidaConfig.preset(preset), settings.config)
    if not parts:
        if settings.random or preset not in PARTS:
            model = Lavida.from_preset(preset, random=settings.random, **changes)
            return model, LavidaProcessor.from_preset(preset)
        parts = dict(zip(("mllm", "sam", "text"), PARTS[preset], strict=True))
    stored: Literal["auto"] | torch.dtype = "auto" if half_frozen else torch.float32
    model = Lavida.from_parts(parts["mllm"], parts["sam"], parts["text"], stored, preset, **changes)
    return model, LavidaProcessor.from_parts(parts["mllm"], parts["text"], Sizes.from_config(model.config))


def _complete_changes(config: LavidaConfig, given: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe's changes; mappings (loss, trainable, budgets) keep the configuration's other entries.

    Raises UserError for a key that the configuration does not have.
    """
    known = [name for name, kind in type(config).__annotations__.items() if not str(kind).startswith("ClassVar")]
    changes: dict[str, Any] = {}
    for key, value in given.items():
        if key not in known:
            raise UserError(problem("model.config", unknown_name("LavidaConfig key", key, known)))
        present = getattr(config, key)
        changes[key] = present | value if isinstance(value, dict) and isinstance(present, dict) else value
    return changes
