"""Parts with the keys and files of their publishers: every key is used and none is drawn anew.

Keys and shapes are written down here from the modules of facebookresearch/sam2 (its configurations sam2_hiera_*.yaml and
sam2.1_hiera_*.yaml) and from the weight maps of Qwen2-VL, not derived from our own table or from transformers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from transformers import AutoConfig, Sam2VideoModel

from lavida import presets
from lavida.config import LavidaConfig
from lavida.errors import CheckpointError
from lavida.parts import load
from lavida.tiny import tokenizer

Shapes = Iterator[tuple[str, tuple[int, ...]]]
HIERA: dict[str, tuple[int, tuple[int, ...], int, int, float]] = {
    "tiny": (96, (1, 2, 7, 2), 7, 8, 38.9),
    "small": (96, (1, 2, 11, 2), 7, 8, 46.0),
    "base_plus": (112, (2, 3, 16, 3), 14, 8, 80.8),
    "large": (144, (2, 6, 36, 4), 7, 8, 224.4),
}
"""Width, blocks of each stage, sides of the two position embeddings, millions of parameters by the README."""


def layer(name: str, out: int, *inside: int) -> Shapes:
    """A linear layer or a convolution."""
    yield f"{name}.weight", (out, *inside)
    yield f"{name}.bias", (out,)


def norm(name: str, width: int) -> Shapes:
    yield f"{name}.weight", (width,)
    yield f"{name}.bias", (width,)


def mlp(name: str, *widths: int) -> Shapes:
    for number, (inside, out) in enumerate(pairwise(widths)):
        yield from layer(f"{name}.layers.{number}", out, inside)


def attention(name: str, inner: int, keys: int = 256) -> Shapes:
    for part, inside in (("q_proj", 256), ("k_proj", keys), ("v_proj", keys)):
        yield from layer(f"{name}.{part}", inner, inside)
    yield from layer(f"{name}.out_proj", 256, inner)


def image_encoder(width: int, stages: tuple[int, ...], background: int, window: int) -> Shapes:
    trunk = "image_encoder.trunk"
    yield f"{trunk}.pos_embed", (1, width, background, background)
    yield f"{trunk}.pos_embed_window", (1, width, window, window)
    yield from layer(f"{trunk}.patch_embed.proj", width, 3, 7, 7)
    number, last = 0, width
    for stage, blocks in enumerate(stages):
        wide = width * 2**stage
        for _ in range(blocks):
            block = f"{trunk}.blocks.{number}"
            yield from norm(f"{block}.norm1", last)
            yield from layer(f"{block}.attn.qkv", 3 * wide, last)
            yield from layer(f"{block}.attn.proj", wide, wide)
            yield from norm(f"{block}.norm2", wide)
            yield from mlp(f"{block}.mlp", wide, 4 * wide, wide)
            if wide != last:
                yield from layer(f"{block}.proj", wide, last)
            number, last = number + 1, wide
    for level in range(4):
        yield from layer(f"image_encoder.neck.convs.{level}.conv", 256, width * 2 ** (3 - level), 1, 1)


def prompt_encoder_and_mask_decoder() -> Shapes:
    prompt, decoder = "sam_prompt_encoder", "sam_mask_decoder"
    yield f"{prompt}.pe_layer.positional_encoding_gaussian_matrix", (2, 128)
    for point in range(4):
        yield f"{prompt}.point_embeddings.{point}.weight", (1, 256)
    yield f"{prompt}.not_a_point_embed.weight", (1, 256)
    yield f"{prompt}.no_mask_embed.weight", (1, 256)
    yield from layer(f"{prompt}.mask_downscaling.0", 4, 1, 2, 2)
    yield from norm(f"{prompt}.mask_downscaling.1", 4)
    yield from layer(f"{prompt}.mask_downscaling.3", 16, 4, 2, 2)
    yield from norm(f"{prompt}.mask_downscaling.4", 16)
    yield from layer(f"{prompt}.mask_downscaling.6", 256, 16, 1, 1)
    for number in range(2):
        block = f"{decoder}.transformer.layers.{number}"
        yield from attention(f"{block}.self_attn", 256)
        yield from attention(f"{block}.cross_attn_token_to_image", 128)
        yield from attention(f"{block}.cross_attn_image_to_token", 128)
        yield from mlp(f"{block}.mlp", 256, 2048, 256)
        for which in range(1, 5):
            yield from norm(f"{block}.norm{which}", 256)
    yield from attention(f"{decoder}.transformer.final_attn_token_to_image", 128)
    yield from norm(f"{decoder}.transformer.norm_final_attn", 256)
    yield f"{decoder}.iou_token.weight", (1, 256)
    yield f"{decoder}.mask_tokens.weight", (4, 256)
    yield f"{decoder}.obj_score_token.weight", (1, 256)
    yield f"{decoder}.output_upscaling.0.weight", (256, 64, 2, 2)
    yield f"{decoder}.output_upscaling.0.bias", (64,)
    yield from norm(f"{decoder}.output_upscaling.1", 64)
    yield f"{decoder}.output_upscaling.3.weight", (64, 32, 2, 2)
    yield f"{decoder}.output_upscaling.3.bias", (32,)
    yield from layer(f"{decoder}.conv_s0", 32, 256, 1, 1)
    yield from layer(f"{decoder}.conv_s1", 64, 256, 1, 1)
    for mask in range(4):
        yield from mlp(f"{decoder}.output_hypernetworks_mlps.{mask}", 256, 256, 256, 32)
    yield from mlp(f"{decoder}.iou_prediction_head", 256, 256, 256, 4)
    yield from mlp(f"{decoder}.pred_obj_score_head", 256, 256, 256, 1)


def memory(newer: bool) -> Shapes:
    for number in range(4):
        block = f"memory_attention.layers.{number}"
        yield from attention(f"{block}.self_attn", 256)
        yield from attention(f"{block}.cross_attn_image", 256, 64)
        yield from layer(f"{block}.linear1", 2048, 256)
        yield from layer(f"{block}.linear2", 256, 2048)
        for which in range(1, 4):
            yield from norm(f"{block}.norm{which}", 256)
    yield from norm("memory_attention.norm", 256)
    for number, (inside, out) in enumerate(((1, 4), (4, 16), (16, 64), (64, 256))):
        yield from layer(f"memory_encoder.mask_downsampler.encoder.{3 * number}", out, inside, 3, 3)
        yield from norm(f"memory_encoder.mask_downsampler.encoder.{3 * number + 1}", out)
    yield from layer("memory_encoder.mask_downsampler.encoder.12", 256, 256, 1, 1)
    yield from layer("memory_encoder.pix_feat_proj", 256, 256, 1, 1)
    yield from layer("memory_encoder.out_proj", 64, 256, 1, 1)
    for number in range(2):
        block = f"memory_encoder.fuser.layers.{number}"
        yield f"{block}.gamma", (256,)
        yield from layer(f"{block}.dwconv", 256, 1, 7, 7)
        yield from norm(f"{block}.norm", 256)
        yield from layer(f"{block}.pwconv1", 1024, 256)
        yield from layer(f"{block}.pwconv2", 256, 1024)
    yield "maskmem_tpos_enc", (7, 1, 1, 64)
    yield "no_mem_embed", (1, 1, 256)
    yield "no_mem_pos_enc", (1, 1, 256)
    yield "no_obj_ptr", (1, 256)
    yield from layer("mask_downsample", 1, 1, 4, 4)
    yield from mlp("obj_ptr_proj", 256, 256, 256, 256)
    if newer:
        yield "no_obj_embed_spatial", (1, 64)
        yield from layer("obj_ptr_tpos_proj", 64, 256)


def write_meta(path: Path, size: str, newer: bool) -> None:
    """Meta's file; every weight is one number that is seen as a whole tensor, so that it is small."""
    width, stages, background, window, _ = HIERA[size]
    shapes = (image_encoder(width, stages, background, window), prompt_encoder_and_mask_decoder(), memory(newer))
    state = {name: torch.full((), 0.5).expand(shape) for part in shapes for name, shape in part}
    torch.save({"model": state}, path)


