"""One rule of resizing for each protocol: the same maps give the same numbers, however they came to be on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from test_score import SIZE, Toy, run, video

from lavida_bench.evaluation.evaluate import evaluate
from lavida_bench.protocols import protocol as protocols
from lavida_bench.protocols.resize import resize_bilinear, resize_nearest
from lavida_bench.protocols.rules import ScoringRules
from lavida_bench.results.score_files import ScoreFiles
from lavida_bench.videos.types import VideoScore

STACK = np.random.default_rng(3).normal(size=(4, 5, 7)).astype(np.float32)
LARGE, SMALL = (13, 9), (3, 4)


@pytest.mark.parametrize("size", [LARGE, SMALL, (5, 7)])
def test_bilinear_is_torchs(size: tuple[int, int]) -> None:
    wanted = torch.nn.functional.interpolate(
        torch.from_numpy(STACK)[None], size, mode="bilinear", align_corners=False
    )[0].numpy()  # fmt: skip
    np.testing.assert_allclose(resize_bilinear(STACK, size), wanted, atol=1e-5)
    np.testing.assert_allclose(resize_bilinear(STACK.astype(np.float64), size), wanted, atol=1e-5)


@pytest.mark.parametrize("size", [LARGE, SMALL, (158, 238)])
def test_nearest_is_torchs(size: tuple[int, int]) -> None:
    wanted = torch.nn.functional.interpolate(torch.from_numpy(STACK)[None], size, mode="nearest")[0].numpy()
    np.testing.assert_array_equal(resize_nearest(STACK, size), wanted)


@pytest.mark.parametrize("name", ["official", "paper"])
def test_score_and_score_files_agree_on_the_same_maps(tmp_path: Path, name: str) -> None:
    videos = [video("a", 16), video("b", 24)]
    protocol = protocols.make(name, ScoringRules(paper_pixel_size=(6, 10)))
    store, _ = run(tmp_path / "store", videos, Toy())
    from_store = [(one, store.read(one)) for one in videos]
    for one, score in from_store:
        assert score is not None
        np.save(tmp_path / f"{one.key}.npy", score.frames)
        np.save(tmp_path / f"{one.key}.maps.npy", score.read_pixels(0, one.frame_count))
    files = ScoreFiles.find(tmp_path, videos)
    first = evaluate(from_store, protocol, ["pixel_auc", "pixel_ap"]).metrics
    second = evaluate(files.pairs(videos), protocol, ["pixel_auc", "pixel_ap"]).metrics
    for metric in ("pixel_auc", "pixel_ap"):
        assert first[metric].variants["micro"].value == second[metric].variants["micro"].value


def test_each_protocol_resizes_by_its_own_rule() -> None:
    one = video("a", 8)
    small: NDArray[np.float16] = np.random.default_rng(1).normal(size=(8, 3, 4)).astype(np.float16)

    def pixel_auc(name: str, maps: NDArray[np.float16]) -> float | None:
        score = VideoScore("a", np.zeros(8, np.float32), pixels=lambda start, stop: maps[start:stop])
        result = evaluate([(one, score)], protocols.make(name), ["pixel_auc"])
        return result.metrics["pixel_auc"].variants["micro"].value

    by_hand = {"official": resize_bilinear(small, SIZE), "paper": resize_nearest(small, SIZE)}
    values = {name: pixel_auc(name, small) for name in by_hand}
    assert values == {name: pixel_auc(name, maps) for name, maps in by_hand.items()}
    assert values["official"] != values["paper"]
