"""The model against `plain`: the authors' arithmetic written a second time, and its stored results.

Each option with both of its values: the authors' and ours. docs/parity.md names these tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from plain import density as plain_density
from plain import make as plain_make
from plain import positions as plain_positions
from plain import projector as plain_projector
from plain import resized_sizes, static_cells
from plain import trained_parameters as plain_trained
from torch import Tensor, nn
from transformers import SamMaskDecoderConfig
from transformers.models.sam.modeling_sam import SamTwoWayAttentionBlock

from lavida import pixels, sequence
from lavida.batch import Sample
from lavida.compression import density, moving_patches
from lavida.config import LavidaConfig
from lavida.modeling import Lavida
from lavida.parts import sam2_keys
from lavida.parts.trainable import set_trainable
from lavida.processing import LavidaProcessor
from lavida.projector import Projector

WIRINGS = ("authors", "sam")
SIZES = plain_make.SIZES
NAMES = {
    "name_in": "name",
    "pixel_in": "pixel",
    "seg_in": "state",
    "look": "name_to_pixel",
    "look_norm": "fused_norm",
    "look_out": "fused",
    "prompt_out": "prompt",
    "self_attn": "self",
    "cross_attn_token_to_image": "query_to_key",
    "cross_attn_image_to_token": "key_to_query",
    "q_proj": "q",
    "k_proj": "k",
    "v_proj": "v",
    "o_proj": "out",
    "out_proj": "out",
}
"""What this package, or SAM in transformers, calls a part: what `plain` calls it."""
OURS_ALONE = {"name_score.weight", "name_score.bias", "name_bias", "name_scale"}
"""Of the per-name scores, which the authors do not have."""


@pytest.fixture(scope="module")
def stored() -> dict[str, np.ndarray]:
    with np.load(plain_make.ARRAYS) as arrays:
        return {name: arrays[name] for name in arrays.files}


def plain_name(name: str) -> str:
    name = re.sub(r"blocks\.(\d+)\.", r"block\1.", name)
    name = re.sub(r"layer_norm(\d)", r"norm\1", name)
    name = re.sub(r"mlp\.(proj_in|lin1)", "mlp0", re.sub(r"mlp\.(proj_out|lin2)", "mlp1", name))
    return ".".join(NAMES.get(part, part) for part in name.split("."))


def copy_plain(module: nn.Module, weights: plain_projector.Weights, start: str = "") -> None:
    """Copies the plain weights into a module; every parameter that the authors have gets one, each is used once."""
    used = set()
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if name not in OURS_ALONE:
                used.add(start + plain_name(name))
                parameter.copy_(torch.from_numpy(weights[start + plain_name(name)]))
    assert used == {name for name in weights if name.startswith(start)}


def small_config(**changes: object) -> LavidaConfig:
    return LavidaConfig.preset(
        "tiny",
        attn_implementation="sdpa",
        name_maps="coarse",
        projector_hidden=SIZES.hidden,
        projector_heads=SIZES.pixel_heads,
        qformer_queries=SIZES.queries,
        qformer_blocks=SIZES.blocks,
        qformer_heads=SIZES.heads,
        qformer_mlp=SIZES.mlp,
        **changes,
    )


def run_projector(projector: Projector, inputs: plain_projector.Weights) -> tuple[Tensor, Tensor]:
    frames = len(inputs["pixels"])
    dtype = projector.queries.dtype
    state, names, pixels_places = (
        torch.from_numpy(one).to(dtype)
        for one in (inputs["state"], inputs["names"], inputs["pixels"] + inputs["places"])
    )
    with torch.no_grad():
        out = projector(
            state.expand(frames, -1), names.expand(frames, -1, -1), torch.ones(frames, len(names)).bool(), pixels_places
        )
    return out.prompt[:, 0], out.names


# ---- the stored results ----


def test_the_stored_arrays_are_what_the_plain_implementations_give(stored: dict[str, np.ndarray]) -> None:
    made = plain_make.results()
    assert stored.keys() == made.keys()
    for name, array in made.items():
        if array.dtype.kind == "U":
            assert stored[name].tolist() == array.tolist()
        else:
            np.testing.assert_allclose(stored[name], array, atol=1e-9, err_msg=name)
    assert plain_make.ARRAYS.stat().st_size < 200_000


# ---- the projector ----


@pytest.mark.parametrize("wiring", WIRINGS)
def test_the_projector_gives_the_prompts_of_the_plain_one(wiring: str, stored: dict[str, np.ndarray]) -> None:
    inputs = {name: stored[f"input_{name}"].astype(np.float64) for name in ("state", "names", "pixels", "places")}
    for dtype, atol in ((torch.float32, 1e-5), (torch.float64, 1e-12)):
        projector = Projector(small_config(qformer_wiring=wiring)).to(dtype)
        copy_plain(projector, plain_projector.random_weights(SIZES, plain_make.SEED))
        prompts, names = (out.numpy() for out in run_projector(projector, inputs))
        np.testing.assert_allclose(prompts, stored[f"prompts_{wiring}"], atol=atol)
        np.testing.assert_allclose(names, stored[f"names_{wiring}"][:, 1:], atol=atol)


def test_the_two_wirings_differ_with_the_same_weights(stored: dict[str, np.ndarray]) -> None:
    one, other = (stored[f"prompts_{wiring}"].ravel() for wiring in WIRINGS)
    assert one @ other / np.sqrt((one @ one) * (other @ other)) < 0.95


@pytest.mark.parametrize("skip", [False, True])
def test_our_blocks_are_those_of_sam_in_transformers(skip: bool) -> None:
    """SAM's own block, ours and the plain one: equal weights, encodings of queries and keys, with and without the skip."""
    weights = plain_projector.random_weights(SIZES, 5)
    inputs = plain_projector.Draws(6)
    shapes = [(6, SIZES.hidden), (9, SIZES.hidden)] * 2
    queries, keys, at_queries, at_keys = (inputs.array(*shape) for shape in shapes)
    expected = plain_projector.block(weights, "block0", queries, keys, at_queries, at_keys, SIZES.heads, skip)
    config = SamMaskDecoderConfig(
        hidden_size=SIZES.hidden, num_attention_heads=SIZES.heads, mlp_dim=SIZES.mlp, layer_norm_eps=1e-5
    )
    config._attn_implementation = "sdpa"
    ours = Projector(small_config(qformer_wiring="sam" if skip else "authors")).blocks[0]
    for block in (SamTwoWayAttentionBlock(config, skip_first_layer_pe=skip).double(), ours.double()):
        copy_plain(block, weights, "block0.")
        with torch.no_grad():
            got = block(*(torch.from_numpy(array)[None, None] for array in (queries, keys, at_queries, at_keys)), None)
        for one, other in zip(got[:2], expected, strict=True):
            np.testing.assert_allclose(one[0, 0].numpy(), other, atol=1e-12)


