"""LAVIDA's `paper` preset at full size on a GPU: loading, one training step, scoring, peak memory, where time goes.

    python benchmarks/model_gpu.py [--preset paper] [--device cuda] [--clips 10]

Weights are random (in bfloat16), so the numbers are of speed and memory alone. Prints Markdown; without a GPU it says so
and ends. `--preset tiny --device cpu` tries the script itself.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

from lavida.batch import Sample
from lavida.config import LavidaConfig
from lavida.modeling import Lavida
from lavida.processing import LavidaProcessor, Sizes
from lavida.tiny_tokenizer import load
from lavida.trainable import prepare, table

RATIOS = (1.0, 0.5, 0.2)


class Meter:
    """Wall seconds and peak memory of a call on the device."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.cuda = device.type == "cuda"

    def __call__(self, run: Callable[[], Any]) -> tuple[float, float]:
        """Seconds, GiB at the peak (0 on a CPU)."""
        if self.cuda:
            torch.cuda.reset_peak_memory_stats(self.device)
            torch.cuda.synchronize(self.device)
        start = time.perf_counter()
        run()
        if self.cuda:
            torch.cuda.synchronize(self.device)
        peak = torch.cuda.max_memory_allocated(self.device) / 2**30 if self.cuda else 0.0
        return time.perf_counter() - start, peak


def clip(size: tuple[int, int]) -> Sample:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (8, *size, 3), dtype=np.uint8)
    masks = np.zeros((8, *size), dtype=bool)
    masks[:, 40:200, 60:240] = True
    names = ("fighting", "running", "car", "bicycle", "fire", "person lying down", "cart", "skateboard")
    return Sample(pixels, names, masks=masks, labels=tuple(name == "car" for name in names), key="drawn")


def build(preset: str, device: torch.device) -> Lavida:
    """The preset with random weights, made on the device, ids of the tiny tokenizer in place of the published one."""
    tokens = {"vision_start_token_id": 3, "vision_end_token_id": 4, "image_token_id": 5, "video_token_id": 6}
    config = LavidaConfig.preset(preset, seg_token_id=7)
    for name, value in tokens.items():
        setattr(config.mllm, name, value)
    config.names.eos_token_id = 2
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16 if device.type == "cuda" else torch.float32)
    try:
        with device:
            return Lavida(config)
    finally:
        torch.set_default_dtype(before)


def training(model: Lavida, batch: Any, meter: Meter) -> None:
    prepare(model)
    model.train()
    model.gradient_checkpointing_enable()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=1e-5, fused=meter.cuda)

    def step() -> None:
        loss = model(batch).loss
        assert loss is not None
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        optimiser.zero_grad()

    first, _ = meter(step)
    took, peak = meter(step)
    print(
        f"| training step, 1 x 8 frames, gradient checkpointing (the first: {first:.2f} s) | {took:.2f} s | {peak:.1f} GiB |"
    )
    model.gradient_checkpointing_disable()


def scoring(model: Lavida, batch: Any, meter: Meter, clips: int) -> None:
    model.eval()

    def run() -> None:
        with torch.inference_mode():
            for _ in range(clips):
                model(batch)

    for memory in ("none", "causal"):
        for ratio in RATIOS if memory == "none" else (0.5,):
            model.config.memory, model.config.reduction_ratio = memory, ratio
            run()
            took, peak = meter(run)
            rate = clips * 8 / took
            print(
                f"| scoring, memory {memory}, reduction_ratio {ratio}: {rate:.1f} frames/s | {took:.2f} s | {peak:.1f} GiB |"
            )
    model.config.memory, model.config.reduction_ratio = "none", 0.5


def where_time_goes(model: Lavida, batch: Any, meter: Meter) -> None:
    activities = [ProfilerActivity.CPU] + ([ProfilerActivity.CUDA] if meter.cuda else [])
    with torch.inference_mode(), profile(activities=activities) as seen:
        model(batch)
    key = "cuda_time_total" if meter.cuda else "cpu_time_total"
    print("\n## Where a scored clip's time goes\n\n```")
    print(seen.key_averages().table(sort_by=key, row_limit=15, max_name_column_width=60))
    print("```")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="paper")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--clips", type=int, default=10)
    args = parser.parse_args()
    device = torch.device(args.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        print("No CUDA device: nothing measured.")
        return
    meter = Meter(device)
    name = torch.cuda.get_device_name(device) if meter.cuda else "CPU"
    precision = "bfloat16" if meter.cuda else "float32"
    print(f"# `{args.preset}` with random weights in {precision} on {name}, torch {torch.__version__}\n")
    print("| what | time | peak memory |\n|---|---|---|")
    made: list[Lavida] = []
    took, peak = meter(lambda: made.append(build(args.preset, device)))
    print(f"| made on the device | {took:.1f} s | {peak:.1f} GiB |")
    model = made[0]
    processor = LavidaProcessor(load(), load(names=True), Sizes.of(model.config))
    sample = clip((480, 640))
    took, _ = meter(lambda: processor([sample], "score"))
    print(f"| processor, a clip of 8 frames at 480 x 640 | {took:.2f} s | |")
    training(model, processor([sample], "train").to(device), meter)
    scored = processor([sample], "score").to(device)
    scoring(model, scored, meter, args.clips)
    print(f"\n```\n{table(prepare(model))}\n```")
    where_time_goes(model, scored, meter)


if __name__ == "__main__":
    main()
