"""The three pretrained parts: reading their configurations and weights by Hub name, folder or (SAM2) Meta's file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, CLIPTextModel, PreTrainedConfig, PreTrainedModel, Sam2VideoConfig, Sam2VideoModel

from lavida import backbone, tokenizers
from lavida.batch import SEG
from lavida.config import LavidaConfig
from lavida.errors import LavidaError
from lavida.parts import sam2_keys
from lavida.parts.check import check_keys, quiet_transformers, reading

PartSource = str | Path
IMAGE_ONLY = ("memory_", "mask_downsample", "object_pointer", "no_object", "no_memory_pos", "occlusion", "temporal_")
"""Weights that a SAM2 for single images lacks; `memory: none` never reads them."""


def is_meta_checkpoint(sam: PartSource) -> bool:
    """Is it Meta's single file (.pt, .pth)?"""
    return Path(sam).suffix in (".pt", ".pth")


def seg_token(mllm: PartSource) -> tuple[int, bool]:
    """Id of <SEG> in the language model's tokenizer, or the one that it gets when it is added; is it new?"""
    own = tokenizers.load_tokenizer(mllm)
    known = own.get_vocab()
    return int(known.get(SEG, len(own))), SEG not in known


def part_configs(mllm: PartSource, sam: PartSource, text: PartSource, given: Mapping[str, Any]) -> dict[str, Any]:
    """Configurations of the parts, as `LavidaConfig` takes them; `given` ones are left alone."""
    found: dict[str, Any] = {}
    if "mllm_config" not in given:
        found["mllm_config"] = _config(mllm)
        backbone.find_family(found["mllm_config"].model_type)
    if "names_config" not in given:
        config = _config(text)
        found["names_config"] = config.get_text_config() if hasattr(config, "text_config") else config
    if "sam_config" not in given:
        found["sam_config"] = (
            sam2_keys.infer_config(sam2_keys.read_checkpoint(Path(sam)))
            if is_meta_checkpoint(sam)
            else _sam_config(_config(sam))
        )
    return found


def load_mllm(source: PartSource, config: LavidaConfig, options: Mapping[str, Any]) -> Any:
    """The language model with its weights. A new <SEG> starts as the average token."""
    family = backbone.find_family(config.mllm.model_type)
    model = _load(family.model_class, source, config.mllm, options)
    rows = model.get_input_embeddings().weight.shape[0]
    if config.seg_token_id >= rows:
        model.resize_token_embeddings(config.seg_token_id + 1, mean_resizing=False)
    if seg_token(source)[1]:
        with torch.no_grad():
            for layer in (model.get_input_embeddings(), model.get_output_embeddings()):
                layer.weight[config.seg_token_id] = layer.weight[: min(rows, config.seg_token_id)].float().mean(dim=0)
    return model


def load_sam(source: PartSource, config: LavidaConfig, options: Mapping[str, Any]) -> Any:
    """SAM2 with its weights, from transformers' folder or Meta's file."""
    allowed = IMAGE_ONLY if config.memory == "none" else ()
    if not is_meta_checkpoint(source):
        return _load(Sam2VideoModel, source, config.sam, options, allowed)
    state = sam2_keys.read_checkpoint(Path(source))
    kind: Any = Sam2VideoModel
    model = kind(config.sam).to(options["dtype"])
    here = model.state_dict()
    sizes = [(name, state[name].shape, here[name].shape) for name in here if name in state]
    check_keys(
        str(source),
        missing=[name for name in here if name not in state and not name.startswith(allowed)],
        foreign=[name for name in state if name not in here],
        sizes=[(name, got, want) for name, got, want in sizes if got != want],
    )
    model.load_state_dict(state, strict=False)
    return model


def load_names(source: PartSource, config: LavidaConfig, options: Mapping[str, Any]) -> Any:
    """CLIP's text tower with its weights, also out of a checkpoint of the whole CLIP."""
    return _load(CLIPTextModel, source, config.names, options, foreign=("vision_model", "visual", "text_proj", "logit"))


def _load(
    kind: type[PreTrainedModel],
    source: PartSource,
    config: Any,
    options: Mapping[str, Any],
    missing: tuple[str, ...] = (),
    foreign: tuple[str, ...] = (),
) -> Any:
    """A part by its own `from_pretrained`; missing and foreign keys are a fault but for those that start as allowed."""
    loader: Any = kind
    with quiet_transformers(), reading(source, kind.__name__):
        model, info = loader.from_pretrained(
            source, config=config, output_loading_info=True, ignore_mismatched_sizes=True, **options
        )
    check_keys(
        str(source),
        missing=[name for name in info["missing_keys"] if not name.startswith(missing)],
        foreign=[name for name in info["unexpected_keys"] if not name.startswith(foreign)],
        sizes=info["mismatched_keys"],
    )
    return model


def _config(source: PartSource) -> Any:
    with reading(source, "model configuration"):
        return AutoConfig.from_pretrained(source)


def _sam_config(config: Any) -> PreTrainedConfig:
    """SAM2 for single images (`sam2`) gets the configuration for clips with the same parts."""
    if config.model_type == "sam2_video":
        return config  # type: ignore[no-any-return]  # AutoConfig has no types
    if config.model_type != "sam2":
        raise LavidaError(f"SAM2: a model of type {config.model_type!r}; expected sam2 or sam2_video")
    plain = config.to_dict()
    kept = {name: plain[name] for name in ("vision_config", "prompt_encoder_config", "mask_decoder_config")}
    for name in ("prompt_encoder_config", "mask_decoder_config"):
        kept[name].pop("model_type", None)
    return Sam2VideoConfig(**kept, image_size=plain["prompt_encoder_config"]["image_size"])
