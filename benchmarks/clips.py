"""What does a clip of palette masks cost, whose masks are decoded once and found again for every later sample?

    python benchmarks/clips.py [--clips 400] [--rounds 5] [--before 62898d3] [--davis FOLDER]

Builds untouched clips of drawn videos in YouTube-VOS' layout with `lavida-gen build`, in turns: the code of another
commit (which decodes the masks for every sample), an empty cache, a cache that an earlier build filled, and a plain
script (benchmarks/clips_peer.py). The shards of the three builds must have the same bytes. Then the masks of a clip
alone, of drawn videos and of a folder of DAVIS 2016 if there is one. All by processor time, of the command and its
workers: Python's start, opening the data set, statistics and card count, too.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from drawn_data import FRAMES, draw_vos

HERE = Path(__file__).parent
GOAL = 1.6


def recipe(root: Path, clips: int) -> dict[str, object]:
    """A recipe of clips that overlap, so that there are many: 9 of each video."""
    source = {"name": "youtube_vos", "root": str(root), "frames": FRAMES, "hop": 1}
    exposures = ["relabel", "absent"]
    shard = {"samples": max(20, clips // 8)}
    return {"name": "bench", "samples": clips, "val": 0.05, "shard": shard, "sources": [source], "exposures": exposures}


def other_code(commit: str, home: Path) -> Path:
    """The folder of the generator's code at a commit."""
    packed = subprocess.run(
        ["git", "archive", commit, "generator", "recipes"], cwd=HERE.parent, check=True, capture_output=True
    )
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as tar:
        tar.extractall(home / "before", filter="data")
    return home / "before" / "generator"


def cpu_seconds(command: list[str], code: Path, cache: Path) -> float:
    """Processor seconds of a command that imports the generator from `code`."""
    own = os.environ | {"PYTHONPATH": str(code), "LAVIDA_GEN_CACHE": str(cache)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *command], check=True, capture_output=True, env=own)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def digest(corpus: Path) -> str:
    """One digest of the shards of a corpus."""
    shards = sorted(corpus.rglob("*.tar"))
    return hashlib.sha256(b"".join(hashlib.sha256(shard.read_bytes()).digest() for shard in shards)).hexdigest()


def builds(home: Path, root: Path, clips: int, rounds: int, commit: str) -> None:
    """Measure whole builds in turns, and print them."""
    file = home / "recipe.yaml"
    file.write_text(json.dumps(recipe(root, clips)))
    now, then = HERE.parent / "generator", other_code(commit, home)
    caches = {"before": home / "cache-before", "first": home / "cache-first", "again": home / "cache"}

    def build(way: str, out: Path) -> float:
        code = then if way == "before" else now
        command = ["-m", "lavida_gen", "build", "-r", str(file), "-o", str(out), "-w", "1"]
        return cpu_seconds(command, code, caches[way])

    build("again", home / "warm")
    build("before", home / "warm-before")
    digests = {digest(home / "warm"), digest(home / "warm-before")}
    ways, spent = (
        ["before", "first", "again", "peer"],
        {way: [0.0] * rounds for way in ("before", "first", "again", "peer")},
    )
    for round_ in range(rounds):
        shutil.rmtree(caches["first"], ignore_errors=True)
        for way in ways[round_ % 4 :] + ways[: round_ % 4]:
            out = home / f"{way}{round_}"
            if way == "peer":
                seconds = cpu_seconds(
                    [str(HERE / "clips_peer.py"), str(root), str(out), str(clips)], now, caches["first"]
                )
            else:
                seconds = build(way, out)
                digests.add(digest(out))
            spent[way][round_] = seconds / clips * 1000
            shutil.rmtree(out)
    kept = list((caches["first"] / "clip_masks").iterdir())
    print(
        f"{clips} untouched clips of {FRAMES} frames, {rounds} rounds: ms of a processor a clip; median (least to most)"
    )
    print(f"the first build decodes {len(kept)} different clips and finds the others again")
    print(f"  {commit} (before)        {spread(spent['before'])}")
    print(f"  first build            {spread(spent['first'])}  before/now {ratios(spent, 'before', 'first')}")
    print(
        f"  later builds           {spread(spent['again'])}  before/now {ratios(spent, 'before', 'again')}; goal {GOAL}"
    )
    print(f"  plain script           {spread(spent['peer'])}  script/now {ratios(spent, 'peer', 'again')}")
    print(f"  shards of all builds: {'the same bytes' if len(digests) == 1 else 'DIFFERENT BYTES'}")
    size = sum(path.stat().st_size for path in kept)
    print(f"  cache: {size / len(kept) / 1000:.1f} kB a clip, {size / len(kept) / FRAMES:.0f} bytes a mask of 4 things")


