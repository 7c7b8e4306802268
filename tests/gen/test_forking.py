"""Workers are forked from a process with one thread, and spawned from any other; that changes nothing else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lavida_gen.building import build as builder
from lavida_gen.building.make_shard import planner_of
from lavida_gen.config import recipe as recipes
from lavida_gen.config.recipe import CorpusRecipe
from lavida_gen.engines.local import LocalEngine

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux alone")


PLAIN: dict[str, Any] = {
    "name": "forked",
    "samples": 24,
    "shard": {"samples": 4},
    "sources": [{"name": "street", "scenes": 24, "size": [96, 128]}],
    "exposures": ["relabel", "absent"],
}


def recipe() -> CorpusRecipe:
    return recipes.parse(json.loads(json.dumps(PLAIN)))


def tree(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes().replace(str(folder).encode(), b"") for path in files}


def test_only_a_process_with_one_thread_is_forked() -> None:
    """In a process of its own: other tests may have imported what starts threads."""
    words = "from lavida_gen.processes.forking import keep_one_thread, start_method; print(start_method()); "
    words += "keep_one_thread(); import numpy, cv2; print(start_method()); "
    words += "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start(); "
    words += "print(start_method())"
    environment = {key: value for key, value in os.environ.items() if not key.endswith("_NUM_THREADS")}
    done = subprocess.run([sys.executable, "-c", words], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["fork", "fork", "spawn"]


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("workers", [2, 3])
def test_forked_and_spawned_workers_make_the_bytes_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, workers: int
) -> None:
    builder.build(recipe(), tmp_path / "one")
    monkeypatch.setattr("lavida_gen.engines.local.start_method", lambda: method)
    builder.build(recipe(), tmp_path / "many", workers)
    assert tree(tmp_path / "one") == tree(tmp_path / "many")


def planner_number(job: int, tick: Callable[[], None]) -> int:
    time.sleep(0.05)  # so that each worker takes one
    return id(planner_of(recipe()).sources)


def test_a_forked_worker_opens_the_data_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """An open file of the parent would have one position for all workers."""
    monkeypatch.setattr("lavida_gen.engines.local.start_method", lambda: "fork")
    own = planner_of(recipe())
    assert id(own.sources) not in set(LocalEngine().run(planner_number, range(4), 2, lambda done: None))
    assert planner_of(recipe()) is own


ORPHAN = """
import os, sys, time
from lavida_gen.building import build as builder
from lavida_gen.config import recipe as recipes

def slow(job, tick):
    os.write(1, b"began\\n")
    time.sleep(60)

builder.make_shard = slow
builder.build(recipes.load(sys.argv[1]), sys.argv[2], 2)
"""


def test_an_orphaned_worker_holds_no_lock_and_ends(tmp_path: Path) -> None:
    file = tmp_path / "forked.yaml"
    file.write_text(json.dumps(PLAIN))
    script = tmp_path / "orphan.py"
    script.write_text(ORPHAN)
    command = [sys.executable, str(script), str(file), str(tmp_path / "corpus")]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"began\n"
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert len(children) == 2
        process.send_signal(signal.SIGKILL)
        process.wait()
        builder.build(recipe(), tmp_path / "corpus")  # at once
        deadline = time.monotonic() + 30
        while any(Path(f"/proc/{child}").exists() for child in children):
            assert time.monotonic() < deadline
            time.sleep(0.05)
