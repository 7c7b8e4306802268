"""LavidaConfig: sizes of the three parts and of the projector, what trains, weights of the losses.

`LavidaConfig.preset("paper")` and the other presets are in lavida.presets.
"""

from __future__ import annotations

from dataclasses import asdict, fields
from difflib import get_close_matches
from typing import Any, ClassVar, Literal, cast, get_args

from transformers import AutoConfig, CLIPTextConfig, PreTrainedConfig
from transformers.configuration_utils import SubConfigSpec

from lavida import presets
from lavida.errors import LavidaError
from lavida.groups import GROUPS, PAPER_TRAINABLE, TrainMode
from lavida.interfaces import MllmConfig, Sam2Config
from lavida.losses import Weights
from lavida.parts.trust import check_config

Memory = Literal["none", "causal"]
NameMaps = Literal["coarse", "fine"]
QFormerWiring = Literal["sam", "authors"]
ProjectorInit = Literal["normal", "torch"]
Positions = Literal["mrope", "sequential"]
StaticRule = Literal["mean", "concatenated"]
EmptyCentres = Literal["self", "mean"]
InputEmbeddings = Literal["trained", "cut"]
CHOICES = {
    "memory": Memory,
    "name_maps": NameMaps,
    "qformer_wiring": QFormerWiring,
    "projector_init": ProjectorInit,
    "positions": Positions,
    "static_rule": StaticRule,
    "empty_centres": EmptyCentres,
    "input_embeddings": InputEmbeddings,
}
"""Options with named values; the first value of each is the default."""


