"""How much memory does a fit take for each weight until its model is loaded, and what is left of it?

    python benchmarks/load_memory.py [--layers 20] [--processes 2]

A random Qwen2-VL of 0.37 billion weights is written as its publishers have it, bfloat16 in shards, beside a tiny SAM2 and
CLIP; then `make_model` loads it in a process of its own, as a fit does (embeddings and language head train in full, LoRA in
the language model). Bytes are above what the process has before, for each weight of the language model:

    peak      resident memory at its highest, pages of mapped files with it (VmHWM)
    private   what belongs to this process alone at its highest (RssAnon, looked at every 2 ms)
    kept      private memory after loading
    share     memory of this process after loading, mapped pages divided by the processes that map them (Pss)
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import torch
from transformers import AutoConfig, CLIPTextModel, Qwen2VLForConditionalGeneration, Sam2VideoModel

from lavida import presets
from lavida.tiny import tokenizer
from lavida_bench.config.recipe import RunRecipe
from lavida_bench.fitting.model_init import make_model

PROJECTOR = {"projector_hidden": 96, "qformer_queries": 4, "qformer_blocks": 2, "qformer_mlp": 192}


def write_parts(folder: Path, layers: int) -> int:
    """Write language model, SAM2 and CLIP; return the weights of the language model."""
    plain = presets._tiny_qwen()
    plain["text_config"] |= {
        "vocab_size": 32_000, "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": layers,
        "num_attention_heads": 16, "num_key_value_heads": 4,
        "rope_parameters": {"rope_type": "default", "mrope_section": [8, 12, 12], "rope_theta": 1e6},
    }  # fmt: skip
    plain["vision_config"]["hidden_size"] = 1024
    torch.set_default_dtype(torch.bfloat16)
    mllm = Qwen2VLForConditionalGeneration(AutoConfig.for_model("qwen2_vl", **plain))
    torch.set_default_dtype(torch.float32)
    mllm.save_pretrained(folder / "mllm", max_shard_size="200MB")
    tokenizer.load_tokenizer().save_pretrained(folder / "mllm")
    Sam2VideoModel(AutoConfig.for_model("sam2_video", **presets._tiny_sam())).save_pretrained(folder / "sam")
    CLIPTextModel(presets._tiny_names()).save_pretrained(folder / "text")
    tokenizer.load_tokenizer(names=True).save_pretrained(folder / "text")
    return sum(weight.numel() for weight in mllm.parameters())


def recipe_of(folder: Path, half_frozen: bool) -> RunRecipe:
    """A fit of these parts, as recipe `paper` does it, or with all weights in float32."""
    parts = {name: str(folder / name) for name in ("mllm", "sam", "text")}
    fit = {"precision": "bf16", "half_frozen": half_frozen}
    model = {"parts": parts, "config": PROJECTOR}
    return RunRecipe.model_validate({"name": "load", "model": model, "data": [{"corpus": "none"}], "fit": fit})


def memory(key: str, file: str = "status") -> int:
    """A number of /proc/self in bytes."""
    found = re.search(rf"^{key}:\s+(\d+) kB", Path(f"/proc/self/{file}").read_text("utf-8"), re.M)
    assert found is not None, key
    return int(found[1]) * 1024


def watch(stop: threading.Event, private: list[int]) -> None:
    """Note the private memory until stopped."""
    while not stop.wait(0.002):
        private[0] = max(private[0], memory("RssAnon"))


def work(folder: Path, half_frozen: bool) -> None:
    """Load the model; print the four numbers; wait for a line before leaving, so that others still share the pages."""
    make_model(RunRecipe.model_validate({"name": "warm", "model": {"preset": "tiny"}}), lambda text: None)
    Path("/proc/self/clear_refs").write_text("5", "utf-8")  # VmHWM begins anew
    before, own, share = memory("VmRSS"), memory("RssAnon"), memory("Pss", "smaps_rollup")
    stop, private = threading.Event(), [own]
    thread = threading.Thread(target=watch, args=(stop, private))
    thread.start()
    model, _ = make_model(recipe_of(folder, half_frozen), lambda text: None)
    stop.set()
    thread.join()
    print("loaded", flush=True)
    sys.stdin.readline()
    numbers = {
        "peak": memory("VmHWM") - before, "private": private[0] - own,
        "kept": memory("RssAnon") - own, "share": memory("Pss", "smaps_rollup") - share,
    }  # fmt: skip
    print(json.dumps(numbers), flush=True)
    sys.stdin.readline()
    assert next(iter(model.parameters())) is not None


def measure(folder: Path, half_frozen: bool, processes: int) -> list[dict[str, int]]:
    """Load in several processes at once."""
    command = [sys.executable, __file__, "--worker", str(folder), "half" if half_frozen else "full"]
    pipe = subprocess.PIPE
    workers = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(processes)]
    answers: list[str] = []
    for _ in range(2):  # loaded, then the numbers
        answers = [worker.stdout.readline() for worker in workers if worker.stdout]
        for worker in workers:
            assert worker.stdin is not None
            if len(answers) == processes:
                worker.stdin.write("\n")
                worker.stdin.flush()
    for worker in workers:
        worker.wait()
    return [json.loads(answer) for answer in answers]


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=20)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(Path(options.worker[0]), options.worker[1] == "half")
        return
    with tempfile.TemporaryDirectory() as name:
        weights = write_parts(Path(name), options.layers)
        print(f"{weights / 1e6:.1f} M weights\n\n| weights | processes | peak | private | kept | share |")
        print("|---|---|---|---|---|---|")
        for half_frozen in (False, True):
            for processes in sorted({1, options.processes}):
                worst = measure(Path(name), half_frozen, processes)
                cells = [f"{max(one[key] for one in worst) / weights:.2f}" for key in worst[0]]
                what = "frozen ones bfloat16" if half_frozen else "float32"
                print(f"| {what} | {processes} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
