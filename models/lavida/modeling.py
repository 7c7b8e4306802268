"""LAVIDA (arXiv 2602.19248): a language model reads frames and names, SAM2 draws the anomaly of every frame.

One forward for training and scoring: the answer is teacher-forced in both, nothing is generated.

Letters: B samples, N frames of the whole batch, S tokens of a sequence, Z hidden width of the language model, K names
of the whole batch, D names of the longest prompt, X text width.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModel, CLIPTextModel, PreTrainedModel, Sam2VideoModel
from transformers import initialization as init

from lavida import backbone, decoder, losses, objective, pixels, sequence
from lavida.alignment import align
from lavida.batch import Batch, Output
from lavida.compression import density_packed
from lavida.config import LavidaConfig
from lavida.names import NameEncoder
from lavida.parts import load as parts
from lavida.parts import lora as adapters
from lavida.parts.check import check_keys, check_same_sizes, quiet_transformers, reading
from lavida.projector import NAME_BIAS, Projector, log_odds, mask_prompt
from lavida.tiny import weights as tiny_parts

QUERY_STD = 0.02


@dataclass(frozen=True, slots=True)
class LanguageOutput:
    """What the language model made: hidden (B, S, Z), seg (B, Z) at <SEG>, labels (B, S), B visual tokens each."""

    hidden: Tensor
    seg: Tensor
    labels: Tensor | None
    tokens_in: tuple[int, ...]
    tokens_out: tuple[int, ...]


class Lavida(PreTrainedModel):
    """The whole model: `forward` takes a `Batch` and gives an `Output`."""

    config_class = LavidaConfig
    config: LavidaConfig
    base_model_prefix = ""
    main_input_name = "frames"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_flash_attn = True

    def __init__(self, config: LavidaConfig) -> None:
        super().__init__(config)
        self.family = backbone.find_family(config.mllm.model_type)
        model_class: Any = self.family.model_class
        self.mllm = model_class(config.mllm)
        self.sam: Any = decoder.cache_positions(Sam2VideoModel(config.sam))
        self.names = NameEncoder(CLIPTextModel(config.names))
        self.projector = Projector(config)
        self.post_init()  # type: ignore[no-untyped-call]  # transformers has no types here
        if config.adapters:
            adapters.inject(config, self.mllm)

    @classmethod
    def from_preset(cls, name: str, random: bool = False, **changes: Any) -> Lavida:
        """A preset with `changes` of its configuration: `tiny` with the shipped weights, or at random as the others."""
        model = cls(LavidaConfig.preset(name, **changes))
        if name == "tiny" and not random and tiny_parts.FILE.is_file():
            tiny_parts.load_weights(model)
        return model

    @classmethod
    def from_parts(
        cls,
        mllm: parts.PartSource,
        sam: parts.PartSource,
        text: parts.PartSource,
        dtype: torch.dtype | None = None,
        **changes: Any,
    ) -> Lavida:
        """The pretrained parts by Hub name or folder (SAM2 also as Meta's file), a projector at random.

        `changes` go into the configuration; its <SEG> is the one that `LavidaProcessor.from_parts` adds.
        """
        changes.setdefault("seg_token_id", parts.seg_token(mllm)[0])
        config = LavidaConfig(**parts.part_configs(mllm, sam, text, changes) | changes)
        with torch.device("meta"):
            model: Any = cls(config)
        options = {"dtype": dtype or torch.float32}
        model.mllm = parts.load_mllm(mllm, config, options)
        config.mllm.get_text_config().vocab_size = model.mllm.get_input_embeddings().weight.shape[0]
        model.sam = decoder.cache_positions(parts.load_sam(sam, config, options))
        model.names = NameEncoder(parts.load_names(text, config, options))
        model.projector = Projector(config).to(options["dtype"])
        model.projector.apply(model._init_weights)
        align(model)
        whole: Lavida = model.eval()
        return whole

    @classmethod
    def from_pretrained(
        cls, pretrained_model_name_or_path: Any, *model_args: Any, config: Any = None, **kwargs: Any
    ) -> Any:
        """As transformers', but what cannot be read, missing or foreign keys and other sizes are a CheckpointError."""
        name, load = pretrained_model_name_or_path, super().from_pretrained
        if isinstance(config, LavidaConfig):
            check_same_sizes(str(name), LavidaConfig.from_pretrained(name), config)
        with_info, mend = kwargs.pop("output_loading_info", False), kwargs.pop("ignore_mismatched_sizes", False)
        kwargs |= {"output_loading_info": True, "ignore_mismatched_sizes": True}
        with quiet_transformers(), reading(name, "saved model"):
            found: Any = load(name, *model_args, config=config, **kwargs)
        model, info = found
        check_keys(str(name), info["missing_keys"], info["unexpected_keys"], () if mend else info["mismatched_keys"])
        align(model)
        return (model, info) if with_info else model

    def get_input_embeddings(self) -> nn.Module:
        """The language model's: FSDP asks for them."""
        found: nn.Module = self.mllm.get_input_embeddings()
        return found

    def get_output_embeddings(self) -> nn.Module:
        """The language model's head."""
        found: nn.Module = self.mllm.get_output_embeddings()
        return found

    def add_adapters(self) -> None:
        """Put LoRA where `trainable` says so, once; the configuration remembers it."""
        if not self.config.adapters:
            adapters.inject(self.config, self.mllm)
            self.config.adapters = True
            self.train(self.training)

    def merge_adapters(self) -> None:
        """Bake LoRA into the weights, to publish a model that needs no peft."""
        if self.config.adapters:
            adapters.merge(self.mllm)
            self.config.adapters = False

    def forward(self, batch: Batch) -> Output:
        """Masks, scores and, where there are targets, losses of a batch; see `Output`."""
        config, frames = self.config, objective.sample_of_frame(batch, self.device)
        read = self._read(batch)
        features = decoder.encode_frames(self.sam, pixels.normalise_for_sam(batch.frames))
        names_NDX, real_ND = self._frame_names(batch, frames)
        projected = self.projector(read.seg[frames], names_NDX, real_ND, features.pixels_NPC)
        maps_NDHW = self.projector.name_maps(projected.names, features)
        names_ND = self.projector.name_logits(projected.names, maps_NDHW)
        drawn = mask_prompt(maps_NDHW, real_ND, self.sam.prompt_encoder.mask_input_size) if config.prompt_maps else None
        decoded = decoder.decode_masks(
            self.sam, features, projected.prompt, batch.counts, config.memory, self.training, drawn
        )
        scores = decoded.scores + log_odds(names_ND, real_ND) if config.score_names else decoded.scores
        masks = decoder.gate_masks(decoded.masks, scores) if config.gate_masks else decoded.masks
        found = objective.frame_losses(batch, masks, decoded.ious, scores, config.weights)
        found |= objective.name_losses(batch, names_ND, maps_NDHW, config.weights)
        found |= objective.text_losses(self.mllm.lm_head, read.hidden, read.labels)
        values = losses.values(found)
        return Output(
            masks=masks,
            ious=decoded.ious,
            scores=scores,
            names=names_ND.masked_fill(~real_ND, -torch.inf),
            tokens_in=read.tokens_in,
            tokens_out=read.tokens_out,
            loss=losses.total(values, config.weights),
            losses=values,
            parts=found,
        )

    def _read(self, batch: Batch) -> LanguageOutput:
        """The language model on the sequences, with compressed visual tokens in their placeholders."""
        config, family = self.config, self.family
        cells = sequence.visual_token_counts(batch, config.mllm.vision_config.spatial_merge_size)
        threshold = 0.0 if self.training else config.static_threshold
        seen = family.look(self.mllm, batch.patches, batch.grids, threshold)
        compressed = density_packed(
            seen.tokens, seen.lengths, config.reduction_ratio, config.density_neighbours, config.compression_gradient
        )
        first = accumulate((0, *seen.lengths[:-1]))
        centres = torch.cat([one.centres + start for one, start in zip(compressed, first, strict=True)])
        kept = torch.zeros_like(seen.kept).index_fill(0, seen.kept.nonzero().squeeze(1)[centres], True)
        types, mask = batch.token_types, batch.attention_mask
        positions = family.positions(self.mllm, batch.input_ids, types, mask, batch.grids)
        kept_sequences = sequence.drop_tokens(batch, positions, kept)
        embeds = self.mllm.get_input_embeddings()(kept_sequences.ids)
        tokens = torch.cat([one.tokens for one in compressed]).to(embeds.dtype)
        visual = kept_sequences.visual
        hidden = family.read(
            self.mllm,
            embeds.masked_scatter(visual[..., None], tokens),
            kept_sequences.mask,
            kept_sequences.positions,
            visual,
            [level[centres] for level in seen.deep],
        )
        seg = sequence.seg_positions(kept_sequences, config.seg_token_id, batch.keys)
        return LanguageOutput(
            hidden=hidden,
            seg=hidden[torch.arange(len(batch), device=hidden.device), seg],
            labels=kept_sequences.labels,
            tokens_in=cells,
            tokens_out=tuple(len(one.centres) for one in compressed),
        )

    def _frame_names(self, batch: Batch, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Name features (N, D, X) of each frame's sample, and which of them are names, (N, D) bool."""
        features_KX = self.names(batch.name_ids, batch.name_mask)
        real_BD = objective.valid_names(batch.name_counts, self.device)
        names_BDX = features_KX.new_zeros(*real_BD.shape, features_KX.shape[1])
        names_BDX[real_BD] = features_KX
        return names_BDX[frames].to(self.projector.name_in.weight.dtype), real_BD[frames]

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)  # type: ignore[no-untyped-call]  # transformers has no types here
        if isinstance(module, Projector):
            init.normal_(module.queries, std=QUERY_STD)
            init.constant_(module.name_bias, NAME_BIAS)
            init.zeros_(module.name_scale)


AutoModel.register(LavidaConfig, Lavida)
