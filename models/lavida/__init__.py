"""LAVIDA: a multimodal language model that reads a scene and names of anomalies, and SAM2 that draws them.

    from lavida import Lavida, LavidaProcessor, Sample

    model, processor = Lavida.from_preset("tiny"), LavidaProcessor.from_preset("tiny")
    output = model(processor([Sample(frames, names)], "score"))

A saved model also opens by transformers' AutoConfig, AutoModel and AutoProcessor, once `lavida` is imported.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from lavida.auto_classes import REGISTERING, register, register_when_imported

if TYPE_CHECKING:
    from lavida.batch import Batch, Output, Sample
    from lavida.config import LavidaConfig
    from lavida.errors import CheckpointError, LavidaError
    from lavida.modeling import Lavida
    from lavida.processing import LavidaProcessor

_MODULES = {
    "Batch": "lavida.batch",
    "CheckpointError": "lavida.errors",
    "Lavida": "lavida.modeling",
    "LavidaConfig": "lavida.config",
    "LavidaError": "lavida.errors",
    "LavidaProcessor": "lavida.processing",
    "Output": "lavida.batch",
    "Sample": "lavida.batch",
}
"""Public name -> module, imported when the name is asked for: torch and transformers take seconds."""

__all__ = [
    "Batch",
    "CheckpointError",
    "Lavida",
    "LavidaConfig",
    "LavidaError",
    "LavidaProcessor",
    "Output",
    "Sample",
]

register_when_imported()

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module 'lavida' has no attribute {name!r}")
        module = import_module(_MODULES[name])
        if _MODULES[name] in REGISTERING:
            register()
        return getattr(module, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
