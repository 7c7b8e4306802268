"""Ctrl-C and SIGTERM: one line and an exit code, also while workers start; nothing half-written stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

STOPPED = "\nstopped; finished work is kept: run the same command again to continue\n"
SETTINGS = (
    "samples=4000", "shard.samples=50", "sources.0.size=[96,128]", "sources.1.size=[96,128]", "sources.1.frames=3",
)  # fmt: skip


def _attend() -> None:
    """Ctrl-C counts: a job in the background of a shell is begun with the signal ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def stopped(
    out: Path, engine: str, number: signal.Signals, group: bool, ready: Callable[[int], bool]
) -> tuple[int, str]:
    """Build with two workers and send a signal once `ready`: the exit code, and what was printed to stderr."""
    words = [sys.executable, "-m", "lavida_gen", "build", "--recipe", "street", "--out", str(out), "--engine", engine]
    words += [word for setting in SETTINGS for word in ("--set", setting)] + ["--workers", "2"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=_attend
    ) as process:
        deadline = time.monotonic() + 120
        while not ready(process.pid):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        (os.killpg if group else os.kill)(process.pid, number)
        text = process.communicate(timeout=120)[1]
        return process.returncode, text


def children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks for child processes in /proc")
@pytest.mark.parametrize(
    ("number", "group", "code"), [(signal.SIGINT, True, 130), (signal.SIGTERM, False, 143)], ids=["ctrl-C", "SIGTERM"]
)
def test_a_signal_while_workers_start_is_one_line(
    tmp_path: Path, number: signal.Signals, group: bool, code: int
) -> None:
    """The second child is the second worker, which has not begun anything."""
    out = tmp_path / "corpus"
    assert stopped(out, "local", number, group, lambda process: len(children(process)) >= 2) == (code, STOPPED)
    assert not list(tmp_path.rglob("*.partial*"))


@pytest.mark.slow
def test_ray_leaves_its_handler_of_sigterm_behind(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    out = tmp_path / "corpus"

    def writing(process: int) -> bool:
        return bool(list(out.rglob("*.partial-*")))

    assert stopped(out, "ray", signal.SIGTERM, False, writing) == (143, STOPPED)
