"""Token compression: equal to the authors' stored outputs, to a plain reading of the description, in slices and halves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lavida.compression import density, density_packed, moving_patches, reachability_density
from lavida.errors import LavidaError

PARITY = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "parity" / "token_compression.npz"


@pytest.fixture(scope="module")
def stored() -> dict[str, torch.Tensor]:
    if not PARITY.exists():
        pytest.skip(f"{PARITY} is not there: the authors' stored outputs")
    with np.load(PARITY) as data:
        return {name: torch.from_numpy(np.asarray(data[name])) for name in data.files}


def test_density_equals_the_authors(stored: dict[str, torch.Tensor]) -> None:
    got = density(stored["a_x"], float(stored["a_ratio"]), k=int(stored["a_k"]))
    assert torch.equal(got.centres, stored["a_centres"])
    assert (got.tokens - stored["a_merged"]).abs().max() < 1e-5


def test_static_equals_the_authors(stored: dict[str, torch.Tensor]) -> None:
    keep = moving_patches(stored["t1_x"], stored["t1_grid"].tolist())
    assert torch.equal(keep, stored["t1_keep"])
    assert keep.view(int(stored["t1_grid"][0]), -1).sum(1).tolist() == stored["t1_counts"].tolist()


def plain(x: torch.Tensor, ratio: float, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The description word by word: loops, the whole matrix, one token at a time."""
    length, channels = x.shape
    distance = torch.cdist(x.double(), x.double(), compute_mode="donot_use_mm_for_euclid_dist") / channels**0.5
    near = [sorted((float(distance[i, j]), j) for j in range(length) if j != i)[:k] for i in range(length)]
    reach = [sum(max(near[j][-1][0], d) for d, j in near[i]) for i in range(length)]
    densest = sorted(range(length), key=lambda i: -k / reach[i])[: int(length * ratio)]
    centres = sorted(densest)
    members: list[list[int]] = [[] for _ in centres]
    for i in range(length):
        members[int(distance[i, centres].argmin())].append(i)
    values = []
    for centre, group in zip(centres, members, strict=True):
        weights = torch.softmax(-(x[group] @ x[centre]) / channels**0.5, 0)
        values.append((weights[:, None] * x[group]).sum(0))
    return torch.tensor(centres), torch.stack(values)


@settings(max_examples=25, deadline=None)
@given(length=st.integers(12, 60), channels=st.integers(4, 24), ratio=st.floats(0.1, 0.95), seed=st.integers(0, 10_000))
def test_density_follows_its_description(length: int, channels: int, ratio: float, seed: int) -> None:
    x = torch.randn(length, channels, generator=torch.Generator().manual_seed(seed))
    centres, values = plain(x, ratio, 8)
    got = density(x, ratio)
    assert torch.equal(got.centres, centres)
    torch.testing.assert_close(got.tokens, values, atol=1e-5, rtol=1e-4)


def test_slices_give_what_one_matrix_gives() -> None:
    x = torch.randn(200, 16, generator=torch.Generator().manual_seed(0))
    whole, sliced = density(x, 0.3), density(x, 0.3, budget=200 * 4 * 7)
    assert torch.equal(whole.centres, sliced.centres)
    torch.testing.assert_close(whole.tokens, sliced.tokens)


def test_samples_of_unequal_length_are_compressed_each_for_itself() -> None:
    x = torch.randn(60, 8, generator=torch.Generator().manual_seed(1))
    got = density_packed(x, [10, 17, 33], 0.5)
    for part, one in zip(x.split([10, 17, 33]), got, strict=True):
        alone = density(part, 0.5)
        assert torch.equal(alone.centres, one.centres)
        assert torch.equal(alone.tokens, one.tokens)
    assert [len(one.centres) for one in got] == [5, 8, 16]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_halves_go_in_and_out_and_float32_is_inside(dtype: torch.dtype) -> None:
    x = (torch.randn(64, 16, generator=torch.Generator().manual_seed(2)) * 3).to(dtype)
    got, exact = density(x, 0.5), density(x.float(), 0.5)
    assert got.tokens.dtype == dtype
    assert torch.equal(got.centres, exact.centres)
    assert torch.equal(got.tokens, exact.tokens.to(dtype))