def masks_alone(name: str, clips: list[list[Path]], home: Path, rounds: int) -> None:
    """Measure reading the masks of clips: decoded, decoded and kept, found again."""
    from lavida_gen.annotations import clip_masks, index_masks
    from lavida_gen.scenes import masks

    os.environ["LAVIDA_GEN_CACHE"] = str(home / "cache-alone")

    def decode(paths: Iterable[Path]) -> None:
        for path in paths:
            masks.from_values(index_masks.read(path), path)

    def timed(read: Callable[[list[Path]], object]) -> float:
        began = time.process_time()
        for paths in clips:
            read(paths)
        return (time.process_time() - began) / len(clips) * 1000

    spent: dict[str, list[float]] = {"decoded": [], "first": [], "again": []}
    for round_ in range(rounds):
        shutil.rmtree(home / "cache-alone", ignore_errors=True)
        ways = [("first", clip_masks.read), ("again", clip_masks.read)]
        ways.insert(round_ % 3, ("decoded", decode))
        for way, read in ways:
            spent[way].append(timed(read))
    kept = [path.stat().st_size for path in (home / "cache-alone" / "clip_masks").iterdir()]
    print(
        f"the masks of a clip alone, {len(clips)} clips of {name}: ms; {sum(kept) / len(kept) / 1000:.1f} kB a clip in the cache"
    )
    print(f"  decoded                {spread(spent['decoded'])}")
    print(f"  decoded and kept       {spread(spent['first'])}  kept/decoded {ratios(spent, 'first', 'decoded')}")
    print(f"  found again            {spread(spent['again'])}  decoded/found {ratios(spent, 'decoded', 'again')}")


def spread(values: list[float]) -> str:
    """Median, least and most."""
    return f"{statistics.median(values):6.2f} ({min(values):.2f} to {max(values):.2f})"


def ratios(spent: dict[str, list[float]], over: str, under: str) -> str:
    """Median, least and most of the ratio of each round: a varying load affects both sides of it."""
    found = [left / right for left, right in zip(spent[over], spent[under], strict=True)]
    return f"{statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f})"


def cut(folder: Path) -> list[list[Path]]:
    """The masks of clips of `FRAMES` frames, which do not overlap, in the folders of videos."""
    videos = [sorted(video.glob("*.png")) for video in sorted(folder.iterdir())]
    return [video[at : at + FRAMES] for video in videos for at in range(0, len(video) - FRAMES + 1, FRAMES)]


def main() -> None:
    """Run all measurements."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--clips", type=int, default=400)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--before", default="62898d3", metavar="COMMIT")
    arguments.add_argument("--davis", type=Path, help="a folder of masks, Annotations/480p of DAVIS")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        root = draw_vos(home / "vos")
        builds(home, root, options.clips, options.rounds, options.before)
        masks_alone("drawn videos", cut(root / "train" / "Annotations"), home, options.rounds)
        if options.davis is not None:
            masks_alone("DAVIS", cut(options.davis), home, options.rounds)


if __name__ == "__main__":
    main()
