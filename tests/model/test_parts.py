"""`from_parts` on tiny checkpoints in each of the formats, without a network."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import CLIPConfig, CLIPModel, Sam2Config, Sam2Model

from lavida import presets
from lavida.alignment import ALIGNMENT
from lavida.batch import SEG, Sample
from lavida.config import LavidaConfig
from lavida.errors import CheckpointError, LavidaError
from lavida.modeling import Lavida
from lavida.parts import sam2_keys
from lavida.parts.trainable import set_trainable
from lavida.processing import LavidaProcessor, Sizes
from lavida.tiny import tokenizer as tiny_tokenizer

Make = Callable[..., Lavida]
OPTIONS: dict[str, Any] = {
    name: value for name, value in presets._tiny().items() if not name.endswith("_config") and name != "seg_token_id"
}


def equal(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    left, right = one.state_dict(), other.state_dict()
    return left.keys() == right.keys() and all(torch.equal(value, right[name]) for name, value in left.items())


def bare_tokenizer() -> Any:
    """The tiny tokenizer before <SEG> was added, as a published language model's is."""
    import json

    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    plain = json.loads(tiny_tokenizer.FILE.read_text("utf-8"))
    plain["added_tokens"] = [one for one in plain["added_tokens"] if one["content"] != SEG]
    plain["model"]["vocab"]["<unused>"] = plain["model"]["vocab"].pop(SEG)
    make: Any = PreTrainedTokenizerFast
    return make(tokenizer_object=Tokenizer.from_str(json.dumps(plain)), pad_token="<|endoftext|>")


