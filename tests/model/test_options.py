"""What each option of the authors' code changes in the whole model, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch

from lavida.batch import Sample
from lavida.compression import density, moving_patches
from lavida.modeling import Lavida
from lavida.parts.trainable import set_trainable
from lavida.processing import LavidaProcessor
from lavida.sequence import count_positions

Make = Callable[..., Lavida]


@pytest.mark.parametrize(
    "changes",
    [
        {"qformer_wiring": "authors"},
        {"positions": "sequential"},
        {"static_rule": "concatenated", "static_threshold": 0.2},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_each_option_changes_the_scores_and_batches_equal_singles(
    lively: Make, processor: LavidaProcessor, samples: Sequence[Sample], changes: dict[str, Any]
) -> None:
    plain, other = lively(static_threshold=changes.get("static_threshold", 0.01)), lively(**changes)
    with torch.no_grad():
        before, after = plain(processor(samples[:3])).scores, other(processor(samples[:3])).scores
        singles = torch.cat([other(processor([sample])).scores for sample in samples[:3]])
    assert not torch.allclose(before, after, atol=1e-4)
    torch.testing.assert_close(after, singles, atol=2e-5, rtol=1e-4)


def test_images_without_the_no_memory_embedding(
    lively: Make, processor: LavidaProcessor, samples: Sequence[Sample]
) -> None:
    clip, image = samples[0], samples[1]
    for memory in ("none", "causal"):
        plain, other = lively(memory=memory), lively(memory=memory, no_memory_images=False)
        with torch.no_grad():
            plain.sam.no_memory_embedding.normal_()
            other.sam.no_memory_embedding.copy_(plain.sam.no_memory_embedding)
            before, after = plain(processor([clip, image])).scores, other(processor([clip, image])).scores
            zero = lively(memory=memory)
            zero.sam.no_memory_embedding.zero_()
            without = zero(processor([image])).scores
        torch.testing.assert_close(after[:-1], before[:-1])
        torch.testing.assert_close(after[-1:], without, atol=1e-5, rtol=1e-4)
        assert abs(float(after[-1] - before[-1])) > 1e-3


def test_cut_embeddings_get_no_gradient_and_adapters_do(
    lively: Make, processor: LavidaProcessor, samples: Sequence[Sample]
) -> None:
    how = {"language": "lora", "vision": "frozen"}
    model = lively(input_embeddings="cut", trainable=how).train()
    rows = {row.group: row for row in set_trainable(model)}
    assert rows["embeddings"].trained == 0
    assert rows["lm_head"].trained > 0
    model.gradient_checkpointing_enable()
    model(processor(samples[:2], use="train")).loss.backward()
    missing = [name for name, one in model.named_parameters() if one.requires_grad and one.grad is None]
    assert missing == ["sam.prompt_encoder.no_mask_embed.weight"]  # tiny has a mask prompt
    assert all(one.grad.abs().sum() > 0 for name, one in model.named_parameters() if "lora_B" in name)
    kept = lively(trainable=how)
    assert {row.group: row.trained for row in set_trainable(kept)}["embeddings"] > 0


def test_cut_leaves_the_forward_pass_alone(lively: Make, processor: LavidaProcessor, samples: Sequence[Sample]) -> None:
    batch = processor(samples[:2])
    with torch.no_grad():
        assert torch.equal(lively()(batch).scores, lively(input_embeddings="cut")(batch).scores)


def test_positions_are_counted_from_the_first_token_after_padding() -> None:
    mask = torch.tensor([[0, 0, 1, 1, 1], [1, 1, 1, 1, 1]])
    positions = count_positions(mask)
    assert positions.shape == (3, 2, 5)
    assert positions[0].tolist() == [[0, 0, 0, 1, 2], [0, 1, 2, 3, 4]]
    assert torch.equal(positions[1], positions[0])


def test_a_strong_patch_outweighs_three_weak_ones_where_they_are_joined() -> None:
    first = torch.zeros(4, 8)
    first[:, 0] = torch.tensor([100.0, 1.0, 1.0, 1.0])
    second = first.clone()
    second[1:] = torch.eye(8)[1:4]  # three of four weak patches turn by 90 degrees
    patches = torch.cat([first, second])
    assert moving_patches(patches, (2, 2, 2), 0.01).all()
    assert moving_patches(patches, (2, 2, 2), 0.01, rule="concatenated").tolist() == [True] * 4 + [False] * 4


def test_a_centre_whose_copy_took_its_members() -> None:
    tokens = torch.cat([torch.zeros(36, 4), torch.full((4, 4), 3.0)])
    kept = density(tokens, 0.5, k=3)
    assert kept.centres.tolist() == list(range(20))
    assert kept.tokens[1:].abs().max() == 0
    mean = density(tokens, 0.5, k=3, empty="mean").tokens
    assert float(mean[0, 0]) == pytest.approx(4 * 3 / 40)  # the first of the copies has all members
    torch.testing.assert_close(mean[1:], tokens.mean(dim=0).expand(19, -1))


def test_the_projector_begins_as_torch_begins(lively: Make, processor: LavidaProcessor) -> None:
    torch.manual_seed(1)
    model = Lavida.from_preset("tiny", random=True, projector_init="torch")
    layer = model.projector.prompt_out
    bound = layer.in_features**-0.5
    assert float(layer.weight.detach().abs().max()) <= bound
    assert float(layer.weight.detach().std()) == pytest.approx(bound / 3**0.5, rel=0.05)
    assert float(layer.bias.detach().abs().max()) > 0
    assert float(model.projector.queries.detach().std()) == pytest.approx(1, rel=0.2)
    assert float(model.mllm.lm_head.weight.detach().std()) == pytest.approx(0.02, rel=0.2)
