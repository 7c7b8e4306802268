"""What `predict` shows while it runs and when it is stopped: segments as they end, SIGTERM, what the model has seen."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from test_predict import NAMES, SIZE, Grey, film

from lavida.parts.fitted_on import UNKNOWN, FittedOn
from lavida_bench.cli import main
from lavida_bench.prediction.bar import GROUND, bar_height, draw_notice
from lavida_bench.prediction.clips import BATCH
from lavida_bench.prediction.predict import predict
from lavida_bench.prediction.prediction import PredictionSettings
from lavida_bench.scoring import lavida_scorer
from lavida_bench.videos.pipe import Pipe
from lavida_bench.videos.stream import Stream

PROGRAM = f"""
import sys
sys.path[:0] = [{str(Path(__file__).parent)!r}]
from lavida.parts.fitted_on import UNKNOWN
from lavida_bench.cli import main
from lavida_bench.scoring import lavida_scorer
from test_predict import Grey
Grey.fitted_on = UNKNOWN
lavida_scorer.locate_model = lavida_scorer.load_scorer = lambda *_: Grey()
main()
"""
NOTE = f"note: {UNKNOWN.notice}"


def start(source: str, out: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, "predict", source, "--names", ",".join(NAMES), "--model", "grey"]
    command += ["-o", str(out), "--every", "1", "--join", "0.5", *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def test_a_pipes_segments_are_printed_as_they_end_and_sigterm_ends_it_whole(tmp_path: Path) -> None:
    """The pipe stays open and silent: neither the lines nor the end wait for more of it."""
    data = film(io.BytesIO(), 160, kind="mpegts").getvalue()
    running = start("-", tmp_path)
    assert running.stdin is not None
    assert running.stdout is not None
    assert running.stderr is not None
    os.write(running.stdin.fileno(), data)
    assert running.stdout.readline() == f"{NOTE}\n"
    assert running.stdout.readline() == "  0:02.0 - 0:03.0   peak 1.00 at 0:02.0   cart\n"
    running.send_signal(signal.SIGTERM)
    assert running.wait(60) == 0, running.stderr.read()
    assert re.fullmatch(rf"-: \d+ frames, \d+ scored, 1 segments -> {tmp_path}\n", running.stdout.read())
    plain = json.loads((tmp_path / "result.json").read_text("utf-8"))
    with (tmp_path / "scores.csv").open(encoding="utf-8") as file:
        assert plain["frames"] == plain["sampled"] == len(list(csv.DictReader(file))) >= 40
    with av.open(str(tmp_path / "overlay.mp4")) as made:
        assert sum(1 for _ in made.decode(video=0)) == plain["frames"]
    assert (plain["stopped"], plain["notice"]) == (True, UNKNOWN.notice)
    assert not [*tmp_path.glob("*partial*")]
    running.stdin.close()


@pytest.mark.slow
def test_a_named_pipe_gives_lines_of_json(tmp_path: Path) -> None:
    data, pipe = film(io.BytesIO(), 160, kind="mpegts").getvalue(), tmp_path / "camera"
    os.mkfifo(pipe)
    running = start(str(pipe), tmp_path / "out", "--json", "--no-overlay")
    assert running.stdout is not None
    assert running.stderr is not None
    with pipe.open("wb") as feed:
        feed.write(data)
        feed.flush()
        first = json.loads(running.stdout.readline())
    assert (first["source"], first["segment"]["start_frame"], first["segment"]["name"]) == (str(pipe), 20, "cart")
    (last,) = map(json.loads, running.communicate(timeout=60)[0].splitlines())
    assert (running.returncode, last["frames"], last["segments"]) == (0, 160, [first["segment"]])
    assert last["notice"] == UNKNOWN.notice


def test_a_pipe_that_sends_nothing_can_be_stopped() -> None:
    read, write = os.pipe()
    with os.fdopen(read, "rb") as silent:
        pipe = Pipe.of(silent)
        assert pipe is not None
        threading.Timer(0.2, pipe.stop).start()
        assert pipe.read(10) == b""
        os.write(write, b"late")
        assert pipe.read(10) == b""
    os.close(write)
    assert Pipe.of(io.BytesIO()) is None
    assert Pipe.of(Path(__file__)) is None


class Terminating(Grey):
    """Is sent SIGTERM while it scores its first batch."""

    fitted_on = UNKNOWN

    def score(self, prepared: Any) -> Any:
        if self.prepared == self.ahead:
            os.kill(os.getpid(), signal.SIGTERM)
        return super().score(prepared)


def test_sigterm_ends_a_file_after_its_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lavida_scorer, "locate_model", lambda *_: None)
    monkeypatch.setattr(lavida_scorer, "load_scorer", lambda *_: Terminating())
    video, out = str(film(tmp_path / "v.mp4")), tmp_path / "out"
    result = CliRunner().invoke(
        main, ["predict", video, "--names", ",".join(NAMES), "--model", "grey", "-o", str(out), "--every", "1"]
    )
    assert result.exit_code == 143, "128 and the number of the signal"
    assert "stopped; finished work is kept" in result.stderr
    plain = json.loads((out / "result.json").read_text("utf-8"))
    assert (plain["stopped"], plain["frames"]) == (True, 8 * BATCH)
    with av.open(str(out / "overlay.mp4")) as made:
        assert sum(1 for _ in made.decode(video=0)) == 8 * BATCH


def test_what_the_model_has_seen_is_in_every_file(tmp_path: Path) -> None:
    class Unknown(Grey):
        fitted_on = UNKNOWN

    video, shown = film(tmp_path / "v.mp4"), {}
    for scorer in (Grey(), Unknown()):
        out = tmp_path / type(scorer).__name__
        made = predict(scorer, Stream(video), NAMES, out, PredictionSettings(every=4))
        plain = json.loads((out / "result.json").read_text("utf-8"))
        with av.open(str(out / "overlay.mp4")) as container:
            heights = {frame.height for frame in container.decode(video=0)}
        picture = np.asarray(Image.open(out / "timeline.png"))[-28:]
        shown[out.name] = (made.notice, plain["notice"], plain.get("fitted_on"), heights, (picture != 255).any())
    bar = SIZE[0] + bar_height(SIZE[0])
    assert shown["Grey"] == ("", "", None, {bar}, False)
    notice, stored, record, heights, drawn = shown["Unknown"]
    assert notice == stored == UNKNOWN.notice
    assert FittedOn.model_validate_json(json.dumps(record)) == UNKNOWN
    assert min(heights) > bar
    assert drawn


@pytest.mark.parametrize(("width", "height"), [(96, 72), (320, 240), (1920, 1080)])
def test_the_sentence_can_be_read_below_pictures_of_any_size(width: int, height: int) -> None:
    below = draw_notice(UNKNOWN.notice, width, bar_height(height))
    assert below.shape[0] % 2 == 0
    inked = (below != GROUND).any(2)
    assert inked.any()
    assert not inked[:, -1].any(), "no word is cut at the edge"


def test_tiny_reports_that_it_knows_drawings_only(tmp_path: Path) -> None:
    words = [
        "predict",
        str(film(tmp_path / "v.mp4", 8)),
        "--names",
        "cart",
        "--model",
        "tiny",
        "-o",
        str(tmp_path / "o"),
    ]
    result = CliRunner().invoke(main, words)
    assert result.stdout.startswith("note: This model knows drawings only: its scores of real footage mean nothing.\n")
    assert json.loads((tmp_path / "o" / "result.json").read_text("utf-8"))["notice"].startswith("This model knows")
    assert "drawings only" in CliRunner().invoke(main, ["predict", "--help"]).output
    start_here = CliRunner().invoke(main, ["--help"]).output.partition("Your own video")
    assert "predict" not in start_here[0]
    assert "drawings only" in start_here[2]
