"""One build, floor or peer in a process of its own: prints its seconds as JSON (used by `benchmarks/build.py`).

cd benchmarks; python -m build_work.once build|build2|floor|peer|clip-floor|clip-build ROOT OUT SAMPLES
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path


def main() -> None:
    """Run it and print wall seconds, processor seconds of this process, and of its children."""
    # here: workers that are spawned import this module again
    from drawn_data import clip_recipe, coco_recipe

    from build_work.floor import clip_floor, clip_planes, floor
    from lavida_gen.building import build as builder

    what, root, out, samples = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    if what.startswith("clip"):
        recipe = clip_recipe(root, samples)
    else:
        recipe = coco_recipe(root, samples)
    if what == "peer":
        from build_work.peer import peer  # and with it torch, which a build does not have
    planes = clip_planes(root) if what == "clip-floor" else {}
    work = {
        "build": lambda: builder.build(recipe, out, 1),
        "build2": lambda: builder.build(recipe, out, 2),
        "floor": lambda: floor(root, out, samples),
        "peer": lambda: peer(root, out, samples),
        "clip-build": lambda: builder.build(recipe, out, 1),
        "clip-floor": lambda: clip_floor(root, planes, out, samples),
    }[what]
    before, began = os.times(), time.perf_counter()
    work()
    wall, after = time.perf_counter() - began, os.times()
    own = after.user + after.system - before.user - before.system
    children = after.children_user + after.children_system - before.children_user - before.children_system
    print(json.dumps({"wall": wall, "own": own, "children": children}))


if __name__ == "__main__":
    main()
