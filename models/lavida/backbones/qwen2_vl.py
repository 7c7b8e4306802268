"""Qwen2-VL (arXiv 2409.12191), the language model of the LAVIDA paper."""

from __future__ import annotations

from typing import ClassVar

from transformers import PreTrainedModel, Qwen2VLForConditionalGeneration

from lavida.backbone import Backbone


class Family(Backbone):
    """Adapter for Qwen2-VL."""

    model_class: ClassVar[type[PreTrainedModel]] = Qwen2VLForConditionalGeneration
