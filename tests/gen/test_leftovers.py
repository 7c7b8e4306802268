"""Temporary files of killed processes go with the next write into their folder; those of living ones stay."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lavida_gen.common.atomic_file import partial_path, write_atomic
from lavida_gen.processes import leftovers
from lavida_gen.storage.folder import LocalFolder

WRITER = """
import sys, time
from pathlib import Path
from lavida_gen.common.atomic_file import partial_path
folder = Path(sys.argv[1])
partial_path(folder / "page.html").write_text("half")
partial_path(folder / "arrays").mkdir()
(partial_path(folder / "arrays") / "a.npy").parent.mkdir()
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture(name="writer")
def running_writer(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process with a temporary file and two temporary folders in tmp_path."""
    with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def test_what_a_killed_process_left_goes_and_nothing_else(tmp_path: Path, writer: subprocess.Popen[str]) -> None:
    (tmp_path / "film.iso.partial").write_text("a download of the user")
    own = partial_path(tmp_path / "mine")
    own.write_text("being written")
    leftovers.sweep(tmp_path)
    assert len(list(tmp_path.iterdir())) == 5, "the other process is alive"
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    leftovers._swept.discard(str(tmp_path))  # as in a new process
    write_atomic(tmp_path / "page.html", b"whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["page.html", "film.iso.partial", own.name])


def test_a_number_that_another_process_has_now_protects_nothing(tmp_path: Path) -> None:
    name = partial_path(tmp_path / "a").name
    _, process, began = name.partition(".partial-")[2].partition("-")[0].split(".")
    assert int(process) == os.getpid()
    reused = tmp_path / name.replace(f".{began}-", f".{int(began) - 1}-")
    reused.write_text("of a process that had this number before")
    assert leftovers.is_left(reused)
    assert not leftovers.is_left(tmp_path / name)
    assert leftovers.is_left(tmp_path / name.replace(f".{process}.", ".4194305."))


def test_what_another_machine_left_stays_for_a_day(tmp_path: Path) -> None:
    name = partial_path(tmp_path / "a").name
    foreign = tmp_path / name.replace(".partial-", ".partial-").replace(leftovers._host(), "00beef")
    foreign.mkdir()
    (foreign / "weights").write_text("x")
    assert not leftovers.is_left(foreign)
    old = time.time() - leftovers.DAY - 60
    os.utime(foreign, (old, old))
    assert not leftovers.is_left(foreign), "a file in it was written just now"
    os.utime(foreign / "weights", (old, old))
    os.utime(foreign, (old, old))
    assert leftovers.is_left(foreign)
    leftovers.sweep(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_locked_corpus_folder_loses_all_of_them(tmp_path: Path) -> None:
    for name in ("corpus.json", "image/train-00000.tar", ".build/records/train-00000.jsonl"):
        LocalFolder(tmp_path).temporary_file(name).write_text("half")
    (tmp_path / "image" / "notes.partial").write_text("of the user")
    LocalFolder(tmp_path).remove_partial_files()
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["notes.partial"]


def test_long_names_stay_within_what_file_systems_take(tmp_path: Path) -> None:
    name = "ü" * 120 + ".npz"
    write_atomic(tmp_path / name, b"x")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert len(leftovers.temporary_name(name).encode()) <= 255


SOCKETS = """
import os, signal, sys
from multiprocessing import util
from lavida_gen.processes.sockets import name_sockets_folder
name_sockets_folder()
name_sockets_folder()
open(os.path.join(util.get_temp_dir(), "listener"), "w").close()
print(len(os.listdir(os.environ["TMPDIR"])), flush=True)
if sys.argv[1] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_sockets_of_processes_go_with_the_next_run() -> None:
    with tempfile.TemporaryDirectory() as folder:  # short: a socket's path has at most 107 characters
        environment = os.environ | {"TMPDIR": folder}
        for ending, left in (("killed", 1), ("killed", 1), ("whole", 0)):
            words = [sys.executable, "-c", SOCKETS, ending]
            done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
            assert done.stdout == "1\n", done.stderr
            assert len(os.listdir(folder)) == left