@pytest.fixture(scope="module")
def folder(lively: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Parts of a lively tiny model: mllm/, sam/ (clips), sam_image/ (images), meta.pt, clip/ (whole CLIP), text/."""
    model, where = lively(), tmp_path_factory.mktemp("parts")
    model.mllm.save_pretrained(where / "mllm")
    bare_tokenizer().save_pretrained(where / "mllm")
    model.sam.save_pretrained(where / "sam")
    plain = presets._tiny_sam()
    parts = {name: plain[name] for name in ("vision_config", "prompt_encoder_config", "mask_decoder_config")}
    image = Sam2Model(Sam2Config(**parts))
    image.load_state_dict({name: model.sam.state_dict()[name] for name in image.state_dict()})
    image.save_pretrained(where / "sam_image")
    torch.save({"model": as_meta(model.sam.state_dict())}, where / "meta.pt")
    vision = {
        "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
        "image_size": 32, "patch_size": 16,
    }  # fmt: skip
    clip = CLIPModel(CLIPConfig(text_config=model.config.names.to_dict(), vision_config=vision, projection_dim=16))
    clip.text_model.load_state_dict(model.names.tower.state_dict())
    clip.save_pretrained(where / "clip")
    tiny_tokenizer.load_tokenizer(names=True).save_pretrained(where / "clip")
    model.names.tower.save_pretrained(where / "text")
    return where


def as_meta(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A state of transformers' SAM2 with the names that facebookresearch/sam2 gives its modules."""
    steps = [
        (r"^vision_encoder\.backbone\.patch_embed\.projection", "image_encoder.trunk.patch_embed.proj"),
        (r"^vision_encoder\.backbone", "image_encoder.trunk"),
        (r"^vision_encoder\.neck\.convs\.(\d)\.", r"image_encoder.neck.convs.\1.conv."),
        (r"^mask_decoder", "sam_mask_decoder"),
        (r"upscale_conv1", "output_upscaling.0"), (r"upscale_layer_norm", "output_upscaling.1"),
        (r"upscale_conv2", "output_upscaling.3"),
        (r"^prompt_encoder\.shared_embedding\.positional_embedding",
         "sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"),
        (r"mask_embed\.conv1", "mask_downscaling.0"), (r"mask_embed\.layer_norm1", "mask_downscaling.1"),
        (r"mask_embed\.conv2", "mask_downscaling.3"), (r"mask_embed\.layer_norm2", "mask_downscaling.4"),
        (r"mask_embed\.conv3", "mask_downscaling.6"), (r"^prompt_encoder", "sam_prompt_encoder"),
        (r"mlp\.proj_in", "mlp.layers.0"), (r"mlp\.proj_out", "mlp.layers.1"),
        (r"^object_pointer_proj", "obj_ptr_proj"),
        (r"(obj_ptr_proj|iou_prediction_head|pred_obj_score_head|mlps\.\d)\.layers\.0", r"\1.layers.1"),
        (r"(obj_ptr_proj|iou_prediction_head|pred_obj_score_head|mlps\.\d)\.proj_in", r"\1.layers.0"),
        (r"(obj_ptr_proj|iou_prediction_head|pred_obj_score_head|mlps\.\d)\.proj_out", r"\1.layers.2"),
        (r"mask_downsampler\.layers\.(\d)\.conv", lambda m: f"mask_downsampler.encoder.{3 * int(m[1])}"),
        (r"mask_downsampler\.layers\.(\d)\.layer_norm", lambda m: f"mask_downsampler.encoder.{3 * int(m[1]) + 1}"),
        (r"mask_downsampler\.final_conv", "mask_downsampler.encoder.12"),
        (r"memory_encoder\.feature_projection", "memory_encoder.pix_feat_proj"),
        (r"memory_encoder\.projection", "memory_encoder.out_proj"),
        (r"memory_fuser", "fuser"), (r"depthwise_conv", "dwconv"), (r"pointwise_conv", "pwconv"),
        (r"(fuser\.layers\.\d)\.scale", r"\1.gamma"), (r"\.o_proj", ".out_proj"),
        (r"layer_norm_final_attn", "norm_final_attn"), (r"\.layer_norm", ".norm"),
        (r"^temporal_positional_encoding_projection_layer", "obj_ptr_tpos_proj"),
        (r"^memory_temporal_positional_encoding$", "maskmem_tpos_enc"), (r"^no_memory_embedding$", "no_mem_embed"),
        (r"^no_memory_positional_encoding$", "no_mem_pos_enc"), (r"^no_object_pointer$", "no_obj_ptr"),
        (r"^occlusion_spatial_embedding_parameter$", "no_obj_embed_spatial"),
    ]  # fmt: skip
    meta = {}
    for name, value in state.items():
        if name == "shared_image_embedding.positional_embedding":
            continue
        for pattern, replacement in steps:
            name = re.sub(pattern, replacement, name)
        if name == "sam_prompt_encoder.point_embed.weight":
            meta |= {f"sam_prompt_encoder.point_embeddings.{i}.weight": row[None] for i, row in enumerate(value)}
        else:
            meta[name] = value
    return meta


@pytest.mark.parametrize(
    ("meta", "here"),
    [
        ("image_encoder.trunk.pos_embed_window", "vision_encoder.backbone.pos_embed_window"),
        ("image_encoder.trunk.patch_embed.proj.weight", "vision_encoder.backbone.patch_embed.projection.weight"),
        ("image_encoder.trunk.blocks.14.norm1.weight", "vision_encoder.backbone.blocks.14.layer_norm1.weight"),
        ("image_encoder.trunk.blocks.1.proj.bias", "vision_encoder.backbone.blocks.1.proj.bias"),
        ("image_encoder.trunk.blocks.3.mlp.layers.1.bias", "vision_encoder.backbone.blocks.3.mlp.proj_out.bias"),
        ("image_encoder.neck.convs.2.conv.weight", "vision_encoder.neck.convs.2.weight"),
        ("memory_attention.norm.weight", "memory_attention.layer_norm.weight"),
        (
            "memory_attention.layers.3.cross_attn_image.out_proj.weight",
            "memory_attention.layers.3.cross_attn_image.o_proj.weight",
        ),
        ("memory_encoder.mask_downsampler.encoder.9.weight", "memory_encoder.mask_downsampler.layers.3.conv.weight"),
        (
            "memory_encoder.mask_downsampler.encoder.10.bias",
            "memory_encoder.mask_downsampler.layers.3.layer_norm.bias",
        ),
        ("memory_encoder.mask_downsampler.encoder.12.bias", "memory_encoder.mask_downsampler.final_conv.bias"),
        ("memory_encoder.fuser.layers.1.gamma", "memory_encoder.memory_fuser.layers.1.scale"),
        ("memory_encoder.fuser.layers.0.norm.weight", "memory_encoder.memory_fuser.layers.0.layer_norm.weight"),
        ("memory_encoder.fuser.layers.0.pwconv2.bias", "memory_encoder.memory_fuser.layers.0.pointwise_conv2.bias"),
        ("memory_encoder.out_proj.weight", "memory_encoder.projection.weight"),
        ("memory_encoder.pix_feat_proj.bias", "memory_encoder.feature_projection.bias"),
        (
            "sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
            "prompt_encoder.shared_embedding.positional_embedding",
        ),
        ("sam_prompt_encoder.mask_downscaling.4.weight", "prompt_encoder.mask_embed.layer_norm2.weight"),
        ("sam_prompt_encoder.not_a_point_embed.weight", "prompt_encoder.not_a_point_embed.weight"),
        (
            "sam_mask_decoder.transformer.layers.1.cross_attn_token_to_image.out_proj.bias",
            "mask_decoder.transformer.layers.1.cross_attn_token_to_image.o_proj.bias",
        ),
        (
            "sam_mask_decoder.transformer.norm_final_attn.weight",
            "mask_decoder.transformer.layer_norm_final_attn.weight",
        ),
        ("sam_mask_decoder.transformer.layers.0.norm4.bias", "mask_decoder.transformer.layers.0.layer_norm4.bias"),
        (
            "sam_mask_decoder.transformer.layers.0.mlp.layers.0.bias",
            "mask_decoder.transformer.layers.0.mlp.proj_in.bias",
        ),
        ("sam_mask_decoder.output_upscaling.3.weight", "mask_decoder.upscale_conv2.weight"),
        (
            "sam_mask_decoder.output_hypernetworks_mlps.3.layers.2.weight",
            "mask_decoder.output_hypernetworks_mlps.3.proj_out.weight",
        ),
        ("sam_mask_decoder.iou_prediction_head.layers.1.weight", "mask_decoder.iou_prediction_head.layers.0.weight"),
        ("sam_mask_decoder.pred_obj_score_head.layers.0.bias", "mask_decoder.pred_obj_score_head.proj_in.bias"),
        ("sam_mask_decoder.conv_s1.weight", "mask_decoder.conv_s1.weight"),
        ("obj_ptr_proj.layers.2.weight", "object_pointer_proj.proj_out.weight"),
        ("obj_ptr_tpos_proj.weight", "temporal_positional_encoding_projection_layer.weight"),
        ("maskmem_tpos_enc", "memory_temporal_positional_encoding"),
        ("no_mem_embed", "no_memory_embedding"),
        ("no_mem_pos_enc", "no_memory_positional_encoding"),
        ("no_obj_ptr", "no_object_pointer"),
        ("no_obj_embed_spatial", "occlusion_spatial_embedding_parameter"),
        ("mask_downsample.weight", "mask_downsample.weight"),
    ],
)
def test_metas_names(meta: str, here: str) -> None:
    assert next(iter(sam2_keys.rename_keys({meta: torch.zeros(1)}))) == here


@pytest.mark.parametrize(("sam", "text"), [("sam", "clip"), ("meta.pt", "text"), ("sam_image", "clip")])
def test_parts_in_every_format(folder: Path, lively: Make, sam: str, text: str) -> None:
    options: dict[str, Any] = dict(OPTIONS)
    if sam == "meta.pt":
        options["sam_config"] = {"model_type": "sam2_video", **presets._tiny_sam()}
    whole = Lavida.from_parts(folder / "mllm", folder / sam, folder / text, **options)
    want = lively()
    assert equal(whole.names, want.names)
    if sam == "sam_image":
        assert equal(whole.sam.vision_encoder, want.sam.vision_encoder)
        assert equal(whole.sam.mask_decoder, want.sam.mask_decoder)
        assert torch.equal(whole.sam.no_memory_embedding, want.sam.no_memory_embedding)
    else:
        assert equal(whole.sam, want.sam)
    assert equal(whole.mllm.model.visual, want.mllm.model.visual)
    tensors = [*whole.parameters(), *whole.buffers()]
    assert not any(tensor.is_meta for tensor in tensors)
    assert all(tensor.data_ptr() % ALIGNMENT == 0 for tensor in tensors)
    assert whole.projector.queries.std() > 0.01


def test_seg_is_added_and_embeddings_grow(folder: Path, lively: Make, samples: list[Sample], tmp_path: Path) -> None:
    whole = Lavida.from_parts(folder / "mllm", folder / "sam", folder / "clip", **OPTIONS)
    processor = LavidaProcessor.from_parts(folder / "mllm", folder / "clip", Sizes.from_config(whole.config))
    assert processor.seg == whole.config.seg_token_id == 1536
    rows = whole.mllm.get_input_embeddings().weight
    assert rows.shape[0] == whole.mllm.lm_head.weight.shape[0] == whole.config.mllm.text_config.vocab_size == 1537
    before = lively().mllm.get_input_embeddings().weight
    assert torch.equal(rows[:1536], before)
    torch.testing.assert_close(rows[1536], before.mean(0), atol=1e-6, rtol=1e-4)
    set_trainable(whole)
    out = whole.train()(processor(samples[:2]))
    out.loss.backward()
    assert out.loss.isfinite()
    whole.eval().save_pretrained(tmp_path)
    assert equal(Lavida.from_pretrained(tmp_path), whole)


def test_parts_in_half_precision(folder: Path, samples: list[Sample]) -> None:
    """SAM2 and the projector stay float32; the whole computes without autocast."""
    whole = Lavida.from_parts(folder / "mllm", folder / "sam", folder / "clip", dtype=torch.bfloat16, **OPTIONS)
    for part, dtype in (
        (whole.mllm, torch.bfloat16), (whole.names, torch.bfloat16),
        (whole.sam, torch.float32), (whole.projector, torch.float32),
    ):  # fmt: skip
        assert {one.dtype for one in part.parameters()} == {dtype}
    processor = LavidaProcessor.from_parts(folder / "mllm", folder / "clip", Sizes.from_config(whole.config))
    with torch.no_grad():
        out = whole(processor(samples[:2]))
    assert out.scores.isfinite().all()
    assert out.masks.dtype == torch.float32


def test_memory_needs_a_sam_that_has_it(folder: Path) -> None:
    with pytest.raises(CheckpointError, match=r"sam_image: \d+ keys missing \(mask_downsample\.bias"):
        Lavida.from_parts(folder / "mllm", folder / "sam_image", folder / "clip", **OPTIONS, memory="causal")


def test_a_file_of_another_size_or_kind(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(LavidaError, match="image encoder of width 16 with 5 blocks; expected one of 96 x 12, 96 x 16"):
        Lavida.from_parts(folder / "mllm", folder / "meta.pt", folder / "clip", **OPTIONS)
    torch.save({"weights": {}}, tmp_path / "other.pt")
    with pytest.raises(CheckpointError, match='no dictionary with the key "model"; expected a SAM2 checkpoint'):
        Lavida.from_parts(folder / "mllm", tmp_path / "other.pt", folder / "clip", **OPTIONS)
    (tmp_path / "broken.pt").write_bytes(b"no checkpoint")
    with pytest.raises(CheckpointError, match=r"broken\.pt: cannot be read as a PyTorch file"):
        Lavida.from_parts(folder / "mllm", tmp_path / "broken.pt", folder / "clip", **OPTIONS)
    with pytest.raises(LavidaError, match="SAM2: a model of type 'clip'; expected sam2 or sam2_video"):
        Lavida.from_parts(folder / "mllm", folder / "clip", folder / "clip", **OPTIONS)
    with pytest.raises(LavidaError, match="language model of type 'clip'"):
        Lavida.from_parts(folder / "clip", folder / "sam", folder / "clip", **OPTIONS)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "config.json").write_text((folder / "sam" / "config.json").read_text("utf-8"), "utf-8")
    with pytest.raises(LavidaError, match="empty: no Sam2VideoModel can be read"):
        Lavida.from_parts(folder / "mllm", tmp_path / "empty", folder / "clip", **OPTIONS)
    with pytest.raises(LavidaError, match="nowhere: no model configuration can be read"):
        Lavida.from_parts(folder / "mllm", tmp_path / "nowhere", folder / "clip", **OPTIONS)
    with pytest.raises(LavidaError, match="nowhere: no tokenizer can be read"):
        Lavida.from_parts(tmp_path / "nowhere", folder / "sam", folder / "clip", **OPTIONS)
    with pytest.raises(LavidaError, match="nowhere: no tokenizer can be read"):
        LavidaProcessor.from_parts(
            folder / "mllm", tmp_path / "nowhere", Sizes.from_config(LavidaConfig.preset("tiny"))
        )


def test_metas_file_with_missing_and_unexpected_keys(folder: Path, tmp_path: Path) -> None:
    state = torch.load(folder / "meta.pt")["model"]
    state["something.else"] = state.pop("no_mem_embed")
    state["sam_mask_decoder.iou_token.weight"] = torch.zeros(1, 5)
    torch.save({"model": state}, tmp_path / "changed.pt")
    config = {"sam_config": {"model_type": "sam2_video", **presets._tiny_sam()}}
    with pytest.raises(CheckpointError) as caught:
        Lavida.from_parts(folder / "mllm", tmp_path / "changed.pt", folder / "clip", **OPTIONS, **config)
    for message in (
        "1 keys missing (no_memory_embedding)",
        "1 unexpected keys (something.else)",
        "iou_token.weight (1, 5)",
    ):
        assert message in str(caught.value)


@pytest.mark.parametrize(("width", "blocks"), list(sam2_keys.ENCODER_SIZES))
def test_published_files_are_known_by_their_image_encoder(width: int, blocks: int) -> None:
    state = {f"image_encoder.trunk.blocks.{i}.norm1.weight": torch.zeros(1) for i in range(blocks)}
    state["image_encoder.trunk.patch_embed.proj.weight"] = torch.zeros(width, 3, 7, 7)
    config = sam2_keys.infer_config(sam2_keys.rename_keys(state | {"no_obj_embed_spatial": torch.zeros(1)}))
    backbone = config.vision_config.backbone_config
    assert backbone.hidden_size == backbone.embed_dim_per_stage[0] == width
    assert sum(backbone.blocks_per_stage) == blocks
    assert config.vision_config.backbone_channel_list == list(backbone.embed_dim_per_stage)[::-1]
    assert config.enable_occlusion_spatial_embedding
    assert not sam2_keys.infer_config(sam2_keys.rename_keys(state)).enable_occlusion_spatial_embedding


def test_published_sizes() -> None:
    """Parameters of the published parts, as in their model cards and papers: 7.6, 1.5 (+0.7) G, 46 M, 63 M."""
    with torch.device("meta"):
        paper, small = (Lavida(LavidaConfig.preset(name)) for name in ("paper", "small"))

    def millions(part: torch.nn.Module) -> float:
        return sum(one.numel() for one in part.parameters()) / 1e6

    assert millions(paper.mllm) == pytest.approx(8291, abs=1)
    assert millions(small.mllm) == pytest.approx(2209, abs=1)
    assert millions(paper.sam) == pytest.approx(46.0, abs=0.1)
    assert millions(paper.names.tower) == pytest.approx(63.2, abs=0.1)
