"""How often nominal 95 % intervals hold the truth: drawn benchmarks of 12 and 30 videos, several processes and methods.

    python benchmarks/intervals.py [--draws 2000] [--out docs/measurements/intervals.md]

A process is a population of 3,000 drawn videos; the truth is the metric over all of them. A draw takes 12 or 30 of them at
random, computes the metric, its jackknife and its bootstrap, and looks whether each method's interval holds the truth.
Finished lines are kept in `--out` plus `.jsonl`: the same command continues after a kill.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from lavida_bench.metrics import _curves as curves
from lavida_bench.metrics._bootstrap import Bootstrap, percentile_interval
from lavida_bench.metrics._intervals import interval

Array = NDArray[np.float64]
Ends = tuple[float, float]


class Line(NamedTuple):
    """One line of the result: method -> share of the draws that hold the truth, that lie above it, below it; width."""

    process: str
    metric: str
    videos: int
    draws: int
    truth: float
    methods: dict[str, list[float]]


BINS = 40  # scores of a video, so that a draw is a few matrix products
POPULATION = 3000
PROCESSES = {
    "even": "all videos of 400 frames",
    "heavy-tailed": "lengths log-normal, sigma 1: the longest of 30 videos has a fifth of the frames",
    "dominated": "one video in 15 is 27 times as long as the others",
    "ties": "six distinct scores",
    "cameras": "each video's scores are shifted by a standard normal offset",
}
METRICS = ("frame AUC micro", "frame AUC macro", "frame AP micro", "pixel AP micro")


def population(process: str, pixels: bool, rng: np.random.Generator) -> tuple[Array, Array]:
    """(POPULATION, BINS) counts of abnormal and of normal frames (or pixels) by score; three videos in ten are normal."""
    lengths = {
        "heavy-tailed": 400 * np.exp(rng.normal(0, 1, POPULATION)),
        "dominated": np.where(rng.random(POPULATION) < 1 / 15, 8000, 300),
        "cameras": 400 * np.exp(rng.normal(0, 0.5, POPULATION)),
    }.get(process, np.full(POPULATION, 400.0))
    frames = np.maximum(lengths.astype(int), 40) * (50 if pixels else 1)
    share = rng.beta(1, 40, POPULATION) if pixels else rng.beta(1.2, 3, POPULATION)
    positives = rng.binomial(frames, np.where(rng.random(POPULATION) < 0.3, 0, share))
    offset = rng.normal(0, 1.0 if process == "cameras" else 0.4, POPULATION)
    skill = rng.normal(1.3, 0.7, POPULATION)  # how far a video's abnormal scores lie above its normal ones
    few = np.concatenate([np.linspace(-1, 3, 5), np.full(BINS - 6, np.inf)])
    edges = few if process == "ties" else np.linspace(-4, 6, BINS - 1)

    def counts(mean: Array, numbers: NDArray[np.int64]) -> Array:
        below = ndtr(edges - mean[:, None])
        shares = np.diff(below, prepend=0, append=1, axis=1)
        clumped = rng.gamma(np.maximum(25 * shares, 1e-9))  # neighbouring frames are alike
        return np.asarray(rng.multinomial(numbers, clumped / clumped.sum(axis=1, keepdims=True)), np.float64)

    return counts(offset + skill, positives), counts(offset, frames - positives)


def area(metric: str, positives: Array, negatives: Array) -> Array:
    return (curves.auc if "AUC" in metric else curves.average_precision)(positives, negatives)


def bias_corrected(value: float, left_out: Array, samples: Array) -> Ends:
    """BCa (Efron 1987)."""
    away = left_out.mean() - left_out
    spread = (away**2).sum() ** 1.5
    bend = float((away**3).sum() / (6 * spread)) if spread else 0.0
    below = np.clip((samples < value).mean() + (samples == value).mean() / 2, 1e-3, 1 - 1e-3)
    shift = float(ndtri(below))
    ends = shift + np.array([-1.96, 1.96])
    low, high = np.quantile(samples, ndtr(shift + ends / (1 - bend * ends)))
    return float(low), float(high)


def intervals(value: float, left_out: Array, samples: Array) -> dict[str, Ends]:
    """Method -> interval of one draw."""
    low, high, _ = percentile_interval(samples)
    ours = interval(value, left_out, samples, share=True)
    assert low is not None, "no resample"
    assert high is not None, "no resample"
    assert ours[0] is not None, "no interval"
    assert ours[1] is not None, "no interval"
    defined = left_out[np.isfinite(left_out)]
    return {"ours": (ours[0], ours[1]), "percentile": (low, high), "BCa": bias_corrected(value, defined, samples)}


def one_draw(metric: str, positives: Array, negatives: Array, drawn: Array, left: Array) -> tuple[float, Array, Array]:
    """The value over V videos, its jackknife and its resamples, as the library computes them."""
    if "macro" in metric:
        own = area(metric, positives, negatives)
        defined = np.isfinite(own)

        def mean(weights: Array) -> Array:
            with np.errstate(invalid="ignore", divide="ignore"):
                return np.asarray(weights[:, defined] @ own[defined] / weights[:, defined].sum(axis=1))

        return float(mean(np.ones((1, len(own))))[0]), mean(left), mean(drawn)
    value = float(area(metric, positives.sum(axis=0), negatives.sum(axis=0)))
    return value, area(metric, left @ positives, left @ negatives), area(metric, drawn @ positives, drawn @ negatives)


def simulate(process: str, metric: str, videos: int, draws: int, resamples: int) -> Line:
    """Coverage, misses on each side and mean width of every method."""
    rng = np.random.default_rng([videos, *map(ord, process + metric)])
    positives, negatives = population(process, "pixel" in metric, rng)
    everything = one_draw(metric, positives, negatives, np.ones((1, POPULATION)), np.ones((1, POPULATION)))
    truth, used = everything[0], 0
    counts: dict[str, list[float]] = {}
    while used < draws:
        chosen = rng.integers(0, POPULATION, videos)
        bootstrap = Bootstrap(resamples, int(rng.integers(1 << 31)))
        drawn, left = bootstrap.weights(videos), bootstrap.left_out(videos)
        value, left_out, samples = one_draw(metric, positives[chosen], negatives[chosen], drawn, left)
        samples = samples[np.isfinite(samples)]
        if not np.isfinite(value) or np.isfinite(left_out).sum() < 2:
            continue  # the metric has no interval there
        used += 1
        for method, (low, high) in intervals(value, left_out, samples).items():
            row = counts.setdefault(method, [0.0, 0.0, 0.0, 0.0])
            for place, what in enumerate((low <= truth <= high, truth < low, truth > high, high - low)):
                row[place] += float(what) / draws
    return Line(process, metric, videos, draws, truth, counts)


def lines(rows: list[Line]) -> Iterator[str]:
    """The result as Markdown."""
    draws, methods = rows[0].draws, list(rows[0].methods)
    error = 100 * (0.95 * 0.05 / draws) ** 0.5
    yield from (
        "# Intervals: how often they hold the truth",
        "",
        f"Written by `python benchmarks/intervals.py`: {draws:,} draws a line, nominal 95 %. The simulation's own standard error",
        f"is {error:.1f} points at 95 %. A cell: share of the draws whose interval holds the truth, in percent (truth below the",
        "interval / above it), mean width in points. *ours*: metrics/_intervals.py; *percentile*: what version 0.1 and most",
        "papers use.",
        "",
    )
    yield from (f"- {name}: {text}" for name, text in PROCESSES.items())
    yield ""
    yield f"| videos | process | metric | truth | {' | '.join(methods)} |"
    yield "|---|---|---|---|" + "---|" * len(methods)
    for row in rows:
        cells = [
            f"{100 * inside:.1f} ({100 * below:.1f} / {100 * above:.1f}), {100 * width:.0f}"
            for inside, below, above, width in row.methods.values()
        ]
        yield f"| {row.videos} | {row.process} | {row.metric} | {100 * row.truth:.1f} | {' | '.join(cells)} |"
    yield ""
    worst = (f"{method} {100 * min(row.methods[method][0] for row in rows):.1f} %" for method in methods)
    yield f"Lowest coverage: {', '.join(worst)}."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--resamples", type=int, default=400)
    parser.add_argument("--out", type=Path, default=Path("docs/measurements/intervals.md"))
    options = parser.parse_args()
    kept = options.out.with_suffix(".jsonl")
    rows = [Line(**json.loads(line)) for line in kept.read_text("utf-8").splitlines()] if kept.is_file() else []
    rows = [row for row in rows if row.draws == options.draws]
    done = {(row.process, row.metric, row.videos) for row in rows}
    for videos in (12, 30):
        for process in PROCESSES:
            for metric in METRICS:
                if (process, metric, videos) in done:
                    continue
                start = time.process_time()
                rows.append(simulate(process, metric, videos, options.draws, options.resamples))
                with kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(rows[-1]._asdict()) + "\n")
                print(json.dumps(rows[-1]._asdict()), f"{time.process_time() - start:.1f} s", flush=True)
    options.out.write_text("\n".join(lines(rows)) + "\n", "utf-8")
    kept.unlink()


if __name__ == "__main__":
    main()
