"""The model that a fit begins with, by the recipe's `model`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch

from lavida_gen.common.errors import UserError, problem, unknown_name

if TYPE_CHECKING:
    from lavida.config import LavidaConfig
    from lavida.modeling import Lavida
    from lavida.processing import LavidaProcessor
    from lavida_bench.config.recipe import ModelSettings, RunRecipe


def make_model(recipe: RunRecipe, say: Callable[[str], None]) -> tuple[Lavida, LavidaProcessor]:
    """The recipe's model and processor, with what trains set and told.

    Raises UserError for a configuration that is off, or for weights that are not there.
    """
    from transformers.utils.logging import disable_progress_bar

    from lavida.errors import LavidaError
    from lavida.parts.trainable import format_table, set_trainable
    from lavida.processing import Sizes

    if not sys.stderr.isatty():
        disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers has no types here
    try:
        model, processor = _open(recipe.model)
        processor.sizes = Sizes.of(model.config)
        rows = set_trainable(model)
    except (LavidaError, OSError) as error:
        raise UserError(f"model: {error}") from error
    say(format_table(rows))
    if recipe.fit is not None and recipe.fit.gradient_checkpointing:
        model.gradient_checkpointing_enable()
    if recipe.fit is not None and recipe.fit.half_frozen:
        for parameter in model.parameters():
            if not parameter.requires_grad:
                parameter.data = parameter.data.to(torch.bfloat16)
    return model, processor


def _open(settings: ModelSettings) -> tuple[Any, Any]:
    from lavida.config import LavidaConfig
    from lavida.modeling import Lavida
    from lavida.presets import PARTS
    from lavida.processing import LavidaProcessor, Sizes

    if settings.path is not None:
        config = LavidaConfig.from_pretrained(settings.path)
        config = LavidaConfig(**config.to_dict() | complete_changes(config, settings.config))
        model = Lavida.from_pretrained(settings.path, config=config)
        return model, LavidaProcessor.from_pretrained(settings.path)
    if settings.preset is not None:
        own = complete_changes(LavidaConfig.preset(settings.preset), settings.config)
        if settings.random or settings.preset not in PARTS:
            model = Lavida.from_preset(settings.preset, random=settings.random, **own)
            return model, LavidaProcessor.from_preset(settings.preset)
        parts = dict(zip(("mllm", "sam", "text"), PARTS[settings.preset], strict=True))
    else:
        own, parts = complete_changes(LavidaConfig(), settings.config), settings.parts
    model = Lavida.from_parts(parts["mllm"], parts["sam"], parts["text"], **own)
    return model, LavidaProcessor.from_parts(parts["mllm"], parts["text"], Sizes.of(model.config))


def complete_changes(config: LavidaConfig, given: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe's changes, a mapping (loss, trainable, budgets) completed by what the configuration has.

    Raises UserError for a key that the configuration does not have.
    """
    known = [name for name, kind in type(config).__annotations__.items() if not str(kind).startswith("ClassVar")]
    for key in given:
        if key not in known:
            raise UserError(problem("model.config", unknown_name("LavidaConfig key", key, known)))
    own = {key: getattr(config, key) for key in given}
    return {
        key: own[key] | value if isinstance(value, dict) and isinstance(own[key], dict) else value
        for key, value in given.items()
    }
