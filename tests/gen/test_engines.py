"""Engines: neither the place of a task nor the loss of a worker changes what is made."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lavida_gen.building import build as builder
from lavida_gen.building.build import ENGINES
from lavida_gen.common import plugins
from lavida_gen.common.errors import DataError, UserError
from lavida_gen.config import recipe as recipes
from lavida_gen.engines._base import Engine, pack_task
from lavida_gen.engines.local import AHEAD
from lavida_gen.testing import check_engine
from lavida_gen.testing.engines import square

PLAIN: dict[str, Any] = {
    "name": "spread",
    "samples": 40,
    "shard": {"samples": 4},
    "sources": [{"name": "street", "scenes": 40, "size": [96, 128]}],
    "exposures": ["relabel", "absent"],
    "names_per_prompt": 5,
}


def tree(folder: Path) -> dict[str, str]:
    """Digest of every file; the place that the card names does not count."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    contents = {path: path.read_bytes().replace(str(folder).encode(), b"") for path in files}
    return {str(path.relative_to(folder)): hashlib.sha256(data).hexdigest() for path, data in contents.items()}


def engine(name: str) -> Engine:
    return plugins.find(ENGINES, Engine, name)()


def die_once(job: tuple[int, str], tick: Callable[[], None]) -> int:
    number, folder = job
    mark = Path(folder) / str(number)
    if number % 3 == 0 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    tick()
    return number


def die_always(job: int, tick: Callable[[], None]) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return job


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A real Ray cluster of this machine with two workers."""
    ray = pytest.importorskip("ray")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    folder = str(Path(__file__).parent)
    handler = signal.getsignal(signal.SIGTERM)
    ray.init(
        "local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error",
        runtime_env={"env_vars": {"PYTHONPATH": os.pathsep.join([folder, *sys.path])}},
    )  # fmt: skip
    signal.signal(signal.SIGTERM, handler)  # Ray's own would stay for the tests of other files
    yield ray
    ray.shutdown()


@pytest.mark.parametrize("workers", [1, 2])
def test_contract_of_the_local_engine(workers: int) -> None:
    check_engine(type(engine("local")), workers)


def test_the_local_engine_takes_jobs_as_workers_need_them() -> None:
    taken: list[int] = []

    class Jobs(Sequence[int]):
        def __len__(self) -> int:
            return 100

        def __getitem__(self, number: Any) -> Any:
            taken.append(range(100)[number])
            return taken[-1]

    results = engine("local").run(square, Jobs(), 2, lambda done: None)
    seen = [next(results)]
    assert len(taken) <= 3 * 2 * AHEAD, "with the first result not all of a million shards are in memory"
    seen += results
    assert sorted(seen) == [number * number for number in range(100)]
    assert taken == list(range(100))


def test_only_ray_has_an_address(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--address auto: engine local runs on this machine only; give --engine ray"):
        builder.build(recipes.parse(json.loads(json.dumps(PLAIN))), tmp_path / "c", address="auto")
    with pytest.raises(UserError, match="unknown engine 'rya'; did you mean 'ray'"):
        builder.build(recipes.parse(json.loads(json.dumps(PLAIN))), tmp_path / "c", engine="rya")


def test_without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"--engine ray: needs ray: pip install 'lavida-gen\[ray\]'"):
        list(engine("ray").run(square, [1], 1, lambda n: None))


def test_a_worker_of_another_version_is_refused() -> None:
    from lavida_gen.engines.ray import _call

    with pytest.raises(
        DataError, match=r"a Ray worker has lavida-gen .*, the driver 0.0.0; install one version on all"
    ):
        _call(pack_task(square, 3), "0.0.0")


@pytest.mark.slow
def test_contract_of_the_ray_engine(cluster: Any) -> None:
    check_engine(type(engine("ray")), jobs=20)


@pytest.mark.slow
def test_ray_retries_the_task_of_a_lost_worker(cluster: Any, tmp_path: Path) -> None:
    ticks: list[int] = []
    jobs = [(number, str(tmp_path)) for number in range(9)]
    assert sorted(engine("ray").run(die_once, jobs, 2, ticks.append)) == list(range(9))
    assert sum(ticks) == 9, "a task that is run again is counted once"
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.slow
def test_ray_gives_up_after_the_last_retry(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lavida_gen.engines.ray.RETRIES", 1)
    with pytest.raises(
        DataError, match=r"Ray lost a worker 2 times \(\w+: killed, or out of memory\); finished shards"
    ):
        list(engine("ray").run(die_always, [1], 1, lambda n: None))


@pytest.mark.slow
def test_no_cluster_at_the_address() -> None:
    pytest.importorskip("ray")
    from lavida_gen.engines.ray import RayEngine, _join, _ray

    with pytest.raises(UserError, match=r"no cluster at nohost:1 \(.*give the --address of a running cluster, or none"):
        _join(type("Absent", (), {"init": staticmethod(_refuse)}), "nohost:1", 1)
    assert RayEngine("auto").address == "auto"
    assert _ray() is not None


def _refuse(*_: object, **__: object) -> None:
    raise ConnectionError("Could not connect to the cluster")


@pytest.mark.slow
def test_a_killed_ray_worker_does_not_change_the_corpus(cluster: Any, tmp_path: Path) -> None:
    recipe = recipes.parse(json.loads(json.dumps(PLAIN)))
    builder.build(recipe, tmp_path / "local")
    with ThreadPoolExecutor(1) as pool:
        build = pool.submit(builder.build, recipe, tmp_path / "ray", 2, "ray")
        killed = _kill_a_busy_worker(build, tmp_path / "ray")
        build.result(timeout=240)
    assert killed, "the build ended before a worker could be killed"
    assert tree(tmp_path / "ray") == tree(tmp_path / "local")


@pytest.mark.slow
def test_a_running_cluster_is_used(cluster: Any, tmp_path: Path) -> None:
    recipe = tmp_path / "spread.yaml"
    recipe.write_text(json.dumps({**PLAIN, "samples": 8}))
    builder.build(recipes.load(str(recipe)), tmp_path / "local")
    command = [sys.executable, "-m", "lavida_gen", "build", "-r", str(recipe), "-o", str(tmp_path / "ray")]
    address = cluster.get_runtime_context().gcs_address
    done = subprocess.run([*command, "--engine", "ray", "--address", address], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert tree(tmp_path / "ray") == tree(tmp_path / "local")


def _kill_a_busy_worker(build: Future[Any], out: Path) -> bool:
    """Kill -9 the first Ray worker of this process that is in the middle of a shard."""
    while not build.done():
        for child in _below(os.getpid()) if list(out.glob("image/*.partial-*")) else ():
            if Path(f"/proc/{child}/cmdline").read_bytes().startswith(b"ray::_call"):
                os.kill(child, signal.SIGKILL)
                return True
        time.sleep(0.02)
    return False


def _below(parent: int) -> list[int]:
    """All processes that descend from one."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(stat.parent.name)] = int(fields[1])
    seen = {parent}
    for _ in range(6):
        seen |= {child for child, up in parents.items() if up in seen}
    return [child for child in sorted(seen - {parent}) if Path(f"/proc/{child}").exists()]
