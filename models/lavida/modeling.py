"""LAVIDA (arXiv 2602.19248): a language model reads frames and names, SAM2 segments the anomaly in every frame.

One forward pass for training and scoring: the answer is teacher-forced in both, nothing is generated.

Letters: B samples, N frames of the whole batch, S tokens of a sequence, Z hidden width of the language model, K names
of the whole batch, D names of the longest prompt, X text width.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Literal, cast

import torch
from torch import Tensor, nn
from transformers import AutoModel, CLIPTextModel, PreTrainedConfig, PreTrainedModel, Sam2VideoConfig, Sam2VideoModel

from lavida import backbone, decoder, losses, objective, pixels, sequence
from lavida.alignment import align
from lavida.batch import Batch, Output
from lavida.compression import density_packed
from lavida.config import LavidaConfig
from lavida.interfaces import Mllm, MllmConfig
from lavida.names import NameEncoder
from lavida.parts import fitted_on, load, lora, trust
from lavida.parts.check import LoadingInfo, check_fits, check_keys, check_same_sizes, quiet_transformers, reading
from lavida.parts.full_precision import full_precision_modules
from lavida.presets import preset_options
from lavida.projector import Projector, log_odds, mask_prompt
from lavida.tiny import weights as tiny_parts

if TYPE_CHECKING:
    from lavida.interfaces import Sam2

_Loader = Callable[..., "tuple[Lavida, LoadingInfo]"]


@dataclass(frozen=True, slots=True)
class LanguageOutput:
    """Output of the language model.

    Attributes:
        hidden: (B, S, Z) last hidden states.
        seg: (B, Z) those at <SEG>.
        labels: (B, S) int64 labels of the sequences after compression; None = no text loss.
        tokens_in: Visual tokens of each sample before compression.
        tokens_out: Visual tokens of each sample after it.
    """

    hidden: Tensor
    seg: Tensor
    labels: Tensor | None
    tokens_in: tuple[int, ...]
    tokens_out: tuple[int, ...]


class Lavida(PreTrainedModel):
    """The whole model: `forward` takes a `Batch` and returns an `Output`.

    Args:
        config: Sizes of all parts.
        float32: Modules, by the beginning of their names, that `from_pretrained` leaves in float32 whatever its dtype;
            those of `lavida.parts.full_precision` always are.

    Attributes:
        fitted_on: What its weights were fitted on; `save_pretrained` writes it beside them.
    """

    config_class = LavidaConfig
    config: LavidaConfig
    base_model_prefix = ""
    main_input_name = "frames"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_flash_attn = True

    def __init__(self, config: LavidaConfig, float32: Collection[str] = ()) -> None:
        super().__init__(config)
        check_fits(config)
        self.fitted_on = fitted_on.FittedOn()
        self.family = backbone.find_family(config.mllm.model_type)
        build_mllm = cast("Callable[[MllmConfig], Mllm]", self.family.model_class)
        self.mllm: Mllm = build_mllm(config.mllm)
        self.sam = decoder.prepare(cast("Sam2", Sam2VideoModel(cast("Sam2VideoConfig", config.sam))))
        self.names = NameEncoder(CLIPTextModel(config.names))
        self.projector = Projector(config)
        self.post_init()  # type: ignore[no-untyped-call]  # transformers has no types here
        self._keep_in_fp32_modules_strict = {*full_precision_modules(self), *float32}
        if config.adapters:
            lora.inject(config, self.mllm)

    @classmethod
    def from_preset(cls, name: str, random: bool = False, **changes: object) -> Lavida:
        """Create the model of a preset: `tiny` with the shipped weights, the others with random ones.

        Args:
            name: paper, paper-ours, small or tiny.
            random: Random weights for `tiny`, too.
            **changes: Fields of `LavidaConfig` that differ from the preset.

        Raises:
            LavidaError: The preset is unknown, or a change is invalid.
        """
        model = cls(LavidaConfig.preset(name, **changes))
        if name == "tiny" and not random and tiny_parts.FILE.is_file():
            tiny_parts.load_weights(model)
            model.fitted_on = fitted_on.read(tiny_parts.FOLDER)
        return model

    @classmethod
    def from_parts(
        cls,
        mllm: load.PartSource,
        sam: load.PartSource,
        text: load.PartSource,
        dtype: torch.dtype | Literal["auto"] = torch.float32,
        preset: str = "paper",
        **changes: object,
    ) -> Lavida:
        """Create a model of pretrained parts and a projector with random weights.

        Args:
            mllm: Language model: folder, or name on the Hub.
            sam: SAM2: folder, name on the Hub, or Meta's file (.pt).
            text: CLIP, or its text tower: folder, or name on the Hub.
            dtype: dtype of the language model and of the text tower, auto = as in their files; SAM2 and the projector
                are float32.
            preset: Whose options: paper and small = as the authors, paper-ours = as we think better.
            **changes: Fields of `LavidaConfig` that differ; <SEG> is the one that `LavidaProcessor.from_parts` adds.

        Raises:
            CheckpointError: A part cannot be read, or its keys or sizes differ.
            LavidaError: The preset is unknown, or a change is invalid.
        """
        options = preset_options(preset)
        seg_id, _ = load.seg_token(mllm)
        given: dict[str, Any] = options | {"seg_token_id": seg_id} | changes
        config = LavidaConfig(**load.part_configs(mllm, sam, text, given) | given)
        with torch.device("meta"):
            model = cls(config)
        model.mllm = load.load_mllm(mllm, config, dtype)
        config.mllm.get_text_config().vocab_size = len(load.embedding_weight(model.mllm))
        model.sam = decoder.prepare(load.load_sam(sam, config))
        model.names = NameEncoder(load.load_names(text, config, dtype))
        model.projector = Projector(config)
        model.projector.apply(model._init_weights)
        model.fitted_on = fitted_on.named_parts((mllm, sam, text))
        align(model)
        module: nn.Module = model
        module.eval()
        return model

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str] | None,
        *model_args: object,
        config: PreTrainedConfig | str | os.PathLike[str] | None = None,
        **kwargs: object,
    ) -> Lavida:
        """Load a saved model, as transformers' own method, with its weights in aligned memory (see `lavida.alignment`).

        Args:
            pretrained_model_name_or_path: Folder of `save_pretrained`, or name on the Hub.
            *model_args: See transformers.
            config: Configuration to use instead of the saved one; its sizes have to be the same.
            **kwargs: See transformers: dtype, attn_implementation, device_map, output_loading_info, ...

        Raises:
            CheckpointError: The model cannot be read, or keys or sizes differ.
        """
        name, load_checked = pretrained_model_name_or_path, cast("_Loader", super().from_pretrained)
        folder = name if name is not None and os.path.isdir(name) else None
        if folder is not None:
            saved = load.saved_config(folder)
            with reading(folder, "saved model"):
                trust.check_folder(folder, weights=True)
                trust.check_memory(folder, lambda: cls(saved))
        if isinstance(config, LavidaConfig):
            check_same_sizes(str(name), load.saved_config(str(name)), config)
        if "dtype" not in kwargs and not model_args:
            model_args = (("sam.", "projector."),)  # float32 also where a fit saved a language model in bfloat16
        with_info = kwargs.pop("output_loading_info", False)
        allow_mismatched = kwargs.pop("ignore_mismatched_sizes", False)
        kwargs |= {"output_loading_info": True, "ignore_mismatched_sizes": True}
        kwargs |= {"trust_remote_code": False, "use_safetensors": True}
        with quiet_transformers(), reading(name, "saved model"):
            model, info = load_checked(name, *model_args, config=config, **kwargs)
        mismatched = () if allow_mismatched else info["mismatched_keys"]
        check_keys(str(name), info["missing_keys"], info["unexpected_keys"], mismatched)
        load.tie_head(str(name), model.mllm)
        model.fitted_on = fitted_on.read(folder or load.hub_folder(str(name), fitted_on.FILE, kwargs))
        align(model)
        return cast("Lavida", (model, info)) if with_info else model  # transformers' signature ignores the tuple, too

    def save_pretrained(
        self, save_directory: str | os.PathLike[str], is_main_process: bool = True, *args: object, **kwargs: object
    ) -> None:
        """Save the model, as transformers' own method, with what it was fitted on.

        Args:
            save_directory: The folder.
            is_main_process: Whether this process writes.
            *args: See transformers.
            **kwargs: See transformers.
        """
        save: Callable[..., None] = super().save_pretrained
        save(save_directory, is_main_process, *args, **kwargs)
        if is_main_process:
            fitted_on.write(save_directory, self.fitted_on)

    def get_input_embeddings(self) -> nn.Module:
        """Return the language model's token embedding; FSDP needs it."""
        return self.mllm.get_input_embeddings()

    def get_output_embeddings(self) -> nn.Module:
        """Return the language model's head."""
        return self.mllm.get_output_embeddings()

    def add_adapters(self) -> None:
        """Add LoRA to the groups that `trainable` lists as lora, once; the configuration records it."""
        if not self.config.adapters:
            lora.inject(self.config, self.mllm)
            self.config.adapters = True
            self.train(self.training)

    def merge_adapters(self) -> None:
        """Merge LoRA into the weights, to publish a model that does not need peft."""
        if self.config.adapters:
            lora.merge(self.mllm)
            self.config.adapters = False

    def forward(self, batch: Batch) -> Output:
        """Compute masks, scores and, where there are targets, losses of a batch.

        Args:
            batch: What `LavidaProcessor` makes.

        Raises:
            LavidaError: A sequence does not have exactly one <SEG>, or its placeholders differ from its grid.
        """
        config, frames = self.config, objective.sample_of_frame(batch, self.device)
        language = self._run_language_model(batch)
        features = decoder.encode_frames(self.sam, pixels.normalise_for_sam(batch.frames))
        names_NDX, real_ND = self._frame_names(batch, frames)
        projected = self.projector(language.seg[frames].to(names_NDX.dtype), names_NDX, real_ND, features.pixels_NPC)
        maps_NDHW = self.projector.name_maps(projected.names, features)
        names_ND = self.projector.name_logits(projected.names, maps_NDHW)
        prompt_mask = None
        if config.prompt_maps:
            prompt_mask = mask_prompt(maps_NDHW, real_ND, self.sam.prompt_encoder.mask_input_size)
        decoded = decoder.decode_masks(
            self.sam,
            features,
            projected.prompt,
            batch.counts,
            config.memory,
            self.training,
            prompt_mask,
            config.no_memory_images,
        )
        scores = decoded.scores + log_odds(names_ND, real_ND) if config.score_names else decoded.scores
        masks = decoder.gate_masks(decoded.masks, scores) if config.gate_masks else decoded.masks
        parts = objective.frame_losses(batch, masks, decoded.ious, scores, config.weights)
        parts |= objective.name_losses(batch, names_ND, maps_NDHW, config.weights)
        parts |= objective.text_losses(self.mllm.lm_head, language.hidden, language.labels)
        values = losses.loss_values(parts)
        return Output(
            masks=masks,
            ious=decoded.ious,
            scores=scores,
            names=names_ND.masked_fill(~real_ND, -torch.inf),
            tokens_in=language.tokens_in,
            tokens_out=language.tokens_out,
            loss=losses.total_loss(values, config.weights),
            losses=values,
            parts=parts,
        )

    def _run_language_model(self, batch: Batch) -> LanguageOutput:
        """Run the language model on the sequences, with compressed visual tokens in their placeholders."""
        config, family = self.config, self.family
        cells = sequence.visual_token_counts(batch, config.mllm.vision_config.spatial_merge_size)
        threshold = 0.0 if self.training else config.static_threshold
        seen = family.encode_vision(self.mllm, batch.patches, batch.grids, threshold, config.static_rule)
        compressed = density_packed(
            seen.tokens,
            seen.lengths,
            config.reduction_ratio,
            config.density_neighbours,
            config.compression_gradient,
            config.empty_centres,
        )
        first = accumulate((0, *seen.lengths[:-1]))
        centres = torch.cat([part.centres + start for part, start in zip(compressed, first, strict=True)])
        kept = torch.zeros_like(seen.kept).index_fill(0, seen.kept.nonzero().squeeze(1)[centres], True)
        types, mask = batch.token_types, batch.attention_mask
        positions = family.positions(self.mllm, batch.input_ids, types, mask, batch.grids, batch.grid_seconds)
        kept_sequences = sequence.drop_tokens(batch, positions, kept)
        embeds = self.mllm.get_input_embeddings()(kept_sequences.ids)
        tokens = torch.cat([part.tokens for part in compressed]).to(embeds.dtype)
        visual = kept_sequences.visual
        embeds = embeds.masked_scatter(visual[..., None], tokens)
        sequential = config.positions == "sequential"
        hidden = family.hidden_states(
            self.mllm,
            embeds.detach() if config.input_embeddings == "cut" else embeds,
            kept_sequences.mask,
            sequence.count_positions(kept_sequences.mask) if sequential else kept_sequences.positions,
            visual,
            [level[centres] for level in seen.deep],
        )
        seg = sequence.seg_positions(kept_sequences, config.seg_token_id, batch.keys)
        return LanguageOutput(
            hidden=hidden,
            seg=hidden[torch.arange(len(batch), device=hidden.device), seg],
            labels=kept_sequences.labels,
            tokens_in=cells,
            tokens_out=tuple(len(part.centres) for part in compressed),
        )

    def _frame_names(self, batch: Batch, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Text features (N, D, X) of each frame's names, and which of them are names, (N, D) bool."""
        features_KX = self.names(batch.name_ids, batch.name_mask)
        real_BD = objective.valid_names(batch.name_counts, self.device)
        names_BDX = features_KX.new_zeros(*real_BD.shape, features_KX.shape[1])
        names_BDX[real_BD] = features_KX
        return names_BDX[frames].to(self.projector.name_in.weight.dtype), real_BD[frames]

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)  # type: ignore[no-untyped-call]  # transformers has no types here
        if isinstance(module, Projector):
            module.init_weights(self.config.projector_init)


AutoModel.register(LavidaConfig, Lavida)
