"""LAVIDA-GEN: pseudo-anomaly corpora for video anomaly detection from segmentation data sets.

    from lavida_gen import Sampler, build, load_recipe, open_corpus

    sample = Sampler("street")[17]                      # frames, masks, names, question, answer as arrays
    corpus = build("street", "corpora/street", settings={"samples": 500})
    recipe = load_recipe("coco", {"sources.0.root": "/data/coco"})

The other names are what a plug-in of your own needs: `Source`, `Exposure` and the types that they give and get.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lavida_gen.building.build_recipe import build
    from lavida_gen.common.errors import DataError, LavidaGenError, UserError
    from lavida_gen.common.findings import Finding
    from lavida_gen.config.load_recipe import load_recipe
    from lavida_gen.config.recipe import CorpusRecipe
    from lavida_gen.corpus.decoded import DecodedSample
    from lavida_gen.corpus.reader import Corpus, open_corpus
    from lavida_gen.engines._base import Engine
    from lavida_gen.exposures._base import Exposure, ExposureOptions, ExposureTask
    from lavida_gen.exposures._candidates import check_limits, shuffle_names
    from lavida_gen.exposures._negatives import draw_negatives, draw_prompt_size
    from lavida_gen.sampling.sampler import Sampler
    from lavida_gen.scenes.images import Frame
    from lavida_gen.scenes.masks import RLE
    from lavida_gen.scenes.sample import Draft, Rejection
    from lavida_gen.scenes.scene import Name, Region, Scene
    from lavida_gen.sources._base import LocalPath, Source, SourceInfo, SourceOptions

__version__ = "0.2.0.dev5"

_MODULES = {
    "Corpus": "corpus.reader",
    "CorpusRecipe": "config.recipe",
    "DataError": "common.errors",
    "DecodedSample": "corpus.decoded",
    "Draft": "scenes.sample",
    "Engine": "engines._base",
    "Exposure": "exposures._base",
    "ExposureOptions": "exposures._base",
    "ExposureTask": "exposures._base",
    "Finding": "common.findings",
    "Frame": "scenes.images",
    "LavidaGenError": "common.errors",
    "LocalPath": "sources._base",
    "Name": "scenes.scene",
    "RLE": "scenes.masks",
    "Region": "scenes.scene",
    "Rejection": "scenes.sample",
    "Sampler": "sampling.sampler",
    "Scene": "scenes.scene",
    "Source": "sources._base",
    "SourceInfo": "sources._base",
    "SourceOptions": "sources._base",
    "UserError": "common.errors",
    "build": "building.build_recipe",
    "check_limits": "exposures._candidates",
    "draw_negatives": "exposures._negatives",
    "draw_prompt_size": "exposures._negatives",
    "load_recipe": "config.load_recipe",
    "open_corpus": "corpus.reader",
    "shuffle_names": "exposures._candidates",
}
"""Public name -> module, imported when the name is asked for."""

__all__ = [
    "RLE",
    "Corpus",
    "CorpusRecipe",
    "DataError",
    "DecodedSample",
    "Draft",
    "Engine",
    "Exposure",
    "ExposureOptions",
    "ExposureTask",
    "Finding",
    "Frame",
    "LavidaGenError",
    "LocalPath",
    "Name",
    "Region",
    "Rejection",
    "Sampler",
    "Scene",
    "Source",
    "SourceInfo",
    "SourceOptions",
    "UserError",
    "build",
    "check_limits",
    "draw_negatives",
    "draw_prompt_size",
    "load_recipe",
    "open_corpus",
    "shuffle_names",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module 'lavida_gen' has no attribute {name!r}")
        return getattr(import_module(f"lavida_gen.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