class LavidaConfig(PreTrainedConfig):  # type: ignore[no-untyped-call]  # transformers' __init_subclass__ has no types
    """Configuration of `Lavida` (arXiv 2602.19248). Saved with the model as config.json.

    A default never changes: a model that was saved before an option existed loads as it was fitted. How the authors set
    the options is in `presets.AUTHORS`, preset `paper`.

    Attributes:
        mllm_config: Configuration of the language model (Qwen-VL).
        sam_config: Configuration of SAM2 (Sam2Video).
        names_config: Configuration of the text tower (CLIP).
        seg_token_id: Id of the token <SEG>.
        projector_hidden: Hidden width of the semantic projector.
        projector_heads: Heads of its attention from names to pixels.
        qformer_queries: Queries of its Q-Former.
        qformer_blocks: Blocks of its Q-Former.
        qformer_heads: Heads of its Q-Former.
        qformer_mlp: Hidden width of the MLPs.
        qformer_wiring: Position encodings of the Q-Former's blocks. sam: as in SAM, the learned queries, not in the
            first block's self-attention, none for the keys; authors: learned queries and first keys in all blocks.
        projector_init: Initial weights of the projector. normal: N(0, 0.02); torch: torch's defaults, queries N(0, 1).
        positions: Rotary positions of the language model. mrope: the family's own, from before compression; sequential:
            0, 1, 2, ... on all axes, counted after compression (as the authors; times of frames have no effect then).
        reduction_ratio: Share of visual tokens that stay, 0 < ratio <= 1; 1 = no compression.
        density_neighbours: Neighbours of the density, see `compression.density`.
        static_threshold: Mean cosine distance below which a cell is static; scoring only, 0 = off.
        static_rule: Distance of a cell. mean: the mean of its patches' distances; concatenated: that of its patches
            joined to one vector (as the authors), so patches of larger norm weigh more.
        empty_centres: A kept token whose copy took all its members. self: stays itself; mean: becomes the mean of all.
        input_embeddings: trained, or cut: no gradient reaches the language model's input embeddings, of text and vision
            (as the authors, whose compression runs without gradients over the whole sequence).
        compression_gradient: Gradients through merged values (False = as the authors).
        memory: none: frames are decoded alone, in one call; causal: a frame attends to the earlier ones.
        no_memory_images: Whether single images get SAM2's no-memory embedding as frames do (False = as the authors).
        gate_masks: Mask logits become -1024 where the object score is <= 0 (then no gradient reaches them).
        name_maps: Per-name maps at SAM2's coarsest resolution, or fine: at its finest, by convolutions (our addition).
        prompt_maps: The strongest name's map is SAM2's mask prompt (False = as in the paper).
        score_names: The names' odds are added to the object score (False = as in the paper).
        loss: Weights by name (`losses.Weights`).
        trainable: full, lora or frozen, by group (`lavida.groups`).
        lora_rank: Rank of LoRA.
        lora_alpha: Scale of LoRA.
        lora_dropout: Dropout of LoRA, 0 to 1.
        lora_targets: Names of the linear layers with LoRA.
        adapters: Whether LoRA is in the model (`Lavida.add_adapters`).
        budgets: Fewest and most merged patches (28 x 28 pixels for Qwen2-VL) of one frame, by use and kind.

    Raises:
        LavidaError: A value is invalid.
    """

    model_type: ClassVar[str] = "lavida"
    sub_configs_defaults: ClassVar[dict[str, SubConfigSpec]] = {
        "mllm_config": SubConfigSpec(config_class=AutoConfig, model_type="qwen2_vl"),
        "sam_config": SubConfigSpec(config_class=AutoConfig, model_type="sam2_video"),
        "names_config": SubConfigSpec(config_class=CLIPTextConfig),
    }

    mllm_config: dict[str, object] | PreTrainedConfig | None = None
    sam_config: dict[str, object] | PreTrainedConfig | None = None
    names_config: dict[str, object] | PreTrainedConfig | None = None
    seg_token_id: int = 151657
    projector_hidden: int = 768
    projector_heads: int = 8
    qformer_queries: int = 48
    qformer_blocks: int = 5
    qformer_heads: int = 12
    qformer_mlp: int = 2048
    qformer_wiring: QFormerWiring = "sam"
    projector_init: ProjectorInit = "normal"
    positions: Positions = "mrope"
    reduction_ratio: float = 0.5
    density_neighbours: int = 8
    static_threshold: float = 0.01
    static_rule: StaticRule = "mean"
    empty_centres: EmptyCentres = "self"
    input_embeddings: InputEmbeddings = "trained"
    compression_gradient: bool = True
    memory: Memory = "none"
    no_memory_images: bool = True
    gate_masks: bool = True
    name_maps: NameMaps = "coarse"
    prompt_maps: bool = False
    score_names: bool = False
    loss: dict[str, float] | None = None
    trainable: dict[str, TrainMode] | None = None
    lora_rank: int = 8
    lora_alpha: int = 16
    lora_dropout: float = 0.05
    lora_targets: list[str] | None = None
    adapters: bool = False
    budgets: dict[str, list[int]] | None = None
    tie_word_embeddings: bool = False

    def __post_init__(self, **kwargs: object) -> None:
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
        check_config(self)

    def _check_types(self) -> None:
        """config.json may be somebody else's, and transformers takes any value."""
        for name in LavidaConfig.__annotations__:
            default, got = LavidaConfig.__dict__.get(name), getattr(self, name)
            if isinstance(default, bool):
                right, expected = isinstance(got, bool), "true or false"
            elif isinstance(default, int):
                right, expected = type(got) is int and 0 <= got < 2**31, "a whole number, 0 or more"
            elif isinstance(default, float):
                right, expected = type(got) in (int, float) and abs(got) < 1e30, "a number"
            else:
                continue
            if not right:
                raise LavidaError(f"{name}: {repr(got)[:40]}; expected {expected}")
        for name, budget in (self.budgets or {}).items():
            is_pair = isinstance(budget, list | tuple) and [type(count) for count in budget] == [int, int]
            if not is_pair or not 0 < budget[0] <= budget[1]:
                raise LavidaError(f"budgets.{name}: {repr(budget)[:40]}; expected the fewest and the most patches")

    def _check(self) -> None:
        self._check_types()
        if not self.density_neighbours:
            raise LavidaError("density_neighbours: 0; expected at least 1")
        if not 0 < self.reduction_ratio <= 1:
            raise LavidaError(f"reduction_ratio: {self.reduction_ratio}; expected 0 < ratio <= 1")
        for name in ("projector_heads", "qformer_heads"):
            got = getattr(self, name)
            if got < 1 or self.projector_hidden % got:
                raise LavidaError(f"{name}: {got}; expected a divisor of projector_hidden, {self.projector_hidden}")
        for name, choice in CHOICES.items():
            got = getattr(self, name)
            if got not in get_args(choice):
                raise LavidaError(f"{name}: {got!r}; expected one of {', '.join(get_args(choice))}")
        known = {field.name for field in fields(Weights)}
        unknown = set(self.loss or ()) - known
        if unknown:
            raise LavidaError(f"loss: unknown {', '.join(sorted(unknown))}; expected {', '.join(sorted(known))}")
        for group, how in (self.trainable or {}).items():
            if group not in GROUPS:
                raise LavidaError(f"trainable: unknown group {group!r}; expected one of {', '.join(GROUPS)}")
            if how not in get_args(TrainMode) or (how == "lora" and group not in ("language", "vision")):
                raise LavidaError(
                    f"trainable.{group}: {how!r}; expected full or frozen (language and vision also lora)"
                )

    def to_diff_dict(self) -> dict[str, Any]:
        """Return what config.json holds: what differs from the defaults, and every named choice."""
        named = {
            name: getattr(self, name) for name in (*CHOICES, "no_memory_images", "compression_gradient", "budgets")
        }
        return {**super().to_diff_dict(), **named}

    @property
    def weights(self) -> Weights:
        """Weights of the losses."""
        return Weights(**(self.loss or {}))

    @property
    def frame_size(self) -> int:
        """Side of SAM2's square input in pixels."""
        return int(self.sam.prompt_encoder_config.image_size)

    @property
    def mllm(self) -> MllmConfig:
        """Configuration of the language model."""
        return cast("MllmConfig", self.mllm_config)

    @property
    def sam(self) -> Sam2Config:
        """Configuration of SAM2."""
        return cast("Sam2Config", self.sam_config)

    @property
    def names(self) -> CLIPTextConfig:
        """Configuration of the text tower."""
        return cast("CLIPTextConfig", self.names_config)

    @classmethod
    def preset(cls, name: str, **changes: object) -> LavidaConfig:
        """Create the configuration of a preset.

        Args:
            name: paper, paper-ours, small or tiny.
            **changes: Fields that differ from the preset.

        Raises:
            LavidaError: The preset is unknown, or a change is invalid.
        """
        known = [field.name for field in fields(cls)] + ["attn_implementation"]
        for option in changes:
            if option not in known:  # transformers would keep it and do nothing with it
                close = get_close_matches(option, known, n=1)
                hint = f"did you mean {close[0]!r}?" if close else "expected a field of LavidaConfig"
                raise LavidaError(f"unknown option {option!r}; {hint}")
        values: dict[str, Any] = {**presets.preset_values(name), **changes}
        return cls(**values)


AutoConfig.register("lavida", LavidaConfig)