@pytest.mark.parametrize(
    ("size", "newer"),
    [
        ("tiny", False),
        *((size, True) for size in HIERA),
        *(pytest.param(size, False, marks=pytest.mark.slow) for size in list(HIERA)[1:]),
    ],
)
def test_metas_files_of_all_sizes(tmp_path: Path, size: str, newer: bool) -> None:
    file = tmp_path / f"sam2_hiera_{size}.pt"
    write_meta(file, size, newer)
    given = {"mllm_config": None, "names_config": None}
    config = LavidaConfig(memory="causal", **load.part_configs("", file, "", given))
    sam: Any = load.load_sam(file, config)
    assert all(bool((weight == 0.5).all()) for weight in sam.parameters()), "a weight was drawn"
    assert bool((sam.shared_image_embedding.positional_embedding == 0.5).all())
    assert not any(tensor.is_meta for tensor in (*sam.parameters(), *sam.buffers()))
    millions = sum(weight.numel() for weight in sam.parameters()) / 1e6
    assert millions == pytest.approx(HIERA[size][-1], abs=0.1)


@pytest.mark.parametrize(("size", "newer"), [("tiny", False), *((size, True) for size in HIERA)])
def test_folders_of_all_sizes(tmp_path: Path, size: str, newer: bool) -> None:
    """Narrow ones, with the published numbers of blocks."""
    plain: dict[str, Any] = presets._tiny_sam()
    _, stages, background, _, _ = HIERA[size]
    plain["vision_config"]["backbone_config"] |= {
        "blocks_per_stage": list(stages), "global_attention_blocks": [sum(stages) // 2],
        "window_positional_embedding_background_size": [background] * 2,
    }  # fmt: skip
    plain |= dict.fromkeys(
        ("enable_occlusion_spatial_embedding", "enable_temporal_pos_encoding_for_object_pointers"), newer
    )
    model = Sam2VideoModel(AutoConfig.for_model("sam2_video", **plain))
    model.save_pretrained(tmp_path)
    config = LavidaConfig(memory="causal", **load.part_configs("", tmp_path, "", {"mllm_config": 0, "names_config": 0}))
    sam: Any = load.load_sam(tmp_path, config)
    want = model.state_dict()
    assert sam.state_dict().keys() == want.keys()
    assert all(torch.equal(value, want[name]) for name, value in sam.state_dict().items())


# ---- Qwen2-VL ----

HIDDEN, HEAD, MLP, ROWS, VISION = 48, 8, 16, 1536, 16


def qwen(tied: bool, new: bool) -> Shapes:
    """Qwen2-VL with the published 28 layers and 32 blocks, narrow; `new` keys are those since transformers 4.52."""
    text, tower = ("model.language_model", "model.visual") if new else ("model", "visual")
    yield f"{text}.embed_tokens.weight", (ROWS, HIDDEN)
    yield f"{text}.norm.weight", (HIDDEN,)
    if not tied:
        yield "lm_head.weight", (ROWS, HIDDEN)
    for number in range(28):
        block = f"{text}.layers.{number}"
        yield f"{block}.input_layernorm.weight", (HIDDEN,)
        yield f"{block}.post_attention_layernorm.weight", (HIDDEN,)
        yield from layer(f"{block}.self_attn.q_proj", HIDDEN, HIDDEN)
        yield from layer(f"{block}.self_attn.k_proj", 2 * HEAD, HIDDEN)
        yield from layer(f"{block}.self_attn.v_proj", 2 * HEAD, HIDDEN)
        yield f"{block}.self_attn.o_proj.weight", (HIDDEN, HIDDEN)
        yield f"{block}.mlp.gate_proj.weight", (MLP, HIDDEN)
        yield f"{block}.mlp.up_proj.weight", (MLP, HIDDEN)
        yield f"{block}.mlp.down_proj.weight", (HIDDEN, MLP)
    yield f"{tower}.patch_embed.proj.weight", (VISION, 3, 2, 14, 14)
    for number in range(32):
        block = f"{tower}.blocks.{number}"
        yield from norm(f"{block}.norm1", VISION)
        yield from norm(f"{block}.norm2", VISION)
        yield from layer(f"{block}.attn.qkv", 3 * VISION, VISION)
        yield from layer(f"{block}.attn.proj", VISION, VISION)
        yield from layer(f"{block}.mlp.fc1", 4 * VISION, VISION)
        yield from layer(f"{block}.mlp.fc2", VISION, 4 * VISION)
    yield from norm(f"{tower}.merger.ln_q", VISION)
    yield from layer(f"{tower}.merger.mlp.0", 4 * VISION, 4 * VISION)
    yield from layer(f"{tower}.merger.mlp.2", HIDDEN, 4 * VISION)


def write_qwen(folder: Path, tied: bool, new: bool) -> None:
    """The files of the Hub: a flat configuration, shards in bfloat16, their index, a tokenizer."""
    config = {
        "architectures": ["Qwen2VLForConditionalGeneration"], "model_type": "qwen2_vl", "hidden_act": "silu",
        "hidden_size": HIDDEN, "intermediate_size": MLP, "num_hidden_layers": 28, "num_attention_heads": HIDDEN // HEAD,
        "num_key_value_heads": 2, "vocab_size": ROWS, "max_position_embeddings": 32768, "rms_norm_eps": 1e-06,
        "rope_theta": 1000000.0, "rope_scaling": {"type": "mrope", "mrope_section": [1, 1, 2]},
        "bos_token_id": 1, "eos_token_id": 2, "vision_start_token_id": 3, "vision_end_token_id": 4,
        "vision_token_id": 8, "image_token_id": 5, "video_token_id": 6, "tie_word_embeddings": tied,
        "torch_dtype": "bfloat16", "use_cache": True, "use_sliding_window": False,
        "vision_config": {
            "depth": 32, "embed_dim": VISION, "mlp_ratio": 4, "num_heads": 2, "in_chans": 3, "hidden_size": HIDDEN,
            "patch_size": 14, "spatial_merge_size": 2, "spatial_patch_size": 14, "temporal_patch_size": 2,
        },
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    state = {name: torch.full(shape, 0.5, dtype=torch.bfloat16) for name, shape in qwen(tied, new)}
    names, files = list(state), [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    places = {name: files[number % 2] for number, name in enumerate(names)}
    for file in files:
        save_file({name: state[name] for name in names if places[name] == file}, folder / file, {"format": "pt"})
    index = {"metadata": {"total_size": sum(value.nbytes for value in state.values())}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")
    tokenizer.load_tokenizer().save_pretrained(folder)


@pytest.mark.parametrize("new", [False, True], ids=["flat", "nested"])
@pytest.mark.parametrize("tied", [False, True], ids=["7B", "2B"])
def test_qwen2_vl_as_published(tmp_path: Path, tied: bool, new: bool) -> None:
    write_qwen(tmp_path, tied, new)
    configs = load.part_configs(tmp_path, "", "", {"sam_config": 0, "names_config": 0})
    mllm: Any = load.load_mllm(tmp_path, LavidaConfig.preset("tiny", **configs), "auto")
    assert len(list(qwen(tied, new))) == (729 if tied else 730), "as many as the published weight maps list"
    for name, weight in mllm.named_parameters():
        assert weight.dtype == torch.bfloat16, name
        assert bool((weight == 0.5).all()), f"{name} was drawn"
    assert (mllm.lm_head.weight is mllm.get_input_embeddings().weight) == tied
    assert mllm.config.text_config.rope_parameters["mrope_section"] == [1, 1, 2]


def test_a_shard_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    write_qwen(tmp_path, tied=False, new=False)
    (tmp_path / "model-00002-of-00002.safetensors").unlink()
    configs = load.part_configs(tmp_path, "", "", {"sam_config": 0, "names_config": 0})
    with pytest.raises(CheckpointError, match=r"model-00002-of-00002\.safetensors"):
        load.load_mllm(tmp_path, LavidaConfig.preset("tiny", **configs), "auto")
