"""The output folder of a command: created, tested, or refused."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from lavida_gen.cli import main
from lavida_gen.common.atomic_file import write_atomic
from lavida_gen.common.errors import DataError, UserError
from lavida_gen.storage import output_folder as out_folder


def test_a_folder_is_created_and_stays_empty(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert out_folder.make_output_folder(folder) == folder == out_folder.make_output_folder(folder)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("file", r"/file: is a file; expected a folder to write to; give another --out$"),
        ("file/inner", r"/file/inner: cannot be made \(Not a directory\); expected a folder to write to"),
        ("/proc/x", r"^/proc/x: cannot be made \(No such file or directory\)"),
        ("/proc", r"^/proc: cannot be written to \(No such file or directory\)"),
    ],
)
def test_a_place_that_cannot_be_written_to(tmp_path: Path, where: str, message: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=message):
        out_folder.make_output_folder(tmp_path / where)


def test_the_option_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="give another RUN"):
        out_folder.make_output_folder(Path("/proc/x"), "RUN")


def test_show_and_preview_report_it_before_any_work(tmp_path: Path) -> None:
    corpus = str(tmp_path / "corpus")
    words = ["build", "-r", "street", "-o", corpus, "-w", "1", "--set", "samples=2", "--set", "sources.0.scenes=4",
             "--set", "sources.1.scenes=4", "--set", "val=0"]  # fmt: skip
    assert CliRunner().invoke(main, words).exit_code == 0
    for verb in (["show", corpus, "0", "-o", "/proc/x/p.jpg"], ["preview", corpus, "-o", "/proc/x/p.html"],
                 ["build", "-r", "street", "--only", "0", "-o", "/proc/x"]):  # fmt: skip
        done = CliRunner().invoke(main, verb)
        message = "error: /proc/x: cannot be made (No such file or directory); expected a folder to write to"
        assert (done.exit_code, done.output[: len(message)]) == (2, message)


def test_the_advice_depends_on_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "none" / "a", tmp_path / "file" / "a"):
        with pytest.raises(DataError, match=r"cannot be written \(.*\); make the place writable and run"):
            write_atomic(place, b"1")


def test_a_full_disk_asks_for_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match=r"/a: the disk is full; free some space and run the same command again$"):
        write_atomic(tmp_path / "a", b"1")
    assert list(tmp_path.iterdir()) == []
