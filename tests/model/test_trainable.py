"""Groups that train, LoRA, and the table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tiny_families import FAMILIES, tiny_family

from lavida.batch import Sample
from lavida.config import LavidaConfig
from lavida.errors import LavidaError
from lavida.groups import GROUPS, PAPER_TRAINABLE
from lavida.modeling import Lavida
from lavida.parts.trainable import count_parameters, format_table, group_of, set_trainable
from lavida.processing import LavidaProcessor, Sizes
from lavida.tiny.tokenizer import load_tokenizer

Make = Callable[..., Lavida]
PAPER = {"trainable": PAPER_TRAINABLE}


def test_every_parameter_has_a_group(model: Lavida) -> None:
    rows = count_parameters(model)
    assert [row.group for row in rows] == list(GROUPS)
    assert sum(row.parameters for row in rows) == sum(one.numel() for one in model.parameters())
    assert all(row.parameters > 0 for row in rows)


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("mllm.model.visual.blocks.0.attn.qkv.weight", "vision"),
        ("mllm.model.language_model.layers.0.self_attn.q_proj.weight", "language"),
        ("mllm.model.language_model.embed_tokens.weight", "embeddings"),
        ("mllm.lm_head.weight", "lm_head"),
        ("names.tower.embeddings.token_embedding.weight", "names"),
        ("projector.queries", "projector"),
        ("sam.vision_encoder.backbone.pos_embed", "image_encoder"),
        ("sam.prompt_encoder.no_mask_embed.weight", "prompt_encoder"),
        ("sam.mask_decoder.iou_token.weight", "mask_decoder"),
        ("sam.memory_attention.layer_norm.weight", "memory"),
        ("sam.no_memory_embedding", "memory"),
    ],
)
def test_group_of(name: str, group: str) -> None:
    assert group_of(name) == group


def test_the_papers_groups(lively: Make) -> None:
    model = lively(**PAPER)
    rows = {row.group: row for row in set_trainable(model)}
    for group in ("vision", "names", "image_encoder", "memory"):
        assert rows[group].trained == 0
    for group in ("embeddings", "lm_head", "projector", "prompt_encoder", "mask_decoder"):
        assert rows[group].trained == rows[group].parameters > 0
    # q_proj 96 -> 96 and v_proj 96 -> 48, rank 8, three layers
    assert rows["language"].trained == 3 * (8 * (96 + 96) + 8 * (96 + 48))
    trained = {name for name, one in model.named_parameters() if one.requires_grad and group_of(name) == "language"}
    assert all(".q_proj.lora_" in name or ".v_proj.lora_" in name for name in trained)


def test_lora_starts_as_nothing_and_comes_in_once(
    lively: Make, processor: LavidaProcessor, samples: list[Sample]
) -> None:
    model, batch = lively(**PAPER), processor(samples[:2])
    with torch.no_grad():
        before = model(batch)
        rows = set_trainable(model)
        assert model.config.adapters
        after = model(batch)
    assert torch.equal(before.masks, after.masks)
    assert set_trainable(model) == rows, "a second time changes nothing"


def lively_lora(model: Lavida) -> None:
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)


def test_lora_is_saved_and_merged(
    lively: Make, processor: LavidaProcessor, samples: list[Sample], tmp_path: Path
) -> None:
    """Outputs are equal to the bit: one machine, one thread, aligned weights (lavida.alignment)."""
    model, batch = lively(**PAPER), processor(samples[:2])
    with torch.no_grad():
        bare = model(batch)
    set_trainable(model)
    lively_lora(model)
    model.save_pretrained(tmp_path / "lora")
    again = Lavida.from_pretrained(tmp_path / "lora")
    assert again.config.adapters
    with torch.no_grad():
        want = model(batch)
        assert (want.scores - bare.scores).abs().max() > 1e-3
        assert torch.equal(again(batch).masks, want.masks)
        again.merge_adapters()
        torch.testing.assert_close(again(batch).masks, want.masks, atol=1e-3, rtol=1e-3)
    again.save_pretrained(tmp_path / "merged")
    assert not any("lora" in name for name in again.state_dict())
    plain = Lavida.from_pretrained(tmp_path / "merged")
    with torch.no_grad():
        assert torch.equal(plain(batch).masks, again(batch).masks)


def test_lora_trains_in_half_precision(lively: Make, processor: LavidaProcessor, samples: list[Sample]) -> None:
    model = lively(**PAPER).to(torch.bfloat16)
    set_trainable(model)
    loss = model.train()(processor(samples[1:2])).loss
    assert loss is not None
    loss.backward()
    grads = [one.grad for name, one in model.named_parameters() if "lora_B" in name]
    assert all(grad is not None and grad.isfinite().all() for grad in grads)
    assert any(grad.abs().sum() > 0 for grad in grads if grad is not None)


def test_vision_takes_lora_too(lively: Make) -> None:
    model = lively(trainable={"vision": "lora"}, lora_targets=["qkv", "v_proj"])
    rows = {row.group: row for row in set_trainable(model)}
    assert rows["vision"].trained == 2 * 8 * (64 + 192)
    assert rows["language"].trained == 3 * 8 * (96 + 48)


TOWERS = {
    "qwen2_vl": "fc1, fc2, proj, qkv",
    "qwen2_5_vl": "down_proj, gate_proj, proj, qkv, up_proj",
    "qwen3_vl": "linear_fc1, linear_fc2, proj, qkv",
}
"""Names of the linear layers of each family's vision tower."""


