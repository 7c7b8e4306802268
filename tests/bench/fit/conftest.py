"""A small corpus of images and clips, and recipes of short fits of the tiny model on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from lavida_bench.config import recipe as recipes
from lavida_bench.config.recipe import RunRecipe
from lavida_gen.building import build
from lavida_gen.config import recipe as corpus_recipes


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 images in 4 shards and 16 clips of 3 frames in 2, a quarter of them for validation."""
    folder = tmp_path_factory.mktemp("fit") / "corpus"
    settings = (
        "samples=56", "val=0.25", "shard.samples=10", "sources.0.size=[96, 128]", "sources.1.size=[96, 128]",
        "sources.0.weight=5", "sources.1.weight=2", "sources.1.frames=3",
    )  # fmt: skip
    build.build(corpus_recipes.load("street", settings), folder)
    return folder


Make = Callable[..., RunRecipe]


@pytest.fixture(scope="session")
def make(corpus: Path) -> Make:
    """`make(**fit)`: the recipe of a fit on the corpus; `data`, `model` and `seed` may be given too."""

    def made(**given: Any) -> RunRecipe:
        whole = {
            "name": "test",
            "seed": given.pop("seed", 3),
            "model": given.pop("model", {"preset": "tiny"}),
            "data": given.pop("data", [{"corpus": str(corpus)}]),
        }
        fit: dict[str, Any] = {
            "steps": 4, "batch": 2, "accumulation": 1, "lr": 1e-3, "warmup": 2, "precision": "no", "log_every": 1,
            "loader": {"workers": 0}, "validation": None, "checkpoint": {"every": 2},
        }  # fmt: skip
        return recipes.parse(whole | {"fit": fit | given})

    return made
