"""What is killed: seven commands on tiny inputs, and what of their results has to be equal after a kill.

Dates, seconds and pages made of them are left out; a file without a rule counts with every byte.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "gen"))

REPO = "someone/corpus"
SIZE = "size=[96,144]"
CORPUS = {
    "name": "kill", "samples": 32, "val": 0.25, "shard": {"samples": 8}, "exposures": ["relabel", "absent"],
    "names_per_prompt": 4, "prompts_per_scene": 1,
    "sources": [
        {"name": "street", "scenes": 24, "size": [96, 128], "weight": 3},
        {"name": "street", "scenes": 8, "size": [96, 128], "kind": "clip", "frames": 3, "seed": 5},
    ],
}  # fmt: skip
FIT = {
    "name": "kill", "seed": 3, "model": {"preset": "tiny"}, "data": [{"corpus": "inputs/corpus"}],
    "fit": {
        "steps": 5, "batch": 2, "accumulation": 1, "lr": 1e-3, "warmup": 2, "precision": "no", "log_every": 1, "ema": 0.9,
        "loader": {"workers": 1}, "validation": {"every": 2, "samples": 3}, "checkpoint": {"every": 2},
    },
}  # fmt: skip
STREET = ["--set", "videos=2", "--set", "frames=24", "--set", SIZE]


@dataclass(frozen=True)
class Area:
    """A command that is killed: its arguments; OUT stands for the folder that it writes."""

    name: str
    about: str
    words: tuple[str, ...]

    def command(self) -> Callable[[], None]:
        """What the command's process calls."""
        program, *words = self.words

        def call() -> None:
            if program == "lavida-gen":
                from lavida_gen.cli import main
            else:
                from lavida_bench.cli import main
            main([*words], prog_name=program)

        return call


AREAS = (
    Area("build", "two worker processes", ("lavida-gen", "build", "--recipe", "inputs/corpus.yaml", "--out", "out/corpus", "-w", "2")),
    Area("merge", "two parts into a new folder", ("lavida-gen", "merge", "out/corpus", "inputs/part0", "inputs/part1")),
    Area("publish", "to a stand-in for the Hub on loopback", ("lavida-gen", "publish", "inputs/corpus", "--repo", REPO, "-w", "1")),
    Area("fit", "5 steps, a loader process, averaged weights, validation", ("lavida-bench", "fit", "--recipe", "inputs/fit.yaml", "--out", "out/fit")),
    Area("score", "draws the benchmark, with absent names, pixel maps, report", (
        "lavida-bench", "score", "street", "--root", "out/street", *STREET, "--model", "tiny", "--batch", "1", "--readers", "2",
        "--absent", "dog, horse", "--out", "out/run",
    )),
    Area("score-files", "all metrics, intervals, baselines, report", (
        "lavida-bench", "score-files", "-b", "street", "--root", "inputs/street", *STREET, "-s", "inputs/scores",
        "--resamples", "50", "--out", "out/run",
    )),
    Area("predict", "overlay, timeline, scores, segments", (
        "lavida-bench", "predict", "inputs/film.mp4", "--names", "bicycle, dog", "--model", "tiny", "--every", "2",
        "--out", "out/film",
    )),
)  # fmt: skip


def prepare(inputs: Path) -> None:
    """Make the inputs, in the working folder's `inputs`."""
    import numpy as np
    import yaml

    from lavida_bench.benchmarks import _base as benchmarks
    from lavida_gen.building import build
    from lavida_gen.config import recipe as recipes

    inputs.mkdir(parents=True)
    (inputs / "corpus.yaml").write_text(yaml.safe_dump(CORPUS))
    (inputs / "fit.yaml").write_text(yaml.safe_dump(FIT))
    recipe = recipes.parse(json.loads(json.dumps(CORPUS)))
    build.build(recipe, inputs / "corpus")
    shards = len(build.dry_run(recipe))
    for number, part in enumerate((slice(0, 2), slice(2, shards))):
        build.build_part(recipe, inputs / f"part{number}", part, build.BuildSettings())
    opened = benchmarks.make("street", inputs / "street", {"videos": 2, "frames": 24, "size": [96, 144]}, False)
    (inputs / "scores").mkdir()
    for video in opened.videos():
        values = np.sin(np.arange(video.frame_count, dtype=np.float32))
        np.save(inputs / "scores" / f"{video.key}.npy", values)
    _film(inputs / "film.mp4")


def _film(path: Path) -> None:
    """48 frames of 96 x 144: a light square that wanders over noise."""
    import av
    import numpy as np

    noise = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"preset": "ultrafast"})
        stream.height, stream.width, stream.pix_fmt = 96, 144, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 10)
        for number in range(48):
            pixels = noise.integers(40, 90, (96, 144, 3), np.uint8)
            pixels[30:60, 2 * number : 2 * number + 30] = 230
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


# ---- what has to be equal -----------------------------------------------------------------------------------------


def fingerprint(folder: Path) -> dict[str, str]:
    """A digest of each file below a folder, by path."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() or "/tensorboard/" in f"/{name}":  # a file for each start
            continue
        found[name] = _digest(path, name)
    return found


def _digest(path: Path, name: str) -> str:
    if path.suffix in (".html", ".md") and "/run/" in f"/{name}":
        return "made of results.json, with dates"
    if "/checkpoints/" in name and path.suffix not in (".safetensors", ".yaml"):
        return "state of the optimiser and of random numbers"
    rule = RULES.get(path.name)
    data = path.read_bytes() if rule is None else json.dumps(rule(path.read_text("utf-8")), sort_keys=True).encode()
    return hashlib.sha256(data).hexdigest()


def _log(text: str) -> Any:
    """Losses and validations of log.jsonl without speeds."""
    lines = [json.loads(line) for line in text.splitlines()]
    return [
        {key: value for key, value in line.items() if key not in TIMES} for line in lines if "note" not in line
    ]  # fmt: skip


def _without(*dropped: str) -> Callable[[str], Any]:
    """A rule: the JSON without some keys, at any depth."""

    def clean(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: clean(inner) for key, inner in value.items() if key not in dropped}
        return [clean(inner) for inner in value] if isinstance(value, list) else value

    return lambda text: clean(json.loads(text))


TIMES = ("samples_per_second", "seconds", "memory", "gigabytes", "data_seconds", "wait")
RULES: dict[str, Callable[[str], Any]] = {
    "log.jsonl": _log,
    "results.json": _without("provenance", "seconds", "date", "made"),
    "result.json": _without("provenance"),
    "score.json": _without("seconds"),
    "fit.json": _without(*TIMES),
    "stages.json": _without("seconds", "finished"),
}
