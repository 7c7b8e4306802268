"""LavidaConfig: the sizes of the three parts and of the projector, what trains, what the losses weigh.

`LavidaConfig.preset("paper")`, `("small")` and `("tiny")` are in lavida.presets.
"""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any, ClassVar, Literal, get_args

from transformers import AutoConfig, CLIPTextConfig, PreTrainedConfig
from transformers.configuration_utils import SubConfigSpec

from lavida import presets
from lavida.errors import LavidaError
from lavida.groups import GROUPS, PAPER_TRAINABLE, TrainMode
from lavida.losses import Weights

Memory = Literal["none", "causal"]
NameMaps = Literal["coarse", "fine"]


class LavidaConfig(PreTrainedConfig):  # type: ignore[no-untyped-call]  # transformers' __init_subclass__ has no types
    """Configuration of `Lavida`; the defaults are the paper's. Saved with the model as config.json.

    mllm_config, sam_config, names_config   the parts' own configurations (Qwen-VL, Sam2Video, CLIP text)
    seg_token_id        id of the token <SEG>
    projector_*, qformer_*   widths, heads, queries and blocks of the semantic projector
    reduction_ratio     share of visual tokens that stay, 0 < ratio <= 1; 1 = compression off
    static_threshold    mean cosine distance below which a cell counts as static; scoring only, 0 = off
    compression_gradient   gradients through merged values (False = as the authors)
    memory              none: frames are decoded alone, in one call; causal: a frame attends to the earlier ones
    gate_masks          mask logits become -1024 where the object score is <= 0 (then no gradient reaches them)
    loss                weights by name (lavida.losses.Weights)
    name_maps           per-name maps at SAM2's coarsest resolution, or fine: at its finest, by convolutions (ours)
    prompt_maps         the strongest name's map goes to SAM2 as a mask prompt (ours; off = paper)
    score_names         the names' odds are added to the object score (ours; off = paper)
    trainable           full, lora or frozen, by group
    lora_*, adapters    LoRA as `trainable` asks for it; `adapters` = it is in the model (Lavida.add_adapters)
    budgets             fewest and most merged patches (28 x 28 pixels for Qwen2-VL) of one frame, by use
    frame_size          side of SAM2's square input in pixels
    """

    model_type: ClassVar[str] = "lavida"
    sub_configs_defaults: ClassVar[dict[str, SubConfigSpec]] = {
        "mllm_config": SubConfigSpec(config_class=AutoConfig, model_type="qwen2_vl"),
        "sam_config": SubConfigSpec(config_class=AutoConfig, model_type="sam2_video"),
        "names_config": SubConfigSpec(config_class=CLIPTextConfig),
    }

    mllm_config: dict[str, Any] | PreTrainedConfig | None = None
    sam_config: dict[str, Any] | PreTrainedConfig | None = None
    names_config: dict[str, Any] | PreTrainedConfig | None = None
    seg_token_id: int = 151657
    projector_hidden: int = 768
    projector_heads: int = 8
    qformer_queries: int = 48
    qformer_blocks: int = 5
    qformer_heads: int = 12
    qformer_mlp: int = 2048
    reduction_ratio: float = 0.5
    density_neighbours: int = 8
    static_threshold: float = 0.01
    compression_gradient: bool = True
    memory: Memory = "none"
    gate_masks: bool = True
    name_maps: NameMaps = "coarse"
    prompt_maps: bool = False
    score_names: bool = False
    loss: dict[str, Any] | None = None
    trainable: dict[str, Any] | None = None
    lora_rank: int = 8
    lora_alpha: int = 16
    lora_dropout: float = 0.05
    lora_targets: list[str] | None = None
    adapters: bool = False
    budgets: dict[str, Any] | None = None
    tie_word_embeddings: bool = False

    def __post_init__(self, **kwargs: Any) -> None:
        self.loss = asdict(Weights()) | (self.loss or {})
        self.trainable = PAPER_TRAINABLE | (self.trainable or {})
        self.lora_targets = self.lora_targets or ["q_proj", "v_proj"]
        self.budgets = {
            "train_clip": [32, 64],
            "score_clip": [160, 192],
            "train_image": [32, 1024],
            "score_image": [32, 1024],
        } | (self.budgets or {})
        super().__post_init__(**kwargs)  # type: ignore[no-untyped-call]
        self._check()

    def _check(self) -> None:
        if not 0 < self.reduction_ratio <= 1:
            raise LavidaError(f"reduction_ratio: {self.reduction_ratio}; expected 0 < ratio <= 1")
        for name in ("projector_heads", "qformer_heads"):
            if (got := getattr(self, name)) < 1 or self.projector_hidden % got:
                raise LavidaError(f"{name}: {got}; expected a divisor of projector_hidden, {self.projector_hidden}")
        for name, choice in (("memory", Memory), ("name_maps", NameMaps)):
            if (got := getattr(self, name)) not in get_args(choice):
                raise LavidaError(f"{name}: {got!r}; expected one of {', '.join(get_args(choice))}")
        known = {field.name for field in fields(Weights)}
        if unknown := set(self.loss or ()) - known:
            raise LavidaError(f"loss: unknown {', '.join(sorted(unknown))}; expected {', '.join(sorted(known))}")
        for group, how in (self.trainable or {}).items():
            if group not in GROUPS:
                raise LavidaError(f"trainable: unknown group {group!r}; expected one of {', '.join(GROUPS)}")
            if how not in get_args(TrainMode) or (how == "lora" and group not in ("language", "vision")):
                raise LavidaError(
                    f"trainable.{group}: {how!r}; expected full or frozen (language and vision also lora)"
                )

    @property
    def weights(self) -> Weights:
        """The losses' weights."""
        return Weights(**(self.loss or {}))

    @property
    def frame_size(self) -> int:
        """Side of SAM2's input in pixels."""
        return int(self.sam.prompt_encoder_config.image_size)

    @property
    def mllm(self) -> Any:
        """The language model's configuration (typed loosely: three families)."""
        return self.mllm_config

    @property
    def sam(self) -> Any:
        """SAM2's configuration."""
        return self.sam_config

    @property
    def names(self) -> Any:
        """The text tower's configuration."""
        return self.names_config

    @classmethod
    def preset(cls, name: str, **changes: Any) -> LavidaConfig:
        """The configuration of a preset (paper, small, tiny), with `changes` on top."""
        return cls(**presets.preset_values(name) | changes)


AutoConfig.register("lavida", LavidaConfig)
