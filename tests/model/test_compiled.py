"""The heavy stages are graphs without breaks, and compute what they compute uncompiled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import torch
from torch._dynamo.utils import counters

from lavida.backbone import cumulative_lengths
from lavida.batch import Sample
from lavida.modeling import Lavida
from lavida.parts.compiled import STAGES, attend_within_frames, compile_stages
from lavida.processing import LavidaProcessor


@pytest.fixture(autouse=True)
def _fresh_compiler() -> Iterator[None]:
    torch._dynamo.reset()
    counters.clear()
    yield
    torch._dynamo.reset()


@pytest.mark.parametrize("lengths", [[16, 16, 16], [16, 4, 8, 12], [1], [3, 1]])
def test_attention_within_frames_is_that_of_each_frame_alone(lengths: list[int]) -> None:
    generator = torch.Generator().manual_seed(0)
    query, key, value = torch.randn(3, 1, 2, sum(lengths), 8, generator=generator)
    out, _ = attend_within_frames(
        torch.nn.Identity(),
        query,
        key,
        value,
        None,
        scaling=8**-0.5,
        dropout=0.0,
        cu_seq_lens_q=cumulative_lengths(torch.tensor(lengths)),
        max_length_q=max(lengths),
    )
    parts = zip(*(torch.split(part, lengths, dim=2) for part in (query, key, value)), strict=True)
    alone = [torch.softmax(q @ k.transpose(2, 3) * 8**-0.5, dim=-1) @ v for q, k, v in parts]
    torch.testing.assert_close(out, torch.cat(alone, dim=2).transpose(1, 2), atol=1e-6, rtol=1e-5)


@pytest.mark.long
@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
def test_batches_of_any_size_and_training_compile(
    lively: Callable[..., Lavida], processor: LavidaProcessor, samples: Sequence[Sample], backend: str
) -> None:
    model = lively(static_threshold=0.2)
    batches = [processor(samples[:count]) for count in (1, 2, 3)]
    with torch.no_grad():
        plain = [model(batch).scores for batch in batches]
    model.train()
    loss = model(processor(samples[:2], use="train")).loss
    loss.backward()
    gradient = model.projector.queries.grad.clone()
    compile_stages(model, backend=backend)
    model.zero_grad()
    model(processor(samples[:2], use="train")).loss.backward()
    torch.testing.assert_close(model.projector.queries.grad, gradient, atol=1e-4, rtol=1e-3)
    model.eval()
    with torch.no_grad():
        for before, batch in zip(plain, batches, strict=True):
            torch.testing.assert_close(model(batch).scores, before, atol=1e-4, rtol=1e-4)
    assert not counters["graph_break"]


def test_stages_without_breaks_give_the_same_results(
    lively: Callable[..., Lavida], processor: LavidaProcessor, samples: Sequence[Sample], tmp_path: Path
) -> None:
    model = lively(static_threshold=0.2)  # so that frames keep unequal numbers of patches
    batches = [processor(samples[:1])]
    with torch.no_grad():
        plain = [model(batch) for batch in batches]
        compile_stages(model, backend="eager")
        compiled = [model(batch) for batch in batches]
    assert not counters["graph_break"]
    assert counters["stats"]["unique_graphs"] >= len(STAGES)
    for before, after in zip(plain, compiled, strict=True):
        torch.testing.assert_close(after.scores, before.scores, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(after.masks, before.masks, atol=1e-4, rtol=1e-5)
    model.save_pretrained(tmp_path)
    assert "lavida_flash" not in (tmp_path / "config.json").read_text("utf-8")
    again = Lavida.from_pretrained(tmp_path)
    with torch.no_grad():
        torch.testing.assert_close(again(batches[0]).scores, plain[0].scores, atol=1e-6, rtol=1e-6)
