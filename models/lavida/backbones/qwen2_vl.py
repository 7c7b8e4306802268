"""Qwen2-VL: the paper's language model."""

from __future__ import annotations

from typing import ClassVar

from transformers import PreTrainedModel, Qwen2VLForConditionalGeneration

from lavida.backbone import Backbone


class Family(Backbone):
    """Qwen2-VL as transformers has it."""

    model_class: ClassVar[type[PreTrainedModel]] = Qwen2VLForConditionalGeneration
