"""Qwen2-VL: the paper's language model."""

from __future__ import annotations

from typing import Any

from transformers import Qwen2VLForConditionalGeneration

from lavida.backbone import Backbone


class Family(Backbone):
    """Qwen2-VL as transformers has it."""

    def build(self, config: Any) -> Any:
        """Qwen2-VL with language head."""
        return Qwen2VLForConditionalGeneration(config)
