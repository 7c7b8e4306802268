"""A tiny model with lively weights, its processor, and scenes drawn on the spot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from lavida.batch import Sample
from lavida.config import LavidaConfig
from lavida.modeling import Lavida
from lavida.processing import LavidaProcessor

COLOURS = {"red": (220, 40, 40), "blue": (40, 60, 220), "green": (40, 200, 60)}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def _enliven(model: torch.nn.Module, seed: int = 0) -> None:
    """Weights of ordinary size: fresh ones of 0.02 make outputs that hardly depend on the input."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() >= 2 and not name.endswith("positional_embedding"):
                fan_in = parameter[0].numel()
                parameter.copy_(torch.randn(parameter.shape, generator=generator) / fan_in**0.5)
            elif name.endswith("bias") and parameter.dim() == 1:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.1)


@pytest.fixture(scope="session")
def enliven() -> Callable[..., None]:
    """`enliven(model)` draws its weights."""
    return _enliven


@pytest.fixture(scope="session")
def draw() -> Callable[..., Sample]:
    """`draw(frames, seed)`: a scene."""
    return _draw


@pytest.fixture(scope="session")
def lively() -> Callable[..., Lavida]:
    """`lively(**config)`: the tiny preset with weights drawn from a fixed seed, in eval mode."""

    def make(**changes: Any) -> Lavida:
        torch.manual_seed(0)
        model = Lavida.from_preset("tiny", random=True, **changes)
        _enliven(model)
        points, image = model.sam.prompt_encoder.shared_embedding, model.sam.shared_image_embedding
        points.positional_embedding.copy_(image.positional_embedding)  # one matrix in every checkpoint there is
        model.eval()
        return model

    return make


@pytest.fixture(scope="session")
def small_frames() -> Callable[[int], dict[str, Any]]:
    """`small_frames(side)`: what changes the tiny preset to frames of that side, for tests that train for long."""

    def changes(side: int) -> dict[str, Any]:
        sam = LavidaConfig.preset("tiny").sam
        sam.image_size = sam.prompt_encoder_config.image_size = side
        sam.vision_config.backbone_config.image_size = [side, side]
        sam.vision_config.backbone_feature_sizes = [[side // stride] * 2 for stride in (4, 8, 16)]
        sam.memory_attention_rope_feat_sizes = [side // 16] * 2
        return {"sam_config": sam}

    return changes


@pytest.fixture(scope="session")
def model(lively: Callable[..., Lavida]) -> Lavida:
    """One lively tiny model for tests that change nothing in it."""
    return lively()


@pytest.fixture(scope="session")
def processor() -> LavidaProcessor:
    """The tiny preset's processor."""
    return LavidaProcessor.from_preset("tiny")


def _draw(
    frames: int, seed: int, size: tuple[int, int] = (120, 160), names: tuple[str, ...] = tuple(COLOURS)
) -> Sample:
    """Two squares that move over a noisy ground; the first of `names` is the anomaly."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(90, 140, (frames, *size, 3), dtype=np.uint8)
    masks = np.zeros((frames, *size), dtype=bool)
    places = [(int(rng.integers(0, size[0] // 2 - 30)), int(rng.integers(0, size[1] - 60))) for _ in range(2)]
    for row, (place, colour) in enumerate(zip(places, COLOURS.values(), strict=False)):
        top, left = place[0] + row * size[0] // 2, place[1]
        for time in range(frames):
            where = (time, slice(top, top + 28), slice(left + 3 * time, left + 3 * time + 28))
            pixels[where] = colour
            masks[where] |= row == 0
    labels = tuple(number == 0 for number in range(len(names)))
    return Sample(pixels, tuple(f"{name} square" for name in names), masks=masks, labels=labels, key=f"drawn/{seed}")


@pytest.fixture(scope="session")
def samples() -> list[Sample]:
    """Clips and images of several sizes, lengths and numbers of names."""
    return [
        _draw(8, 0),
        _draw(1, 1, (140, 100), ("red", "blue")),
        _draw(3, 2, (128, 200), ("red", "green", "blue", "yellow", "a person in a long black coat")),
        _draw(8, 3),
    ]
