"""LAVIDA's model on a CPU: token compression, forward and backward of `tiny`, memory, parameters and FLOPs of all presets.

    python benchmarks/model.py [--quick] [--part presets|tiny|compression] [--tokens 1024 4096 16384]

One thread. Times are seconds of processor time, which other work on the machine does not stretch; each compression runs
in a process of its own, so that its peak memory is its own. Prints Markdown. The GPU's part is benchmarks/model_gpu.py.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from lavida import decoder
from lavida.batch import Sample
from lavida.compression import density
from lavida.config import LavidaConfig
from lavida.modeling import Lavida
from lavida.parts.trainable import set_trainable
from lavida.processing import LavidaProcessor

CHANNELS, NEIGHBOURS, RATIO = 3584, 8, 0.5
PRESETS = ("paper", "small", "tiny")


def by_description(tokens_LC: Tensor) -> Tensor:
    """The density step word by word: the whole L x L matrix, an R x L matrix of weights, one sample."""
    length, channels = tokens_LC.shape
    x = tokens_LC.float()
    distance = torch.cdist(x, x) / channels**0.5
    near, index = distance.topk(NEIGHBOURS + 1, largest=False)
    near, index = near[:, 1:], index[:, 1:]
    reach = torch.maximum(near[index, -1], near)
    dense = NEIGHBOURS / reach.sum(1)
    centres = dense.topk(int(length * RATIO)).indices.sort().values
    owner = distance[:, centres].argmin(1)
    member = owner[None] == torch.arange(len(centres))[:, None]
    weights = (-(x[centres] @ x.T) / channels**0.5).masked_fill(~member, -torch.inf).softmax(1)
    return (weights @ x).to(tokens_LC.dtype)


def ours(tokens_LC: Tensor) -> Tensor:
    return density(tokens_LC, RATIO, NEIGHBOURS).tokens


def memory(field: str) -> float:
    """MiB of this process: VmRSS now, VmHWM at its peak (Linux)."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) / 1024


def one_compression(job: tuple[str, int]) -> tuple[float, float, Tensor]:
    """Processor seconds, MiB above what was there before, and the first merged tokens."""
    name, length = job
    torch.set_num_threads(1)
    tokens = torch.randn(length, CHANNELS, generator=torch.Generator().manual_seed(0)).bfloat16()
    before = memory("VmRSS")
    start = time.process_time()
    merged = {"ours": ours, "description": by_description}[name](tokens)
    used = time.process_time() - start
    return used, memory("VmHWM") - before, merged[:64].float()


def compression(lengths: dict[int, tuple[str, ...]]) -> None:
    """Lines of every length; from 10,000 tokens on the description is left out, for its memory."""
    print(f"\n## Density compression, C = {CHANNELS}, bfloat16, ratio {RATIO}\n")
    print("| tokens | how | tokens/s | seconds | memory it took |\n|---|---|---|---|---|")
    context = multiprocessing.get_context("spawn")
    gaps: list[str] = []
    for length, names in lengths.items():
        merged = {}
        for name in names:
            with context.Pool(1) as pool:
                used, took, merged[name] = pool.apply(one_compression, ((name, length),))
            print(f"| {length:,} | {name} | {length / used:,.0f} | {used:.2f} | {took:,.0f} MiB |", flush=True)
        if len(merged) == 2:
            gap = float((merged["ours"] - merged["description"]).abs().max())
            gaps.append(f"{gap:.1e} at {length:,}")
    print(f"\nLargest difference of the first 64 merged tokens (bfloat16, values to 4): {', '.join(gaps)}")


def clips(number: int, frames: int) -> list[Sample]:
    rng = np.random.default_rng(0)
    found = []
    for key in range(number):
        pixels = rng.integers(0, 255, (frames, 128, 128, 3), dtype=np.uint8)
        masks = np.zeros((frames, 128, 128), dtype=bool)
        masks[:, 20:60, 30:80] = True
        names = ("red car", "person in blue", "dog", "bicycle", "van", "cart")
        labels = tuple(name == "dog" for name in names)
        found.append(Sample(pixels, names, masks=masks, labels=labels, key=str(key)))
    return found


def seconds(run: Callable[[], Any], times: int) -> float:
    """Median processor time of a call, after one that does not count."""
    run()
    found = []
    for _ in range(times):
        start = time.process_time()
        run()
        found.append(time.process_time() - start)
    return statistics.median(found)


def tiny(times: int) -> None:
    print("\n## `tiny` on one thread, 8 clips of 8 frames, 128 x 128, 6 names\n")
    model, processor = Lavida.from_preset("tiny", random=True), LavidaProcessor.from_preset("tiny")
    set_trainable(model)
    drawn = clips(8, 8)
    batch = processor(drawn)
    frames = sum(batch.counts)

    def step() -> None:
        model.train()
        model.zero_grad()
        loss = model(batch).loss
        assert loss is not None
        loss.backward()

    def forward() -> None:
        model.eval()
        with torch.no_grad():
            model(batch)

    print("| what | seconds | frames/s |\n|---|---|---|")
    lines: list[tuple[str, Callable[[], Any]]] = [
        ("processor: pixels and tokens", lambda: processor(drawn)),
        ("scoring, memory none", forward),
        ("training, forward and backward", step),
    ]
    for name, run in lines:
        took = seconds(run, times)
        print(f"| {name} | {took:.3f} | {frames / took:,.0f} |")
    model.config.memory = "causal"
    took = seconds(forward, times)
    print(f"| scoring, memory causal | {took:.3f} | {frames / took:,.0f} |")
    for ratio in (1.0, 0.5, 0.2):
        model.config.memory, model.config.reduction_ratio = "none", ratio
        took = seconds(forward, times)
        print(f"| scoring, memory none, reduction_ratio {ratio} | {took:.3f} | {frames / took:,.0f} |")


