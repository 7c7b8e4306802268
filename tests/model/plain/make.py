"""Writes `arrays.npz`: what the plain implementations give for fixed small inputs. `python -m plain.make` in tests/model.

Its size stays small because weights are drawn from a seed; inputs and results of the projector are stored.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import density, learning_rate, positions, resized_sizes, static_cells, trained_parameters
from .draws import Array, Draws
from .projector import Sizes, project, random_inputs, random_weights

ARRAYS = Path(__file__).with_name("arrays.npz")
SEED = 20
SIZES = Sizes()

# Frames of the benchmarks, (height, width). UBnormal's and XD-Violence's videos have several sizes, these are of them.
FRAME_SIZES = {
    "UBnormal": (720, 1280),
    "ShanghaiTech": (480, 856),
    "UCF-Crime": (240, 320),
    "XD-Violence": (360, 640),
    "UCSD Ped1": (158, 238),
    "UCSD Ped2": (240, 360),
    "CUHK Avenue": (360, 640),
}
BUDGETS = {
    "train": resized_sizes.TRAIN_CLIP,
    "score": resized_sizes.SCORE_CLIP,
    "image": resized_sizes.IMAGE,
}
# A prompt of 5 tokens, a clip of (2, 3, 4) merged cells, 6 tokens of text; every other cell stays.
PARTS: tuple[int | tuple[int, int, int], ...] = (5, (2, 3, 4), 6)
KEPT = [*range(5), *range(5, 29, 2), *range(29, 35)]
LENGTHS = (7, 12, 3)


def scene() -> Array:
    """Patches of 4 temporal frames of 12 merge cells, 24 channels: cells change by amounts around the threshold.

    The four patches of a cell differ in norm, so that the two rules disagree about some cells.
    """
    draws = Draws(SEED + 2)
    still = draws.array(1, 12, 4, 24) * np.array([4.0, 1.0, 1.0, 0.5])[:, None]
    change = draws.array(4, 12, 4, 24) * np.linspace(0.02, 0.32, 12)[:, None, None]
    return (still + change).reshape(-1, 24)


def tokens() -> Array:
    """60 tokens of 16 channels; the last 12 repeat the first 12, so that some centres find no members."""
    own = Draws(SEED + 3).array(48, 16)
    return np.concatenate([own, own[:12]])


def results() -> dict[str, NDArray[Any]]:
    """Every stored array by its name."""
    weights, inputs = random_weights(SIZES, SEED), random_inputs(SIZES, SEED + 1)
    stored: dict[str, NDArray[Any]] = {f"input_{name}": array.astype(np.float32) for name, array in inputs.items()}
    for wiring in ("authors", "sam"):
        prompts, names = project(weights, inputs, SIZES, as_ours=wiring == "sam")
        stored[f"prompts_{wiring}"], stored[f"names_{wiring}"] = prompts, names
    for rule in ("concatenated", "mean"):
        stored[f"static_{rule}"] = static_cells.kept_patches(scene(), 4, rule)
    for empty in ("mean", "self"):
        stored["centres"], stored[f"merged_{empty}"] = density.compress(tokens(), 0.8, 8, empty)
    stored["sequential"] = positions.sequential(LENGTHS)
    stored["mrope"] = positions.kept(positions.mrope(PARTS), KEPT)
    for name, budget in BUDGETS.items():
        stored[f"sizes_{name}"] = np.array([resized_sizes.resized(*frame, budget) for frame in FRAME_SIZES.values()])
    stored["trained"] = np.array(trained_parameters.paper())
    for processes in (1, 2):
        stored[f"rates_{processes}"] = np.array(learning_rate.rates(processes))[::80]
    return stored


if __name__ == "__main__":
    np.savez_compressed(ARRAYS, **results())
    print(f"{ARRAYS.name}: {ARRAYS.stat().st_size:,} bytes")