@pytest.mark.parametrize(("how", "least", "most"), [("torch", 0.45, 0.7), ("normal", 3.0, 4.5)])
def test_prompts_begin_near_the_scale_of_sams_own(how: str, least: float, most: float) -> None:
    """SAM2's own point encodings have a root mean square of 0.71. The paper's sizes; the language model's is not built."""
    torch.manual_seed(0)
    with torch.device("meta"):
        model = Lavida(LavidaConfig.preset("paper", projector_init=how))
    projector = Projector(model.config)
    projector.apply(model._init_weights)  # as Lavida.from_parts
    sizes = plain_projector.PAPER
    prompts, _ = run_projector(projector, plain_projector.random_inputs(sizes, 1, frames=2, names=8, pixels=64))
    assert least < float(prompts.square().mean().sqrt()) < most


# ---- the mask decoder ----


def test_the_mask_decoder_gets_two_empty_points_and_one_prompt(
    lively: Callable[..., Lavida], processor: LavidaProcessor, samples: list[Sample]
) -> None:
    """SAM2 pads points that come without a box by one more empty point, and the authors give it an empty point."""
    model = lively()
    seen: dict[str, Tensor] = {}
    hook = model.sam.mask_decoder.register_forward_pre_hook(
        lambda module, arguments, named: seen.update(named), with_kwargs=True
    )
    with torch.no_grad():
        model(processor(samples[:1], "score"))
    hook.remove()
    tokens = seen["sparse_prompt_embeddings"]
    assert tokens.shape[1:3] == (1, 3)
    empty = model.sam.prompt_encoder.not_a_point_embed.weight.detach()
    torch.testing.assert_close(tokens[:, 0, :2], empty.expand(len(tokens), 2, -1))
    assert not torch.allclose(tokens[:, 0, 2], empty, atol=1e-2)


# ---- compression ----


