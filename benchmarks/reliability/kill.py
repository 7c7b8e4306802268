"""A hundred kills -9: build, merge, publish, fit, score, score-files, predict; each run again and compared.

    make kill                                         # or, to look at one area:
    python benchmarks/reliability/kill.py --work /tmp/fits --only fit --kills 10

Moments are drawn from a seed, over the length of an uninterrupted run. After a kill the same command has to end with
exit code 0 and the results of an uninterrupted run, without a temporary file, and without a file outside the folder
that it was given. The state is WORK.json: the same command goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import kill_areas
import kill_process
import numpy as np
from kill_areas import AREAS, Area
from kill_hub import Hub
from kill_process import Ran

PAGE = kill_areas.ROOT / "docs" / "reliability.md"
HEADING = "## A hundred kills"
BEYOND = ("out", "inputs", "output.txt")
"""Names at the top of the working folder that a command may change, or that only this script writes."""
DIGEST = re.compile("[0-9a-f]{32,}")
"""In names of cached files: of dates as well, so that two runs have others."""


class Killer:
    """The working folder, its state, and what uninterrupted runs gave."""

    def __init__(self, work: Path, seed: int) -> None:
        self.work, self.seed, self.file = work, seed, work.parent / f"{work.name}.json"
        self.state: dict[str, Any] = {"seed": seed, "whole": {}, "kills": {}, "seconds": 0.0}
        if self.file.is_file():
            self.state = json.loads(self.file.read_text())
            if self.state["seed"] != seed:
                sys.exit(f"{self.file}: made with --seed {self.state['seed']}; give it, or another --work")
        self.environment = {
            "HOME": str(work / "home"), "TMPDIR": str(work / "tmp"), "XDG_CACHE_HOME": str(work / "home" / ".cache"),
            "LAVIDA_GEN_CACHE": str(work / "cache"), "LAVIDA_BENCH_DATA": str(work / "data"), "PYTHONWARNINGS": "ignore",
            "ACCELERATE_USE_CPU": "true",
        }  # fmt: skip

    def save(self) -> None:
        """Write the state."""
        partial = self.file.with_suffix(".new")
        partial.write_text(json.dumps(self.state, indent=1))
        partial.replace(self.file)

    def prepare(self) -> None:
        """Make the inputs and, of each area, an uninterrupted run."""
        for name in ("home", "tmp"):
            (self.work / name).mkdir(parents=True, exist_ok=True)
        if not (self.work / "inputs" / "film.mp4").is_file():
            shutil.rmtree(self.work / "inputs", ignore_errors=True)
            made = self.run(lambda: kill_areas.prepare(Path("inputs")))
            if made.code:
                sys.exit(f"the inputs cannot be made:\n{made.text}")
        for area in AREAS:
            if area.name not in self.state["whole"]:
                self._measure(area)

    def _measure(self, area: Area) -> None:
        """Two uninterrupted runs: what they share is what can be compared at all, and it has to be everything."""
        found = []
        for _ in range(2):
            with Place(self, area) as place:
                ran = place.run()
                if ran.code:
                    sys.exit(f"{area.name} does not run:\n{ran.text}")
                found.append((ran, place.results(), self.listing() - place.before))
        (_, one, _), (ran, other, beside) = found
        different = [name for name in one.keys() | other.keys() if one.get(name) != other.get(name)]
        if different:
            sys.exit(f"{area.name}: two uninterrupted runs differ: {different}")
        self.state["whole"][area.name] = {
            "seconds": ran.seconds,
            "megabytes": ran.megabytes,
            "results": one,
            "beside": sorted(beside),
        }
        print(f"{area.name}: {ran.seconds:.1f} s, {ran.megabytes:.0f} MB, {len(one)} files", flush=True)
        self.save()

    def run(self, command: Callable[[], None], after: float | None = None, group: bool = False) -> Ran:
        """Run in the working folder."""
        return kill_process.run(command, self.work, self.environment, after, group)

    def listing(self) -> set[str]:
        """All that lies in the working folder beside what the command was given: home, caches, temporary files."""
        below = (path.relative_to(self.work) for path in self.work.rglob("*"))
        return {DIGEST.sub("*", path.as_posix()) for path in below if path.parts[0] not in BEYOND}

    def kill(self, number: int, area: Area) -> None:
        """Kill one run, run it again, compare."""
        key = str(number)
        if key in self.state["kills"]:
            return
        began = time.monotonic()
        draw = np.random.default_rng([self.seed, number])
        whole = self.state["whole"][area.name]
        share, group = float(draw.uniform(0.02, 0.98)), bool(draw.random() < 0.5)
        for _ in range(12):
            with Place(self, area) as place:
                first = place.run(share * whole["seconds"], group)
                if not first.killed:  # it was faster than the uninterrupted one
                    whole["seconds"] = min(whole["seconds"], first.seconds)
                    share *= 0.8
                    continue
                left = _temporary(self.work)
                second = place.run()
                problems = self._problems(area, place, second)
                break
        else:
            sys.exit(f"{area.name}: always ends before it is killed")
        self.state["kills"][key] = {
            "area": area.name, "share": round(share, 3), "group": group, "left": len(left), "seconds": second.seconds,
            "megabytes": max(first.megabytes, second.megabytes), "problems": problems,
        }  # fmt: skip
        self.state["seconds"] += time.monotonic() - began
        self.save()
        what = "; ".join(problems) or "equal"
        print(f"{number:3d} {area.name:11s} at {share:4.0%} {'group' if group else 'alone'}  {what}", flush=True)

    def _problems(self, area: Area, place: Place, second: Ran) -> list[str]:
        """What is wrong after a kill and a second run."""
        found = []
        if second.code != 0:
            found.append(f"exit code {second.code}: {second.text.strip()[-300:]}")
        if "Traceback" in second.text:
            found.append(f"traceback: {second.text.strip()[-300:]}")
        expected, got = self.state["whole"][area.name]["results"], place.results()
        different = sorted(name for name in expected.keys() | got.keys() if expected.get(name) != got.get(name))
        if different:
            found.append(f"differs: {different[:5]}")
        if left := _temporary(self.work):
            found.append(f"left: {sorted(left)[:5]}")
        usual = set(self.state["whole"][area.name]["beside"])  # caches, which an uninterrupted run fills as well
        if outside := kill_process.settle(self.listing, place.before | usual):
            found.append(f"outside: {sorted(outside)[:5]}")
        return found


class Place:
    """An empty `out`, and for publish a Hub of its own, for the runs of one kill."""

    def __init__(self, killer: Killer, area: Area) -> None:
        self.killer, self.area = killer, area
        self.hub: Hub | None = None

    def __enter__(self) -> Place:
        work = self.killer.work
        for name in ("out", "cache", "data", "tmp", "home"):
            shutil.rmtree(work / name, ignore_errors=True)
        for name in ("out", "tmp", "home"):
            (work / name).mkdir()
        self.before = self.killer.listing() | {"cache"}
        if self.area.name == "publish":
            self.hub = Hub()
        return self

    def __exit__(self, *_: object) -> None:
        if self.hub is not None:
            self.hub.stop()

    def run(self, after: float | None = None, group: bool = False) -> Ran:
        """Run the area's command."""
        command = self.area.command()
        return self.killer.run(command if self.hub is None else self.hub.reaching(command), after, group)

    def results(self) -> dict[str, str]:
        """What has to be equal."""
        return kill_areas.fingerprint(self.killer.work / "out") | ({} if self.hub is None else self.hub.files())


