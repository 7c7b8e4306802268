"""The three pretrained parts: reading their configurations and weights by Hub name, folder or (SAM2) Meta's file."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

import torch
from torch import Tensor, nn
from transformers import AutoConfig, CLIPTextModel, PreTrainedConfig, Sam2VideoConfig, Sam2VideoModel
from transformers.utils.hub import cached_file

from lavida import backbone
from lavida.batch import SEG
from lavida.config import LavidaConfig
from lavida.errors import LavidaError
from lavida.interfaces import Mllm, Sam2
from lavida.parts import sam2_keys, tokenizers, trust
from lavida.parts.check import LoadingInfo, check_keys, quiet_transformers, reading

PartSource = str | Path
"""Folder, or name on the Hub."""
IMAGE_ONLY = ("memory_", "mask_downsample", "object_pointer", "no_object", "no_memory_pos", "occlusion", "temporal_")
"""Weights that a SAM2 for single images does not have; `memory: none` never reads them."""

Dtype = torch.dtype | Literal["auto"]

_Model = TypeVar("_Model")


def is_meta_checkpoint(sam: PartSource) -> bool:
    """Return whether a SAM2 is Meta's single file (.pt, .pth).

    Args:
        sam: Folder, name on the Hub, or file.
    """
    return Path(sam).suffix in (".pt", ".pth")


def seg_token(mllm: PartSource) -> tuple[int, bool]:
    """Find <SEG> in the language model's tokenizer.

    Args:
        mllm: The language model.

    Returns:
        Its id, or the id that it gets when it is added; whether it is new.

    Raises:
        CheckpointError: There is no tokenizer.
    """
    tokenizer = tokenizers.load_tokenizer(mllm)
    known = tokenizer.get_vocab()
    return int(known.get(SEG, len(tokenizer))), SEG not in known


def part_configs(
    mllm: PartSource, sam: PartSource, text: PartSource, given: Mapping[str, object]
) -> dict[str, PreTrainedConfig]:
    """Read the configurations of the parts, as `LavidaConfig` takes them.

    Args:
        mllm: The language model.
        sam: SAM2.
        text: CLIP, or its text tower.
        given: Fields of `LavidaConfig`; configurations in it are not read.

    Raises:
        CheckpointError: A configuration cannot be read.
        LavidaError: A part is of an unknown type.
    """
    configs: dict[str, PreTrainedConfig] = {}
    if "mllm_config" not in given:
        configs["mllm_config"] = _read_config(mllm)
        backbone.find_family(configs["mllm_config"].model_type)
    if "names_config" not in given:
        config = _read_config(text)
        configs["names_config"] = config.get_text_config() if hasattr(config, "text_config") else config
    if "sam_config" not in given:
        if is_meta_checkpoint(sam):
            configs["sam_config"] = sam2_keys.infer_config(sam2_keys.read_checkpoint(Path(sam)))
        else:
            configs["sam_config"] = _video_config(_read_config(sam))
    return configs


def tie_head(name: str, mllm: Mllm) -> None:
    """Tie the head to the embeddings again where a saved model has another one, with a warning.

    Fits of version 0.2.0.dev4 and older saved the last step's head beside the best step's embeddings.

    Args:
        name: The model, for the warning.
        mllm: Its language model.
    """
    head, embedding = mllm.get_output_embeddings(), mllm.get_input_embeddings()
    if mllm.config.tie_word_embeddings and head.weight is not embedding.weight:
        warnings.warn(
            f"{name}: the head differs from the embeddings that it is tied to; the embeddings"
            ", those of the chosen step, are used for both. Save the model again to be rid of this",
            stacklevel=3,
        )
        head.weight = embedding.weight


def saved_config(source: str | os.PathLike[str]) -> LavidaConfig:
    """Read the configuration of a saved LAVIDA.

    Args:
        source: Folder, or name on the Hub.

    Raises:
        CheckpointError: It cannot be read, needs code of its own, or has sizes that no model has.
    """
    with reading(source, "saved model"):
        trust.check_folder(source)
        return LavidaConfig.from_pretrained(source)


def hub_folder(name: str, file: str, given: Mapping[str, Any]) -> Path:
    """Find the folder in which transformers keeps a file of a model on the Hub, fetched if it is there.

    Args:
        name: Name on the Hub.
        file: Name of the file.
        given: Arguments of `from_pretrained`: revision, cache_dir, token, ...

    Returns:
        The folder; one without the file if the model has none or nothing can be fetched.
    """
    known = ("revision", "cache_dir", "token", "local_files_only", "force_download", "subfolder")
    options = {key: given[key] for key in known if key in given}
    for failure in ("missing_entries", "connection_errors", "gated_repo"):
        options[f"_raise_exceptions_for_{failure}"] = False
    found = cached_file(name, file, **options)
    return Path(found).parent if found else Path(os.devnull)


def embedding_weight(mllm: Mllm) -> Tensor:
    """Return the token embedding's weight, (V, Z).

    Args:
        mllm: The language model.
    """
    weight = mllm.get_input_embeddings().weight
    assert isinstance(weight, Tensor)
    return weight


def load_mllm(source: PartSource, config: LavidaConfig, dtype: Dtype) -> Mllm:
    """Load the language model. A new <SEG> starts as the mean of all tokens.

    Args:
        source: The language model.
        config: Has its configuration and the id of <SEG>.
        dtype: dtype of its weights; auto = as in its files.

    Raises:
        CheckpointError: It cannot be read, or its keys or sizes differ.
    """
    family = backbone.find_family(config.mllm.model_type)
    model = _load(family.model_class, source, config.mllm, dtype)
    mllm = cast("Mllm", model)
    rows = len(embedding_weight(mllm))
    if config.seg_token_id >= rows:
        model.resize_token_embeddings(config.seg_token_id + 1, mean_resizing=False)
    _, is_new = seg_token(source)
    if is_new:
        with torch.no_grad():
            for layer in (mllm.get_input_embeddings(), mllm.get_output_embeddings()):
                weight = layer.weight
                assert isinstance(weight, Tensor)
                weight[config.seg_token_id] = weight[: min(rows, config.seg_token_id)].float().mean(dim=0)
    return mllm


def load_sam(source: PartSource, config: LavidaConfig) -> Sam2:
    """Load SAM2 in float32.

    Args:
        source: Folder, name on the Hub, or Meta's file.
        config: Has its configuration; with `memory: none` weights of the memory may be missing.

    Raises:
        CheckpointError: It cannot be read, or its keys or sizes differ.
    """
    allowed = IMAGE_ONLY if config.memory == "none" else ()
    state = sam2_keys.read_checkpoint(Path(source)) if is_meta_checkpoint(source) else None
    return cast("Sam2", _load(Sam2VideoModel, source, config.sam, torch.float32, allowed, state=state))


def load_names(source: PartSource, config: LavidaConfig, dtype: Dtype) -> CLIPTextModel:
    """Load CLIP's text tower, also from a checkpoint of the whole CLIP.

    Args:
        source: CLIP, or its text tower.
        config: Has the text tower's configuration.
        dtype: dtype of its weights; auto = as in its files.

    Raises:
        CheckpointError: It cannot be read, or its keys or sizes differ.
    """
    unexpected = ("vision_model", "visual", "text_proj", "logit")
    return _load(CLIPTextModel, source, config.names, dtype, allowed_unexpected=unexpected)


def _load(
    kind: type[_Model],
    source: PartSource,
    config: object,
    dtype: Dtype,
    allowed_missing: tuple[str, ...] = (),
    allowed_unexpected: tuple[str, ...] = (),
    state: Mapping[str, Tensor] | None = None,
) -> _Model:
    """Load a part by its own `from_pretrained`: no weight is drawn that a file has, files are mapped into memory.

    `allowed_*` are beginnings of keys that are no error; `state` are weights that were read from `source` already.
    """
    load: Callable[..., tuple[_Model, LoadingInfo]] = cast("Any", kind).from_pretrained
    build = cast("Callable[[object], nn.Module]", kind)
    with quiet_transformers(), reading(source, kind.__name__):
        trust.check_folder(source, weights=True)
        trust.check_memory(source, lambda: build(config))
        model, info = load(
            source if state is None else None,
            config=config,
            state_dict=None if state is None else dict(state),
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            dtype=dtype,
            trust_remote_code=False,
            use_safetensors=True,
        )
    check_keys(
        str(source),
        missing=[name for name in info["missing_keys"] if not name.startswith(allowed_missing)],
        unexpected=[name for name in info["unexpected_keys"] if not name.startswith(allowed_unexpected)],
        sizes=info["mismatched_keys"],
    )
    return model


def _read_config(source: PartSource) -> PreTrainedConfig:
    with reading(source, "model configuration"):
        trust.check_folder(source)
        config: PreTrainedConfig = AutoConfig.from_pretrained(source, trust_remote_code=False)
        trust.check_config(config)
        return config


def _video_config(config: PreTrainedConfig) -> PreTrainedConfig:
    """A SAM2 for single images (`sam2`) gets the configuration for clips with the same parts."""
    if config.model_type == "sam2_video":
        return config
    if config.model_type != "sam2":
        raise LavidaError(f"SAM2: a model of type {config.model_type!r}; expected sam2 or sam2_video")
    plain = config.to_dict()
    kept = {name: plain[name] for name in ("vision_config", "prompt_encoder_config", "mask_decoder_config")}
    for name in ("prompt_encoder_config", "mask_decoder_config"):
        kept[name].pop("model_type", None)
    return Sam2VideoConfig(**kept, image_size=plain["prompt_encoder_config"]["image_size"])