def flops(run: Callable[[], Any]) -> float:
    """Billions of floating point operations of a call (a multiplication and an addition are two)."""
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops() / 1e9


def grid_of(config: LavidaConfig, use: str) -> tuple[int, int, int]:
    """Patches of a clip of 8 frames of a 3:4 shape at the top of the budget."""
    merge = config.mllm.vision_config.spatial_merge_size
    most = (config.budgets or {})[f"{use}_clip"][1]
    rows = int((most * 3 / 4) ** 0.5)
    return 4, rows * merge, most // rows * merge


def shares(name: str, use: str) -> dict[str, float]:
    """GFLOP of each part for one clip of 8 frames with 10 names and 160 tokens of text, on the meta device."""
    with torch.device("meta"):
        config = LavidaConfig.preset(name)
        model = Lavida(config).eval().requires_grad_(False)
        grid, vision = grid_of(config, use), config.mllm.vision_config
        patches = torch.empty(
            int(np.prod(grid)), vision.in_channels * vision.temporal_patch_size * vision.patch_size**2
        )
        cells = len(patches) // vision.spatial_merge_size**2
        width = config.mllm.text_config.hidden_size
        kept, side = int(cells * config.reduction_ratio), config.frame_size
        tokens = kept + 160
        names = torch.empty(8, 10, config.names.hidden_size)
        hidden, frames = torch.empty(8, width), torch.empty(8, 3, side, side)
    with torch.device("cpu"):
        inputs = model.family.tower_inputs(config.mllm, torch.tensor([grid]), None)
    inputs["position_ids"] = inputs["position_ids"].to("meta")
    real = torch.ones(8, 10, dtype=torch.bool, device="meta")
    prompt = torch.empty(8, 1, config.sam.mask_decoder_config.hidden_size, device="meta")
    with torch.no_grad():
        features = decoder.encode_frames(model.sam, frames)
        language_model = model.mllm.model.language_model
        sequence = torch.empty(1, tokens, width, device="meta")
        positions = torch.zeros(3, 1, tokens, dtype=torch.long, device="meta")
        return {
            "vision tower": flops(
                lambda: model.mllm.model.visual(patches, grid_thw=torch.tensor([grid]), return_dict=True, **inputs)
            ),
            "density": 2 * cells**2 * width / 1e9 + 2 * cells * kept * width / 1e9,
            "language model": flops(
                lambda: language_model(inputs_embeds=sequence, position_ids=positions, use_cache=False)
            ),
            "language head": flops(lambda: model.mllm.lm_head(sequence[:, :20])),
            "image encoder": flops(lambda: decoder.encode_frames(model.sam, frames)),
            "projector": flops(lambda: model.projector(hidden, names, real, features.pixels_NPC)),
            "mask decoder": flops(lambda: decoder.decode_masks(model.sam, features, prompt, [8], "none", True)),
        }


def presets() -> None:
    print("\n## Parameters\n")
    print("| preset | total | trained as the paper does | by group |\n|---|---|---|---|")
    for name in PRESETS:
        with torch.device("meta"):
            rows = set_trainable(Lavida(LavidaConfig.preset(name)))
        total = sum(row.parameters for row in rows)
        parts = ", ".join(f"{row.group} {row.parameters / total:.1%}" for row in rows)
        trained = sum(row.trained for row in rows)
        print(f"| {name} | {total / 1e6:,.1f} M | {trained / 1e6:,.1f} M ({trained / total:.1%}) | {parts} |")
    print("\n`tiny` trains all but the memory (its preset), `paper` and `small` as the authors do.")
    print("\n## FLOPs of one clip of 8 frames, forward\n")
    print("10 names, 160 tokens of text, visual tokens at the top of the budget, reduction_ratio 0.5.\n")
    print("| preset | use | GFLOP | shares |\n|---|---|---|---|")
    for name in PRESETS:
        for use in ("train", "score"):
            found = shares(name, use)
            total = sum(found.values())
            parts = ", ".join(f"{part} {value / total:.1%}" for part, value in found.items())
            print(f"| {name} | {use} | {total:,.1f} | {parts} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="seconds instead of minutes")
    parser.add_argument("--part", choices=("presets", "tiny", "compression"), help="only this part")
    parser.add_argument("--tokens", type=int, nargs="+", help="lengths to compress")
    args = parser.parse_args()
    torch.set_num_threads(1)
    tokens = args.tokens or ([512] if args.quick else [1024, 4096, 16_384])
    lengths = {length: ("ours", "description") if length < 10_000 else ("ours",) for length in tokens}
    parts: dict[str, Callable[[], None]] = {
        "presets": presets,
        "tiny": lambda: tiny(1 if args.quick else 3),
        "compression": lambda: compression(lengths),
    }
    for name in [args.part] if args.part else parts:
        parts[name]()


if __name__ == "__main__":
    main()