@pytest.mark.parametrize("family", FAMILIES)
def test_lora_names_the_layers_of_the_vision_tower(family: str, samples: list[Sample]) -> None:
    """An error lists them, and each of them takes LoRA and gets a gradient."""
    how = {"vision": "lora", "language": "frozen"}
    config = LavidaConfig.preset("tiny", mllm_config=tiny_family(family), trainable=how)
    model = Lavida(config)
    begin = "lora_targets: none of ['q_proj', 'v_proj'] is in the group 'vision'; expected some of "
    with pytest.raises(LavidaError) as refused:
        set_trainable(model)
    assert str(refused.value) == f"{begin}{TOWERS[family]} (vision)"
    config.lora_targets = TOWERS[family].split(", ")
    set_trainable(model)
    processor = LavidaProcessor(load_tokenizer(), load_tokenizer(names=True), Sizes.from_config(config))
    loss = model.train()(processor(samples[1:2])).loss
    assert loss is not None
    loss.backward()
    gradients = {name: one.grad for name, one in model.mllm.model.visual.named_parameters() if "lora_B" in name}
    assert {name.split(".lora_B")[0].rpartition(".")[2] for name in gradients} >= set(config.lora_targets)
    assert all(gradient is not None and gradient.abs().sum() > 0 for gradient in gradients.values())


def test_every_lora_target_is_in_the_model(lively: Make) -> None:
    model = lively(trainable=PAPER_TRAINABLE, lora_targets=["q_proj", "qvk"])
    with pytest.raises(LavidaError) as refused:
        set_trainable(model)
    assert str(refused.value) == (
        "lora_targets: 'qvk' is not in the group 'language' or 'vision'; expected some of down_proj, gate_proj, k_proj, "
        "o_proj, q_proj, up_proj, v_proj (language) or fc1, fc2, proj, qkv (vision)"
    )


def test_table(lively: Make) -> None:
    model = lively(**PAPER)
    text = format_table(set_trainable(model))
    lines = text.splitlines()
    assert lines[0].split() == ["group", "how", "parameters", "trained"]
    assert [line.split()[0] for line in lines[1:]] == [*GROUPS, "total"]
    assert lines[-1].split()[1] == f"{sum(one.numel() for one in model.parameters()):,}"
    assert len({len(line) for line in lines}) == 1