def test_large_halves_do_not_overflow() -> None:
    x = (torch.randn(40, 32, generator=torch.Generator().manual_seed(3)) * 500 + 2000).to(torch.float16)
    assert density(x, 0.5).tokens.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_changes_nothing(dtype: torch.dtype) -> None:
    tokens = 5 * torch.randn(200, 1536, generator=torch.Generator().manual_seed(2))
    whole = density(tokens, 0.5)
    with torch.autocast("cpu", dtype):
        found = density(tokens, 0.5)
    assert torch.equal(found.centres, whole.centres)
    assert torch.equal(found.tokens, whole.tokens)


def test_ratio_one_is_off_to_the_bit() -> None:
    x = torch.randn(9, 4, generator=torch.Generator().manual_seed(4))
    got = density(x, 1.0)
    assert got.tokens is x
    assert got.centres.tolist() == list(range(9))


def test_gradient_switch() -> None:
    x = torch.randn(30, 8, generator=torch.Generator().manual_seed(5), requires_grad=True)
    density(x, 0.5).tokens.sum().backward()
    assert x.grad is not None
    assert (x.grad.abs().sum(1) > 0).all(), "kept and merged tokens all get a gradient"
    assert not density(x, 0.5, gradient=False).tokens.requires_grad


def test_gradient_is_that_of_the_merge() -> None:
    x = torch.randn(14, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(6), requires_grad=True)
    from lavida.compression import merge_members, nearest_centre

    centres = torch.tensor([0, 4, 9])
    owner = nearest_centre(x.detach(), centres)
    assert torch.autograd.gradcheck(lambda t: merge_members(t, centres, owner), (x,))


def test_the_less_alike_a_member_the_more_it_weighs() -> None:
    from lavida.compression import merge_members

    x = torch.tensor([[2.0, 0.0], [2.0, 0.1], [-1.0, 0.0]])
    merged = merge_members(x, torch.tensor([0]), torch.tensor([0, 0, 0]))
    assert merged[0, 0] < -0.9, "the odd one out dominates"


def test_copies_and_tiny_samples() -> None:
    same = torch.ones(20, 4)
    got = density(same, 0.5)
    assert len(got.centres) == 10
    assert got.tokens.isfinite().all()
    assert reachability_density(same, 3).isinf().all()
    assert len(density(torch.ones(1, 4), 0.5).centres) == 1
    assert len(density(torch.randn(3, 4, generator=torch.Generator().manual_seed(7)), 0.1).centres) == 1


@settings(max_examples=25, deadline=None)
@given(frames=st.integers(1, 4), rows=st.integers(1, 3), columns=st.integers(1, 3), seed=st.integers(0, 999))
def test_static_keeps_the_first_frame_and_whole_cells(frames: int, rows: int, columns: int, seed: int) -> None:
    x = torch.randn(frames * rows * columns * 4, 6, generator=torch.Generator().manual_seed(seed))
    keep = moving_patches(x, (frames, rows * 2, columns * 2)).view(frames, -1, 4)
    assert keep[0].all()
    assert (keep.all(2) == keep.any(2)).all()


def test_a_still_clip_keeps_one_frame() -> None:
    x = torch.randn(16, 6, generator=torch.Generator().manual_seed(8)).repeat(3, 1)
    assert moving_patches(x, (3, 4, 4)).sum() == 16


@pytest.mark.parametrize("ratio", [0.0, -1.0, 1.5])
def test_ratio_out_of_range(ratio: float) -> None:
    with pytest.raises(LavidaError, match=r"reduction ratio is .*; expected 0 < ratio <= 1"):
        density(torch.ones(4, 2), ratio)


def test_static_needs_the_patches_of_its_grid() -> None:
    with pytest.raises(LavidaError, match="7 patches; expected 16"):
        moving_patches(torch.ones(7, 2), (1, 4, 4))


def memory(field: str) -> float:
    """GiB of this process: VmRSS now, VmHWM at its peak."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) / 2**20


@pytest.mark.slow
def test_sixteen_thousand_tokens_never_make_the_whole_matrix_of_distances() -> None:
    """It would be 1 GiB; 256 channels in place of 3,584 change the time alone."""
    x = torch.randn(16_384, 256, generator=torch.Generator().manual_seed(9)).bfloat16()
    peak = Path("/proc/self/clear_refs")
    if not peak.exists():
        pytest.skip("needs /proc/self/clear_refs (Linux) to reset the peak of memory")
    peak.write_text("5", "utf-8")
    before = memory("VmRSS")
    got = density(x, 0.5)
    used = memory("VmHWM") - before
    assert len(got.centres) == 8_192
    assert 0.1 < used < 0.9, f"{used:.2f} GiB more than before"
