"""Arrays read by many threads at once."""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import lavida
import lavida_bench
import lavida_gen
from lavida_gen.common import arrays

PACKAGES = (lavida, lavida_bench, lavida_gen)


@pytest.fixture
def hasty() -> Iterator[None]:
    """Garbage is collected all the time, and each collection switches threads, so that the error would come soon."""

    def turn(phase: str, info: dict[str, int]) -> None:
        time.sleep(0)

    before = gc.get_threshold()
    gc.callbacks.append(turn)
    gc.set_threshold(20)
    yield
    gc.set_threshold(*before)
    gc.callbacks.remove(turn)


@pytest.mark.usefixtures("hasty")
def test_many_threads_can_read_small_files(tmp_path: Path) -> None:
    for n in range(8):
        np.save(tmp_path / f"{n}.npy", np.full((2, 3), n))
        np.savez(tmp_path / f"{n}.npz", one=np.full((2, 3), n), two=np.arange(n))

    def read(number: int) -> int:
        n = number % 8
        total = int(arrays.load_array(tmp_path / f"{n}.npy", "r" if number % 2 else None).sum())
        with arrays.open_archive(tmp_path / f"{n}.npz") as file:
            return total + int(file["one"].sum()) + len(file["two"])

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read, range(400))) == [13 * (n % 8) for n in range(400)]


def test_other_files_and_pickled_objects_are_refused(tmp_path: Path) -> None:
    with (tmp_path / "one.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    with (
        pytest.raises(ValueError, match="a single array, not an archive of arrays"),
        arrays.open_archive(tmp_path / "one.npz"),
    ):
        pass
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        arrays.load_array(tmp_path / "objects.npy")


def test_only_this_module_calls_np_load() -> None:
    found = set()
    for package in PACKAGES:
        for path in Path(str(package.__file__)).parent.rglob("*.py"):
            if re.search(r"(?<!\")\bnp\.load\(|\bopen_memmap\(", path.read_text("utf-8")):
                found.add(path.name)
    assert found == {"arrays.py"}
