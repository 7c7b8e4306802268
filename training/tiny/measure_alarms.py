"""Which names raise false alarms? The logit of each name of the `street` benchmark on frames of videos of another seed.

    python training/tiny/measure_alarms.py [--model demo/run/fit/model] [--seeds 1 2 3 4] [--videos 32]

For each name: its mean logit on normal frames and on abnormal frames of the videos that begin with it, on how many normal
frames it is the strongest, and the AUC of its own logit and of the frames' scores, these abnormal frames against normal
ones. Last the AUC of the frames' scores, of the strongest name and of the log of the names' summed odds, by seed and over all.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from lavida.batch import Sample
from lavida.modeling import Lavida
from lavida.processing import LavidaProcessor
from lavida_bench.benchmarks import _base as benchmark
from lavida_bench.benchmarks._street_script import NAMES, NORMAL_EVERY

FRAMES, BATCH = 8, 32
"""Frames of a video that are looked at, and at once."""


def main() -> None:
    """Look and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="tiny", help="a saved model, or tiny: the shipped parts")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[1, 2, 3, 4], help="of the videos; the benchmark's is 0"
    )
    parser.add_argument("--videos", type=int, default=32)
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = Lavida.from_preset("tiny") if args.model == "tiny" else Lavida.from_pretrained(args.model)
    model.train(mode=False)
    processor = LavidaProcessor.from_preset("tiny")
    frames, abnormal, event, seeds = [], [], [], []
    for seed in args.seeds:
        for number, video in enumerate(benchmark.make("street", None, {"seed": seed, "videos": args.videos}).videos()):
            assert video.frame_labels is not None
            for time in np.linspace(5, video.frame_count - 6, FRAMES).astype(int).tolist():
                frames.append(video.reader(time, time + 1, 1))
                abnormal.append(bool(video.frame_labels[time]))
                event.append((number - number // NORMAL_EVERY) % len(NAMES))
                seeds.append(seed)
    scores, logits = [], []
    with torch.no_grad():
        for start in range(0, len(frames), BATCH):
            some = [Sample(one, NAMES) for one in frames[start : start + BATCH]]
            output = model(processor(some, "score"))
            scores.append(output.scores.numpy())
            logits.append(output.names.numpy())
    score, name, bad, which = np.concatenate(scores), np.concatenate(logits), np.array(abnormal), np.array(event)
    strongest = name.argmax(axis=1)
    print("| name | normal | own | strongest on normal | own AUC | score's AUC |\n|---|---|---|---|---|---|")
    for at, text in enumerate(NAMES):
        rows = ~bad | (which == at)
        own, whole = (roc_auc_score(bad[rows], values[rows]) for values in (name[:, at], score))
        normal, mean, top = name[~bad, at].mean(), name[bad & rows, at].mean(), (strongest[~bad] == at).mean()
        print(f"| {text} | {normal:.2f} | {mean:.2f} | {top:.0%} | {own:.3f} | {whole:.3f} |")
    print(f"\n{len(bad)} frames, {bad.mean():.0%} abnormal")
    for seed in (*args.seeds, "all"):
        rows = np.isin(np.array(seeds), args.seeds if seed == "all" else seed)
        kinds = {
            "frame AUC": score,
            "of the strongest name": name.max(axis=1),
            "of the odds": np.logaddexp.reduce(name, axis=1),
        }
        print(f"seed {seed}: {', '.join(f'{k} {roc_auc_score(bad[rows], v[rows]):.3f}' for k, v in kinds.items())}")


if __name__ == "__main__":
    main()
