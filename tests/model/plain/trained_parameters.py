"""The parameters that the authors train, under the names of the published checkpoints.

Authors' code: train_acc.py. Frozen: the vision tower, SAM2's image encoder, CLIP. LoRA on every linear layer whose
name holds q_proj or v_proj outside those and outside what trains in full; in full: lm_head, embed_tokens,
sam_mask_decoder, sam_prompt_encoder, multi_scale_projector. LoRA so also lands in SAM2's memory attention, which no
forward pass of theirs runs. Neither these nor the input embeddings (compression runs without gradients over the
whole sequence) ever get a gradient: `WITHOUT_GRADIENT`. Embeddings that are the head, too, get the head's.
"""

from __future__ import annotations

WB = ("weight", "bias")
QKVO = ("q_proj", "k_proj", "v_proj", "out_proj")

WITHOUT_GRADIENT = [
    "embed_tokens.weight",
    *(
        f"memory_attention.layers.{i}.{where}.{proj}.{half}.weight"
        for i in range(4)
        for where in ("self_attn", "cross_attn_image")
        for proj in ("q_proj", "v_proj")
        for half in ("lora_A", "lora_B")
    ),
]


def language_model(layers: int, tied: bool) -> list[str]:
    """LoRA's two halves of each layer's q and v, and the head: one tensor with the input embeddings when tied."""
    lora = [
        f"layers.{i}.self_attn.{proj}.{half}.weight"
        for i in range(layers)
        for proj in ("q_proj", "v_proj")
        for half in ("lora_A", "lora_B")
    ]
    return [*lora, "embed_tokens.weight" if tied else "lm_head.weight"]


def prompt_encoder() -> list[str]:
    """SAM2's prompt encoder; its Gaussian matrix of positions is a buffer."""
    return [
        *(f"sam_prompt_encoder.point_embeddings.{i}.weight" for i in range(4)),
        "sam_prompt_encoder.not_a_point_embed.weight",
        "sam_prompt_encoder.no_mask_embed.weight",
        *(f"sam_prompt_encoder.mask_downscaling.{i}.{end}" for i in (0, 1, 3, 4, 6) for end in WB),
    ]


def mask_decoder() -> list[str]:
    """SAM2's mask decoder, with the two convolutions that make its fine feature maps."""
    start = "sam_mask_decoder"
    attentions = [
        *(
            f"transformer.layers.{i}.{name}"
            for i in range(2)
            for name in ("self_attn", "cross_attn_token_to_image", "cross_attn_image_to_token")
        ),
        "transformer.final_attn_token_to_image",
    ]
    layers = [
        *(f"{attention}.{proj}" for attention in attentions for proj in QKVO),
        *(f"transformer.layers.{i}.norm{j}" for i in range(2) for j in (1, 2, 3, 4)),
        *(f"transformer.layers.{i}.mlp.layers.{j}" for i in range(2) for j in range(2)),
        "transformer.norm_final_attn",
        *(f"output_upscaling.{i}" for i in (0, 1, 3)),
        "conv_s0",
        "conv_s1",
        *(f"output_hypernetworks_mlps.{i}.layers.{j}" for i in range(4) for j in range(3)),
        *(f"{head}.layers.{j}" for head in ("iou_prediction_head", "pred_obj_score_head") for j in range(3)),
    ]
    tokens = [f"{start}.{name}.weight" for name in ("iou_token", "mask_tokens", "obj_score_token")]
    return [*tokens, *(f"{start}.{layer}.{end}" for layer in layers for end in WB)]


def paper() -> list[str]:
    """All of preset `paper` but the projector's, whose names are its weights': `projector.random_weights`."""
    return [*language_model(28, tied=False), *prompt_encoder(), *mask_decoder()]
