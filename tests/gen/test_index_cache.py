"""The cache of indexes: complete or rebuilt, made once by many processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_coco import contents, data, write

from lavida_gen.coco import coco_index
from lavida_gen.coco.coco_index import open_index
from lavida_gen.common.errors import DataError
from lavida_gen.processes import leftovers
from lavida_gen.storage import cache


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAVIDA_GEN_CACHE", str(tmp_path / "cache"))


def cache_folder(tmp_path: Path) -> Path:
    (found,) = (path for path in (tmp_path / "cache").glob("coco-*") if path.is_dir())
    return found


def test_opened_again_without_reading_the_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, data())
    first = contents(open_index(path))
    monkeypatch.setattr(coco_index, "InstancesReader", None)
    monkeypatch.setattr("hashlib.file_digest", None)
    assert contents(open_index(path)) == first


def test_arrays_are_memory_mapped_not_loaded(tmp_path: Path) -> None:
    plain = data()
    plain["annotations"] = [{**plain["annotations"][0], "id": n} for n in range(2000)]
    index = open_index(write(tmp_path, plain))
    assert isinstance(index.ann_id.base, np.memmap)
    assert not index.ann_id.flags.writeable


def test_keyed_by_content(tmp_path: Path) -> None:
    path = write(tmp_path, data())
    open_index(path)
    (tmp_path / "copy").mkdir()
    open_index(write(tmp_path / "copy", data()))
    assert cache_folder(tmp_path)
    changed = data()
    changed["annotations"].pop()
    assert len(open_index(write(tmp_path, changed)).annotations(1)) == 2


def test_a_cached_digest_is_used_until_the_file_changes(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"one")
    first = cache.file_digest(file)
    assert cache.file_digest(file) == first
    file.write_bytes(b"three")
    assert cache.file_digest(file) != first


def bitflip(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("counts.npy", bitflip),
        ("first.npy", lambda path: path.write_bytes(path.read_bytes()[:-8])),
        ("ann_id.npy", Path.unlink),
        ("sums.json", lambda path: path.write_text("{")),
        ("sums.json", lambda path: path.write_text("[]")),
        ("sums.json", Path.unlink),
    ],
)
def test_damaged_caches_are_detected_and_rebuilt(tmp_path: Path, name: str, damage: Callable[[Path], Any]) -> None:
    path = write(tmp_path, data())
    first = contents(open_index(path))
    damage(cache_folder(tmp_path) / name)
    assert contents(open_index(path)) == first
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == sorted(
        [cache_folder(tmp_path).name, f"{cache_folder(tmp_path).name}.lock", "seen"]
    )


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"mark": 3}'])
def test_a_damaged_record_of_a_digest(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, data())
    digest = cache.file_digest(path)
    (note,) = (tmp_path / "cache" / "seen").iterdir()
    note.write_text(text)
    assert cache.file_digest(path) == digest


def test_leftovers_of_a_killed_process_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, data())
    first = contents(open_index(path))
    made = cache_folder(tmp_path)
    code = "import sys, pathlib, lavida_gen.common.atomic_file as f; print(f.partial_path(pathlib.Path(sys.argv[1])))"
    ended = subprocess.run([sys.executable, "-c", code, str(made)], capture_output=True, text=True, check=True)
    made.rename(ended.stdout.strip())
    monkeypatch.setattr(leftovers, "_swept", set())  # as in the next process
    assert contents(open_index(path)) == first
    assert cache_folder(tmp_path) == made


OPEN = """
import sys
from pathlib import Path
from lavida_gen.coco import coco_index

read = coco_index.InstancesReader.read

def traced(self):
    with open(sys.argv[2], "a") as file:
        file.write("made\\n")
    return read(self)

coco_index.InstancesReader.read = traced
index = coco_index.open_index(Path(sys.argv[1]))
print([index.annotations(number) for number in range(len(index))])
"""


def test_many_at_once_make_it_once(tmp_path: Path) -> None:
    path = write(tmp_path, data())
    command = [sys.executable, "-c", OPEN, str(path), str(tmp_path / "trace")]
    jobs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    outputs = [job.communicate(timeout=60)[0] for job in jobs]
    assert [job.returncode for job in jobs] == [0] * 4
    index = open_index(path)
    assert set(outputs) == {f"{[index.annotations(number) for number in range(len(index))]}\n"}
    assert (tmp_path / "trace").read_text() == "made\n"


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LAVIDA_GEN_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(
        DataError, match=r"cache .*: cannot be written \(.*\); .* or set LAVIDA_GEN_CACHE to another folder"
    ):
        open_index(write(tmp_path, data()))
