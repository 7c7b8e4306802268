"""A corpus built on a Ray cluster of two nodes, of which one is lost and another one comes in the middle: the same bytes.

    python benchmarks/ray_cluster.py [--samples 8000] [--json]

Ray's own cluster utility starts the nodes on this machine, with one CPU each. The node is killed, not asked to leave,
while both nodes are in the middle of a shard. All files but the card, which names its folder, are compared with those of
the local engine.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from drawn_data.folder import draw_folder, folder_recipe

SHARD = 100
"""Samples of a shard."""
LONGEST = 600
"""Seconds that anything may take."""


def main() -> None:
    """Build twice, compare, print; exit code 1 if bytes differ."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--samples", type=int, default=8000)
    arguments.add_argument("--json", action="store_true")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        recipe = home / "recipe.yaml"
        keys = folder_recipe(draw_folder(home / "data", 500), options.samples, options.samples // SHARD)
        recipe.write_text(json.dumps(keys))
        facts = on_a_changing_cluster(recipe, home / "ray", options.samples // SHARD)
        end(start(recipe, home / "local", "--workers", "1"))
        mine, other = digests(home / "ray"), digests(home / "local")
    facts |= {"files": len(other), "same": mine == other}
    print(json.dumps(facts) if options.json else text(facts))
    sys.exit(not facts["same"])


def on_a_changing_cluster(recipe: Path, out: Path, shards: int) -> dict[str, Any]:
    """Build on two nodes; kill one after a quarter of the shards, add one after half of them.

    Args:
        recipe: The recipe.
        out: The corpus.
        shards: Its shards, about.

    Returns:
        Facts: finished shards at both moments, unfinished ones when the node was lost, seconds.
    """
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
    from ray.cluster_utils import Cluster

    cluster: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        node = cluster.add_node(num_cpus=1)
        began = time.monotonic()
        build = start(recipe, out, "--engine", "ray", "--address", cluster.address)
        wait_for(lambda: finished(out) >= shards // 4 and unfinished(out) >= 2, build)
        lost = {"finished": finished(out), "unfinished": unfinished(out)}
        cluster.remove_node(node, allow_graceful=False)
        wait_for(lambda: finished(out) >= shards // 2, build)
        added = {"finished": finished(out)}
        cluster.add_node(num_cpus=1)
        end(build)
        return {"shards": shards, "lost": lost, "added": added, "seconds": round(time.monotonic() - began, 1)}
    finally:
        cluster.shutdown()


def start(recipe: Path, out: Path, *words: str) -> subprocess.Popen[str]:
    """Start a build."""
    command = [sys.executable, "-m", "lavida_gen", "build", "--recipe", str(recipe), "--out", str(out), *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def end(build: subprocess.Popen[str]) -> None:
    """Wait for a build. Raises SystemExit if it fails."""
    output = build.communicate(timeout=LONGEST)[0]
    if build.returncode:
        raise SystemExit(f"a build failed:\n{output}")


def wait_for(condition: Callable[[], bool], build: subprocess.Popen[str]) -> None:
    """Wait until something is so in the middle of a build. Raises SystemExit if it ends before."""
    until = time.monotonic() + LONGEST
    while not condition():
        if build.poll() is not None or time.monotonic() > until:
            build.kill()
            raise SystemExit(f"the build ended or hung before a node could be changed:\n{build.communicate()[0]}")
        time.sleep(0.01)


def finished(out: Path) -> int:
    """Finished shards of a running build."""
    return len(list(out.glob(".build/*.jsonl")))


def unfinished(out: Path) -> int:
    """Shards that are being made."""
    return len(list(out.glob("image/*.partial-*")))


def digests(corpus: Path) -> dict[str, str]:
    """SHA-256 of every file but the card, by name."""
    files = [path for path in corpus.rglob("*") if path.is_file() and path.name != "README.md"]
    return {str(path.relative_to(corpus)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(files)}


def text(facts: dict[str, Any]) -> str:
    """The facts as sentences."""
    return (
        f"{facts['shards']} shards on two nodes; one was killed after {facts['lost']['finished']} shards, with "
        f"{facts['lost']['unfinished']} unfinished ones on both, another one added after {facts['added']['finished']}; "
        f"done after {facts['seconds']} s; {facts['files']} files (shards, corpus.json, statistics, preview, licence) "
        f"are {'the same' if facts['same'] else 'NOT the same'} as those of the local engine"
    )


if __name__ == "__main__":
    main()
