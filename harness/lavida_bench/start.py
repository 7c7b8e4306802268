"""The model that a fit begins with, by the recipe's `model`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lavida_gen.errors import UserError

if TYPE_CHECKING:
    from lavida.modeling import Lavida
    from lavida.processing import LavidaProcessor
    from lavida_bench.recipe import ModelSettings, Recipe


def make_model(recipe: Recipe, say: Callable[[str], None]) -> tuple[Lavida, LavidaProcessor]:
    """The recipe's model and processor, with what trains set and told.

    Raises UserError for a configuration that is off, or for weights that are not there.
    """
    from lavida.errors import LavidaError
    from lavida.processing import Sizes
    from lavida.trainable import prepare, table

    try:
        model, processor = _open(recipe.model)
        processor.sizes = Sizes.of(model.config)
        rows = prepare(model)
    except (LavidaError, OSError) as error:
        raise UserError(f"model: {error}") from error
    say(table(rows))
    if recipe.fit is not None and recipe.fit.gradient_checkpointing:
        model.gradient_checkpointing_enable()
    return model, processor


def _open(settings: ModelSettings) -> tuple[Any, Any]:
    from lavida.config import LavidaConfig
    from lavida.modeling import Lavida
    from lavida.presets import PARTS
    from lavida.processing import LavidaProcessor, Sizes

    if settings.path is not None:
        config = LavidaConfig.from_pretrained(settings.path, **settings.config)
        model = Lavida.from_pretrained(settings.path, config=config)
        return model, LavidaProcessor.from_pretrained(settings.path)
    if settings.preset is not None and (settings.random or settings.preset not in PARTS):
        return Lavida.from_preset(settings.preset, **settings.config), LavidaProcessor.from_preset(settings.preset)
    parts = settings.parts or dict(zip(("mllm", "sam", "text"), PARTS[str(settings.preset)], strict=True))
    model = Lavida.from_parts(parts["mllm"], parts["sam"], parts["text"], **settings.config)
    return model, LavidaProcessor.from_parts(parts["mllm"], parts["text"], Sizes.of(model.config))
