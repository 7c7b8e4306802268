"""LAVIDA's `paper` preset at full size on a GPU: training samples a second, scoring, peak memory, where time goes.

    python benchmarks/model_gpu.py [--preset paper] [--device cuda] [--clips 10]

Weights are random, so the numbers are of speed and memory alone. Training is as recipes/bench/paper.yaml has it: frozen
weights in bfloat16, trained ones in float32 under autocast, gradient checkpointing, AdamW. Scoring is in bfloat16. Batches
are prepared before the clock runs (benchmarks/score.py has the whole way from a video). Prints Markdown; without a GPU
it prints that and ends. `--preset tiny --device cpu` tries the script itself.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

from lavida.batch import Sample
from lavida.config import LavidaConfig
from lavida.modeling import Lavida
from lavida.parts.trainable import format_table, set_trainable
from lavida.processing import LavidaProcessor, Sizes
from lavida.tiny.tokenizer import load_tokenizer

RATIOS = (1.0, 0.5, 0.2)
STEPS = 5
"""Training steps that are timed, after one that is not."""


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


def training(model: Lavida, batches: dict[str, Any], meter: Meter) -> None:
    """Samples a second of whole steps, as the paper's recipe trains."""
    set_trainable(model)
    model.train()
    model.gradient_checkpointing_enable()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for parameter in trained:
        parameter.data = parameter.data.float()
    optimiser = torch.optim.AdamW(trained, lr=1e-5, fused=meter.cuda)

    def step(batch: Any) -> None:
        with torch.autocast(meter.device.type, torch.bfloat16, enabled=meter.cuda):
            loss = model(batch).loss
        assert loss is not None
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        optimiser.zero_grad()

    for what, batch in batches.items():
        meter(lambda batch=batch: step(batch))
        took, peak = meter(lambda batch=batch: [step(batch) for _ in range(STEPS)])
        rate = STEPS * len(batch) / took
        print(
            f"| training, {what} a step: {rate:.2f} samples/s | {took / STEPS:.2f} s a step | {peak:.1f} GiB |",
            flush=True,
        )
    model.gradient_checkpointing_disable()


def scoring(model: Lavida, batches: dict[int, Any], meter: Meter, clips: int) -> None:
    """Frames a second by clips of a forward pass, memory and reduction_ratio."""
    model.eval()

    def run(batch: Any) -> None:
        with torch.inference_mode():
            for _ in range(clips):
                model(batch)

    cases = [("none", ratio, size) for ratio in RATIOS for size in batches if size == 1 or ratio == 0.5]
    for memory, ratio, size in [*cases, ("causal", 0.5, 1)]:
        model.config.memory, model.config.reduction_ratio = memory, ratio
        run(batches[size])
        took, peak = meter(lambda size=size: run(batches[size]))
        rate = clips * size * 8 / took
        what = f"scoring {size} x 8 frames, memory {memory}, reduction_ratio {ratio}: {rate:.1f} frames/s"
        print(f"| {what} | {took / clips:.3f} s a forward pass | {peak:.1f} GiB |", flush=True)
    model.config.memory, model.config.reduction_ratio = "none", 0.5


def where_time_goes(model: Lavida, batch: Any, meter: Meter) -> None:
    activities = [ProfilerActivity.CPU] + ([ProfilerActivity.CUDA] if meter.cuda else [])
    with torch.inference_mode(), profile(activities=activities) as seen:
        model(batch)
    key = "self_device_time_total" if meter.cuda else "self_cpu_time_total"
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
    processor = LavidaProcessor(load_tokenizer(), load_tokenizer(names=True), Sizes.from_config(model.config))
    sample = clip((480, 640))
    took, _ = meter(lambda: processor([sample], "score"))
    print(f"| processor, a clip of 8 frames at 480 x 640 | {took:.2f} s | |", flush=True)
    still = replace(sample, frames=sample.frames[:1], masks=None if sample.masks is None else sample.masks[:1])
    batches = {"1 clip of 8 frames": [sample], "2 clips of 8 frames": [sample] * 2, "2 images": [still] * 2}
    training(model, {what: processor(samples, "train").to(device) for what, samples in batches.items()}, meter)
    module: torch.nn.Module = model
    module.to(torch.bfloat16 if meter.cuda else torch.float32)
    scored = {size: processor([sample] * size, "score").to(device) for size in (1, 4)}
    scoring(model, scored, meter, args.clips)
    print(f"\n```\n{format_table(set_trainable(model))}\n```")
    where_time_goes(model, scored[1], meter)


if __name__ == "__main__":
    main()
