"""The progress bar of long commands on a terminal."""

from __future__ import annotations

import io
import sys

import pytest

from lavida_gen.commands._shared import progress


class Screen(io.StringIO):
    """A terminal that keeps what is written."""

    def isatty(self) -> bool:
        return True


def screened(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """Standard error as a terminal; no fixture, as pytest sets its own anew for every test's call."""
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.setenv("TERM", "xterm")
    made = Screen()
    monkeypatch.setattr(sys, "stderr", made)
    return made


def test_the_progress_bar_counts_units_and_failed_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = screened(monkeypatch)
    with progress(20, "build street") as advance:
        advance(5)
        assert "failed" not in screen.getvalue()
        advance(15, 3)
    last = screen.getvalue().rpartition("\r")[2]
    for text in ("build street", "20/20", "samples", "3 failed attempts"):
        assert text in last


def test_the_harness_counts_frames_of_an_unknown_number(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = screened(monkeypatch)
    from lavida_bench.commands._shared import progress as frames

    with frames(None, "score toy") as advance:
        advance(7)
    last = screen.getvalue().rpartition("\r")[2]
    assert "7/?" in last
    assert "frames" in last


def test_without_a_terminal_there_is_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(20, "build street") as advance:
        advance(5)
        advance(15, 3)
    assert capsys.readouterr() == ("", "")
