"""The progress bar of long commands on a terminal."""

from __future__ import annotations

import io
import re
import sys
import threading

import pytest

from lavida_gen.commands._shared import progress
from lavida_gen.common.console import echo, terminal_width


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


def test_a_bar_without_a_thread_shows_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = screened(monkeypatch)
    before = threading.active_count()
    with progress(20, "build street", threads=False) as advance:
        advance(5)
        assert threading.active_count() == before
        assert "5/20" in screen.getvalue()
        advance(15, 3)
    assert "20/20" in screen.getvalue().rpartition("\r")[2]


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


def test_colours_are_left_out_where_no_color_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = screened(monkeypatch)
    monkeypatch.delenv("NO_COLOR", raising=False)
    echo("error: bad", err=True, colour="red")
    assert screen.getvalue() == "\x1b[31merror: bad\x1b[0m\n"
    monkeypatch.setenv("NO_COLOR", "1")
    plain = screened(monkeypatch)
    echo("error: bad", err=True, colour="red")
    assert plain.getvalue() == "error: bad\n"
    with progress(20, "build street") as advance:
        advance(5)
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", plain.getvalue()), "no colour in the progress bar either"


def test_tables_know_the_width_of_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert terminal_width() is None, "lines in files are not broken"
    monkeypatch.setenv("COLUMNS", "77")
    assert terminal_width() == 77
    monkeypatch.setenv("COLUMNS", "5")
    assert terminal_width() == 40
    monkeypatch.delenv("COLUMNS")
    monkeypatch.setattr(sys, "stdout", Screen())
    assert isinstance(terminal_width(), int)