@pytest.mark.parametrize("rule", ["concatenated", "mean"])
def test_static_cells(rule: str, stored: dict[str, np.ndarray]) -> None:
    patches = torch.from_numpy(plain_make.scene()).float()
    kept = moving_patches(patches, (4, 4, 12), static_cells.THRESHOLD, rule=rule)
    assert np.array_equal(kept.numpy(), stored[f"static_{rule}"])
    assert (stored["static_concatenated"] != stored["static_mean"]).any()


@pytest.mark.parametrize("empty", ["mean", "self"])
def test_density_with_equal_tokens(empty: str, stored: dict[str, np.ndarray]) -> None:
    got = density(torch.from_numpy(plain_make.tokens()).float(), 0.8, 8, empty=empty)
    assert np.array_equal(got.centres.numpy(), stored["centres"])
    np.testing.assert_allclose(got.tokens.numpy(), stored[f"merged_{empty}"], atol=1e-5)
    assert np.abs(stored["merged_mean"] - stored["merged_self"]).max() > 1


def test_the_plain_compression_equals_the_authors_stored_outputs(shared_data: Path) -> None:
    with np.load(shared_data / "parity" / "token_compression.npz") as authors:
        tokens = authors["a_x"].astype(float)
        chosen, merged = plain_density.compress(tokens, float(authors["a_ratio"]), int(authors["a_k"]), "mean")
        assert np.array_equal(chosen, authors["a_centres"])
        np.testing.assert_allclose(merged, authors["a_merged"], atol=1e-5)
        kept = static_cells.kept_patches(authors["t1_x"].astype(float), int(authors["t1_grid"][0]), "concatenated")
        assert np.array_equal(kept, authors["t1_keep"])


# ---- positions ----


def test_sequential_positions(stored: dict[str, np.ndarray]) -> None:
    longest = max(plain_make.LENGTHS)
    mask = torch.tensor([[0] * (longest - length) + [1] * length for length in plain_make.LENGTHS])
    real = mask.bool().expand(3, -1, -1).numpy()
    assert np.array_equal(sequence.count_positions(mask).numpy()[real], stored["sequential"][real])


