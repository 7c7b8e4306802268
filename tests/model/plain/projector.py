"""The multi-scale semantic projector: names, pixels and the state at `<SEG>` in, one sparse prompt of a frame out.

Authors' code: model/model.py (MultiScaleSemanticProjector), model/Qformer.py (TwoWayQformer) and SAM2's
sam2/modeling/sam/transformer.py (TwoWayAttentionBlock, Attention). Weights are a dict of arrays, a linear layer's
weight stored as torch stores it, (out, in).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .draws import Array, Draws

Weights = dict[str, Array]


@dataclass(frozen=True)
class Sizes:
    """Widths and counts: those of the `tiny` preset's parts with a narrow projector; `PAPER` holds the authors'."""

    state: int = 96
    name: int = 64
    pixel: int = 64
    hidden: int = 48
    prompt: int = 64
    queries: int = 6
    blocks: int = 5
    heads: int = 12
    pixel_heads: int = 8
    mlp: int = 64


PAPER = Sizes(state=3584, name=512, pixel=256, hidden=768, prompt=256, queries=48, mlp=2048)


def random_weights(sizes: Sizes, seed: int) -> Weights:
    """Weights of a projector of these sizes: linear layers keep the scale of their input, norms lie near 1."""
    draws, hidden, weights = Draws(seed), sizes.hidden, Weights()

    def linear(name: str, into: int, out: int) -> None:
        weights[f"{name}.weight"] = draws.array(out, into) / into**0.5
        weights[f"{name}.bias"] = 0.1 * draws.array(out)

    def norm(name: str) -> None:
        weights[f"{name}.weight"] = 1 + 0.1 * draws.array(hidden)
        weights[f"{name}.bias"] = 0.1 * draws.array(hidden)

    def attention(name: str, inner: int) -> None:
        for part in ("q", "k", "v"):
            linear(f"{name}.{part}", hidden, inner)
        linear(f"{name}.out", inner, hidden)

    linear("name", sizes.name, hidden)
    linear("pixel", sizes.pixel, hidden)
    attention("name_to_pixel", hidden // 2)
    norm("fused_norm")
    linear("fused", hidden, hidden)
    linear("state", sizes.state, hidden)
    weights["queries"] = draws.array(sizes.queries, hidden)
    for i in range(sizes.blocks):
        attention(f"block{i}.self", hidden)
        attention(f"block{i}.query_to_key", hidden // 2)
        attention(f"block{i}.key_to_query", hidden // 2)
        linear(f"block{i}.mlp0", hidden, sizes.mlp)
        linear(f"block{i}.mlp1", sizes.mlp, hidden)
        for j in (1, 2, 3, 4):
            norm(f"block{i}.norm{j}")
    linear("prompt", sizes.queries * hidden, sizes.prompt)
    linear("name_out", hidden, sizes.prompt)
    return weights


def random_inputs(sizes: Sizes, seed: int, frames: int = 3, names: int = 4, pixels: int = 25) -> Weights:
    """One clip: `state` (D,), `names` (n, name), `pixels` and `places` (frames, pixels, pixel); values of float32."""
    draws, shapes = Draws(seed), {"state": (sizes.state,), "names": (names, sizes.name)}
    shapes |= dict.fromkeys(("pixels", "places"), (frames, pixels, sizes.pixel))
    return {name: draws.array(*shape).astype(np.float32).astype(np.float64) for name, shape in shapes.items()}


def linear(weights: Weights, name: str, x: Array) -> Array:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def norm(weights: Weights, name: str, x: Array) -> Array:
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(-1, keepdims=True))
    result: Array = e / e.sum(-1, keepdims=True)
    return result


def attention(weights: Weights, name: str, q: Array, k: Array, v: Array, heads: int) -> Array:
    """Attention of one frame: q (n, hidden), k and v (m, hidden) -> (n, hidden), one head after the other."""
    q, k, v = linear(weights, f"{name}.q", q), linear(weights, f"{name}.k", k), linear(weights, f"{name}.v", v)
    width = q.shape[-1] // heads
    parts = []
    for head in range(heads):
        own = slice(head * width, (head + 1) * width)
        parts.append(softmax(q[:, own] @ k[:, own].T / width**0.5) @ v[:, own])
    return linear(weights, f"{name}.out", np.concatenate(parts, -1))


def block(
    weights: Weights, name: str, queries: Array, keys: Array, at_queries: Array, at_keys: Array, heads: int, skip: bool
) -> tuple[Array, Array]:
    """SAM's two-way block. `skip`: its self-attention sees no encoding and has no residual connection."""
    if skip:
        queries = attention(weights, f"{name}.self", queries, queries, queries, heads)
    else:
        q = queries + at_queries
        queries = queries + attention(weights, f"{name}.self", q, q, queries, heads)
    queries = norm(weights, f"{name}.norm1", queries)
    q, k = queries + at_queries, keys + at_keys
    queries = norm(weights, f"{name}.norm2", queries + attention(weights, f"{name}.query_to_key", q, k, keys, heads))
    wide = np.maximum(linear(weights, f"{name}.mlp0", queries), 0)
    queries = norm(weights, f"{name}.norm3", queries + linear(weights, f"{name}.mlp1", wide))
    q = queries + at_queries
    keys = norm(weights, f"{name}.norm4", keys + attention(weights, f"{name}.key_to_query", k, q, queries, heads))
    return queries, keys


def qformer(weights: Weights, keys: Array, sizes: Sizes, as_ours: bool = False) -> tuple[Array, Array]:
    """Keys of one frame (1 + n, hidden) -> the sparse prompt (prompt,) and an embedding of each key.

    The authors give every block the learned queries and the FIRST keys as encodings, and no block skips them.
    `as_ours`: the wiring of SAM's own transformer with nothing to place the keys by: the first block skips the
    encoding, keys have none.
    """
    first, at_keys = weights["queries"], np.zeros_like(keys) if as_ours else keys
    queries = first
    for i in range(sizes.blocks):
        skip = as_ours and i == 0
        queries, keys = block(weights, f"block{i}", queries, keys, first, at_keys, sizes.heads, skip)
    return linear(weights, "prompt", queries.reshape(-1)), linear(weights, "name_out", keys)


def project(weights: Weights, inputs: Weights, sizes: Sizes, as_ours: bool = False) -> tuple[Array, Array]:
    """One clip -> prompts (frames, prompt) and embeddings of `<SEG>` and the names (frames, 1 + n, prompt)."""
    names, state = linear(weights, "name", inputs["names"]), linear(weights, "state", inputs["state"])
    prompts, embeddings = [], []
    for pixels, places in zip(inputs["pixels"], inputs["places"], strict=True):
        seen = linear(weights, "pixel", pixels + places)
        fused = names + attention(weights, "name_to_pixel", names, seen, seen, sizes.pixel_heads)
        fused = linear(weights, "fused", norm(weights, "fused_norm", fused))
        prompt, embedding = qformer(weights, np.concatenate([state[None], fused]), sizes, as_ours)
        prompts.append(prompt)
        embeddings.append(embedding)
    return np.stack(prompts), np.stack(embeddings)
