"""Mutated input of every kind against the real verbs and readers: no traceback, no hang, no memory over 1 GB, no file outside.

    python benchmarks/reliability/fuzz.py                       2,000 cases over all areas, or the rest of them (resumable)
    python benchmarks/reliability/fuzz.py --areas "source coco" --cases 50
    python benchmarks/reliability/fuzz.py --case "corpora:17"   one case, with its files kept and its traceback
    python benchmarks/reliability/fuzz.py --again               the cases that failed, once more
    python benchmarks/reliability/fuzz.py --cases 0 --write     the table of docs/reliability.md from the results so far

Results are in build/fuzz.jsonl; remove it to start anew. Each area has a process, which makes valid input and forks for each case: a crash ends the case alone.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
for folder in (HERE, ROOT / "tests" / "gen", ROOT / "tests" / "bench"):
    sys.path.insert(0, str(folder))
STATE = ROOT / "build" / "fuzz.jsonl"
CASES = 2000
KILL_AFTER = 240.0
"""Seconds after which a process that does not even end at its own limits is killed."""
Result = dict[str, Any]


def _quiet_environment(home: Path) -> None:
    """No network, no user's cache, one thread: what forks after threads were started may wait for them for ever."""
    for key, value in {
        "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "LAVIDA_GEN_CACHE": str(home / "cache"),
        "HF_HOME": str(home / "hf"), "TMPDIR": str(home / "tmp"), "CUDA_VISIBLE_DEVICES": "",
    }.items():  # fmt: skip
        os.environ[key] = value
    (home / "tmp").mkdir(exist_ok=True)
    tempfile.tempdir = str(home / "tmp")
    import cv2

    cv2.setNumThreads(0)


def serve(area_name: str, seeds: list[int], state: Path) -> None:
    """Run cases of one area, one fork each; results are appended to the state."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        home = Path(name)
        _quiet_environment(home)
        from fuzz_all import area
        from fuzz_case import run_case

        this, template = area(area_name), home / "template"
        template.mkdir()
        this.prepare(template)
        (home / "cases").mkdir()
        for seed in seeds:
            place = home / "cases" / f"{seed}"
            place.mkdir()
            result = _forked(lambda: asdict(run_case(this, seed, template, place)), home)  # noqa: B023  # called at once
            with state.open("a") as file:
                file.write(json.dumps({"area": area_name, "seed": seed, **result}) + "\n")
            subprocess.run(["rm", "-rf", str(place)], check=True)


def _forked(work: Any, home: Path) -> Result:
    """The result of `work` in a process of its own, or how that ended."""
    began, log, answer = time.monotonic(), home / "log.txt", home / "answer.json"
    answer.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        file = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        faulthandler.enable(file)
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        code = 1
        try:
            answer.write_text(json.dumps(work()))
            code = 0
        finally:
            os._exit(code)
    status = 0
    while time.monotonic() - began < KILL_AFTER:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        time.sleep(0.01)
    else:
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return {
            "end": "hang",
            "detail": f"killed after {KILL_AFTER} s",
            "mutation": "",
            "seconds": KILL_AFTER,
            "mebibytes": 0,
        }
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # what it may have left running
    if status == 0 and answer.is_file():
        result: Result = json.loads(answer.read_text())
        return result
    tail = log.read_text(errors="replace")[-2000:] if log.is_file() else ""
    return {
        "end": "crash",
        "detail": f"status {status}: {tail}",
        "mutation": "",
        "seconds": round(time.monotonic() - began, 2),
        "mebibytes": 0,
    }


def results(state: Path) -> dict[tuple[str, int], Result]:
    """The last result of each case."""
    lines = state.read_text().splitlines() if state.is_file() else []
    return {(row["area"], row["seed"]): row for row in map(json.loads, lines)}


def wanted(names: list[str], cases: int) -> Iterator[tuple[str, int]]:
    """The cases: evenly over the areas; seed 0 of each changes nothing and is not counted."""
    for number, name in enumerate(names):
        share = cases // len(names) + (number < cases % len(names))
        yield from ((name, seed) for seed in range(share + 1 if share else 0))


def run_all(todo: list[tuple[str, int]], state: Path, jobs: int) -> None:
    """Run cases, several areas at a time."""
    state.parent.mkdir(parents=True, exist_ok=True)
    by_area: dict[str, list[int]] = {}
    for name, seed in todo:
        by_area.setdefault(name, []).append(seed)

    def one(name: str) -> None:
        words = [
            sys.executable,
            __file__,
            "--serve",
            name,
            "--seeds",
            ",".join(map(str, by_area[name])),
            "--state",
            str(state),
        ]
        code = subprocess.run(words, check=False).returncode
        ends = [row["end"] for (area, seed), row in results(state).items() if area == name and seed in by_area[name]]
        bad = sum(end not in ("success", "error") for end in ends)
        print(
            f"{name}: {len(ends)} of {len(by_area[name])} cases, {bad} bad{f' (exit code {code})' if code else ''}",
            flush=True,
        )

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(one, by_area))


def one_case(name: str, seed: int) -> int:
    """Run a case here and print it; its files stay."""
    home = Path(tempfile.mkdtemp(prefix="fuzz-"))
    _quiet_environment(home)
    from fuzz_all import area
    from fuzz_case import run_case

    this = area(name)
    (home / "template").mkdir()
    (home / "cases" / str(seed)).mkdir(parents=True)
    this.prepare(home / "template")
    outcome = run_case(this, seed, home / "template", home / "cases" / str(seed))
    print(json.dumps(asdict(outcome), indent=1).replace("\\n", "\n"))
    print(f"files: {home / 'cases' / str(seed)}")
    return 0 if outcome.end in ("success", "error") else 1


def main() -> int:
    """Run what the arguments ask for; 1 if a case failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--areas", help="names by commas")
    parser.add_argument("--case", metavar="AREA:SEED")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--write", action="store_true", help="write the table of docs/reliability.md")
    parser.add_argument("--state", type=Path, default=STATE)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--seeds", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve, [int(seed) for seed in given.seeds.split(",")], given.state)
        return 0
    if given.case:
        name, _, seed = given.case.rpartition(":")
        return one_case(name, int(seed))
    from fuzz_all import names
    from fuzz_table import print_problems, write_table

    known = results(given.state)
    todo = [
        case for case in wanted(given.areas.split(",") if given.areas else names(), given.cases) if case not in known
    ]
    if given.again:
        todo = [case for case, row in known.items() if row["end"] not in ("success", "error")]
    run_all(todo, given.state, given.jobs)
    rows = list(results(given.state).values())
    print_problems(rows)
    if given.write:
        write_table(rows)
    return int(any(row["end"] not in ("success", "error") for row in rows))


if __name__ == "__main__":
    sys.exit(main())