def _temporary(work: Path) -> set[str]:
    """Temporary files and folders below the working folder."""
    marks = (".partial", ".incomplete", ".tmp", "tmp/", "pymp-")
    return {
        name
        for path in work.rglob("*")
        if any(mark in (name := path.relative_to(work).as_posix()) for mark in marks)
    }  # fmt: skip


# ---- the table ----------------------------------------------------------------------------------------------------


def section(state: Mapping[str, Any]) -> str:
    """The section of docs/reliability.md."""
    kills = list(state["kills"].values())
    wrong = [kill for kill in kills if kill["problems"]]
    lines = [
        HEADING, "",
        f"`make kill`, seed {state['seed']}: {len(kills)} kills -9, {len(wrong)} with a problem, {state['seconds'] / 60:.0f} "
        "minutes of two busy cores. Half of the",
        "kills hit the process alone, half its workers as well. Processes are forked from one that has imported everything, so",
        "that every kill hits work. Then the same command ran again; its results were compared with those of an uninterrupted run",
        "(every byte of shards, manifests, statistics, weights, scores, maps, overlays and timelines; numbers alone where a file",
        "holds dates), and everything beside its folder with what was there before.", "",
        "| command | what | kills | left half-written by the kill | equal | whole run | after the kill, at most | memory, at most |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for area in AREAS:
        own = [kill for kill in kills if kill["area"] == area.name]
        if not own:
            continue
        whole = state["whole"][area.name]
        equal = sum(not kill["problems"] for kill in own)
        lines.append(
            f"| {area.name} | {area.about} | {len(own)} | {sum(kill['left'] > 0 for kill in own)} | {equal} | "
            f"{whole['seconds']:.1f} s | {max(kill['seconds'] for kill in own):.1f} s | "
            f"{max(kill['megabytes'] for kill in own):.0f} MB |"
        )
    lines += [
        "",
        "Memory is that of the command's own process, imports included. Files of a killed process stay until the next",
    ]
    lines += ["command that writes into the same folder ([run.md](run.md#stopping-and-going-on))."]
    for kill in wrong:
        lines.append(f"- {kill['area']}, killed at {kill['share']:.0%}: {'; '.join(kill['problems'])}")
    return "\n".join(lines) + "\n"


def write_section(page: Path, text: str) -> None:
    """Put a section into the page, in the place of the one with the same heading."""
    whole = page.read_text("utf-8") if page.is_file() else "# Reliability\n"
    before, found, rest = whole.partition(text.partition("\n")[0] + "\n")
    after = rest[rest.index("\n## ") + 1 :] if found and "\n## " in rest else ""
    parts = [before.rstrip("\n") + "\n", text, after]
    page.write_text("\n".join(part for part in parts if part), "utf-8")


def main() -> None:
    """Kill, compare, write the table; exit with 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=19)
    parser.add_argument(
        "--work", type=Path, default=kill_areas.ROOT / "build" / "kill", help="scratch space; the state is beside it"
    )
    parser.add_argument("--only", choices=[area.name for area in AREAS], help="this command alone")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(kill_areas.ROOT)}")
    options = parser.parse_args()
    import_everything()
    killer = Killer(options.work.resolve(), options.seed)
    killer.prepare()
    areas = [area for area in AREAS if options.only in (None, area.name)]
    for number in range(options.kills):
        killer.kill(number, areas[number % len(areas)])
    text = section(killer.state)
    print(text)
    if options.write:
        write_section(PAGE, text)
    if any(kill["problems"] for kill in killer.state["kills"].values()):
        sys.exit(1)


def import_everything() -> None:
    """Import what the commands import, with one thread: forked processes begin with it."""
    os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", HF_HUB_DISABLE_TELEMETRY="1")
    import importlib

    modules = (
        "torch", "accelerate", "pyarrow.parquet", "av", "cv2", "huggingface_hub", "tensorboardX", "transformers",
        "lavida.modeling", "lavida_bench.commands.fit", "lavida_bench.commands.score", "lavida_bench.commands.score_files",
        "lavida_bench.commands.predict", "lavida_bench.fitting.trainer", "lavida_bench.scoring.lavida_scorer",
        "lavida_bench.runs.score_stage", "lavida_bench.prediction.predict_many", "lavida_bench.evaluation.measure",
        "lavida_gen.building.merge", "lavida_gen.publishing.publish", "lavida_gen.sources.street",
        "lavida_bench.benchmarks.street",
    )  # fmt: skip
    for name in modules:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            print(f"not imported ahead: {error.name}")
    import torch

    torch.set_num_threads(1)


if __name__ == "__main__":
    main()