@pytest.mark.parametrize("how", ["sequential", "mrope"])
def test_the_language_model_gets_the_positions(
    how: str, lively: Callable[..., Lavida], processor: LavidaProcessor, samples: list[Sample]
) -> None:
    """A batch of a clip and an image: what reaches the language model, after half of the visual tokens went."""
    model = lively(positions=how, static_threshold=0.0)
    batch = processor(samples[:2], "score")
    seen: dict[str, Tensor] = {}
    hook = model.mllm.model.language_model.register_forward_pre_hook(
        lambda module, arguments, named: seen.update(named), with_kwargs=True
    )
    with torch.no_grad():
        out = model(batch)
    hook.remove()
    for number, (tokens_in, tokens_out) in enumerate(zip(out.tokens_in, out.tokens_out, strict=True)):
        real = seen["attention_mask"][number].bool()
        got = seen["position_ids"][:, number, real].numpy()
        types, filled = batch.token_types[number], batch.attention_mask[number].bool()
        if how == "sequential":
            expected = plain_positions.sequential([int(filled.sum()) - tokens_in + tokens_out])[:, 0]
        else:
            types = types[filled].tolist()
            first, last = types.index(max(types)), len(types) - types[::-1].index(max(types))
            time, height, width = batch.grids[number].tolist()
            whole = plain_positions.mrope((first, (time, height // 2, width // 2), len(types) - last))
            reached = set(map(tuple, got.T))
            stay = [i for i, kind in enumerate(types) if kind == 0 or tuple(whole[:, i]) in reached]
            expected = plain_positions.kept(whole, stay)
        assert np.array_equal(got, expected)


def test_sequential_positions_are_those_of_qwen_without_ids(
    lively: Callable[..., Lavida], processor: LavidaProcessor, samples: list[Sample]
) -> None:
    """The authors hand Qwen2-VL embeddings without ids, grids and positions: transformers' own call gives the same states."""
    model = lively(positions="sequential")
    seen: dict[str, Tensor] = {}
    language_model = model.mllm.model.language_model
    hooks = [
        language_model.register_forward_pre_hook(lambda module, _, named: seen.update(named), with_kwargs=True),
        language_model.register_forward_hook(lambda module, _, out: seen.update(ours=out.last_hidden_state)),
    ]
    with torch.no_grad():
        model(processor(samples[:3], "score"))
        for hook in hooks:
            hook.remove()
        mask = seen["attention_mask"]
        theirs = model.mllm.model(inputs_embeds=seen["inputs_embeds"], attention_mask=mask).last_hidden_state
    assert int(mask.sum(1).min()) < mask.shape[1], "no sample is padded"
    torch.testing.assert_close(seen["ours"][mask.bool()], theirs[mask.bool()], atol=2e-5, rtol=1e-4)


# ---- sizes ----


@settings(max_examples=200, deadline=None)
@given(st.integers(30, 2200), st.integers(30, 2200), st.sampled_from(sorted(plain_make.BUDGETS)))
def test_frames_are_resized_as_by_the_plain_rule(height: int, width: int, use: str) -> None:
    budget = plain_make.BUDGETS[use]
    assert pixels.target_size(height, width, 28, *budget) == resized_sizes.resized(height, width, budget)


def test_the_benchmarks_frames_are_resized_as_by_the_authors(stored: dict[str, np.ndarray]) -> None:
    for preset in ("paper", "small", "paper-ours"):
        budgets = LavidaConfig.preset(preset).budgets or {}
        for use, key in (
            ("train", "train_clip"),
            ("score", "score_clip"),
            ("image", "train_image"),
            ("image", "score_image"),
        ):
            ours = [pixels.target_size(*frame, 28, *budgets[key]) for frame in plain_make.FRAME_SIZES.values()]
            assert np.array_equal(ours, stored[f"sizes_{use}"]), (preset, key)
            assert tuple(budgets[key]) == plain_make.BUDGETS[use]


# ---- what trains, and how fast ----


def trained(preset: str) -> set[str]:
    """Names of the trained parameters of a preset, on the meta device."""
    with torch.device("meta"):
        model = Lavida(LavidaConfig.preset(preset))
        set_trainable(model)
    return {name.replace(".default.", ".") for name, one in model.named_parameters() if one.requires_grad}


@pytest.mark.parametrize(("preset", "tied"), [("paper", False), ("small", True)])
def test_what_trains_is_what_the_authors_train(preset: str, tied: bool, stored: dict[str, np.ndarray]) -> None:
    language = plain_trained.language_model(28, tied)
    expected = {
        f"mllm.{name}" if name == "lm_head.weight" else f"mllm.model.language_model.{name}" for name in language
    }
    meta = plain_trained.prompt_encoder() + plain_trained.mask_decoder()
    assert tied or stored["trained"].tolist() == language + meta
    expected |= {f"sam.{name}" for name in sam2_keys.rename_keys({name: torch.zeros(1, 1) for name in meta})}
    projector = Projector(small_config())
    weights = plain_projector.random_weights(SIZES, 0)
    names = {name for name, _ in projector.named_parameters()}
    assert {plain_name(name) for name in names - OURS_ALONE} == set(weights)
    expected |= {f"projector.{name}" for name in names}
    assert trained(preset) == expected


def test_gradients_reach_what_trains_and_nothing_that_the_authors_leave_without(
    lively: Callable[..., Lavida], processor: LavidaProcessor, samples: list[Sample]
) -> None:
    """Single prompts as the authors have them: every parameter of their list gets a gradient, but SAM2's prompts of other kinds."""
    model = lively(
        input_embeddings="cut",
        compression_gradient=False,
        prompt_maps=False,
        score_names=False,
        name_maps="coarse",
        trainable=dict.fromkeys(("vision", "names", "image_encoder"), "frozen") | {"language": "lora"},
    )
    set_trainable(model)
    model.train()
    loss = model(processor(samples[:2], "train")).loss
    assert loss is not None
    loss.backward()
    without = {name for name, one in model.named_parameters() if one.requires_grad and one.grad is None}
    last = f"projector.blocks.{model.config.qformer_blocks - 1}."
    keys = {f"{last}{end}" for end in ("cross_attn_image_to_token", "layer_norm4")} | {"projector.name_out"}
    idle = {name for name in without if name.startswith(tuple(keys))}
    assert {start for start in keys if any(name.startswith(start) for name in idle)} == keys
    assert without - idle == {f"projector.{name}" for name in OURS_ALONE} | {
        name for name in without if name.startswith("sam.prompt_encoder.mask_embed.")
    }
    assert not model.get_input_embeddings().weight.requires_grad
